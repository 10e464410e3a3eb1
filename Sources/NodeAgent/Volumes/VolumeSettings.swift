// The constants of the kubelet's volume manager, and what a CSI driver takes to mount.

import DiscreteEvents

/// Defaults are those of the Kubernetes 1.36 kubelet where it has one.
public struct VolumeSettings: Hashable, Sendable {
    /// Whether pods wait for their volumes and for what their containers take from ConfigMaps and Secrets.
    public var isOn = true
    /// What mounting an attached volume takes. Not Kubernetes': set your own driver's.
    public var mountTime = SimulatedDuration.milliseconds(500)
    /// How long one pass over a pod waits for its volumes (fixed).
    public var timeout = SimulatedDuration.seconds(123)
    /// How often such a pass looks whether they are there (fixed).
    public var pollPeriod = SimulatedDuration.milliseconds(300)
    /// The wait after a failed operation on a volume, doubled each time (fixed) ...
    public var backoffInitial = SimulatedDuration.milliseconds(500)
    /// ... up to this (fixed).
    public var backoffMaximum = SimulatedDuration.seconds(122)

    /// When drivers fail to mount, or are slow at it.
    public var mountDisturbances: [Disturbance] = []

    /// Whether the attach-detach controller attaches volumes (`enableControllerAttachDetach`); otherwise they are taken to be attached.
    package var areAttachedByController = true

    public init() {}
}

extension VolumeSettings {
    /// The waits after 0, 1, 2, ... failures.
    func wait(afterFailures count: Int) -> SimulatedDuration {
        count > 20 ? backoffMaximum : min(backoffMaximum, backoffInitial * Int(1 << count))
    }

    /// The first try at or after `time` of something that was tried at `begin` for the first time and has failed ever since.
    func firstTry(since begin: SimulatedTime, atOrAfter time: SimulatedTime) -> SimulatedTime {
        var (attempt, failures) = (begin, 0)
        while attempt < time {
            attempt += wait(afterFailures: failures)
            failures += 1
        }
        return attempt
    }
}
