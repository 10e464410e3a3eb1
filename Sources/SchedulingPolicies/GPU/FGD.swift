// FGD: the node and the GPU where the pod makes fragmentation grow the least.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Fragmentation gradient descent (USENIX ATC 2023): each pod goes where the expected amount of GPU that is free but of no use to the
/// workload (``Fragmentation``) grows the least, or shrinks the most; a share goes to that GPU of the node with which it does.
///
/// It must know the workload: `typicalPods`, each `{cpuMilli, gpuMilli, gpuCount, pods}`; `allPods` is how many pods the list was made
/// from (`seatrial import openb` writes both). List it after ``GPUSharePlugin``, whose choice of GPUs it replaces.
struct FragmentationPlugin: GPUScorePlugin, ReservePlugin {
    static let name = "FGD"
    var name: String { FragmentationPlugin.name }
    let account: GPUAccount
    private let fragmentation: Fragmentation

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        var pods: [TypicalPod] = []
        for var entry in try fields.objects("typicalPods") {
            let cpu = try entry.integer("cpuMilli", in: 0...(.max)) ?? 0
            let count = try entry.integer("gpuCount", in: 0...1024) ?? 0
            let milli = try entry.integer("gpuMilli", in: 0...GPUResource.whole) ?? 0
            guard let number = try entry.integer("pods", in: 1...1_000_000_000) else { throw entry.missing("pods", "how many there are") }
            try entry.finish()
            pods.append(TypicalPod(cpuMilli: cpu, demand: count == 0 ? .none : GPUDemand(count: Int(count), milli: milli), pods: number))
        }
        let all = try fields.integer("allPods", in: 1...(.max))
        if pods.isEmpty { throw fields.missing("typicalPods", "the kinds of pods that there will be, and how many of each") }
        try fields.finish()
        fragmentation = Fragmentation(pods, of: all)
        account = GPUAccount(&nodes)
    }

    /// The score of a node, and the GPU of a share.
    private func best(_ node: NodeFigures) -> (score: Int64, devices: [Int]) {
        let (gpus, demand) = (node.gpus, node.demand)
        let before = fragmentation.amount(cpuFree: node.cpuFree, left: gpus.left)
        func score(_ left: [Int64]) -> Int64 {
            let after = fragmentation.amount(cpuFree: node.cpuFree - node.cpuAsked, left: left)
            return Int64(100 * (1 / (1 + exponentialFunction(-(before - after) / 1000))))
        }
        guard demand.isShare else {
            let devices = gpus.choice(for: demand) ?? []
            var left = gpus.left
            for device in devices { left[device] -= demand.milli }
            return (score(left), devices)
        }
        var best: (score: Int64, devices: [Int]) = (-1, [])
        for device in gpus.left.indices where gpus.left[device] >= demand.milli {
            // GPUs with equally much left are equally good: the first of them stands for all.
            if gpus.left[..<device].contains(gpus.left[device]) { continue }
            let score = score(gpus.left(without: demand.milli, of: device))
            if score > best.score { best = (score, [device]) }
        }
        return best
    }

    func score(_ node: NodeFigures) -> Int64 { max(0, best(node).score) }

    func reserve(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> ReserveOutcome {
        let demand = account.demand(of: pod)
        guard demand.count > 0 else { return .proceed() }
        let gpus = account.ledger(cluster)[node]
        guard gpus.fits(demand) else { return .error("the GPUs found for the pod are taken") }
        // The pod is counted on the node by now, but for its GPUs.
        let asked = pod.shape.requests.milliCPU
        let free = cluster.nodes.resources[node].freeMilliCPU + asked
        let devices = best(NodeFigures(cpuFree: free, cpuAsked: asked, gpus: gpus, demand: demand)).devices
        return .proceed(annotations: GPULedger.annotations(devices))
    }
}
