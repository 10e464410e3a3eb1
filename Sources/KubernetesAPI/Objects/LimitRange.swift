// LimitRange: defaults and bounds for what the containers, pods and claims of a namespace may ask for.

/// <https://kubernetes.io/docs/concepts/policy/limit-range/>
public struct LimitRange: KubernetesObject {
    public static var kind: Kind { .limitRange }
    public var metadata: ObjectMeta
    /// `spec.limits`.
    public var limits: [LimitRangeItem]

    public init(metadata: ObjectMeta, limits: [LimitRangeItem] = []) {
        self.metadata = metadata
        self.limits = limits
    }

    public static func erase(_ object: Shared<LimitRange>) -> APIObject { .limitRange(object) }
    public static func cast(_ erased: APIObject) -> Shared<LimitRange>? {
        if case .limitRange(let object) = erased { object } else { nil }
    }
}

/// The bounds of one kind of thing.
public struct LimitRangeItem: Hashable, Sendable {
    public enum LimitType: RawRepresentable, Hashable, Sendable {
        case container, pod, persistentVolumeClaim
        /// A type of somebody else's (`example.com/thing`).
        case other(String)

        public init(rawValue: String) {
            switch rawValue {
            case "Container": self = .container
            case "Pod": self = .pod
            case "PersistentVolumeClaim": self = .persistentVolumeClaim
            default: self = .other(rawValue)
            }
        }

        public var rawValue: String {
            switch self {
            case .container: "Container"
            case .pod: "Pod"
            case .persistentVolumeClaim: "PersistentVolumeClaim"
            case .other(let name): name
            }
        }
    }
    public var type: LimitType
    public var min = ResourceList()
    public var max = ResourceList()
    /// The limit of a container that sets none (`default`).
    public var defaultLimit = ResourceList()
    public var defaultRequest = ResourceList()
    public var maxLimitRequestRatio = ResourceList()

    public init(_ type: LimitType) { self.type = type }

    /// What the API server fills in for containers: limits left out are the maximum, requests left out the limit, else the minimum.
    package mutating func applyDefaults() {
        guard type == .container else { return }
        for (name, quantity) in max where defaultLimit[name] == nil { defaultLimit[name] = quantity }
        for (name, quantity) in defaultLimit where defaultRequest[name] == nil { defaultRequest[name] = quantity }
        for (name, quantity) in min where defaultRequest[name] == nil { defaultRequest[name] = quantity }
    }
}
