// Deployment: rolls a ReplicaSet over to the next when its template changes.

/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>
public struct Deployment: KubernetesObject {
    public static var kind: Kind { .deployment }
    public var metadata: ObjectMeta
    public var spec: DeploymentSpec
    public var status: DeploymentStatus

    public init(metadata: ObjectMeta, spec: DeploymentSpec, status: DeploymentStatus = DeploymentStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<Deployment>) -> APIObject { .deployment(object) }
    public static func cast(_ erased: APIObject) -> Shared<Deployment>? {
        if case .deployment(let object) = erased { object } else { nil }
    }
}

public struct DeploymentSpec: Hashable, Sendable {
    public var replicas: Int32
    public var selector: LabelSelector
    public var template: PodTemplate
    public var strategy: DeploymentStrategy
    public var minReadySeconds: Int32
    public var revisionHistoryLimit: Int32
    public var progressDeadlineSeconds: Int32
    public var paused: Bool

    /// The API's defaults for everything but selector and template.
    public init(replicas: Int32 = 1, selector: LabelSelector, template: PodTemplate) {
        self.replicas = replicas
        self.selector = selector
        self.template = template
        strategy = .rollingUpdate(maxSurge: .percent(25), maxUnavailable: .percent(25))
        minReadySeconds = 0
        revisionHistoryLimit = 10
        progressDeadlineSeconds = 600
        paused = false
    }
}

public enum DeploymentStrategy: Hashable, Sendable {
    case recreate
    case rollingUpdate(maxSurge: IntOrPercent, maxUnavailable: IntOrPercent)
}

public struct DeploymentStatus: Hashable, Sendable {
    public var observedGeneration: Int64 = 0
    public var replicas: Int32 = 0
    public var updatedReplicas: Int32 = 0
    public var readyReplicas: Int32 = 0
    public var availableReplicas: Int32 = 0
    public var unavailableReplicas: Int32 = 0
    public var terminatingReplicas: Int32?
    public var collisionCount: Int32?
    public var conditions: [Condition] = []

    public init() {}
}
