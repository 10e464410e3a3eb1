// StatefulSet and ReplicationController: workloads whose pods are spread like those of ReplicaSets.

/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>
public struct StatefulSet: KubernetesObject {
    public static var kind: Kind { .statefulSet }
    public var metadata: ObjectMeta
    public var spec: StatefulSetSpec
    public var status: StatefulSetStatus

    public init(metadata: ObjectMeta, spec: StatefulSetSpec, status: StatefulSetStatus = StatefulSetStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<StatefulSet>) -> APIObject { .statefulSet(object) }
    public static func cast(_ erased: APIObject) -> Shared<StatefulSet>? {
        if case .statefulSet(let object) = erased { object } else { nil }
    }
}

public struct StatefulSetSpec: Hashable, Sendable {
    public var replicas: Int32
    public var selector: LabelSelector
    public var template: PodTemplate
    public var serviceName: String
    public var volumeClaimTemplates: [PersistentVolumeClaim]
    public var podManagementPolicy: PodManagementPolicy
    public var updateStrategy: StatefulSetUpdateStrategy
    public var minReadySeconds: Int32
    public var revisionHistoryLimit: Int32
    /// `ordinals.start`: the number of the first replica.
    public var firstOrdinal: Int32
    public var claimRetention: ClaimRetentionPolicy

    public init(replicas: Int32 = 1, selector: LabelSelector, template: PodTemplate) {
        self.replicas = replicas
        self.selector = selector
        self.template = template
        serviceName = ""
        volumeClaimTemplates = []
        podManagementPolicy = .orderedReady
        updateStrategy = .rollingUpdate(partition: 0)
        minReadySeconds = 0
        revisionHistoryLimit = 10
        firstOrdinal = 0
        claimRetention = ClaimRetentionPolicy()
    }
}

/// Whether pods come and go one after another or all at once.
public enum PodManagementPolicy: String, Hashable, Sendable {
    case orderedReady = "OrderedReady"
    case parallel = "Parallel"
}

public enum StatefulSetUpdateStrategy: Hashable, Sendable {
    case onDelete
    /// Pods of ordinals below the partition keep the old revision. (`maxUnavailable` is behind a gate that is off in 1.36.)
    case rollingUpdate(partition: Int32)
}

/// What becomes of the claims made from `volumeClaimTemplates` (KEP-1847).
public struct ClaimRetentionPolicy: Hashable, Sendable {
    public enum Policy: String, Hashable, Sendable {
        case retain = "Retain"
        case delete = "Delete"
    }
    public var whenDeleted = Policy.retain
    public var whenScaled = Policy.retain

    public init() {}
}

public struct StatefulSetStatus: Hashable, Sendable {
    public var replicas: Int32 = 0
    public var readyReplicas: Int32 = 0
    public var currentReplicas: Int32 = 0
    public var updatedReplicas: Int32 = 0
    public var availableReplicas: Int32 = 0
    public var observedGeneration: Int64 = 0
    public var currentRevision = ""
    public var updateRevision = ""
    public var collisionCount: Int32?
    public var conditions: [Condition] = []

    public init() {}
}

/// What ReplicaSets replaced. <https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/>
public struct ReplicationController: KubernetesObject {
    public static var kind: Kind { .replicationController }
    public var metadata: ObjectMeta
    public var replicas: Int32
    /// Left out, it is the template's labels.
    public var selector: Labels
    public var template: PodTemplate
    public var minReadySeconds: Int32 = 0
    public var status: ReplicaSetStatus

    public init(metadata: ObjectMeta, replicas: Int32 = 1, selector: Labels, template: PodTemplate) {
        self.metadata = metadata
        self.replicas = replicas
        self.selector = selector
        self.template = template
        status = ReplicaSetStatus()
    }

    public static func erase(_ object: Shared<ReplicationController>) -> APIObject { .replicationController(object) }
    public static func cast(_ erased: APIObject) -> Shared<ReplicationController>? {
        if case .replicationController(let object) = erased { object } else { nil }
    }
}
