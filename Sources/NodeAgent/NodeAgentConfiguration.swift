// The kubelet's constants, and what of a node's world the simulation assumes.

import DiscreteEvents

/// Defaults are those of the Kubernetes 1.36 kubelet where it has one; a scenario may set its own.
public struct NodeAgentConfiguration: Hashable, Sendable {
    /// `nodeLeaseDurationSeconds` / 4: how often a healthy kubelet renews its lease.
    public var leaseRenewal = SimulatedDuration.seconds(10)
    /// Each kubelet's own renewal period is longer by up to this share.
    public var leaseJitter = 0.04
    /// What one node pulls images with, bytes per second. The kubelet pulls one image at a time (`serializeImagePulls`).
    public var pullBytesPerSecond: Double = 100e6
    /// The size of an image nobody gave a size for: small, so that only scenarios that ask for it feel pulls.
    public var defaultImageBytes: Int64 = 0
    /// Crash back-off: first restart at once, then this, doubled each time ...
    public var crashBackoffInitial = SimulatedDuration.seconds(10)
    /// ... up to this (`crashLoopBackOff.maxContainerRestartPeriod`), ...
    public var crashBackoffMaximum = SimulatedDuration.seconds(300)
    /// ... forgotten after a run of this length.
    public var crashBackoffReset = SimulatedDuration.seconds(600)
    /// From a node's registration to Ready=True.
    public var registrationDelay = SimulatedDuration.milliseconds(200)
    /// From the start of a kubelet that was down to its first look at its node's pods: it waits for the first list of its containers.
    public var podSyncDelay = SimulatedDuration.seconds(1)
    /// From the report that a deleted pod's containers are gone to the removal of the pod: the kubelet cleans up after it first.
    public var removalDelay = SimulatedDuration.milliseconds(500)
    /// Whether kubelets record Events (Pulled, Created, Started, Killing, ...).
    public var recordsEvents = true
    /// Whether a kubelet stops the containers of a pod that somebody else declared Succeeded or Failed, as the real one does.
    public var stopsPodsEndedByOthers = true
    /// The prefix of annotations by which pods say how their containers behave (see ``BehaviourAnnotations``), for example
    /// `seatrial.dev/`; nil: annotations mean nothing.
    public var behaviourAnnotations: String?
    /// The shortest time a container gets between SIGTERM and SIGKILL.
    public var minimumGrace = SimulatedDuration.seconds(2)

    /// Node-pressure eviction.
    public var eviction = EvictionSettings()

    public init() {}
}
