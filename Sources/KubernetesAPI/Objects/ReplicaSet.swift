// ReplicaSet: keeps a number of equal pods alive.

/// <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>
public struct ReplicaSet: KubernetesObject {
    public static var kind: Kind { .replicaSet }
    public var metadata: ObjectMeta
    public var spec: ReplicaSetSpec
    public var status: ReplicaSetStatus

    public init(metadata: ObjectMeta, spec: ReplicaSetSpec, status: ReplicaSetStatus = ReplicaSetStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<ReplicaSet>) -> APIObject { .replicaSet(object) }
    public static func cast(_ erased: APIObject) -> Shared<ReplicaSet>? {
        if case .replicaSet(let object) = erased { object } else { nil }
    }
}

public struct ReplicaSetSpec: Hashable, Sendable {
    public var replicas: Int32
    public var minReadySeconds: Int32
    public var selector: LabelSelector
    public var template: PodTemplate

    public init(replicas: Int32 = 1, minReadySeconds: Int32 = 0, selector: LabelSelector, template: PodTemplate) {
        self.replicas = replicas
        self.minReadySeconds = minReadySeconds
        self.selector = selector
        self.template = template
    }
}

public struct ReplicaSetStatus: Hashable, Sendable {
    public var replicas: Int32 = 0
    public var fullyLabeledReplicas: Int32 = 0
    public var readyReplicas: Int32 = 0
    public var availableReplicas: Int32 = 0
    /// nil: not reported.
    public var terminatingReplicas: Int32?
    public var observedGeneration: Int64 = 0
    public var conditions: [Condition] = []

    public init() {}
}
