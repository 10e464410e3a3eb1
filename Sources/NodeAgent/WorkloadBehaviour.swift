// What no manifest says: how the containers of a workload behave once a kubelet runs them.

import DiscreteEvents
import KubernetesAPI

/// How the containers of a pod behave. Times are in seconds; every draw belongs to the pod, the container and the run
/// (see ``BehaviourDraws``), so it is the same under every policy.
public struct WorkloadBehaviour: Hashable, Sendable {
    /// From starting the container (images present, init containers done) to Running.
    public var start: Distribution
    /// From Running until it would answer a probe. Without a readiness probe it is ready then.
    public var ready: Distribution
    /// The same for a container that was restarted; nil: no different.
    public var readyAfterRestart: Distribution?
    /// A service, by name, that must have a ready endpoint before the container says that it is ready.
    public var waitsFor: NamespacedName?
    /// Time from Running until it hangs: it does not exit, answers no probe any more and does not react to SIGTERM; nil: never.
    public var hang: Distribution?
    /// What each init container (but sidecars) takes.
    public var initialise: Distribution
    /// How long a run lasts that ends by itself with `exitCode`; nil: it runs until it is stopped.
    public var run: Distribution?
    public var exitCode: Int32
    /// Time from Running to a crash with exit code 1; nil: it never crashes.
    public var crash: Distribution?
    /// From the request to stop (SIGTERM) to the end; the grace period cuts it.
    public var stop: Distribution
    /// What post-start and pre-stop hooks take that are commands or requests; nil: no time. One that sleeps takes what it says.
    public var postStart: Distribution?
    public var preStop: Distribution?
    /// Whether such hooks fail: the one after its time, the other at once.
    public var postStartFails = false
    public var preStopFails = false
    /// The exit code of containers that stop within their grace period, and of those that are killed at its end.
    public var stopExitCode: Int32
    public var killExitCode: Int32
    /// Its containers wait for ever: an image that cannot be pulled, a volume that cannot be mounted.
    public var neverStarts: Bool
    /// Bytes to pull for each of the pod's images that the node does not have; nil: the node agent's default.
    public var imageBytes: Int64?
    /// Bytes that each container writes into its own layer in one run; nil: none. It stays while a dead container is kept.
    public var layerBytes: Int64?
    /// What the pod's containers use while they run; one entry for each container that uses something.
    public var usage: [ResourceUsage] = []
    /// What the pod's emptyDir volumes hold.
    public var emptyDirs: [VolumeUsage] = []

    public init() {
        start = .constant(.seconds(1))
        ready = .constant(.zero)
        initialise = .constant(.seconds(1))
        exitCode = 0
        stop = .constant(.milliseconds(200))
        stopExitCode = 0
        killExitCode = 137
        neverStarts = false
    }
}

/// The behaviour of pods by label; the first rule that matches a pod counts.
public struct BehaviourRule: Hashable, Sendable {
    /// nil: every namespace.
    public var namespace: String?
    public var selector: LabelSelector
    /// Only pods one of whose containers runs this image; nil: any. Tells the versions of a workload apart.
    public var image: String?
    public var behaviour: WorkloadBehaviour

    public init(namespace: String? = nil, selector: LabelSelector, image: String? = nil, behaviour: WorkloadBehaviour) {
        self.namespace = namespace
        self.selector = selector
        self.image = image
        self.behaviour = behaviour
    }

    public func matches(_ pod: Pod) -> Bool {
        (namespace == nil || namespace == pod.metadata.namespace) && selector.matches(pod.metadata.labels)
            && (image == nil || pod.spec.value.containers.contains { $0.image == image })
    }
}

extension RandomPurpose {
    static let leasePhase = RandomPurpose("lease phase")
    static let leasePeriod = RandomPurpose("lease period")
    static let podSync = RandomPurpose("passes over a pod")
    static let containerStart = RandomPurpose("container start")
    static let containerReady = RandomPurpose("container ready")
    static let containerInit = RandomPurpose("container init")
    static let containerRun = RandomPurpose("container run")
    static let containerCrash = RandomPurpose("container crash")
    static let containerStop = RandomPurpose("container stop")
    static let containerHang = RandomPurpose("container hang")
    static let postStartHook = RandomPurpose("post-start hook")
    static let preStopHook = RandomPurpose("pre-stop hook")
    static let probePhase = RandomPurpose("probe phase")
}
