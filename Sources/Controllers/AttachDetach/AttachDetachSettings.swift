// What can be set about attaching and detaching.

import DiscreteEvents

/// The attach-detach controller's flags, and what drivers take.
public struct AttachDetachSettings: Hashable, Sendable {
    /// Whether there is an attach-detach controller: without one kubelets do not wait for it.
    public var isOn = true
    /// What a CSI driver takes to attach a volume. Not Kubernetes': set your own driver's.
    public var attachTime = SimulatedDuration.seconds(2)
    /// What it takes to detach one.
    public var detachTime = SimulatedDuration.seconds(2)
    /// How long a volume that a kubelet does not let go of stays attached to a node that is not ready
    /// (`attach-detach-reconcile-max-wait-unmount-duration`; fixed in the real controller).
    public var maxWaitForUnmount = SimulatedDuration.minutes(6)
    /// `--disable-force-detach-on-timeout`.
    public var disableForceDetachOnTimeout = false

    /// When the drivers fail to attach, or are slow at it.
    public var disturbances: [Disturbance] = []
    /// What their failures are drawn from.
    package var seed: UInt64 = 0

    public init() {}
}
