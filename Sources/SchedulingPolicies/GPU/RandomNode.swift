// Random: any node that fits.

import Scheduling

/// Finds all nodes equally good, so that one of those that fit is drawn for every pod. The yardstick for other policies.
struct RandomNodePlugin: ScorePlugin {
    static let name = "Random"
    var name: String { RandomNodePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .nothing }

    init(_ arguments: PluginArguments?) throws(PolicyArgumentError) { try PolicyArguments(arguments, of: Self.name).finish() }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {}
}
