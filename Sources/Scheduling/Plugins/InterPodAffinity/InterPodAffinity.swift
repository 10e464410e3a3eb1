// InterPodAffinity: a pod goes where pods it wants for neighbours are, and where none is that it, or that one, does not want.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity>

import KubernetesAPI

struct InterPodAffinityPlugin: PreFilterExtensions, FilterPlugin, PreScorePlugin, ScorePlugin, EventListeningPlugin {
    static let name = "InterPodAffinity"
    var name: String { InterPodAffinityPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .topology }

    let arguments: InterPodAffinityArguments

    init(_ arguments: InterPodAffinityArguments) { self.arguments = arguments }

    // MARK: Filter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        guard pod.shape.podAffinity.hasRequired || cluster.nodes.affinity.requiredAntiAffinityPodCount > 0 else { return .skip }
        let counts = AffinityCounts(pod, in: cluster)
        return counts.existingAntiAffinity.nonZeroCount == 0 && !pod.shape.podAffinity.hasRequired ? .skip : .proceed(counts)
    }

    func add(_ other: PodInfo, on node: NodeSlot, to state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        count(other, on: node, sign: 1, in: &state, for: pod, cluster)
    }

    func remove(_ other: PodInfo, on node: NodeSlot, from state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        count(other, on: node, sign: -1, in: &state, for: pod, cluster)
    }

    private func count(
        _ other: PodInfo, on node: NodeSlot, sign: Int64, in state: inout PluginState?, for pod: PodInfo, _ cluster: ClusterSnapshot
    ) {
        guard var counts = state as? AffinityCounts else { return }
        // The only reference, so that counting does not copy.
        state = nil
        counts.count(other, on: node, sign: sign, for: pod, in: cluster)
        state = counts
    }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        guard let counts = state as? AffinityCounts else { return }
        for index in batch.indices where batch.isOpen(index) {
            guard let obstacle = counts.obstacle(pod.shape.podAffinity, on: batch.nodes[index], cluster.nodes) else { continue }
            batch.reject(index, reason: obstacle.rawValue, obstacle.rejection)
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard let counts = state as? AffinityCounts,
            let obstacle = counts.obstacle(pod.shape.podAffinity, on: node, cluster.nodes)
        else { return nil }
        return NodeRefusal(reason: obstacle.rawValue, obstacle.rejection)
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        AffinityObstacle(rawValue: number)?.text ?? ""
    }

    // MARK: Score

    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome {
        if !pod.shape.podAffinity.hasPreferred {
            guard !arguments.ignorePreferredTermsOfExistingPods, cluster.nodes.affinity.podCount > 0 else { return .skip }
        }
        let scores = AffinityScores(pod, hardWeight: arguments.hardPodAffinityWeight, in: cluster)
        return scores.isEmpty ? .skip : .proceed(scores)
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        guard let sums = state as? AffinityScores else { return }
        for index in feasible.indices { scores[index] = sums.raw(feasible[index], cluster.nodes) }
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {
        guard state is AffinityScores else { return }
        AffinityScores.normalise(&scores)
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.assignedPodAdd, .assignedPodDelete, .podLabels, .nodeAdd, .nodeLabels, .nodeTaints]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        AffinityHint(pod).isWoken(by: event)
    }
}
