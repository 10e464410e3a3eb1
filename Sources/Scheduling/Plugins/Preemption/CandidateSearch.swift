// Which nodes could be made to fit: dry runs from a random start until there are enough candidates.

import DiscreteEvents
import KubernetesAPI

/// A node on which preemption works.
struct PreemptionCandidate: Sendable {
    let node: NodeSlot
    /// Most important first.
    let victims: [PodInfo]
    /// How many of them violate a disruption budget.
    let violations: Int
}

struct CandidateSearch {
    let pod: PodInfo
    /// The nodes that come into question.
    let nodes: [NodeSlot]
    private(set) var candidates: [PreemptionCandidate] = []
    /// The nodes looked at on which it does not work.
    private(set) var statuses: [(node: NodeSlot, status: VictimSelection.Infeasibility)] = []
    /// What went wrong, if anything.
    private(set) var problem: String?

    static let noVictims = "No preemption victims found for incoming pod"
    static let notHelpful = "Preemption is not helpful for scheduling"

    init(_ pod: PodInfo, nodes: [NodeSlot]) {
        self.pod = pod
        self.nodes = nodes
    }

    /// Goes on until there are `wanted` candidates, one of them without violations; all nodes if the session explains.
    mutating func run(in session: inout FilterSession, wanted: Int) {
        guard !nodes.isEmpty else { return }
        // Nobody of lower priority runs anywhere: the frequent case in a full cluster of equals.
        guard let lowest = session.cluster.priorities.lowest, lowest < pod.priority else {
            statuses = nodes.map { ($0, .noVictims) }
            return
        }
        let start = session.explains ? 0 : session.random.uniform(below: nodes.count)
        session.beginDryRuns()
        var isEnough = false
        for offset in nodes.indices where !isEnough {
            let index = start + offset
            let node = nodes[index < nodes.count ? index : index - nodes.count]
            switch session.selectVictims(on: node) {
            case .victims(let numbers, let violations):
                let victims = numbers.compactMap { session.cluster.pods[Int($0)]?.info }
                candidates.append(PreemptionCandidate(node: node, victims: victims, violations: violations))
                if !session.explains, candidates.count >= wanted { isEnough = candidates.contains { $0.violations == 0 } }
            case .infeasible(let status):
                if case .nothingGained = status, problem == nil {
                    problem = "expected at least one victim pod on node \"\(session.cluster.nodes.names[node])\""
                }
                statuses.append((node, status))
            }
        }
    }

    /// `0/5 nodes are available: 2 Insufficient cpu, 3 No preemption victims found for incoming pod.`
    func message(nodeCount: Int, _ session: FilterSession) -> String {
        var histogram = ReasonHistogram()
        for (_, status) in statuses {
            switch status {
            case .noVictims: histogram.add(CandidateSearch.noVictims)
            case .filtered(let verdict): histogram.add(verdict)
            case .nothingGained: continue
            }
        }
        histogram.add(CandidateSearch.notHelpful, count: nodeCount - statuses.count)
        return histogram.message(nodeCount: nodeCount) { session.reasons(of: $0) }
    }
}
