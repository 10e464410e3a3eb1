// Whether expectations hold: what was observed, beside what was expected.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// The verdict on one expectation.
public struct ExpectationResult: Hashable, Sendable {
    public var expectation: Expectation
    public var holds: Bool
    /// What was seen: the worst value and when, or why there was nothing to see.
    public var observed: String
}

/// A quantity over time that changes in steps.
private struct Steps {
    var changes: [(time: SimulatedTime, value: Double)] = []

    init(changes: [(time: SimulatedTime, value: Double)]) { self.changes = changes }

    /// The running sum of steps, 0 at first.
    init(summing steps: [(time: SimulatedTime, step: Int)]) {
        let sorted = steps.sorted { $0.time < $1.time }
        changes = [(.zero, 0)]
        var sum = 0
        for (index, change) in sorted.enumerated() {
            sum += change.step
            if index + 1 < sorted.count, sorted[index + 1].time == change.time { continue }
            changes.append((change.time, Double(sum)))
        }
    }

    /// The values in force within a window, each with the moment it began to be: the one at its start first.
    func values(from: SimulatedTime, until: SimulatedTime) -> [(time: SimulatedTime, value: Double)] {
        var result: [(time: SimulatedTime, value: Double)] = []
        for change in changes where change.time <= until {
            if change.time <= from { result = [(from, change.value)] } else { result.append(change) }
        }
        return result
    }
}

extension RunRecord {
    /// Judges one expectation of a run that ended at `end`.
    public func check(_ expectation: Expectation, end: SimulatedTime) -> ExpectationResult {
        let from = expectation.from ?? .zero
        let until = expectation.until ?? end
        if from > end {
            return ExpectationResult(expectation: expectation, holds: false, observed: "the run ended before, at \(end.sinceStart.text)")
        }
        switch expectation.subject {
        case .available(let key): return judgeReplicas(expectation, key, \.available, from, until)
        case .replicas(let key): return judgeReplicas(expectation, key, \.desired, from, until)
        case .condition(let key, let type, let status, let reason):
            return judgeCondition(expectation, key, type, from, until) { $0.status == status && (reason == nil || $0.reason == reason) }
        case .jobs(let state, let owner):
            return judge(expectation, jobs(state, of: owner).values(from: from, until: until))
        case .pods(.pending), .pods(.unscheduled):
            let waitsForNode = expectation.subject == .pods(.unscheduled)
            return judge(expectation, podsWaiting(waitsForNode ? \.untilScheduled : \.untilStarted).values(from: from, until: until))
        case .pods(let state):
            return judgeSamples(expectation, from, until) { sample in
                switch state {
                case .running: Double(sample.running)
                case .ready: Double(sample.ready)
                case .failed: Double(sample.failed)
                case .pending, .unscheduled: Double(sample.unscheduled)
                }
            }
        case .nodes(let state):
            return judgeSamples(expectation, from, until) { sample in
                switch state {
                case .ready: Double(sample.readyNodes)
                case .used: Double(sample.usedNodes)
                case .total: Double(sample.nodes)
                }
            }
        case .utilisation(let resource):
            return judgeSamples(expectation, from, until) { sample in sample.resources.first { $0.name == resource }?.utilisation }
        case .recovery:
            return judgeFailures(expectation, from, until, end, from: \.asBegun, until: \.recovered, what: "recovered")
        case .detection:
            return judgeFailures(expectation, from, until, end, from: \.down, until: \.detected, what: "detected") { failure in
                // Nobody can notice what makes no difference, or is over.
                failure.nodes == 0 ? failure.down : failure.unnoticedNodes > 0 ? failure.returned : nil
            }
        case .unschedulable:
            let count = pods.count { $0.waitsForNode }
            return judge(expectation, [(until, Double(count))])
        case .preempted:
            return judge(expectation, [(until, Double(pods.count { $0.wasPreempted }))])
        case .restarts:
            return judge(expectation, [(until, Double(pods.reduce(0) { $0 + $1.restarts }))])
        case .requests(let figure, let source):
            guard let traffic else { return ExpectationResult(expectation: expectation, holds: false, observed: "there was no traffic") }
            return judge(expectation, traffic.values(figure, of: source, from: from, until: until))
        case .invariants:
            let observed = violation.map { "\($0.time.sinceStart.text): \($0)" } ?? "none was broken"
            return ExpectationResult(expectation: expectation, holds: violation == nil, observed: observed)
        case .podStart(let statistic):
            let times = pods.filter { !$0.isFromSnapshot && $0.created >= from && $0.created <= until }.compactMap { pod in
                pod.ready.map { ($0 - pod.created).seconds }
            }
            guard let value = RunSummary.statistic(statistic, of: times) else {
                return ExpectationResult(expectation: expectation, holds: false, observed: "no pod became ready")
            }
            return judge(expectation, [(until, value)])
        }
    }

