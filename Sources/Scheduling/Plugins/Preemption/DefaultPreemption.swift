// DefaultPreemption: a pod that fits nowhere may take the place of pods of lower priority.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/>, KEP-4832 (asynchronous preemption).

import DiscreteEvents
import KubernetesAPI

/// Looks for a node on which deleting pods of lower priority makes room, and picks the one where that does the least harm.
struct DefaultPreemptionPlugin: PostFilterPlugin, PreEnqueuePlugin, EventListeningPlugin {
    static let name = "DefaultPreemption"
    var name: String { DefaultPreemptionPlugin.name }

    private let arguments: DefaultPreemptionArguments

    init(_ arguments: DefaultPreemptionArguments) { self.arguments = arguments }

    // MARK: PostFilter

    func postFilter(_ pod: PodInfo, _ failure: FilterFailure, in session: inout FilterSession) -> PostFilterOutcome {
        if let reason = PreemptionEligibility.refusal(of: pod, failure, session.cache) {
            return .reject(message: DefaultPreemptionPlugin.prefix + reason)
        }
        var search = CandidateSearch(pod, nodes: failure.preemptableNodes(session.cluster))
        search.run(in: &session, wanted: wantedCandidates(of: search.nodes.count))
        let best = PreemptionChoice.best(of: search.candidates)
        if session.explains { session.explanation = PreemptionExplanation(search, best: best, session) }
        // The search began at a random node, so the first of equals is a random one of them.
        let names = session.cluster.nodes.names
        let smallest = best.min { names[search.candidates[$0].node] < names[search.candidates[$1].node] }
        guard let chosen = session.explains ? smallest : best.first else {
            if let problem = search.problem { return .error(message: DefaultPreemptionPlugin.prefix + problem) }
            let message = search.message(nodeCount: failure.nodeCount, session)
            return .reject(message: DefaultPreemptionPlugin.prefix + message, clearsNomination: true)
        }
        let candidate = search.candidates[chosen]
        let node = names[candidate.node]
        return .makeRoom(
            Preemption(
                node: node, victims: candidate.victims,
                displaced: session.nominator.pods(on: node).filter { $0.priority < pod.priority }))
    }

    private static let prefix = "preemption: "

    /// How many candidates are enough: a share of the nodes that come into question, but some in any case.
    private func wantedCandidates(of nodes: Int) -> Int {
        min(nodes, max(nodes * Int(arguments.minCandidateNodesPercentage) / 100, Int(arguments.minCandidateNodesAbsolute)))
    }

    // MARK: PreEnqueue

    /// Until the victims' deletions are under way the pod would only find the node as full as before.
    func admits(_ pod: Pod, isPreempting: Bool) -> Bool { !isPreempting }

    /// Listens, so that pods it gates are asked about at all; whether they wake is up to the plugins that rejected them.
    let events: ClusterEventKinds = [.assignedPodDelete]
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool { false }
}

/// How a choice of victims came about, for explanations and for comparison with recorded decisions.
public struct PreemptionExplanation: Hashable, Sendable {
    /// A node on which preemption works.
    public struct Candidate: Hashable, Sendable {
        public var node: String
        /// Most important first.
        public var victims: [NamespacedName]
        public var disruptionBudgetViolations: Int
    }
    /// A node on which it does not. `plugin`: empty if no plugin was asked.
    public typealias NodeStatus = Decision.NodeStatus

    public var candidates: [Candidate] = []
    public var infeasible: [NodeStatus] = []
    /// The nodes that no criterion can tell apart, sorted.
    public var best: [String] = []

    init(_ search: CandidateSearch, best: [Int], _ session: FilterSession) {
        let names = session.cluster.nodes.names
        for candidate in search.candidates {
            candidates.append(
                Candidate(
                    node: names[candidate.node], victims: candidate.victims.map { $0.pod.value.metadata.key },
                    disruptionBudgetViolations: candidate.violations))
        }
        for (node, status) in search.statuses {
            switch status {
            case .noVictims:
                infeasible.append(
                    NodeStatus(
                        node: names[node], plugin: "", rejection: .unschedulableAndUnresolvable, reasons: [CandidateSearch.noVictims]))
            case .filtered(let verdict):
                guard let plugin = verdict.plugin else { continue }
                infeasible.append(
                    NodeStatus(
                        node: names[node], plugin: session.name(ofPlugin: plugin), rejection: verdict.rejection,
                        reasons: session.reasons(of: verdict)))
            case .nothingGained: continue
            }
        }
        self.best = best.map { names[search.candidates[$0].node] }.sorted()
    }
}
