// What the GPU policies look at, as one value: the arithmetic stands in functions of it.

import Scheduling

/// What is free on a node, and what a pod asks for there.
struct NodeFigures {
    /// Thousandths of cores.
    var cpuFree: Int64
    var cpuAsked: Int64
    var gpus: NodeGPUs
    var demand: GPUDemand
}

/// A policy that looks at one node at a time.
protocol GPUScorePlugin: ScorePlugin {
    var account: GPUAccount { get }
    /// - Parameter node: fits the pod.
    func score(_ node: NodeFigures) -> Int64
}

extension GPUScorePlugin {
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        let (ledger, demand) = (account.ledger(cluster), account.demand(of: pod))
        for index in feasible.indices {
            let node = feasible[index]
            scores[index] = score(
                NodeFigures(
                    cpuFree: cluster.nodes.resources[node].freeMilliCPU, cpuAsked: pod.shape.requests.milliCPU, gpus: ledger[node],
                    demand: demand))
        }
    }
}

/// The largest machine of the openb trace, by which amounts become shares, as published; larger ones have shares beyond the whole.
enum LargestNode {
    static let milliCPU = 128_000.0
    static let gpuMilli = 8000.0
}

extension NodeScore {
    /// Stretches the scores that occur to 0...100.
    static func normaliseBetweenExtremes(_ scores: inout [Int64]) {
        guard let lowest = scores.min(), let highest = scores.max(), highest > lowest else {
            for index in scores.indices { scores[index] = 0 }
            return
        }
        // Scores are bytes, too: neither their distance nor a hundred times it need fit into 64 bits.
        let (bottom, range) = (Int128(lowest), Int128(highest) - Int128(lowest))
        for index in scores.indices { scores[index] = Int64((Int128(scores[index]) - bottom) * Int128(maximum) / range) }
    }
}

extension Int64 {
    /// The whole part of a number; of one beyond 64 bits the nearest there is.
    init(saturating value: Double) { self = Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max) }
}
