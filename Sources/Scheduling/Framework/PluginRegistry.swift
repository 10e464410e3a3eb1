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
            DynamicResourcesPlugin.name: { _, _ in DynamicResourcesPlugin() },
            DefaultPreemptionPlugin.name: { arguments, _ in
                guard case .defaultPreemption(let arguments)? = arguments else {
                    return DefaultPreemptionPlugin(DefaultPreemptionArguments())
                }
                return DefaultPreemptionPlugin(arguments)
            },
            SchedulingGatesPlugin.name: { _, _ in SchedulingGatesPlugin() },
            DefaultBinderPlugin.name: { _, _ in DefaultBinderPlugin() },
            NodeNamePlugin.name: { _, _ in NodeNamePlugin() },
            NodeUnschedulablePlugin.name: { _, _ in NodeUnschedulablePlugin() },
            TaintTolerationPlugin.name: { _, _ in TaintTolerationPlugin() },
            NodePortsPlugin.name: { _, _ in NodePortsPlugin() },
            ImageLocalityPlugin.name: { _, _ in ImageLocalityPlugin() },
            VolumeRestrictionsPlugin.name: { _, _ in VolumeRestrictionsPlugin() },
            NodeVolumeLimitsPlugin.name: { _, _ in NodeVolumeLimitsPlugin() },
            VolumeZonePlugin.name: { _, _ in VolumeZonePlugin() },
            NodeDeclaredFeaturesPlugin.name: { _, _ in NodeDeclaredFeaturesPlugin() },
            VolumeBindingPlugin.name: { arguments, _ in
                guard case .volumeBinding(let arguments)? = arguments else { return VolumeBindingPlugin() }
                return VolumeBindingPlugin(arguments)
            },
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
            PodTopologySpreadPlugin.name: { arguments, nodes in
                guard case .podTopologySpread(let arguments)? = arguments else {
                    return PodTopologySpreadPlugin(PodTopologySpreadArguments(), &nodes)
                }
                return PodTopologySpreadPlugin(arguments, &nodes)
            },
            InterPodAffinityPlugin.name: { arguments, _ in
                guard case .interPodAffinity(let arguments)? = arguments else {
                    return InterPodAffinityPlugin(InterPodAffinityArguments())
                }
                return InterPodAffinityPlugin(arguments)
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

    /// A plugin of the default profile of Kubernetes 1.36: its weight there, and the points it acts at in the real scheduler. A
    /// profile may name it at those points even where its counterpart here has nothing to do.
    private struct KubernetesPlugin: Sendable {
        let name: String
        let weight: Int32
        let points: [ExtensionPoint]
        init(_ name: String, weight: Int32 = 0, _ points: ExtensionPoint...) {
            self.name = name
            self.weight = weight
            self.points = points
        }
    }

    /// In the order of the default profile.
    private static let kubernetesPlugins: [KubernetesPlugin] = [
        KubernetesPlugin("SchedulingGates", .preEnqueue),
        KubernetesPlugin("PrioritySort", .queueSort),
        KubernetesPlugin("NodeUnschedulable", .filter),
        KubernetesPlugin("NodeName", .filter),
        KubernetesPlugin("TaintToleration", weight: 3, .filter, .preScore, .score),
        KubernetesPlugin("NodeAffinity", weight: 2, .preFilter, .filter, .preScore, .score),
        KubernetesPlugin("NodePorts", .preFilter, .filter),
        KubernetesPlugin("NodeResourcesFit", weight: 1, .preFilter, .filter, .preScore, .score),
        KubernetesPlugin("VolumeRestrictions", .preFilter, .filter),
        KubernetesPlugin("NodeVolumeLimits", .preFilter, .filter),
        KubernetesPlugin("VolumeBinding", .preFilter, .filter, .reserve, .preBind, .preScore, .score),
        KubernetesPlugin("VolumeZone", .preFilter, .filter),
        KubernetesPlugin("PodTopologySpread", weight: 2, .preFilter, .filter, .preScore, .score),
        KubernetesPlugin("InterPodAffinity", weight: 2, .preFilter, .filter, .preScore, .score),
        KubernetesPlugin(
            "DynamicResources", weight: 2, .preEnqueue, .preFilter, .filter, .postFilter, .score, .reserve, .preBind),
        KubernetesPlugin("DefaultPreemption", .preEnqueue, .postFilter),
        KubernetesPlugin("NodeResourcesBalancedAllocation", weight: 1, .preScore, .score),
        KubernetesPlugin("ImageLocality", weight: 1, .score),
        KubernetesPlugin("DefaultBinder", .bind),
        KubernetesPlugin("NodeDeclaredFeatures", .preFilter, .filter),
    ]

    /// The default profile of Kubernetes 1.36: every plugin with its weight, in order.
    static let defaultPlugins: [WeightedPlugin] = kubernetesPlugins.map { WeightedPlugin($0.name, weight: $0.weight) }

    /// Whether a plugin of Kubernetes acts at a point in the real scheduler; false for other plugins.
    static func acts(_ name: String, at point: ExtensionPoint) -> Bool {
        kubernetesPlugins.first { $0.name == name }?.points.contains(point) ?? false
    }
}
