// CheapestNode: a scheduling policy in one file. Of the nodes that can run a pod, those that cost least an hour are the best.

import Foundation
import KubernetesAPI
import Scheduling

/// Scores nodes by the price in one of their labels, `example.com/price-per-hour` unless the argument `label` names another. Nodes
/// without a price are as good as the dearest.
struct CheapestNode: ScorePlugin {
    static let name = "CheapestNode"
    var name: String { CheapestNode.name }

    /// What `pluginConfig[].args` may hold.
    private struct Arguments: Decodable {
        var label: String?
    }

    private let label: String

    init(_ arguments: PluginArguments?) throws {
        guard case .other(let json)? = arguments else {
            label = "example.com/price-per-hour"
            return
        }
        label = try JSONDecoder().decode(Arguments.self, from: Data(json.utf8)).label ?? "example.com/price-per-hour"
    }

    /// Our answer about a node changes only with the node, so the framework may remember it, and ask once for all pods alike.
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    /// Prices in thousandths, as they are; ``normalise(_:for:state:)`` makes scores of them. -1: no price.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        for (index, node) in feasible.enumerated() { scores[index] = price(of: node, in: cluster) ?? -1 }
    }

    private func price(of node: NodeSlot, in cluster: ClusterSnapshot) -> Int64? {
        guard let text = cluster.nodes.objects[node]?.value.metadata.labels[label], let price = Double(text), (0...1e9).contains(price)
        else { return nil }
        return Int64(price * 1000)
    }

    var normalises: Bool { true }

    /// 100 for the cheapest, 0 for the dearest.
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {
        let prices = scores.filter { $0 >= 0 }
        guard let cheapest = prices.min(), let dearest = prices.max() else {
            for index in scores.indices { scores[index] = 0 }
            return
        }
        for index in scores.indices {
            let price = scores[index] < 0 ? dearest : scores[index]
            scores[index] = dearest == cheapest ? NodeScore.maximum : NodeScore.maximum * (dearest - price) / (dearest - cheapest)
        }
    }
}