    // MARK: Judging

    /// Holds if every value is within the bound; otherwise the worst one is named, with the time the first wrong one began.
    private func judge(_ expectation: Expectation, _ values: [(time: SimulatedTime, value: Double)]) -> ExpectationResult {
        guard let first = values.first else {
            return ExpectationResult(expectation: expectation, holds: false, observed: "nothing was measured")
        }
        var worst = first
        var firstWrong: SimulatedTime?
        var least = first.value
        var most = first.value
        for entry in values {
            if expectation.bound.excess(of: entry.value) > expectation.bound.excess(of: worst.value) { worst = entry }
            if firstWrong == nil, !expectation.bound.holds(for: entry.value) { firstWrong = entry.time }
            least = min(least, entry.value)
            most = max(most, entry.value)
        }
        let range = least == most ? expectation.text(of: least) : "\(expectation.text(of: least)) to \(expectation.text(of: most))"
        guard let firstWrong else { return ExpectationResult(expectation: expectation, holds: true, observed: range) }
        var observed = expectation.text(of: worst.value)
        if values.count > 1 {
            observed += " at \(worst.time.sinceStart.text)"
            if firstWrong != worst.time { observed += " (outside since \(firstWrong.sinceStart.text))" }
        }
        return ExpectationResult(expectation: expectation, holds: false, observed: observed)
    }

    private func judgeReplicas(
        _ expectation: Expectation, _ key: ObjectKey, _ number: KeyPath<AvailabilityChange, Int>, _ from: SimulatedTime,
        _ until: SimulatedTime
    ) -> ExpectationResult {
        let changes = availability.filter { $0.workload == key }.map { (time: $0.time, value: Double($0[keyPath: number])) }
        if changes.isEmpty {
            return ExpectationResult(expectation: expectation, holds: false, observed: "there was no \(key)")
        }
        return judge(expectation, Steps(changes: changes).values(from: from, until: until))
    }

    /// Holds if the condition was as expected all the time; otherwise the first other state is named.
    private func judgeCondition(
        _ expectation: Expectation, _ key: ObjectKey, _ type: ConditionType, _ from: SimulatedTime, _ until: SimulatedTime,
        isExpected: (Condition) -> Bool
    ) -> ExpectationResult {
        var inForce: [(time: SimulatedTime, condition: Condition)] = []
        for change in conditions where change.object == key && change.condition.type == type && change.time <= until {
            if change.time <= from { inForce = [(from, change.condition)] } else { inForce.append((change.time, change.condition)) }
        }
        guard let first = inForce.first, first.time <= from || inForce.allSatisfy({ isExpected($0.condition) }) else {
            let observed =
                inForce.isEmpty ? "there was no such condition" : "there was no such condition before \(inForce[0].time.sinceStart.text)"
            return ExpectationResult(expectation: expectation, holds: false, observed: observed)
        }
        func text(_ condition: Condition) -> String {
            condition.status.rawValue + (condition.reason.isEmpty ? "" : " (\(condition.reason))")
        }
        guard let wrong = inForce.first(where: { !isExpected($0.condition) }) else {
            return ExpectationResult(expectation: expectation, holds: true, observed: text(first.condition))
        }
        return ExpectationResult(
            expectation: expectation, holds: false, observed: "\(text(wrong.condition)) at \(wrong.time.sinceStart.text)")
    }

    /// How many Jobs were in a state, at every moment.
    private func jobs(_ state: Expectation.JobState, of cronJob: NamespacedName?) -> Steps {
        var changes: [(time: SimulatedTime, step: Int)] = []
        for job in jobs {
            if let cronJob, job.owner != "CronJob/" + cronJob.name || job.name.namespace != cronJob.namespace { continue }
            switch state {
            case .active:
                changes.append((job.created, 1))
                if let end = job.finished ?? job.deleted { changes.append((end, -1)) }
            case .complete: if let end = job.finished, job.outcome == .complete { changes.append((end, 1)) }
            case .failed: if let end = job.finished, job.outcome == .failed { changes.append((end, 1)) }
            }
        }
        return Steps(summing: changes)
    }

