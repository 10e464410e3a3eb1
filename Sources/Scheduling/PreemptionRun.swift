// A preemption being carried out: API calls one after the other, while the pod they are for waits.
// KEP-4832: <https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4832-async-preemption>

import APIServer
import KubernetesAPI

/// First the displaced nominations are cleared, one by one; then all victims but one are deleted side by side; then the last one. A
/// victim gets its condition first and is then deleted.
///
/// The last victim comes by itself so that its end, when the scheduler sees it, finds the preemptor free to be tried again.
struct PreemptionRun: Sendable {
    /// A call, by the index of the pod it is about.
    enum Step: Hashable, Sendable {
        /// Clears the nomination of a displaced pod.
        case clear(Int)
        /// Sets the condition of a victim.
        case mark(Int)
        case delete(Int)
    }
    private enum Phase { case clearing, deletingMost, deletingLast, over }

    let preemptor: Shared<Pod>
    let node: String
    /// Pods that lose their nomination: those whose status has one.
    let displaced: [Shared<Pod>]
    /// Pods to delete; those on their way out already are left alone.
    let victims: [Shared<Pod>]
    private var phase = Phase.clearing
    private var pendingCalls = 0
    private var victimsAreStuck = false
    /// Whether a call failed: then the preemptor is tried again at once, since no victim's end may ever wake it.
    private(set) var hasFailed = false

    /// nil if there is nobody to delete: the pod then waits for those who are leaving.
    init?(_ preemption: Preemption, for preemptor: Shared<Pod>) {
        victims = preemption.victims.map(\.pod).filter { !$0.isTerminating }
        guard !victims.isEmpty else { return nil }
        displaced = preemption.displaced.map(\.pod).filter { $0.value.status.nominatedNodeName?.isEmpty == false }
        self.preemptor = preemptor
        node = preemption.node
    }

    var isOver: Bool { phase == .over }

    /// The victim whose end, once seen, frees the preemptor although its call may not have been answered yet.
    var lastVictim: Shared<Pod>? { phase == .deletingLast ? victims.last : nil }

    /// The first calls to make.
    mutating func start() -> [Step] { enter(displaced.isEmpty ? .deletingMost : .clearing) }

    /// A call was answered. Returns the calls to make next.
    mutating func answered(_ step: Step, _ answer: APIResult) -> [Step] {
        pendingCalls -= 1
        var error: APIError?
        if case .failure(let refusal) = answer { error = refusal }
        switch step {
        case .clear(let index):
            // A nomination that stays is no reason to stop.
            if error != nil { hasFailed = true }
            return index + 1 < displaced.count ? call([.clear(index + 1)]) : enter(.deletingMost)
        case .mark(let index) where error == nil: return call([.delete(index)])
        case .mark, .delete:
            // Somebody who is gone needs no deleting.
            if let error, !error.isAboutLostObject { (hasFailed, victimsAreStuck) = (true, true) }
        }
        guard pendingCalls == 0 else { return [] }
        return enter(phase == .deletingMost && !victimsAreStuck ? .deletingLast : .over)
    }

    private mutating func enter(_ next: Phase) -> [Step] {
        phase = next
        switch next {
        case .clearing: return call([.clear(0)])
        case .deletingMost where victims.count > 1: return call((0..<victims.count - 1).map(firstStep))
        case .deletingMost: return enter(.deletingLast)
        case .deletingLast: return call([firstStep(victims.count - 1)])
        case .over: return []
        }
    }

    private mutating func call(_ steps: [Step]) -> [Step] {
        pendingCalls += steps.count
        return steps
    }

    private func firstStep(_ victim: Int) -> Step {
        var conditions = victims[victim].value.status.conditions
        return conditions.set(condition) ? .mark(victim) : .delete(victim)
    }

    /// What the victims' statuses say about why they go.
    var condition: Condition {
        Condition(
            .disruptionTarget, .true, reason: PreemptionEligibility.disruptionReason,
            message: "\(preemptor.value.spec.value.schedulerName): preempting to accommodate a higher priority pod")
    }
}

extension APIError {
    /// The object of the request, or the incarnation that was meant, does not exist any more.
    fileprivate var isAboutLostObject: Bool {
        switch self {
        case .notFound, .preconditionFailed: true
        case .alreadyExists, .conflict, .bindingConflict, .invalid, .forbidden, .badRequest, .internalError, .tooManyRequests,
            .severalBudgets, .overloaded, .timeout, .unavailable:
            false
        }
    }
}
