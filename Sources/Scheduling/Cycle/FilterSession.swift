// Filter for one node at a time, on a cluster that may be changed for the sake of the question.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/#filter>

import DiscreteEvents
import KubernetesAPI

/// What Filter needs to know about the pod of a cycle besides the cluster.
struct FilterQuestion: Sendable {
    let pod: PodInfo
    let profile: SchedulingProfile
    /// What the PreFilter plugins computed, by plugin number.
    var states: [PluginState?]
    let nominated: NominatedPods
    /// The plugins that have anything to say about this pod.
    private let filters: [SchedulingProfile.Entry<any FilterPlugin>]
    private let extensions: [SchedulingProfile.Entry<any PreFilterExtensions>]

    /// - Parameter skipped: plugins whose Filter is not asked.
    init(pod: PodInfo, profile: SchedulingProfile, states: [PluginState?], skipped: PluginSet, nominated: NominatedPods) {
        self.pod = pod
        self.profile = profile
        self.states = states
        self.nominated = nominated
        filters = profile.filter.filter { !skipped.has($0.number) && $0.plugin.scope(for: pod) != .nothing }
        extensions = profile.preFilterExtensions.filter { !skipped.has($0.number) }
    }

    /// Whether the verdict on a node changes only with that node's row, nominations left aside.
    var dependsOnNodeAlone: Bool { filters.allSatisfy { $0.plugin.scope(for: pod) == .node } }

    /// The verdict on a node with the pods nominated there and, only if that is favourable, without them: the pod must fit
    /// whether they come or not.
    func verdict(on node: NodeSlot, in cluster: inout ClusterSnapshot) -> NodeVerdict {
        let others = nominated[node]
        if !others.isEmpty {
            let verdict = verdict(on: node, with: others, in: &cluster)
            if !verdict.isFeasible { return verdict }
        }
        return verdictOnce(on: node, cluster)
    }

    /// The verdict if other pods ran on the node, too.
    func verdict(on node: NodeSlot, with others: [PodInfo], in cluster: inout ClusterSnapshot) -> NodeVerdict {
        var trial = cluster.beginTrial(on: node)
        var extended = self
        for other in others {
            cluster.add(other, &trial)
            extended.noteAdded(other, on: node, cluster)
        }
        let verdict = extended.verdictOnce(on: node, cluster)
        cluster.end(trial)
        return verdict
    }

    /// The verdict without regard to nominations.
    private func verdictOnce(on node: NodeSlot, _ cluster: ClusterSnapshot) -> NodeVerdict {
        for entry in filters {
            if let refusal = entry.plugin.filter(pod, on: node, in: cluster, state: states[entry.number]) {
                return NodeVerdict(plugin: entry.number, reasons: refusal.reasons, refusal.rejection)
            }
        }
        return .feasible
    }

    /// Tells the PreFilter plugins that a pod now counts on a node.
    mutating func noteAdded(_ other: PodInfo, on node: NodeSlot, _ cluster: ClusterSnapshot) {
        for entry in extensions {
            entry.plugin.add(other, on: node, to: &states[entry.number], for: pod, in: cluster)
        }
    }

    /// Tells the PreFilter plugins that a pod no longer counts on a node.
    mutating func noteRemoved(_ other: PodInfo, on node: NodeSlot, _ cluster: ClusterSnapshot) {
        for entry in extensions {
            entry.plugin.remove(other, on: node, from: &states[entry.number], for: pod, in: cluster)
        }
    }
}

/// What PostFilter plugins work with after a cycle that found no node: the cluster, and Filter as often as they want to ask.
public struct FilterSession: Sendable {
    /// Lent to the session by whoever asks.
    package internal(set) var cache = SchedulerCache()
    private var question: FilterQuestion
    /// PreFilter plugins that were asked before the cycle ended.
    let reached: PluginSet
    /// Nominations to all nodes and of all priorities.
    package let nominator: Nominator
    /// The pods that wait for a permission, in the order in which they began.
    public internal(set) var waiting: [PodInfo] = []
    /// Belongs to the pod and its attempt.
    public var random: RandomStream
    /// Explain: look at everything instead of stopping when enough is known, and take down what was found.
    let explains: Bool
    var explanation: PreemptionExplanation?
    /// Dry runs of earlier searches; nil on the plain path. Lent to the session, as the cluster is.
    var dryRuns: DryRunMemory?

    init(_ question: FilterQuestion, nominator: Nominator, reached: PluginSet, random: RandomStream, explains: Bool) {
        self.question = question
        self.nominator = nominator
        self.reached = reached
        self.random = random
        self.explains = explains
    }

    /// The cluster as plugins see it, trials included.
    public var cluster: ClusterSnapshot { @inline(__always) _read { yield cache.snapshot } }

    /// Whether a plugin's PreFilter was asked: a rejection may have ended the phase before its turn.
    public func hasPreFiltered(_ plugin: String) -> Bool {
        for number in reached.numbers where question.profile.name(of: number) == plugin { return true }
        return false
    }

    /// The texts of a verdict's reasons.
    func reasons(of verdict: NodeVerdict) -> [String] { question.profile.reasons(of: verdict, question.pod, cluster) }

    func name(ofPlugin number: Int) -> String { question.profile.name(of: number) }

    /// The verdict on a node as it is.
    mutating func verdict(on node: NodeSlot) -> NodeVerdict { question.verdict(on: node, in: &cache.snapshot) }

    // MARK: Memory

    /// A search for candidates begins.
    mutating func beginDryRuns() { dryRuns?.begin(question, in: cache.snapshot) }

    /// What a dry run on a node finds: from memory, if nothing changed there since the last one for such a pod.
    mutating func selectVictims(on node: NodeSlot) -> VictimSelection {
        let isKept = dryRuns != nil && question.nominated[node].isEmpty
        if isKept, let known = dryRuns?.selection(on: node, cache.snapshot.nodes) { return known }
        let selection = VictimSelection.run(question.pod, on: node, in: &self)
        if isKept { dryRuns?.keep(selection, on: node, cache.snapshot.nodes) }
        return selection
    }

    // MARK: Trials

    /// A node from which pods are taken away, with the PreFilter states that go with it.
    struct NodeTrial {
        fileprivate var row: RowTrial
        fileprivate let states: [PluginState?]
        var node: NodeSlot { row.node }
    }

    mutating func beginTrial(on node: NodeSlot) -> NodeTrial {
        NodeTrial(row: cache.snapshot.beginTrial(on: node), states: question.states)
    }

    mutating func remove(_ number: Int32, _ trial: inout NodeTrial) {
        guard let info = cache.snapshot.pods[Int(number)]?.info else { return }
        cache.snapshot.remove(number, &trial.row)
        question.noteRemoved(info, on: trial.node, cache.snapshot)
    }

    mutating func putBack(_ number: Int32, _ trial: inout NodeTrial) {
        guard let info = cache.snapshot.pods[Int(number)]?.info else { return }
        cache.snapshot.putBack(number, &trial.row)
        question.noteAdded(info, on: trial.node, cache.snapshot)
    }

    /// Everything is as before the trial.
    mutating func end(_ trial: NodeTrial) {
        cache.snapshot.end(trial.row)
        question.states = trial.states
    }
}
