// TargetLoadPacking: nodes are filled up to a target of cpu that is really used, and no further.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Scores rise with the cpu that a node is expected to use, from the target's percentage at none to 100 at the target; beyond the target
/// they fall from there to 0 at a full node. Of the scheduler-plugins project,
/// <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/trimaran/targetloadpacking>.
///
/// Expected is what was measured, what the pod is going to use, and what those will that are bound to the node and were not measured yet:
/// bound after the report, or within a minute before it. Pods use what their containers' cpu limits say; without one, so many times their
/// request (`defaultRequestsMultiplier`, 1.5); without either `defaultRequests` (1 core). A node of which nothing is known scores 0.
///
/// When a pod was bound, its `PodScheduled` condition says (the real plugin notes when it hears of it).
struct TargetLoadPackingPlugin: ScorePlugin {
    static let name = "TargetLoadPacking"
    var name: String { TargetLoadPackingPlugin.name }

    /// In seconds: so long it takes, as a rule, until a pod's usage is seen.
    private static let reportingInterval = 60.0

    private let source: LoadSource
    /// Percent of a node's cpu.
    private let target: Double
    private let defaultMilliCPU: Int64
    private let multiplier: Double

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        source = try LoadSource(&fields, &nodes)
        target = Double(try fields.integer("targetUtilization", in: 1...100) ?? 40)
        if let requests = try fields.resources("defaultRequests") {
            defaultMilliCPU = requests[.cpu]?.milliValue ?? 0
        } else {
            defaultMilliCPU = 1000
        }
        multiplier = try fields.number("defaultRequestsMultiplier", in: 0...1000) ?? 1.5
        try fields.finish()
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        guard let ledger = cluster.nodes.ledger(LoadLedger.self), let time = ledger.time else { return }
        let own = predictedMilliCPU(pod.pod.value.spec.value)
        for index in feasible.indices {
            let slot = feasible[index]
            guard let load = source.load(on: slot, ledger), let node = cluster.nodes.objects[slot]?.value else { continue }
            let capacity = node.capacityMilliCPU
            let used = load.cpu.mean * capacity + (own + unmeasuredMilliCPU(on: slot, since: time, cluster))
            scores[index] = TargetLoadPackingPlugin.score(capacity > 0 ? 100 * used / capacity : 0, target: target)
        }
    }

    /// The score of a node that is expected to use so many percent of its cpu.
    private static func score(_ expected: Double, target: Double) -> Int64 {
        if expected > 100 { return 0 }
        if expected > target { return Int64((target * (100 - expected) / (100 - target)).rounded()) }
        return Int64(((100 - target) * expected / target + target).rounded())
    }

    /// What pods that are bound to a node will use, as far as a report of that time cannot tell.
    private func unmeasuredMilliCPU(on node: NodeSlot, since report: SimulatedTime, _ cluster: ClusterSnapshot) -> Double {
        var sum = 0.0
        for number in cluster.nodes.pods[node] {
            guard let placed = cluster.pods[Int(number)], !placed.isAssumed,
                let bound = placed.info.pod.value.status.conditions[.podScheduled]?.lastTransitionTime,
                (report.truncatedToSeconds - bound.truncatedToSeconds).seconds < TargetLoadPackingPlugin.reportingInterval
            else { continue }
            sum += predictedMilliCPU(placed.info.pod.value.spec.value)
        }
        return sum
    }

    /// Whole thousandths, exact to 2^53; sums of limits may exceed 64 bits.
    private func predictedMilliCPU(_ spec: PodSpec) -> Double {
        spec.containers.reduce(Double(spec.overhead[.cpu]?.milliValue ?? 0)) { $0 + predictedMilliCPU($1.resources) }
    }

    private func predictedMilliCPU(_ resources: ResourceRequirements) -> Double {
        if let limit = resources.limits[.cpu] { return Double(limit.milliValue) }
        guard let request = resources.requests[.cpu] else { return Double(defaultMilliCPU) }
        return (Double(request.milliValue) * multiplier).rounded()
    }
}
