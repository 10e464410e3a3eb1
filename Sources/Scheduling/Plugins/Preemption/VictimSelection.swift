// Dry run on one node: which pods would have to go so that a pod fits.

import DiscreteEvents
import KubernetesAPI

/// What a dry run on one node found.
enum VictimSelection: Sendable {
    /// The pods that must go, by number, most important first, and how many of them violate a disruption budget.
    case victims([Int32], violations: Int)
    case infeasible(Infeasibility)

    /// Why preemption does not work on a node.
    enum Infeasibility: Sendable {
        /// No pod of lower priority runs there.
        case noVictims
        /// The pod does not fit even without them.
        case filtered(NodeVerdict)
        /// All could stay, and yet the pod does not fit now: the plugins contradict themselves.
        case nothingGained
    }

    /// Takes all pods of lower priority off the node and puts back, the most important first, every one beside which `pod` still fits.
    /// Those whose going would violate a disruption budget are tried before the others.
    static func run(_ pod: PodInfo, on node: NodeSlot, in session: inout FilterSession) -> VictimSelection {
        var potential: [(number: Int32, info: PodInfo)] = []
        for number in session.cluster.nodes.pods[node] {
            guard let info = session.cluster.pods[Int(number)]?.info, info.priority < pod.priority else { continue }
            potential.append((number, info))
        }
        guard !potential.isEmpty else { return .infeasible(.noVictims) }
        var trial = session.beginTrial(on: node)
        defer { session.end(trial) }
        for (number, _) in potential { session.remove(number, &trial) }
        let verdict = session.verdict(on: node)
        guard verdict.isFeasible else { return .infeasible(.filtered(verdict)) }

        potential = PodImportance.sorted(potential)
        let violating = DisruptionBudgets.violations(of: potential.map(\.info), session.cluster)
        var victims: [(number: Int32, info: PodInfo, violates: Bool)] = []
        for violates in [true, false] {
            for (index, candidate) in potential.enumerated() where violating[index] == violates {
                session.putBack(candidate.number, &trial)
                if session.verdict(on: node).isFeasible { continue }
                session.remove(candidate.number, &trial)
                victims.append((candidate.number, candidate.info, violates))
            }
        }
        guard !victims.isEmpty else { return .infeasible(.nothingGained) }
        let numbers =
            violating.contains(true) && violating.contains(false)
            ? PodImportance.sorted(victims.map { ($0.number, $0.info) }).map(\.number) : victims.map(\.number)
        return .victims(numbers, violations: victims.count { $0.violates })
    }
}

/// How much a pod matters to preemption: the higher priority, then the earlier start.
struct PodImportance: Comparable {
    let priority: Int32
    /// A pod that has not started counts as starting now: after all that run.
    let start: SimulatedTime

    init(_ pod: Pod) {
        priority = pod.spec.value.priority ?? 0
        start = pod.status.startTime ?? .distantFuture
    }

    static func < (left: PodImportance, right: PodImportance) -> Bool {
        left.priority != right.priority ? left.priority < right.priority : left.start > right.start
    }

    /// Pods of one node, listed in the order in which they came there, the most important first.
    ///
    /// The real scheduler asks the clock for each pod that has not started whenever it compares two, so the one it asks about first
    /// counts as earlier; with its sort that puts the pod that came last first. Pods that started together stay in order.
    static func sorted(_ pods: [(number: Int32, info: PodInfo)]) -> [(number: Int32, info: PodInfo)] {
        let keyed = pods.enumerated().map { (place: $0.offset, importance: PodImportance($0.element.info.pod.value)) }
        return keyed.sorted { left, right in
            if left.importance != right.importance { return left.importance > right.importance }
            return left.importance.start == .distantFuture ? left.place > right.place : left.place < right.place
        }.map { pods[$0.place] }
    }
}
