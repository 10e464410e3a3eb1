// Where two runs part: both are done again side by side, until one does what the other does not.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// The first thing that two runs do not have in common.
public struct FirstDifference: Sendable {
    /// Something that runs are compared by.
    public enum Event: Sendable {
        /// Nodes fail, or get notice that they will be taken back.
        case failure(RecoveryRecord)
        /// The operator does something; or something else fails: a load from outside of pods, the registry, the API server.
        case operation(OperationRecord)
        /// A write to the API.
        case write(WatchEvent)
        case requestSent(source: String, number: UInt64, time: SimulatedTime, client: String?)
        /// A request is over for its client: answered by some pod, or failed.
        case requestEnded(source: String, TrafficRecord.Request)
    }

    /// What one of the runs did then.
    public struct Side: Sendable {
        /// What it did; nil: nothing further of that kind.
        public let event: Event?
        /// Whether the run was over.
        public let isOver: Bool
        /// The scheduler's attempt in question, if it is one; in a run that made none at that point, nil.
        public let attempt: PodStory.Attempt?
    }

    /// How many writes to the API both made before.
    public let commonWrites: Int
    /// How many requests had ended in both before, and in the same way.
    public let commonRequests: Int
    /// When they parted: the earlier of both.
    public let time: SimulatedTime
    /// The pod about which the scheduler decided differently, or when it did, before or at that moment.
    public let pod: NamespacedName?
    public let left: Side
    public let right: Side

    /// Does both runs again.
    ///
    /// Runs are compared in all that happens, with times: writes to the API, what the operator does, failures, and every request when it is
    /// sent and when it ends; and in when they end. If the API is what they part at, the scheduler's attempts are compared, too: the first
    /// that differs by then is what led to it.
    /// - Parameter progress: called now and then with the time reached.
    /// - Returns: nil if there is no difference.
    /// - Throws: `ScenarioError` when a run cannot be set up.
    public static func find(
        between left: RepeatableRun, and right: RepeatableRun, progress: ((SimulatedTime) -> Void)? = nil
    ) throws(ScenarioError) -> FirstDifference? {
        var pair = try RunPair(left.scenario, right.scenario)
        let end = min(left.scenario.duration, right.scenario.duration)
        let steps: Int64 = 1000
        for step in 1...steps {
            let time = step == steps ? end : SimulatedDuration(nanoseconds: end.nanoseconds / steps * step)
            try pair.run(until: .zero + time)
            if let found = pair.firstDifference, found.isComplete || step == steps { return try explain(found, pair) }
            progress?(.zero + time)
        }
        guard left.scenario.duration != right.scenario.duration, !pair.left.isOver else { return nil }
        return FirstDifference(
            pair, at: .zero + end, left: Side(event: nil, isOver: left.scenario.duration == end, attempt: nil),
            right: Side(event: nil, isOver: right.scenario.duration == end, attempt: nil))
    }

    private init(_ pair: RunPair, at time: SimulatedTime, pod: NamespacedName? = nil, left: Side, right: Side) {
        (commonWrites, commonRequests) = pair.common
        self.time = time
        self.pod = pod
        self.left = left
        self.right = right
    }

    // MARK: Why

    private static func explain(_ found: RunPair.Difference, _ pair: RunPair) throws(ScenarioError) -> FirstDifference {
        let writes = [found.left, found.right].compactMap { event -> WatchEvent? in
            if case .write(let write)? = event { write } else { nil }
        }
        var attempts: (PodStory.Attempt?, PodStory.Attempt?)
        var subject: NamespacedName?
        if !writes.isEmpty {
            let records = (pair.left.record, pair.right.record)
            let attempt = firstDifferentAttempt(records.0.attempts, records.1.attempts, until: found.time)
            subject = attempt?.pod ?? writes.lazy.compactMap { pod(of: $0) }.first
            if let subject {
                let horizon = max(pair.left.now, pair.right.now)
                attempts.0 = try decision(about: subject, attempt?.left, pair.scenarios.left, until: horizon, begun: found.time)
                attempts.1 = try decision(about: subject, attempt?.right, pair.scenarios.right, until: horizon, begun: found.time)
            }
        }
        return FirstDifference(
            pair, at: found.time, pod: attempts.0 == nil && attempts.1 == nil ? nil : subject,
            left: Side(event: found.left, isOver: pair.left.isOver, attempt: attempts.0),
            right: Side(event: found.right, isOver: pair.right.isOver, attempt: attempts.1))
    }

    struct DifferentAttempt {
        let pod: NamespacedName
        let left: SchedulingAttempt?
        let right: SchedulingAttempt?
    }

    /// Attempts are compared in the order in which they began.
    static func firstDifferentAttempt(
        _ left: [SchedulingAttempt], _ right: [SchedulingAttempt], until time: SimulatedTime
    ) -> DifferentAttempt? {
        func begun(_ attempts: [SchedulingAttempt]) -> [SchedulingAttempt] {
            attempts.filter { $0.start <= time }.sorted { ($0.start, $0.pod) < ($1.start, $1.pod) }
        }
        let (left, right) = (begun(left), begun(right))
        for index in 0..<max(left.count, right.count) {
            let one = index < left.count ? left[index] : nil
            let other = index < right.count ? right[index] : nil
            if let one, let other, hasSameOutcome(one, other) { continue }
            // Of two attempts about different pods the earlier one is what the other run did not do.
            let isSamePod = one?.pod == other?.pod && one?.number == other?.number
            if isSamePod, let pod = one?.pod { return DifferentAttempt(pod: pod, left: one, right: other) }
            let first = [one, other].compactMap { $0 }.min { ($0.start, $0.pod) < ($1.start, $1.pod) }
            guard let first else { return nil }
            // What both have in common is behind: a number may be there already, of a pod of the same name or another scheduler's.
            return DifferentAttempt(
                pod: first.pod, left: left.dropFirst(index).first { $0.pod == first.pod },
                right: right.dropFirst(index).first { $0.pod == first.pod })
        }
        return nil
    }

    /// Whether the rest of the cluster cannot tell two attempts apart: scores that lead to the same node are nobody's business.
    private static func hasSameOutcome(_ one: SchedulingAttempt, _ other: SchedulingAttempt) -> Bool {
        var same = other
        same.score = one.score
        return one == same
    }

    /// The decision that led to an attempt, or (nil) the latest about the pod that was begun by then.
    private static func decision(
        about pod: NamespacedName, _ attempt: SchedulingAttempt?, _ scenario: Scenario, until end: SimulatedTime, begun time: SimulatedTime
    ) throws(ScenarioError) -> PodStory.Attempt? {
        let run = try WatchedRun(scenario, decisionsAbout: .pod(pod), until: end)
        let attempts = run.attempts(about: pod)
        guard let attempt else { return attempts.last { $0.outcome.start <= time } }
        return attempts.first { $0.outcome.number == attempt.number && $0.outcome.start == attempt.start }
    }

    private static func pod(of event: WatchEvent) -> NamespacedName? {
        guard case .pod(let pod) = event.object else { return nil }
        return pod.value.metadata.key
    }
}