    private func judgeSamples(
        _ expectation: Expectation, _ from: SimulatedTime, _ until: SimulatedTime, _ value: (ClusterSample) -> Double?
    ) -> ExpectationResult {
        let changes = samples.compactMap { sample in value(sample).map { (time: sample.time, value: $0) } }
        return judge(expectation, Steps(changes: changes).values(from: from, until: until))
    }

    /// Every failure within the window that has got to its `first` moment; one that did not come to its `last` one fails, unless it was over
    /// (`mootFrom`) while there was time yet.
    private func judgeFailures(
        _ expectation: Expectation, _ from: SimulatedTime, _ until: SimulatedTime, _ end: SimulatedTime,
        from first: KeyPath<RecoveryRecord, SimulatedTime?>, until last: KeyPath<RecoveryRecord, SimulatedTime?>, what: String,
        mootFrom: (RecoveryRecord) -> SimulatedTime? = { _ in nil }
    ) -> ExpectationResult {
        let failures = recoveries.compactMap { failure in failure[keyPath: first].map { (begin: $0, failure: failure) } }
            .filter { $0.begin >= from && $0.begin <= until }
            // A machine that is to be taken back after the end has not failed yet.
            .filter { $0.failure.down != nil || $0.failure[keyPath: last] != nil }
        if failures.isEmpty { return ExpectationResult(expectation: expectation, holds: true, observed: "there was no failure") }
        var values: [(time: SimulatedTime, value: Double)] = []
        for (begin, failure) in failures {
            if let time = failure[keyPath: last] {
                values.append((begin, (time - begin).seconds))
                continue
            }
            let over = mootFrom(failure)
            let waited = ((over ?? end) - begin).seconds
            if over != nil, waited <= expectation.bound.atMost ?? .infinity { continue }
            // Longer than the run lasted: known to be wrong only if that is too long already, unknown otherwise.
            let verdict =
                "failure of \(failure.subject) at \(begin.sinceStart.text) was not \(what) by "
                + (over == nil ? "the end" : "when it was over") + ", \(expectation.text(of: waited)) later"
            return ExpectationResult(expectation: expectation, holds: false, observed: verdict)
        }
        if values.isEmpty {
            return ExpectationResult(expectation: expectation, holds: true, observed: "every failure was over before it was \(what)")
        }
        return judge(expectation, values)
    }

    /// The most pods that waited for a node at one time, from start to end.
    func mostUnscheduled(until end: SimulatedTime) -> Double {
        podsWaiting(\.untilScheduled).values(from: .zero, until: end).map(\.value).max() ?? 0
    }

    /// How many pods were waiting, at every moment.
    private func podsWaiting(_ end: KeyPath<PodRecord, SimulatedTime?>) -> Steps {
        var changes: [(time: SimulatedTime, step: Int)] = []
        changes.reserveCapacity(pods.count * 2)
        for pod in pods {
            changes.append((pod.created, 1))
            if let end = pod[keyPath: end] { changes.append((end, -1)) }
        }
        return Steps(summing: changes)
    }
}

extension PodRecord {
    /// The first moment from which the pod no longer waited for a node.
    fileprivate var untilScheduled: SimulatedTime? {
        // A snapshot does not always tell when.
        let bound = scheduled ?? (node == nil ? nil : created)
        return [bound, finished ?? finishedBefore, deleted].compactMap { $0 }.min()
    }
    /// The first moment from which the pod was no longer in phase Pending.
    fileprivate var untilStarted: SimulatedTime? {
        let running = started ?? (isFromSnapshot && phase != .pending ? created : nil)
        return [running, finished ?? finishedBefore, deleted].compactMap { $0 }.min()
    }
    /// Over before the run began, nobody knows when.
    private var finishedBefore: SimulatedTime? { phase == .succeeded || phase == .failed ? created : nil }

    /// Had to make room for a pod of higher priority.
    var wasPreempted: Bool { reason == "PreemptionByScheduler" && deletionRequested != nil }
    /// Waits for a node still.
    var waitsForNode: Bool { node == nil && deleted == nil && phase == .pending }
    /// The scheduler of the run bound it, not one before the run.
    var wasScheduledInRun: Bool { node != nil && !(isFromSnapshot && (scheduled ?? .zero) <= .zero) }
}
