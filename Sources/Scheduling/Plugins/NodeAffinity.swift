// NodeAffinity: a pod goes only where its nodeSelector and required node affinity match, rather where its preferences do.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity>

import KubernetesAPI

struct NodeAffinityPlugin: PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin, EventListeningPlugin {
    static let name = "NodeAffinity"
    var name: String { NodeAffinityPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    /// `addedAffinity` of the plugin's arguments: holds for every pod of the profile.
    private let addedRequired: CompiledNodeSelector?
    private let addedTerms: NodeSelector?
    private let addedPreferred: [CompiledPreferredTerm]

    init(_ arguments: NodeAffinityArguments, _ nodes: inout NodeTable) {
        addedTerms = arguments.addedRequiredTerms
        addedRequired = arguments.addedRequiredTerms.map { CompiledNodeSelector($0, &nodes) }
        addedPreferred = CompiledPreferredTerm.compile(arguments.addedPreferredTerms, &nodes)
    }

    private enum Reason {
        static let pod = 0
        static let enforced = 1
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        number == Reason.enforced
            ? "node(s) didn't match scheduler-enforced node affinity" : "node(s) didn't match Pod's node affinity/selector"
    }

    // MARK: Filter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        guard let required = pod.spec.affinity.requiredNodeTerms else {
            return addedRequired == nil && pod.shape.nodeSelector.isEmpty ? .skip : .proceed(nil)
        }
        guard let names = NodeAffinityPlugin.namedNodes(required) else { return .proceed(nil) }
        return names.isEmpty
            ? .reject(.unschedulableAndUnresolvable, reasons: ["pod affinity terms conflict"]) : .restrict(to: names, nil)
    }

    /// The names of the only nodes that can match, sorted: known when every term names nodes; nil otherwise.
    private static func namedNodes(_ selector: NodeSelector) -> [String]? {
        guard !selector.terms.isEmpty else { return nil }
        var union: [String] = []
        for term in selector.terms {
            var named: [String]?
            for field in term.matchFields where field.key == CompiledNodeTerm.nameField && field.operator == .in {
                named = named.map { $0.filter(field.values.contains) } ?? field.values
            }
            guard let named else { return nil }
            for name in named where !union.contains(name) { union.append(name) }
        }
        return union.sorted()
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        if let addedRequired, !addedRequired.matches(node, cluster.nodes) {
            return NodeRefusal(reason: Reason.enforced, .unschedulableAndUnresolvable)
        }
        return NodeAffinityPlugin.matches(pod.shape, node, cluster.nodes)
            ? nil : NodeRefusal(reason: Reason.pod, .unschedulableAndUnresolvable)
    }

    /// Whether a node satisfies a pod's `nodeSelector` and required node affinity.
    static func matches(_ shape: PodShape, _ node: NodeSlot, _ nodes: NodeTable) -> Bool {
        for requirement in shape.nodeSelector where !requirement.matches(node, nodes) { return false }
        return shape.requiredNodeAffinity?.matches(node, nodes) ?? true
    }

    // MARK: Score

    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome {
        pod.spec.affinity.preferredNodeTerms.isEmpty && addedPreferred.isEmpty ? .skip : .proceed(nil)
    }

    /// The sum of the weights of the matching preferences, of the plugin's arguments and the pod's.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        for index in feasible.indices {
            var sum: Int64 = 0
            for preference in addedPreferred where preference.term.matches(feasible[index], cluster.nodes) { sum += preference.weight }
            for preference in pod.shape.preferredNodeAffinity where preference.term.matches(feasible[index], cluster.nodes) {
                sum += preference.weight
            }
            scores[index] = sum
        }
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {
        NodeScore.normaliseByMaximum(&scores, reversed: false)
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.nodeAdd, .nodeLabels, .nodeTaints]

    /// A node added that matches, or whose labels came to match; every change of taints (the plugin does not listen to them,
    /// so it cannot know that a node it never saw because of them is new to it).
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        if event.kind == .nodeTaints { return true }
        guard let node = event.node else { return false }
        guard matches(pod, node) else { return false }
        guard let old = event.oldNode else { return true }
        return !matches(pod, old)
    }

    private func matches(_ pod: PodInfo, _ node: Node) -> Bool {
        let spec = pod.spec
        for (key, value) in spec.nodeSelector where node.metadata.labels[key] != value { return false }
        if let required = spec.affinity.requiredNodeTerms, !required.matches(node) { return false }
        if let addedTerms, !addedTerms.matches(node) { return false }
        return true
    }
}
