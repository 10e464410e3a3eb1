// Pod: the unit of scheduling, and the template controllers make pods from.

import DiscreteEvents

/// A pod. Its spec is immutable and shared with all pods of the same template; what binding adds (`nodeName`) stands beside it.
/// <https://kubernetes.io/docs/concepts/workloads/pods/>
public struct Pod: KubernetesObject {
    public static var kind: Kind { .pod }
    public var metadata: ObjectMeta
    public var spec: Shared<PodSpec>
    /// `spec.nodeName`: nil until the pod is bound.
    public var nodeName: String?
    public var status: PodStatus

    public init(metadata: ObjectMeta, spec: Shared<PodSpec>, nodeName: String? = nil, status: PodStatus = PodStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.nodeName = nodeName
        self.status = status
    }

    /// True in phase Succeeded or Failed: no container will run again.
    public var isTerminal: Bool { status.phase == .succeeded || status.phase == .failed }

    /// What workload controllers count: not terminal and not being deleted.
    public var isActive: Bool { !isTerminal && !metadata.isTerminating }

    public var isReady: Bool { status.readySince != nil }

    /// Ready for at least `minReadySeconds` at time `now`.
    public func isAvailable(minReadySeconds: Int32, at now: SimulatedTime) -> Bool {
        guard let since = status.readySince else { return false }
        return minReadySeconds == 0 || since + .seconds(Int(minReadySeconds)) <= now
    }

    public static func erase(_ object: Shared<Pod>) -> APIObject { .pod(object) }
    public static func cast(_ erased: APIObject) -> Shared<Pod>? { if case .pod(let object) = erased { object } else { nil } }
}

/// The `template` of a workload: labels, annotations and spec of the pods it makes.
public struct PodTemplate: Hashable, Sendable {
    public var labels: Labels
    public var annotations: Labels
    public var finalizers: [String]
    public var spec: Shared<PodSpec>

    public init(labels: Labels = Labels(), annotations: Labels = Labels(), finalizers: [String] = [], spec: Shared<PodSpec>) {
        self.labels = labels
        self.annotations = annotations
        self.finalizers = finalizers
        self.spec = spec
    }
}

public enum PodPhase: String, Hashable, Sendable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"
    case unknown = "Unknown"
}

/// How the kubelet ranks a pod when resources run short.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>
public enum QualityOfService: String, Hashable, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"
}

/// `status` of a pod: written by the kubelet, but for scheduling conditions (scheduler) and disruption (controllers).
public struct PodStatus: Hashable, Sendable {
    public var phase: PodPhase
    public var qosClass: QualityOfService?
    public var conditions: [Condition] { didSet { noteReadiness() } }
    /// When the condition Ready turned True; nil while it is not. Derived from `conditions`, kept because controllers ask for it
    /// far more often than it changes.
    public private(set) var readySince: SimulatedTime?
    public var reason: String
    public var message: String
    /// The node preemption made room on for this pod.
    public var nominatedNodeName: String?
    public var podIP: String
    public var startTime: SimulatedTime?
    public var initContainerStatuses: [ContainerStatus]
    public var containerStatuses: [ContainerStatus]

    public init(phase: PodPhase = .pending) {
        self.phase = phase
        conditions = []
        reason = ""
        message = ""
        podIP = ""
        initContainerStatuses = []
        containerStatuses = []
    }

    private mutating func noteReadiness() {
        readySince = conditions.index(of: .ready).flatMap { conditions[$0].status == .true ? conditions[$0].lastTransitionTime : nil }
    }

    public var restarts: Int { containerStatuses.reduce(0) { $0 + Int($1.restartCount) } }
}

public struct ContainerStatus: Hashable, Sendable {
    public var name: String
    public var state: ContainerState
    /// How the previous run ended, if there was one.
    public var lastTermination: ContainerTermination?
    public var ready: Bool
    public var restartCount: Int32

    public init(
        name: String, state: ContainerState, lastTermination: ContainerTermination? = nil, ready: Bool = false, restartCount: Int32 = 0
    ) {
        self.name = name
        self.state = state
        self.lastTermination = lastTermination
        self.ready = ready
        self.restartCount = restartCount
    }
}

public enum ContainerState: Hashable, Sendable {
    case waiting(reason: String)
    case running(startedAt: SimulatedTime)
    case terminated(ContainerTermination)
}

public struct ContainerTermination: Hashable, Sendable {
    public var exitCode: Int32
    /// `Completed`, `Error`, `OOMKilled`, ...
    public var reason: String
    public var startedAt: SimulatedTime
    public var finishedAt: SimulatedTime

    public init(exitCode: Int32, reason: String, startedAt: SimulatedTime, finishedAt: SimulatedTime) {
        self.exitCode = exitCode
        self.reason = reason
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// What controllers ask of thousands of pods at a time, answered without copying the pod out of its box.
extension Shared where Value == Pod {
    public var isTerminal: Bool { value.status.phase == .succeeded || value.status.phase == .failed }
    public var isTerminating: Bool { value.metadata.deletionTimestamp != nil }
    public var isActive: Bool { !isTerminal && !isTerminating }
    public var isReady: Bool { value.status.readySince != nil }
    public func isAvailable(minReadySeconds: Int32, at now: SimulatedTime) -> Bool {
        guard let since = value.status.readySince else { return false }
        return minReadySeconds == 0 || since + .seconds(Int(minReadySeconds)) <= now
    }
}
