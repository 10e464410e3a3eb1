// The kubelet's constants, and what of a node's world the simulation assumes.

import DiscreteEvents

/// Defaults are those of the Kubernetes 1.36 kubelet where it has one; a scenario may set its own.
public struct NodeAgentConfiguration: Hashable, Sendable {
    /// `nodeLeaseDurationSeconds` / 4: how often a healthy kubelet renews its lease.
    public var leaseRenewal = SimulatedDuration.seconds(10)
    /// Each kubelet's own renewal period is longer by up to this share.
    public var leaseJitter = 0.04
    /// What one node pulls images with, bytes per second.
    public var pullBytesPerSecond: Double = 100e6
    /// What the image registry serves all nodes with that pull at the same time, bytes per second; 0: as much as they can take.
    public var registryBytesPerSecond = 0.0
    /// Whether a kubelet pulls one image at a time (`serializeImagePulls`).
    public var serializeImagePulls = true
    /// How many it pulls at a time otherwise (`maxParallelImagePulls`); 0: all.
    public var maxParallelImagePulls = 0
    /// What the registry knows of some images, by name as pods have it.
    public var images: [String: ImageRecord] = [:]
    /// The wait after a failed pull, doubled each time ...
    public var pullBackoffInitial = SimulatedDuration.seconds(10)
    /// ... up to this.
    public var pullBackoffMaximum = SimulatedDuration.seconds(300)
    /// How often a kubelet passes over a pod of which nothing has changed (`syncFrequency`), ...
    public var syncFrequency = SimulatedDuration.minutes(1)
    /// ... and how long after a pass that failed it tries again: ...
    public var syncErrorDelay = SimulatedDuration.seconds(10)
    /// ... both times longer by up to this share, drawn anew for each pass.
    public var syncJitter = 0.5
    /// How often the kubelet asks its runtime what there is.
    public var relistPeriod = SimulatedDuration.seconds(1)
    /// When images are removed.
    public var imageCollection = ImageCollectionPolicy()
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
    /// Whether kubelets probe containers; otherwise these are ready, and live, as though they had no probes.
    public var probesContainers = true
    /// Whether kubelets run the containers' lifecycle hooks.
    public var runsHooks = true
    /// How long a node that shuts down waits for its pods (`shutdownGracePeriod`); zero: it does not wait, as is the kubelet's default.
    public var shutdownGracePeriod = SimulatedDuration.zero
    /// The last part of that time, kept for critical pods (`shutdownGracePeriodCriticalPods`).
    public var shutdownGracePeriodCriticalPods = SimulatedDuration.zero
    /// The shortest time a container gets between SIGTERM and SIGKILL.
    public var minimumGrace = SimulatedDuration.seconds(2)

    /// Waiting for volumes, ConfigMaps and Secrets.
    public var volumes = VolumeSettings()
    /// Node-pressure eviction ...
    public var eviction = EvictionSettings()
    /// ... on all nodes but these, by name.
    public var evictionByNode: [String: EvictionSettings] = [:]

    public init() {}
}
