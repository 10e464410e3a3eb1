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
    func message(_ profile: SchedulingProfile, _ pod: PodInfo, _ cluster: ClusterSnapshot) -> String {
        if let preFilterRejection {
            return ReasonHistogram.beginning(nodeCount) + " " + preFilterRejection.reasons.joined(separator: ", ") + "."
        }
        var histogram = ReasonHistogram()
        for verdict in verdicts { histogram.add(verdict) }
        let absent = nodeCount - nodes.count
        for reason in absentReasons { histogram.add(reason, count: absent) }
        return histogram.message(nodeCount: nodeCount) { profile.reasons(of: $0, pod, cluster) }
    }
}

/// How many nodes each reason was given for; a node with several reasons counts for each of them.
struct ReasonHistogram {
    /// Few distinct verdicts stand for thousands of nodes.
    private var verdicts: [(verdict: NodeVerdict, count: Int)] = []
    private var reasons: [(reason: String, count: Int)] = []

    mutating func add(_ verdict: NodeVerdict) {
        if let index = verdicts.firstIndex(where: { $0.verdict == verdict }) {
            verdicts[index].count += 1
        } else {
            verdicts.append((verdict, 1))
        }
    }

    mutating func add(_ reason: String, count: Int = 1) {
        guard count > 0 else { return }
        if let index = reasons.firstIndex(where: { $0.reason == reason }) {
            reasons[index].count += count
        } else {
            reasons.append((reason, count))
        }
    }

    /// The sentence about all nodes. `texts`: the reasons of a verdict.
    func message(nodeCount: Int, texts: (NodeVerdict) -> [String]) -> String {
        var all = self
        for (verdict, count) in verdicts {
            for reason in texts(verdict) { all.add(reason, count: count) }
        }
        let entries = all.reasons.map { "\($0.count) \($0.reason)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let text = ReasonHistogram.beginning(nodeCount)
        return entries.isEmpty ? text : text + " " + entries.joined(separator: ", ") + "."
    }

    static func beginning(_ nodeCount: Int) -> String { "0/\(nodeCount) nodes are available:" }
}

extension SchedulingProfile {
    /// The texts of a verdict's reasons, in the plugin's order.
    func reasons(of verdict: NodeVerdict, _ pod: PodInfo, _ cluster: ClusterSnapshot) -> [String] {
        guard let number = verdict.plugin, let plugin = plugins[number] as? any FilterPlugin else { return [] }
        return verdict.reasons.map { plugin.reason($0, for: pod, in: cluster) }
    }
}
