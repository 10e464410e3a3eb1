// The arguments of the plugins that take any (`pluginConfig[].args`), with their defaults.

import DiscreteEvents
import KubernetesAPI

/// The arguments of one plugin.
public enum PluginArguments: Hashable, Sendable {
    case nodeResourcesFit(NodeResourcesFitArguments)
    case balancedAllocation(BalancedAllocationArguments)
    case nodeAffinity(NodeAffinityArguments)
    case interPodAffinity(InterPodAffinityArguments)
    case podTopologySpread(PodTopologySpreadArguments)
    case volumeBinding(VolumeBindingArguments)
    case defaultPreemption(DefaultPreemptionArguments)
    case dynamicResources(DynamicResourcesArguments)
    /// Arguments of a plugin that is not one of Kubernetes' or takes none, as compact JSON.
    case other(String)
    /// Arguments with which the plugin cannot be made: what is wrong with them.
    case refused([FieldError])
}

/// `NodeResourcesFitArgs`.
public struct NodeResourcesFitArguments: Hashable, Sendable {
    public struct Resource: Hashable, Sendable {
        public var name: ResourceName
        public var weight: Int64
        public init(_ name: ResourceName, weight: Int64 = 1) {
            self.name = name
            self.weight = weight
        }
    }
    public var ignoredResources: [ResourceName] = []
    public var ignoredResourceGroups: [String] = []
    public var strategy: ScoringStrategy = .leastAllocated
    public var resources: [Resource] = [Resource(.cpu), Resource(.memory)]
    public init() {}
}

/// `NodeResourcesBalancedAllocationArgs`. Weights must be 1, so they are not kept.
public struct BalancedAllocationArguments: Hashable, Sendable {
    public var resources: [ResourceName] = [.cpu, .memory]
    public init() {}
}

/// `NodeAffinityArgs`.
public struct NodeAffinityArguments: Hashable, Sendable {
    /// `addedAffinity.requiredDuringSchedulingIgnoredDuringExecution`.
    public var addedRequiredTerms: NodeSelector?
    public var addedPreferredTerms: [PreferredSchedulingTerm] = []
    public init() {}
}

/// `InterPodAffinityArgs`.
public struct InterPodAffinityArguments: Hashable, Sendable {
    /// Score weight of the required affinity terms of existing pods that match the incoming pod, 0…100.
    public var hardPodAffinityWeight: Int32 = 1
    /// Whether preferred terms of existing pods count only if the incoming pod has preferred terms itself.
    public var ignorePreferredTermsOfExistingPods = false
    public init() {}
}

/// `PodTopologySpreadArgs`.
public struct PodTopologySpreadArguments: Hashable, Sendable {
    public enum Defaulting: String, Hashable, Sendable {
        /// The built-in soft constraints: zone and host name.
        case system = "System"
        /// ``PodTopologySpreadArguments/defaultConstraints``.
        case list = "List"
    }
    /// For pods without constraints of their own; without selectors, which come from the pods' services and owners.
    public var defaultConstraints: [TopologySpreadConstraint] = []
    public var defaultingType = Defaulting.system
    public init() {}
}

/// `VolumeBindingArgs`. (`shape` needs a feature gate that is off by default, so it is refused.)
public struct VolumeBindingArguments: Hashable, Sendable {
    /// How long a pod may wait for its volumes to be bound; 0: not at all.
    public var bindTimeoutSeconds: Int64 = 600
    public init() {}
}

/// `DefaultPreemptionArgs`: how many candidate nodes the search for victims looks for: the larger of both, at most all.
public struct DefaultPreemptionArguments: Hashable, Sendable {
    /// Of all nodes, 0…100.
    public var minCandidateNodesPercentage: Int32 = 10
    public var minCandidateNodesAbsolute: Int32 = 100
    public init() {}
}

/// `DynamicResourcesArgs`.
public struct DynamicResourcesArguments: Hashable, Sendable {
    /// How long Filter may take for one node; 0: as long as it wants.
    public var filterTimeout = SimulatedDuration.seconds(10)
    /// How long devices may take to become ready before binding.
    public var bindingTimeout = SimulatedDuration.seconds(600)
    public init() {}
}
