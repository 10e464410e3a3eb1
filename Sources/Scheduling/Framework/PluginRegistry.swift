// The one table from plugin name to plugin.

import KubernetesAPI

/// The plugins that profiles may name. To add one of your own, write a type that conforms to the protocols of the extension
/// points it acts at and `register` a factory for it.
public struct PluginRegistry: Sendable {
    /// Makes a plugin from its arguments (nil: none given). It may number resources and labels in the table it will read.
    public typealias Factory = @Sendable (PluginArguments?, inout NodeTable) throws -> any Plugin

    private var factories: [String: Factory]

    /// The plugins of the Kubernetes scheduler that are built.
    public init() {
        factories = [
            PrioritySortPlugin.name: { _, _ in PrioritySortPlugin() },
            SchedulingGatesPlugin.name: { _, _ in SchedulingGatesPlugin() },
            DefaultBinderPlugin.name: { _, _ in DefaultBinderPlugin() },
            NodeNamePlugin.name: { _, _ in NodeNamePlugin() },
            NodeUnschedulablePlugin.name: { _, _ in NodeUnschedulablePlugin() },
            TaintTolerationPlugin.name: { _, _ in TaintTolerationPlugin() },
            NodePortsPlugin.name: { _, _ in NodePortsPlugin() },
            ImageLocalityPlugin.name: { _, _ in ImageLocalityPlugin() },
            NodeAffinityPlugin.name: { arguments, nodes in
                guard case .nodeAffinity(let arguments)? = arguments else {
                    return NodeAffinityPlugin(NodeAffinityArguments(), &nodes)
                }
                return NodeAffinityPlugin(arguments, &nodes)
            },
            NodeResourcesFitPlugin.name: { arguments, nodes in
                guard case .nodeResourcesFit(let arguments)? = arguments else {
                    return NodeResourcesFitPlugin(NodeResourcesFitArguments(), &nodes)
                }
                return NodeResourcesFitPlugin(arguments, &nodes)
            },
            BalancedAllocationPlugin.name: { arguments, nodes in
                guard case .balancedAllocation(let arguments)? = arguments else {
                    return BalancedAllocationPlugin(BalancedAllocationArguments(), &nodes)
                }
                return BalancedAllocationPlugin(arguments, &nodes)
            },
        ]
    }

    /// Adds a plugin under a name of its own, or replaces one.
    public mutating func register(_ name: String, _ factory: @escaping Factory) { factories[name] = factory }

    func factory(of name: String) -> Factory? { factories[name] }

    /// The default profile of Kubernetes 1.36: every plugin with its weight, in order.
    static let defaultPlugins: [WeightedPlugin] = [
        WeightedPlugin("SchedulingGates"), WeightedPlugin("PrioritySort"), WeightedPlugin("NodeUnschedulable"),
        WeightedPlugin("NodeName"), WeightedPlugin("TaintToleration", weight: 3), WeightedPlugin("NodeAffinity", weight: 2),
        WeightedPlugin("NodePorts"), WeightedPlugin("NodeResourcesFit", weight: 1), WeightedPlugin("VolumeRestrictions"),
        WeightedPlugin("NodeVolumeLimits"), WeightedPlugin("VolumeBinding"), WeightedPlugin("VolumeZone"),
        WeightedPlugin("PodTopologySpread", weight: 2), WeightedPlugin("InterPodAffinity", weight: 2),
        WeightedPlugin("DynamicResources", weight: 2), WeightedPlugin("DefaultPreemption"),
        WeightedPlugin("NodeResourcesBalancedAllocation", weight: 1), WeightedPlugin("ImageLocality", weight: 1),
        WeightedPlugin("DefaultBinder"), WeightedPlugin("NodeDeclaredFeatures"),
    ]

    /// Plugins of Kubernetes 1.36 that have no counterpart here yet: profiles may name them, and do without them.
    static let notBuilt: [String] = [
        "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread", "InterPodAffinity",
        "DynamicResources", "DefaultPreemption", "NodeDeclaredFeatures",
    ]
}
