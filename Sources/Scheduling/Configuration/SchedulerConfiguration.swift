// KubeSchedulerConfiguration: how the scheduler is set up. <https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/>

import KubernetesAPI

/// The part of a KubeSchedulerConfiguration that influences scheduling, with the real defaults.
public struct SchedulerConfiguration: Hashable, Sendable {
    public var profiles: [ProfileConfiguration]
    /// How many percent of the nodes are looked at; 0 adapts to the size of the cluster. A profile may say otherwise.
    public var percentageOfNodesToScore: Int32
    public var podInitialBackoffSeconds: Int64
    public var podMaxBackoffSeconds: Int64
    /// `clientConnection`; nil where the file says nothing.
    public var clientQueriesPerSecond: Double?
    public var clientBurst: Int32?
    /// Whether HTTP extenders are configured: the file is accepted, but they cannot be called.
    public var hasExtenders: Bool

    public init() {
        profiles = [ProfileConfiguration()]
        percentageOfNodesToScore = 0
        podInitialBackoffSeconds = 1
        podMaxBackoffSeconds = 10
        hasExtenders = false
    }
}

/// One profile: pods choose it by `spec.schedulerName`.
public struct ProfileConfiguration: Hashable, Sendable {
    public var schedulerName: String
    public var percentageOfNodesToScore: Int32?
    /// What the profile changes in the default set of plugins, in the order of the extension points.
    public var plugins: [ExtensionPointConfiguration]
    public var arguments: [PluginConfiguration]

    public init(schedulerName: String = PodSpec.defaultScheduler) {
        self.schedulerName = schedulerName
        plugins = []
        arguments = []
    }

    func changes(at point: ExtensionPoint) -> ExtensionPointConfiguration {
        plugins.first { $0.point == point } ?? ExtensionPointConfiguration(point)
    }
}

/// The places where plugins act; `multiPoint` stands for all of them.
public enum ExtensionPoint: String, Hashable, Sendable, CaseIterable {
    case multiPoint, preEnqueue, queueSort, preFilter, filter, postFilter, preScore, score, reserve, permit, preBind, bind, postBind

    /// As the real scheduler's messages call plugins of the point.
    var pluginTypeName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() + "Plugin" }
}

/// `plugins.<point>` of a profile.
public struct ExtensionPointConfiguration: Hashable, Sendable {
    public var point: ExtensionPoint
    public var enabled: [WeightedPlugin]
    /// Names; `*` stands for all.
    public var disabled: [String]

    public init(_ point: ExtensionPoint, enabled: [WeightedPlugin] = [], disabled: [String] = []) {
        self.point = point
        self.enabled = enabled
        self.disabled = disabled
    }
}

public struct WeightedPlugin: Hashable, Sendable {
    public var name: String
    /// For Score; 0 stands for 1.
    public var weight: Int32
    public init(_ name: String, weight: Int32 = 0) {
        self.name = name
        self.weight = weight
    }
}

/// An entry of `pluginConfig`.
public struct PluginConfiguration: Hashable, Sendable {
    public var name: String
    public var arguments: PluginArguments
    public init(name: String, arguments: PluginArguments) {
        self.name = name
        self.arguments = arguments
    }
}

/// The arguments of the plugins that take any.
public enum PluginArguments: Hashable, Sendable {
    case nodeResourcesFit(NodeResourcesFitArguments)
    case balancedAllocation(BalancedAllocationArguments)
    case nodeAffinity(NodeAffinityArguments)
    /// Arguments of a plugin that takes none here, as the names of their fields.
    case unused([String])
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

/// Why no scheduler can be made from a configuration that reads well: the real scheduler's words.
public struct SchedulerConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A step from the configuration to the field that is wrong.
    public enum Step: Hashable, Sendable {
        case field(String)
        case element(Int)
    }
    public var description: String
    /// The way to the field, as far as it is known; empty: the configuration as a whole.
    public internal(set) var path: [Step]
    init(_ description: String, at path: [Step] = []) {
        self.description = description
        self.path = path
    }
}

extension SchedulerConfiguration {
    /// Why no scheduler can be made from the configuration with the plugins of `registry`: the first mistake of each profile, and
    /// those of the whole. Empty if one can.
    public func validate(registry: PluginRegistry = PluginRegistry()) -> [SchedulerConfigurationError] {
        var problems: [SchedulerConfigurationError] = []
        if hasExtenders {
            problems.append(
                SchedulerConfigurationError(
                    "HTTP extenders cannot be called from a simulation; remove them", at: [.field("extenders")]))
        }
        var nodes = NodeTable()
        for (index, profile) in profiles.enumerated() {
            do {
                _ = try SchedulingProfile(profile, registry: registry, nodes: &nodes)
            } catch {
                var problem = error as? SchedulerConfigurationError ?? SchedulerConfigurationError("\(error)")
                problem.path = [.field("profiles"), .element(index)] + problem.path
                problems.append(problem)
            }
        }
        return problems
    }
}
