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

    public init(replicas: Int32 = 1, selector: LabelSelector, template: PodTemplate) {
        self.replicas = replicas
        self.selector = selector
        self.template = template
        serviceName = ""
        volumeClaimTemplates = []
    }
}

public struct StatefulSetStatus: Hashable, Sendable {
    public var replicas: Int32 = 0
    public var readyReplicas: Int32 = 0
    public var currentReplicas: Int32 = 0
    public var updatedReplicas: Int32 = 0
    public var availableReplicas: Int32 = 0
    public var observedGeneration: Int64 = 0

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
