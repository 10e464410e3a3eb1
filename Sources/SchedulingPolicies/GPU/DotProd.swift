// DotProd: the node whose free amounts point another way than the pod's request.

import Scheduling

/// The smaller the inner product of what is free and what the pod asks for (each as a share of what the largest machine has), the
/// better.
struct DotProdPlugin: GPUScorePlugin {
    static let name = "DotProd"
    var name: String { DotProdPlugin.name }
    let account: GPUAccount

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        try PolicyArguments(arguments, of: Self.name).finish()
        account = GPUAccount(&nodes)
    }

    func score(_ node: NodeFigures) -> Int64 {
        let cpu = Double(node.cpuFree) / LargestNode.milliCPU * (Double(node.cpuAsked) / LargestNode.milliCPU)
        let gpu = Double(node.gpus.total) / LargestNode.gpuMilli * (Double(node.demand.total) / LargestNode.gpuMilli)
        return Int64(saturating: 100 * (1 - (cpu + gpu) / 2))
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) { NodeScore.normaliseBetweenExtremes(&scores) }
}
