// LoadVariationRiskBalancing: nodes are preferred that are little and evenly used.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Scores 100 x (1 - risk), where risk is half the sum of a node's mean load, the pod's request included, and
/// `safeVarianceMargin` x deviation^(1 / `safeVarianceSensitivity`), both bounded by 1, of cpu or of memory: the larger risk counts. Of the
/// scheduler-plugins project,
/// <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/trimaran/loadvariationriskbalancing>.
///
/// A node of which nothing is known scores 0. Loads are measured as shares of a node's capacity and counted here as shares of what it has to
/// give away (allocatable), as the real plugin does.
struct LoadVariationRiskBalancingPlugin: ScorePlugin {
    static let name = "LoadVariationRiskBalancing"
    var name: String { LoadVariationRiskBalancingPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    private let source: LoadSource
    private let margin: Double
    private let sensitivity: Double

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        source = try LoadSource(&fields, &nodes)
        margin = try fields.number("safeVarianceMargin", in: 0...Double.greatestFiniteMagnitude) ?? 1
        sensitivity = try fields.number("safeVarianceSensitivity", in: 0...Double.greatestFiniteMagnitude) ?? 1
        try fields.finish()
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        guard let ledger = cluster.nodes.ledger(LoadLedger.self) else { return }
        let wanted = PodDemand(pod.pod.value.spec.value)
        for index in feasible.indices {
            let slot = feasible[index]
            guard let load = source.load(on: slot, ledger) else { continue }
            let resources = cluster.nodes.resources[slot]
            let cpu = score(load.cpu, adding: wanted.milliCPU, of: resources.allocatableMilliCPU)
            let memory = score(load.memory, adding: wanted.memory, of: resources.allocatableMemory)
            scores[index] = Int64(min(cpu, memory).rounded())
        }
    }

    /// The score of one resource.
    private func score(_ load: MeasuredLoad.Share, adding demand: Double, of allocatable: Int64) -> Double {
        guard allocatable > 0 else { return 0 }
        let mean = min(max(load.mean + demand / Double(allocatable), 0), 1)
        // 0 to the power of 1/0 is 0, 1 to it is 1.
        let deviation = power(min(max(load.deviation, 0), 1), 1 / sensitivity) * margin
        return 100 * (1 - (mean + min(max(deviation, 0), 1)) / 2)
    }
}

/// What a pod asks for, as these plugins count it: its containers together or its largest init container, and its overhead. Sums may exceed
/// 64 bits.
private struct PodDemand {
    private(set) var milliCPU = 0.0
    private(set) var memory = 0.0

    init(_ spec: PodSpec) {
        func milliCPU(_ amounts: ResourceList) -> Double { Double(amounts[.cpu]?.milliValue ?? 0) }
        func memory(_ amounts: ResourceList) -> Double { Double(amounts[.memory]?.value ?? 0) }
        for container in spec.containers {
            self.milliCPU += milliCPU(container.resources.requests)
            self.memory += memory(container.resources.requests)
        }
        for container in spec.initContainers {
            self.milliCPU = max(self.milliCPU, milliCPU(container.resources.requests))
            self.memory = max(self.memory, memory(container.resources.requests))
        }
        self.milliCPU += milliCPU(spec.overhead)
        self.memory += memory(spec.overhead)
    }
}
