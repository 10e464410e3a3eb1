// ResourceQuota: how much a namespace may use in all.

/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>
public struct ResourceQuota: KubernetesObject {
    public static var kind: Kind { .resourceQuota }
    public var metadata: ObjectMeta
    public var spec: ResourceQuotaSpec
    public var status: ResourceQuotaStatus

    public init(
        metadata: ObjectMeta, spec: ResourceQuotaSpec = ResourceQuotaSpec(), status: ResourceQuotaStatus = ResourceQuotaStatus()
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<ResourceQuota>) -> APIObject { .resourceQuota(object) }
    public static func cast(_ erased: APIObject) -> Shared<ResourceQuota>? {
        if case .resourceQuota(let object) = erased { object } else { nil }
    }
}

public struct ResourceQuotaSpec: Hashable, Sendable {
    /// The bounds, by the name of what is counted: `pods`, `requests.cpu`, `count/deployments.apps`, ...
    public var hard = ResourceList()
    /// All must hold for an object to be counted.
    public var scopes: [ScopeRequirement] = []

    public init() {}
}

public struct ResourceQuotaStatus: Hashable, Sendable {
    public var hard = ResourceList()
    public var used = ResourceList()

    public init() {}
}

/// A condition that objects must meet to be counted by a quota: an entry of `scopes`, or of `scopeSelector.matchExpressions`.
public struct ScopeRequirement: Hashable, Sendable {
    public enum Scope: String, Hashable, Sendable, CaseIterable {
        case terminating = "Terminating"
        case notTerminating = "NotTerminating"
        case bestEffort = "BestEffort"
        case notBestEffort = "NotBestEffort"
        case priorityClass = "PriorityClass"
        case crossNamespacePodAffinity = "CrossNamespacePodAffinity"
        case volumeAttributesClass = "VolumeAttributesClass"
    }
    public enum Operator: String, Hashable, Sendable, CaseIterable {
        case isIn = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
    }
    public var scope: Scope
    public var `operator`: Operator
    public var values: [String]
    /// Whether it stands in `scopes`, which has names only.
    public var isByName: Bool

    public init(_ scope: Scope, _ operator: Operator = .exists, values: [String] = [], isByName: Bool = false) {
        self.scope = scope
        self.operator = `operator`
        self.values = values
        self.isByName = isByName
    }
}
