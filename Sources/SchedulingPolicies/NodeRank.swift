// NodeRank: of equally good nodes always the same one, by an order that is drawn, or that the nodes' labels say.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Decides between equally good nodes by an order of the nodes that is drawn once for a run, instead of by a draw for every pod: so
/// pods that find many nodes equally good go to the same few of them. With the argument `label`, nodes that have this label come in the order
/// of its numbers, those of one number in the drawn order, before all others.
struct NodeRankPlugin: TieBreakPlugin {
    static let name = "NodeRank"
    var name: String { NodeRankPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .nothing }

    /// The label with a node's rank; nil: all ranks are drawn.
    private let label: String?

    init(_ arguments: PluginArguments?) throws(PolicyArgumentError) {
        var reader = try PolicyArguments(arguments, of: Self.name)
        label = try reader.text("label")
        try reader.finish()
    }

    /// Adds nothing to any node.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {}

    /// Drawn ranks follow those of labels.
    private static let firstDrawn: UInt64 = 1 << 63

    /// Higher numbers of labels count as this one: the bits below are for the order among nodes of one number.
    private static let maximumLabel = UInt64(UInt32.max)

    func rank(of node: NodeSlot, in cluster: ClusterSnapshot) -> UInt64 {
        let drawn = RandomStream(seed: cluster.seed, purpose: .nodeRank, owner: cluster.nodes.names[node]).draw(at: 0)
        if let label, let text = cluster.nodes.objects[node]?.value.metadata.labels[label], let rank = UInt64(text) {
            return min(rank, NodeRankPlugin.maximumLabel) << 31 | drawn >> 33
        }
        return label == nil ? drawn : NodeRankPlugin.firstDrawn | drawn >> 1
    }
}

extension RandomPurpose {
    static let nodeRank = RandomPurpose("node rank")
}
