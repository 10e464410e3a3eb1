// BestFit: the node on which the pod leaves the least.

import Scheduling

/// The less of cores and GPUs would be left, the better: each as a share of what the largest machine has, with equal weight.
struct BestFitPlugin: GPUScorePlugin {
    static let name = "BestFit"
    var name: String { BestFitPlugin.name }
    let account: GPUAccount

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        try PolicyArguments(arguments, of: Self.name).finish()
        account = GPUAccount(&nodes)
    }

    func score(_ node: NodeFigures) -> Int64 {
        let cpu = Double(node.cpuFree - node.cpuAsked) / LargestNode.milliCPU
        let gpu = Double(node.gpus.total - node.demand.total) / LargestNode.gpuMilli
        return Int64(saturating: 100 * (1 - 0.5 * cpu - 0.5 * gpu))
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) { NodeScore.normaliseBetweenExtremes(&scores) }
}
