// PodTopologySpread: spreads pods evenly over zones, nodes or any other topology.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>

import KubernetesAPI

struct PodTopologySpreadPlugin: PreFilterExtensions, FilterPlugin, PreScorePlugin, ScorePlugin, EventListeningPlugin {
    static let name = "PodTopologySpread"
    var name: String { PodTopologySpreadPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .topology }

    /// The constraints of pods under the plugin's arguments.
    let rules: SpreadRules

    init(_ arguments: PodTopologySpreadArguments, _ nodes: inout NodeTable) { rules = SpreadRules(arguments, &nodes) }

    // MARK: Filter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        let constraints = rules.constraints(of: pod, .doNotSchedule, in: cluster)
        return constraints.isEmpty ? .skip : .proceed(SpreadCounts(pod, constraints, in: cluster))
    }

    func add(_ other: PodInfo, on node: NodeSlot, to state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        count(other, on: node, sign: 1, in: &state, for: pod, cluster)
    }

    func remove(_ other: PodInfo, on node: NodeSlot, from state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        count(other, on: node, sign: -1, in: &state, for: pod, cluster)
    }

    private func count(
        _ other: PodInfo, on node: NodeSlot, sign: Int, in state: inout PluginState?, for pod: PodInfo, _ cluster: ClusterSnapshot
    ) {
        guard var counts = state as? SpreadCounts else { return }
        // The only reference, so that counting does not copy.
        state = nil
        counts.count(other, on: node, sign: sign, for: pod, cluster.nodes)
        state = counts
    }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        guard let counts = state as? SpreadCounts else { return }
        for index in batch.indices where batch.isOpen(index) {
            guard let obstacle = counts.obstacle(on: batch.nodes[index], cluster.nodes) else { continue }
            batch.reject(index, reason: obstacle.rawValue, obstacle.rejection)
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard let counts = state as? SpreadCounts, let obstacle = counts.obstacle(on: node, cluster.nodes) else { return nil }
        return NodeRefusal(reason: obstacle.rawValue, obstacle.rejection)
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        SpreadObstacle(rawValue: number)?.text ?? ""
    }

    // MARK: Score

    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome {
        let constraints = rules.constraints(of: pod, .scheduleAnyway, in: cluster)
        guard !constraints.isEmpty else { return .skip }
        return .proceed(
            SpreadScores(pod, constraints, feasible: feasible, requiresAllKeys: rules.requiresAllKeys(pod.shape), in: cluster))
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        guard let counts = state as? SpreadScores else { return }
        for place in feasible.indices { scores[place] = counts.raw(feasible[place], at: place, cluster.nodes) }
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {
        guard let counts = state as? SpreadScores else { return }
        SpreadScoring.normalise(&scores, isIgnored: counts.isIgnored)
    }

    // MARK: Hints

    let events: ClusterEventKinds = [
        .assignedPodAdd, .assignedPodDelete, .podLabels, .podTolerations, .nodeAdd, .nodeDelete, .nodeLabels, .nodeTaints,
    ]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        SpreadHint(pod, rules.constraints(of: pod, .doNotSchedule, in: cluster), cluster.nodes).isWoken(by: event)
    }
}
