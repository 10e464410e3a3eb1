// NodeRank: of equally good nodes always the same one.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Decides between equally good nodes by an order of the nodes that is drawn once for a run, instead of by a draw for every pod: so
/// pods that find many nodes equally good go to the same few of them.
struct NodeRankPlugin: TieBreakPlugin {
    static let name = "NodeRank"
    var name: String { NodeRankPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .nothing }

    init(_ arguments: PluginArguments?) throws(PolicyArgumentError) { try PolicyArguments(arguments, of: Self.name).finish() }

    /// Adds nothing to any node.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {}

    func rank(of node: NodeSlot, in cluster: ClusterSnapshot) -> UInt64 {
        RandomStream(seed: cluster.seed, purpose: .nodeRank, owner: cluster.nodes.names[node]).draw(at: 0)
    }
}

extension RandomPurpose {
    static let nodeRank = RandomPurpose("node rank")
}
