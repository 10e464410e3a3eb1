// Plugin arguments as the types the plugins work with, from arguments with their defaults.

import DiscreteEvents
import KubernetesAPI

extension PluginArguments {
    /// - Parameter value: valid but for what is only looked at when the plugin is made.
    static func read(_ value: ConfigurationValue, of plugin: String) -> PluginArguments {
        let errors = ArgumentValidation.errors(in: value, of: plugin, at: "", whenConstructing: true)
        guard errors.isEmpty else { return .refused(errors) }
        switch plugin {
        case "DefaultPreemption":
            var result = DefaultPreemptionArguments()
            result.minCandidateNodesPercentage = value.int32("minCandidateNodesPercentage")
            result.minCandidateNodesAbsolute = value.int32("minCandidateNodesAbsolute")
            return .defaultPreemption(result)
        case "DynamicResources":
            var result = DynamicResourcesArguments()
            result.filterTimeout = value.duration("filterTimeout")
            result.bindingTimeout = value.duration("bindingTimeout")
            return .dynamicResources(result)
        case "InterPodAffinity":
            var result = InterPodAffinityArguments()
            result.hardPodAffinityWeight = value.int32("hardPodAffinityWeight")
            result.ignorePreferredTermsOfExistingPods = value.flag("ignorePreferredTermsOfExistingPods")
            return .interPodAffinity(result)
        case "NodeAffinity": return .nodeAffinity(NodeAffinityArguments(value))
        case "NodeResourcesBalancedAllocation":
            var result = BalancedAllocationArguments()
            result.resources = value.list("resources").map { ResourceName($0.text("name")) }
            return .balancedAllocation(result)
        case "NodeResourcesFit": return .nodeResourcesFit(NodeResourcesFitArguments(value))
        case "PodTopologySpread":
            var result = PodTopologySpreadArguments()
            result.defaultingType = PodTopologySpreadArguments.Defaulting(rawValue: value.text("defaultingType")) ?? .system
            result.defaultConstraints = value.list("defaultConstraints").map { TopologySpreadConstraint($0) }
            return .podTopologySpread(result)
        case "VolumeBinding":
            var result = VolumeBindingArguments()
            result.bindTimeoutSeconds = value.integer("bindTimeoutSeconds")
            return .volumeBinding(result)
        default: return .other(value.json)
        }
    }
}

extension ConfigurationValue {
    fileprivate func int32(_ name: String) -> Int32 { Int32(clamping: integer(name)) }
    fileprivate func duration(_ name: String) -> SimulatedDuration { (try? SimulatedDuration(text: text(name))) ?? .zero }
}

extension NodeResourcesFitArguments {
    fileprivate init(_ value: ConfigurationValue) {
        self.init()
        ignoredResources = value.texts("ignoredResources").map { ResourceName($0) }
        ignoredResourceGroups = value.texts("ignoredResourceGroups")
        guard let scoring = value["scoringStrategy"] else { return }
        resources = scoring.list("resources").map { Resource(ResourceName($0.text("name")), weight: $0.integer("weight")) }
        switch scoring.text("type") {
        case "MostAllocated": strategy = .mostAllocated
        case "RequestedToCapacityRatio":
            let shape = scoring["requestedToCapacityRatio"]?.list("shape") ?? []
            strategy = .requestedToCapacityRatio(
                shape.map { ScoringStrategy.ShapePoint(utilization: $0.integer("utilization"), score: $0.integer("score")) })
        default: strategy = .leastAllocated
        }
    }
}

extension NodeAffinityArguments {
    fileprivate init(_ value: ConfigurationValue) {
        self.init()
        guard let affinity = value["addedAffinity"] else { return }
        addedRequiredTerms = affinity["requiredDuringSchedulingIgnoredDuringExecution"].map { selector in
            NodeSelector(terms: selector.list("nodeSelectorTerms").map { NodeSelectorTerm($0) })
        }
        addedPreferredTerms = affinity.list("preferredDuringSchedulingIgnoredDuringExecution").map {
            PreferredSchedulingTerm(weight: $0.int32("weight"), preference: NodeSelectorTerm($0["preference"] ?? .emptyObject))
        }
    }
}

extension NodeSelectorTerm {
    fileprivate init(_ value: ConfigurationValue) {
        self.init(
            matchExpressions: value.list("matchExpressions").map { NodeSelectorRequirement($0) },
            matchFields: value.list("matchFields").map { NodeSelectorRequirement($0) })
    }
}

extension NodeSelectorRequirement {
    fileprivate init(_ value: ConfigurationValue) {
        self.init(
            key: value.text("key"), operator: Operator(rawValue: value.text("operator")) ?? .exists, values: value.texts("values"))
    }
}

extension TopologySpreadConstraint {
    fileprivate init(_ value: ConfigurationValue) {
        self.init(
            maxSkew: value.int32("maxSkew"), topologyKey: value.text("topologyKey"),
            whenUnsatisfiable: Action(rawValue: value.text("whenUnsatisfiable")) ?? .scheduleAnyway, labelSelector: nil)
        if case .integer(let domains)? = value["minDomains"] { minDomains = Int32(clamping: domains) }
        nodeAffinityPolicy = InclusionPolicy(rawValue: value.text("nodeAffinityPolicy")) ?? .honor
        nodeTaintsPolicy = InclusionPolicy(rawValue: value.text("nodeTaintsPolicy")) ?? .ignore
        matchLabelKeys = value.texts("matchLabelKeys")
    }
}
