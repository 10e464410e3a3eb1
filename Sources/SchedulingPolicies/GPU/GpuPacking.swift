// GpuPacking: GPUs in use first, then free GPUs of nodes in use, then untouched nodes.

import Scheduling

/// Prefers what is in use already, in three steps: a GPU that others share (best where the least is left on the node), wholly free
/// GPUs of a node in use (the fewer are needed the better), a node nobody uses (the smaller the better). Pods without GPUs find all
/// nodes equal.
struct GpuPackingPlugin: GPUScorePlugin {
    static let name = "GpuPacking"
    var name: String { GpuPackingPlugin.name }
    let account: GPUAccount

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        try PolicyArguments(arguments, of: Self.name).finish()
        account = GPUAccount(&nodes)
    }

    /// What the steps begin with.
    private static let (untouchedNode, freeGPU): (Int64, Int64) = (33, 50)

    func score(_ node: NodeFigures) -> Int64 {
        guard node.demand.count > 0, let devices = node.gpus.choice(for: node.demand) else { return 0 }
        let (left, free) = (node.gpus.left, Int64(node.gpus.freeCount))
        // As published; a machine of more GPUs than the trace has any stays below a node in use.
        if free == left.count { return min(max(GpuPackingPlugin.untouchedNode - free, free), GpuPackingPlugin.untouchedNode) }
        let taken = Int64(devices.count { left[$0] == GPUResource.whole })
        if taken > 0 { return max(GpuPackingPlugin.freeGPU - taken, GpuPackingPlugin.untouchedNode) }
        let shares = left.reduce(0) { $0 + $1 * 100 / GPUResource.whole }
        return max(NodeScore.maximum - shares / 10, GpuPackingPlugin.freeGPU)
    }
}
