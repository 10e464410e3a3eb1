// The memoised path against a decision that was taken down on the plain one: recordings hold both.

import KubernetesAPI
import Scheduling

extension DecisionMaker {
    /// How an attempt on this maker's path differs from the decision; nil if it does not.
    ///
    /// All nodes are looked at in both where profiles score, up to a hundred nodes.
    mutating func disagreement(with decision: Decision, about pod: Pod) -> String? {
        // A class of pods is remembered from its second attempt on.
        _ = attempt(pod) { _ in 0 }
        guard let attempt = attempt(pod, draw: { $0 - 1 }) else { return "no profile for the pod" }
        guard let node = attempt.node else {
            var expected = decision.message ?? "node \(decision.best.first ?? "")"
            if !decision.postFilterMessage.isEmpty { expected = String(expected.dropLast(decision.postFilterMessage.count + 1)) }
            return attempt.message == expected ? nil : "memoised path: \(attempt.message)"
        }
        guard decision.best.contains(node) else { return "memoised path: node \(node)" }
        guard let highest = decision.totals.max(), decision.feasible.count > 1 else { return nil }
        guard attempt.feasible == decision.feasible.count else { return "memoised path: \(attempt.feasible) feasible nodes" }
        return attempt.score == highest ? nil : "memoised path: score \(attempt.score)"
    }
}
