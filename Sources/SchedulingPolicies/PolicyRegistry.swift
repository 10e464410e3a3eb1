// The policies of this module, by the names that configurations call them.

import Scheduling

extension PluginRegistry {
    /// The plugins of the Kubernetes scheduler and all policies of this module.
    public static let withPolicies: PluginRegistry = {
        var registry = PluginRegistry()
        registry.register(GPUSharePlugin.name) { try GPUSharePlugin($0, &$1) }
        registry.register(RandomNodePlugin.name) { arguments, _ in try RandomNodePlugin(arguments) }
        registry.register(DotProdPlugin.name) { try DotProdPlugin($0, &$1) }
        registry.register(GpuClusteringPlugin.name) { try GpuClusteringPlugin($0, &$1) }
        registry.register(GpuPackingPlugin.name) { try GpuPackingPlugin($0, &$1) }
        registry.register(BestFitPlugin.name) { try BestFitPlugin($0, &$1) }
        registry.register(FragmentationPlugin.name) { try FragmentationPlugin($0, &$1) }
        registry.register(NodeRankPlugin.name) { arguments, _ in try NodeRankPlugin(arguments) }
        registry.register(NodeResourcesAllocatablePlugin.name) { try NodeResourcesAllocatablePlugin($0, &$1) }
        registry.register(TargetLoadPackingPlugin.name) { try TargetLoadPackingPlugin($0, &$1) }
        registry.register(LoadVariationRiskBalancingPlugin.name) { try LoadVariationRiskBalancingPlugin($0, &$1) }
        registry.register(CoschedulingPlugin.name) { try CoschedulingPlugin($0, &$1) }
        return registry
    }()
}
