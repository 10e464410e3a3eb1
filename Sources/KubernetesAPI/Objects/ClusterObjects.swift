// The small cluster-level kinds: Namespace, PriorityClass, Event.

import DiscreteEvents

public struct Namespace: KubernetesObject {
    public static var kind: Kind { .namespace }
    public var metadata: ObjectMeta
    /// `spec.finalizers`; the API server adds `kubernetes`.
    public var finalizers: [String]
    public var isTerminating: Bool
    /// How far the deletion of its content is; empty until it begins.
    public var conditions: [Condition]

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
        finalizers = ["kubernetes"]
        isTerminating = false
        conditions = []
    }

    public static func erase(_ object: Shared<Namespace>) -> APIObject { .namespace(object) }
    public static func cast(_ erased: APIObject) -> Shared<Namespace>? {
        if case .namespace(let object) = erased { object } else { nil }
    }
}

/// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/>
public struct PriorityClass: KubernetesObject {
    public static var kind: Kind { .priorityClass }
    public var metadata: ObjectMeta
    public var value: Int32
    public var globalDefault: Bool
    public var preemptionPolicy: PreemptionPolicy

    public init(metadata: ObjectMeta, value: Int32, globalDefault: Bool = false) {
        self.metadata = metadata
        self.value = value
        self.globalDefault = globalDefault
        preemptionPolicy = .preemptLowerPriority
    }

    public static func erase(_ object: Shared<PriorityClass>) -> APIObject { .priorityClass(object) }
    public static func cast(_ erased: APIObject) -> Shared<PriorityClass>? {
        if case .priorityClass(let object) = erased { object } else { nil }
    }
}

/// A Kubernetes Event: what a component reports about an object, for people to read.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
public struct KubernetesEvent: KubernetesObject {
    public enum Severity: String, Hashable, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }
    public static var kind: Kind { .event }
    /// Metadata of its own. The Events that components report have none but a namespace and a name, which follow from the rest: a
    /// busy cluster has a million of them.
    private var ownMetadata: Shared<ObjectMeta>?
    public var involvedKind: String
    public var involved: NamespacedName
    public var reason: String
    public var message: String
    /// The component that reports, for example `replicaset-controller`.
    public var source: String
    /// What makes the name of a reported Event unique; 0: it has no name yet.
    private var serial: UInt64 = 0
    public var involvedUID: UID
    public var severity: Severity
    public var count: Int32
    /// From the last time it was sent to this one; zero for the first time. An Event that was not heard of for the API server's
    /// `--event-ttl` is gone, and what repeats it makes it anew.
    package var sinceLast = SimulatedDuration.zero

    public var metadata: ObjectMeta {
        get {
            ownMetadata?.value
                ?? ObjectMeta(
                    name: serial == 0 ? "" : involved.name + "." + String(serial, radix: 16),
                    namespace: involved.namespace.isEmpty ? "default" : involved.namespace)
        }
        set { ownMetadata = Shared(newValue) }
    }

    /// Names the Event after the object it is about and a number.
    package mutating func name(by serial: UInt64) {
        self.serial = serial
        if let own = ownMetadata?.value {
            ownMetadata = nil
            let name = metadata.name
            ownMetadata = Shared(own).with { $0.name = name }
        }
    }

    public init(
        about kind: String, _ involved: NamespacedName, uid: UID, reason: String, message: String, severity: Severity = .normal,
        source: String
    ) {
        involvedKind = kind
        self.involved = involved
        involvedUID = uid
        self.reason = reason
        self.message = message
        self.severity = severity
        self.source = source
        count = 1
    }

    public static func erase(_ object: Shared<KubernetesEvent>) -> APIObject { .event(object) }
    public static func cast(_ erased: APIObject) -> Shared<KubernetesEvent>? {
        if case .event(let object) = erased { object } else { nil }
    }
}
