// Where a pod wants to be: node affinity, affinity to other pods, spreading over topology.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/>

/// `spec.affinity`. All parts optional; an absent `requiredNodeTerms` places no demand, an empty one matches no node.
public struct Affinity: Hashable, Sendable {
    /// `nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`.
    public var requiredNodeTerms: NodeSelector?
    public var preferredNodeTerms: [PreferredSchedulingTerm]
    public var requiredPodAffinity: [PodAffinityTerm]
    public var preferredPodAffinity: [WeightedPodAffinityTerm]
    public var requiredPodAntiAffinity: [PodAffinityTerm]
    public var preferredPodAntiAffinity: [WeightedPodAffinityTerm]

    public init() {
        preferredNodeTerms = []
        requiredPodAffinity = []
        preferredPodAffinity = []
        requiredPodAntiAffinity = []
        preferredPodAntiAffinity = []
    }
}

/// Terms are ORed.
public struct NodeSelector: Hashable, Sendable {
    public var terms: [NodeSelectorTerm]
    public init(terms: [NodeSelectorTerm] = []) { self.terms = terms }
}

/// Requirements inside a term are ANDed; a term without any matches nothing.
public struct NodeSelectorTerm: Hashable, Sendable {
    public var matchExpressions: [NodeSelectorRequirement]
    /// Only the field `metadata.name` exists.
    public var matchFields: [NodeSelectorRequirement]
    public init(matchExpressions: [NodeSelectorRequirement] = [], matchFields: [NodeSelectorRequirement] = []) {
        self.matchExpressions = matchExpressions
        self.matchFields = matchFields
    }
}

public struct NodeSelectorRequirement: Hashable, Sendable {
    public enum Operator: String, Hashable, Sendable {
        case `in` = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
        case greaterThan = "Gt"
        case lessThan = "Lt"
    }
    public var key: String
    public var `operator`: Operator
    public var values: [String]
    public init(key: String, operator: Operator, values: [String] = []) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }
}

public struct PreferredSchedulingTerm: Hashable, Sendable {
    public var weight: Int32
    public var preference: NodeSelectorTerm
    public init(weight: Int32, preference: NodeSelectorTerm) {
        self.weight = weight
        self.preference = preference
    }
}

public struct PodAffinityTerm: Hashable, Sendable {
    /// nil matches no pod, an empty selector all.
    public var labelSelector: LabelSelector?
    public var namespaces: [String]
    /// nil: only `namespaces` (or the pod's own) count; empty: all namespaces.
    public var namespaceSelector: LabelSelector?
    public var topologyKey: String
    public var matchLabelKeys: [String]
    public var mismatchLabelKeys: [String]
    public init(
        labelSelector: LabelSelector?, namespaces: [String] = [], namespaceSelector: LabelSelector? = nil, topologyKey: String,
        matchLabelKeys: [String] = [], mismatchLabelKeys: [String] = []
    ) {
        self.labelSelector = labelSelector
        self.namespaces = namespaces
        self.namespaceSelector = namespaceSelector
        self.topologyKey = topologyKey
        self.matchLabelKeys = matchLabelKeys
        self.mismatchLabelKeys = mismatchLabelKeys
    }
}

public struct WeightedPodAffinityTerm: Hashable, Sendable {
    public var weight: Int32
    public var term: PodAffinityTerm
    public init(weight: Int32, term: PodAffinityTerm) {
        self.weight = weight
        self.term = term
    }
}

/// <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>
public struct TopologySpreadConstraint: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable {
        case doNotSchedule = "DoNotSchedule"
        case scheduleAnyway = "ScheduleAnyway"
    }
    public enum InclusionPolicy: String, Hashable, Sendable {
        case honor = "Honor"
        case ignore = "Ignore"
    }
    public var maxSkew: Int32
    public var topologyKey: String
    public var whenUnsatisfiable: Action
    public var labelSelector: LabelSelector?
    public var minDomains: Int32?
    public var nodeAffinityPolicy: InclusionPolicy
    public var nodeTaintsPolicy: InclusionPolicy
    public var matchLabelKeys: [String]
    public init(maxSkew: Int32, topologyKey: String, whenUnsatisfiable: Action, labelSelector: LabelSelector?) {
        self.maxSkew = maxSkew
        self.topologyKey = topologyKey
        self.whenUnsatisfiable = whenUnsatisfiable
        self.labelSelector = labelSelector
        nodeAffinityPolicy = .honor
        nodeTaintsPolicy = .ignore
        matchLabelKeys = []
    }
}
