// Which of several candidates: the one where preemption does the least harm.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information>

import DiscreteEvents
import KubernetesAPI

enum PreemptionChoice {
    /// The indices of the candidates that no criterion can tell apart, in order. Each criterion is asked only about those that
    /// all before left over: violations of disruption budgets, the priority of the most important victim, the sum of all priorities,
    /// the number of victims, and how long the most important victims have run.
    static func best(of candidates: [PreemptionCandidate]) -> [Int] {
        guard !candidates.isEmpty else { return [] }
        let harms = candidates.map(Harm.init)
        let least = harms.dropFirst().reduce(harms[0]) { $1 < $0 ? $1 : $0 }
        return harms.indices.filter { harms[$0] == least }
    }

    /// The criteria in their order; smaller is better.
    private struct Harm: Comparable {
        let violations: Int
        let highestPriority: Int32
        let prioritySum: Int64
        let victims: Int
        let longestRun: SimulatedTime

        init(_ candidate: PreemptionCandidate) {
            violations = candidate.violations
            victims = candidate.victims.count
            highestPriority = candidate.victims.first?.priority ?? .min
            // Shifted, so that every victim adds to the sum, even one of negative priority.
            prioritySum = candidate.victims.reduce(0) { $0 + Int64($1.priority) + (1 << 31) }
            var earliest = SimulatedTime.distantFuture
            let top = candidate.victims.map(\.priority).max()
            for victim in candidate.victims where victim.priority == top {
                earliest = min(earliest, victim.pod.value.status.startTime ?? .distantFuture)
            }
            longestRun = earliest
        }

        static func < (left: Harm, right: Harm) -> Bool {
            if left.violations != right.violations { return left.violations < right.violations }
            if left.highestPriority != right.highestPriority { return left.highestPriority < right.highestPriority }
            if left.prioritySum != right.prioritySum { return left.prioritySum < right.prioritySum }
            if left.victims != right.victims { return left.victims < right.victims }
            return left.longestRun > right.longestRun
        }
    }
}
