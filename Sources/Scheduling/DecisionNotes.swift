// Decisions of a running scheduler that are taken down whole, for those who ask afterwards why a pod is where it is.

import DiscreteEvents
import KubernetesAPI

/// A decision with the attempt it belongs to.
package struct NotedDecision: Sendable {
    package let pod: NamespacedName
    /// The attempt's number, as in ``SchedulingAttempt/number``.
    package let attempt: Int
    /// When the attempt began: what the scheduler knew then, it decided on.
    package let time: SimulatedTime
    package let decision: Decision
}

/// Which pods' decisions are taken down, and those that were. To be taken down costs time and changes nothing: such pods take the plain
/// path, on which decisions are the same.
package struct DecisionNotes: Sendable {
    package enum Subject: Hashable, Sendable {
        case nobody
        case everybody
        /// Of a name there may be several pods, one after the other.
        case pod(NamespacedName)
    }

    package var subject = Subject.nobody
    /// In the order in which the decisions were made.
    package private(set) var decisions: [NotedDecision] = []

    /// An empty note, if the decision about the pod is to be taken down.
    func begin(_ pod: NamespacedName) -> Decision? {
        switch subject {
        case .nobody: nil
        case .everybody: Decision()
        case .pod(let name): name == pod ? Decision() : nil
        }
    }

    mutating func add(_ decision: Decision, about pod: NamespacedName, attempt: Int, at time: SimulatedTime) {
        decisions.append(NotedDecision(pod: pod, attempt: attempt, time: time, decision: decision))
    }
}
