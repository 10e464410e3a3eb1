// Why no node was found for a pod, and how to say it.

/// The outcome of a Filter phase without a feasible node: the scheduler's FitError.
public struct FilterFailure: Sendable {
    /// Number of nodes in the cluster.
    public let nodeCount: Int
    /// The plugin that refused the pod before any node was looked at.
    public let preFilterRejection: PreFilterRejection?
    /// The nodes looked at, with a verdict each.
    public let nodes: [NodeSlot]
    public let verdicts: [NodeVerdict]
    /// The reasons and code of all nodes that were not looked at.
    public let absentReasons: [String]
    /// Plugins that had a part in it: their hints decide when to try again.
    public let rejectors: PluginSet

    /// A rejection of the pod as such.
    public struct PreFilterRejection: Hashable, Sendable {
        /// nil when node sets of plugins have no node in common.
        public var plugin: Int?
        public var rejection: Rejection
        public var reasons: [String]
    }

    /// `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s).`, without what PostFilter adds.
    func message(_ profile: SchedulingProfile, _ pod: PodInfo, _ table: NodeTable) -> String {
        var text = "0/\(nodeCount) nodes are available:"
        if let preFilterRejection {
            return text + " " + preFilterRejection.reasons.joined(separator: ", ") + "."
        }
        let entries = histogram(profile, pod, table).map { "\($0.count) \($0.reason)" }.sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        if !entries.isEmpty { text += " " + entries.joined(separator: ", ") + "." }
        return text
    }

    /// How many nodes each reason was given for; a node with several reasons counts for each of them.
    private func histogram(_ profile: SchedulingProfile, _ pod: PodInfo, _ table: NodeTable) -> [(reason: String, count: Int)] {
        // Few distinct verdicts stand for thousands of nodes.
        var distinct: [(verdict: NodeVerdict, count: Int)] = []
        for verdict in verdicts {
            if let index = distinct.firstIndex(where: { $0.verdict == verdict }) {
                distinct[index].count += 1
            } else {
                distinct.append((verdict, 1))
            }
        }
        var result: [(reason: String, count: Int)] = []
        func add(_ reason: String, _ count: Int) {
            if let index = result.firstIndex(where: { $0.reason == reason }) {
                result[index].count += count
            } else {
                result.append((reason, count))
            }
        }
        for (verdict, count) in distinct {
            for reason in profile.reasons(of: verdict, pod, table) { add(reason, count) }
        }
        let absent = nodeCount - nodes.count
        if absent > 0 { for reason in absentReasons { add(reason, absent) } }
        return result
    }
}

extension SchedulingProfile {
    /// The texts of a verdict's reasons, in the plugin's order.
    func reasons(of verdict: NodeVerdict, _ pod: PodInfo, _ table: NodeTable) -> [String] {
        guard let number = verdict.plugin, let plugin = plugins[number] as? any FilterPlugin else { return [] }
        return verdict.reasons.map { plugin.reason($0, for: pod, in: table) }
    }
}
