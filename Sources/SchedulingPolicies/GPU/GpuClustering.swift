// GpuClustering: pods of one kind together.

import Scheduling

/// Prefers nodes on which all pods ask for GPUs as this one does (a share, or that many whole ones), then those where some do, then
/// empty ones; among them the fuller. Pods without GPUs find all nodes equal.
struct GpuClusteringPlugin: GPUScorePlugin {
    static let name = "GpuClustering"
    var name: String { GpuClusteringPlugin.name }
    let account: GPUAccount

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        try PolicyArguments(arguments, of: Self.name).finish()
        account = GPUAccount(&nodes)
    }

    func score(_ node: NodeFigures) -> Int64 {
        guard node.demand.count > 0 else { return 0 }
        // As published, of what the largest machine of the trace has; a larger one goes by its own GPUs, of which no more can be free.
        let whole = max(Int64(LargestNode.gpuMilli), Int64(node.gpus.left.count) * GPUResource.whole)
        let packed = 25 * (whole - node.gpus.total) / whole
        let kinds = node.gpus.kinds
        if kinds.isEmpty { return packed + 25 }
        guard kinds.contains(where: { $0.kind == NodeGPUs.Kind(node.demand) }) else { return packed }
        return packed + (kinds.count == 1 ? 75 : 50)
    }
}
