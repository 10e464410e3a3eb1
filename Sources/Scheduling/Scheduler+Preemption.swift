// How the scheduler carries out what PostFilter decided.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The preemptions being carried out, and which call belongs to which.
struct PreemptionRuns: Sendable {
    /// In the order of their beginning; few at a time.
    private var runs: [(number: UInt64, run: PreemptionRun)] = []
    private var calls: [UInt64: (number: UInt64, step: PreemptionRun.Step)] = [:]
    private var nextNumber: UInt64 = 0

    var isEmpty: Bool { runs.isEmpty }

    mutating func begin(_ run: PreemptionRun) -> UInt64 {
        nextNumber += 1
        runs.append((nextNumber, run))
        return nextNumber
    }

    mutating func expect(_ token: UInt64, _ step: PreemptionRun.Step, of number: UInt64) { calls[token] = (number, step) }

    /// The run and step a call belongs to, if it is one of a preemption's; the call is forgotten.
    mutating func take(_ token: UInt64) -> (number: UInt64, step: PreemptionRun.Step)? { calls.removeValue(forKey: token) }

    subscript(number: UInt64) -> PreemptionRun? {
        get { runs.first { $0.number == number }?.run }
        set {
            guard let index = runs.firstIndex(where: { $0.number == number }) else { return }
            if let newValue { runs[index].run = newValue } else { runs.remove(at: index) }
        }
    }

    /// The pods that wait for nothing but the end of this pod.
    func preemptors(waitingFor victim: Shared<Pod>) -> [Shared<Pod>] {
        let uid = victim.value.metadata.uid
        return runs.filter { $0.run.lastVictim?.value.metadata.uid == uid }.map(\.run.preemptor)
    }
}

extension Scheduler {
    /// Begins to make room for a pod: it stays gated while that goes on.
    mutating func carryOut(_ preemption: Preemption, for pod: PodInfo, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard var run = PreemptionRun(preemption, for: pod.pod) else { return }
        queue.setPreempting(true, pod.pod.value.metadata.key, uid: pod.pod.value.metadata.uid)
        let steps = run.start()
        let number = preemptions.begin(run)
        for step in steps { perform(step, of: run, number, at: now, &effects) }
    }

    private mutating func perform(
        _ step: PreemptionRun.Step, of run: PreemptionRun, _ number: UInt64, at now: SimulatedTime,
        _ effects: inout Effects<SchedulerTimer>
    ) {
        let request: APIRequest
        switch step {
        case .clear(let index):
            let metadata = run.displaced[index].value.metadata
            request = .patchPod(metadata.key, uid: metadata.uid, .nominatedNode(nil))
        case .mark(let index):
            let metadata = run.victims[index].value.metadata
            var condition = run.condition
            condition.lastTransitionTime = now.truncatedToSeconds
            request = .patchPod(metadata.key, uid: metadata.uid, .conditions([condition]))
        case .delete(let index):
            let metadata = run.victims[index].value.metadata
            request = .delete(ObjectKey(.pod, metadata.key), DeleteOptions(uid: metadata.uid))
        }
        let token = newToken()
        preemptions.expect(token, step, of: number)
        effects.call(.scheduler, request, token: token)
    }

    /// Goes on with the preemption that an answered call belongs to; false if it belongs to none.
    mutating func continuePreemption(
        _ answer: APIResult, token: UInt64, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) -> Bool {
        guard let (number, step) = preemptions.take(token) else { return false }
        guard var run = preemptions[number] else { return true }
        if case .delete(let index) = step, case .success = answer { reportPreempted(run.victims[index], by: run, at: now, &effects) }
        for next in run.answered(step, answer) { perform(next, of: run, number, at: now, &effects) }
        preemptions[number] = run.isOver ? nil : run
        if run.isOver {
            let name = run.preemptor.value.metadata.key
            queue.setPreempting(false, name, uid: run.preemptor.value.metadata.uid)
            if run.hasFailed { queue.activate(name) }
        }
        return true
    }

    private mutating func reportPreempted(
        _ victim: Shared<Pod>, by run: PreemptionRun, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        let preemptor = run.preemptor.value
        record(
            "Preempted", "Preempted by pod \(preemptor.metadata.uid) on node \(run.node)", .normal, about: victim.value,
            source: preemptor.spec.value.schedulerName, at: now, &effects)
    }

    /// A pod was seen to go or to have gone: preemptors that wait for it alone are free to be tried.
    mutating func freePreemptors(waitingFor victim: Shared<Pod>) {
        for preemptor in preemptions.preemptors(waitingFor: victim) {
            queue.setPreempting(false, preemptor.value.metadata.key, uid: preemptor.value.metadata.uid)
        }
    }
}

extension RandomPurpose {
    static let preemption = RandomPurpose("preemption candidates")
}
