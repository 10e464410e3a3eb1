// DaemonSet: one pod on every node that qualifies. ControllerRevision: what its template, or a StatefulSet's, was before.

/// <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>
public struct DaemonSet: KubernetesObject {
    public static var kind: Kind { .daemonSet }
    public var metadata: ObjectMeta
    public var spec: DaemonSetSpec
    public var status: DaemonSetStatus

    public init(metadata: ObjectMeta, spec: DaemonSetSpec, status: DaemonSetStatus = DaemonSetStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<DaemonSet>) -> APIObject { .daemonSet(object) }
    public static func cast(_ erased: APIObject) -> Shared<DaemonSet>? {
        if case .daemonSet(let object) = erased { object } else { nil }
    }
}

public struct DaemonSetSpec: Hashable, Sendable {
    public var selector: LabelSelector
    public var template: PodTemplate
    public var updateStrategy: DaemonSetUpdateStrategy
    public var minReadySeconds: Int32
    public var revisionHistoryLimit: Int32

    public init(selector: LabelSelector, template: PodTemplate) {
        self.selector = selector
        self.template = template
        updateStrategy = .rollingUpdate(maxSurge: .int(0), maxUnavailable: .int(1))
        minReadySeconds = 0
        revisionHistoryLimit = 10
    }
}

public enum DaemonSetUpdateStrategy: Hashable, Sendable {
    case onDelete
    case rollingUpdate(maxSurge: IntOrPercent, maxUnavailable: IntOrPercent)
}

public struct DaemonSetStatus: Hashable, Sendable {
    public var currentNumberScheduled: Int32 = 0
    public var numberMisscheduled: Int32 = 0
    public var desiredNumberScheduled: Int32 = 0
    public var numberReady: Int32 = 0
    public var observedGeneration: Int64 = 0
    public var updatedNumberScheduled: Int32 = 0
    public var numberAvailable: Int32 = 0
    public var numberUnavailable: Int32 = 0
    public var collisionCount: Int32?
    public var conditions: [Condition] = []

    public init() {}
}

/// A version of the template of a StatefulSet or DaemonSet, kept so that its pods can be told by it and it can be returned to.
public struct ControllerRevision: KubernetesObject {
    public static var kind: Kind { .controllerRevision }
    public var metadata: ObjectMeta
    public var revision: Int64
    /// `data`: the template as it was. nil for one that was read from a dump whose data could not be understood.
    public var template: PodTemplate?

    public init(metadata: ObjectMeta, revision: Int64, template: PodTemplate?) {
        self.metadata = metadata
        self.revision = revision
        self.template = template
    }

    public static func erase(_ object: Shared<ControllerRevision>) -> APIObject { .controllerRevision(object) }
    public static func cast(_ erased: APIObject) -> Shared<ControllerRevision>? {
        if case .controllerRevision(let object) = erased { object } else { nil }
    }
}
