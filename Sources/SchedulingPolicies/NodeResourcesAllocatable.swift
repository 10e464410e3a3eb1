// NodeResourcesAllocatable: small machines first, or large ones.

import KubernetesAPI
import Scheduling

/// Scores nodes by what they offer, whatever of it is in use: `mode: Least` (the default) prefers small nodes, `Most` large ones. Of the
/// scheduler-plugins project, <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/noderesources>.
///
/// `resources` lists names with weights, by default cpu (thousandths of a core) with 1048576 (a core weighs as much as a gibibyte, nearly) and
/// memory (bytes) with 1.
struct NodeResourcesAllocatablePlugin: ScorePlugin {
    static let name = "NodeResourcesAllocatable"
    var name: String { NodeResourcesAllocatablePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    enum Mode: String, CaseIterable {
        case least = "Least"
        case most = "Most"
    }

    private let mode: Mode
    private let resources: [(resource: ResourceReference, weight: Int64)]

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        mode = try fields.constant("mode") ?? .least
        var resources: [(resource: ResourceReference, weight: Int64)] = []
        for var entry in try fields.objects("resources") {
            guard let name = try entry.text("name") else { throw entry.missing("name", "the resource") }
            guard let weight = try entry.integer("weight", in: 1...(1 << 40)) else { throw entry.missing("weight", "how much it counts") }
            try entry.finish()
            resources.append((nodes.reference(to: ResourceName(name)), weight))
        }
        try fields.finish()
        self.resources = resources.isEmpty ? [(.cpu, 1 << 20), (.memory, 1)] : resources
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        for index in feasible.indices { scores[index] = score(feasible[index], cluster.nodes) }
    }

    private func score(_ node: NodeSlot, _ nodes: NodeTable) -> Int64 {
        // Weighted sums of bytes may exceed 64 bits.
        var sum: Int128 = 0
        var weights: Int128 = 0
        for (resource, weight) in resources {
            sum += Int128(nodes.allocatable(resource, on: node)) * Int128(weight)
            weights += Int128(weight)
        }
        let mean = Int64(clamping: sum / weights)
        return mode == .least ? -mean : mean
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) { NodeScore.normaliseBetweenExtremes(&scores) }
}

extension NodeTable {
    /// What a node offers of a resource.
    fileprivate func allocatable(_ resource: ResourceReference, on node: NodeSlot) -> Int64 {
        switch resource {
        case .cpu: resources[node].allocatableMilliCPU
        case .memory: resources[node].allocatableMemory
        case .ephemeralStorage: resources[node].allocatableEphemeralStorage
        case .scalar(let number): allocatable(number, on: node)
        case .uncounted: 0
        }
    }
}
