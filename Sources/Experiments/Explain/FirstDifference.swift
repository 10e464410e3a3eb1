// Where two runs part: both are done again side by side, until one writes what the other does not.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// The first thing that two runs do not have in common.
public struct FirstDifference: Sendable {
    /// What one of the runs did then.
    public struct Side: Sendable {
        /// The write to the API; nil: the run made no further one.
        public let event: WatchEvent?
        /// The scheduler's attempt in question, if it is one; in a run that made none at that point, nil.
        public let attempt: PodStory.Attempt?
    }

    /// How many writes to the API both made before.
    public let commonEvents: Int
    /// When they parted: the earlier of both.
    public let time: SimulatedTime
    /// The pod about which the scheduler decided differently, or when it did, before or at that moment.
    public let pod: NamespacedName?
    public let left: Side
    public let right: Side

    /// Does both runs again.
    ///
    /// Runs are compared write by write, with times, for as long as both last. The scheduler's attempts are compared, too: the first that
    /// differs by then is what led to it.
    /// - Parameter progress: called now and then with the time reached.
    /// - Returns: nil if there is no difference.
    /// - Throws: `ScenarioError` when a run cannot be set up.
    public static func find(
        between left: RepeatableRun, and right: RepeatableRun, progress: ((SimulatedTime) -> Void)? = nil
    ) throws(ScenarioError) -> FirstDifference? {
        var runs = (try watched(left.scenario), try watched(right.scenario))
        let end = SimulatedTime.zero + min(left.scenario.duration, right.scenario.duration)
        let steps: Int64 = 1000
        var index = 0
        for step in 1...steps {
            let time = step == steps ? end : SimulatedTime.zero + SimulatedDuration(nanoseconds: end.sinceStart.nanoseconds / steps * step)
            try left.scenario.run(&runs.0, until: time)
            try right.scenario.run(&runs.1, until: time)
            while true {
                let events = (event(index, of: runs.0), event(index, of: runs.1))
                if events.0 == nil, events.1 == nil { break }
                // One that has no further write yet may have one later: what it does then is what it does instead.
                if events.0 == nil || events.1 == nil, step < steps { break }
                if let one = events.0, let other = events.1, isSame(one, other) {
                    index += 1
                    continue
                }
                return try explain(index, events, runs, (left.scenario, right.scenario))
            }
            progress?(time)
        }
        return nil
    }

    private static func watched(_ scenario: Scenario) throws(ScenarioError) -> Cluster {
        var scenario = scenario
        scenario.configuration.recording.watchLog = true
        scenario.configuration.recording.schedulingAttempts = true
        return try scenario.makeCluster()
    }

    private static func event(_ index: Int, of cluster: Cluster) -> WatchEvent? {
        index < cluster.watchEventCount ? cluster.watchEvent(index) : nil
    }

    private static func isSame(_ one: WatchEvent, _ other: WatchEvent) -> Bool {
        one.time == other.time && one.change == other.change && one.object == other.object
    }

    // MARK: Why

    private static func explain(
        _ index: Int, _ events: (WatchEvent?, WatchEvent?), _ runs: (Cluster, Cluster), _ scenarios: (Scenario, Scenario)
    ) throws(ScenarioError) -> FirstDifference {
        let time = min(events.0?.time ?? .distantFuture, events.1?.time ?? .distantFuture)
        let attempt = firstDifferentAttempt(runs.0.record.attempts, runs.1.record.attempts, until: time)
        let pod = attempt?.pod ?? events.0.flatMap(pod(of:)) ?? events.1.flatMap(pod(of:))
        var attempts: (PodStory.Attempt?, PodStory.Attempt?)
        if let pod {
            let horizon = max(runs.0.now, runs.1.now)
            attempts.0 = try decision(about: pod, attempt?.left, scenarios.0, until: horizon, begun: time)
            attempts.1 = try decision(about: pod, attempt?.right, scenarios.1, until: horizon, begun: time)
        }
        return FirstDifference(
            commonEvents: index, time: time, pod: attempts.0 == nil && attempts.1 == nil ? nil : pod,
            left: Side(event: events.0, attempt: attempts.0), right: Side(event: events.1, attempt: attempts.1))
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
