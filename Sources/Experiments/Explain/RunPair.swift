// Two runs that are done again side by side, and where they part as far as they have come.

import APIServer
import ClusterSimulation
import DiscreteEvents

/// Both runs, and what each kind of event came to in them.
struct RunPair {
    /// Where two runs part.
    struct Difference {
        let time: SimulatedTime
        /// What each does; nil: nothing of the kind so far.
        let left: FirstDifference.Event?
        let right: FirstDifference.Event?
        /// Whether nothing more can become known of either side.
        let isComplete: Bool
    }

    /// A run, and how far its record has been read.
    struct Run {
        private(set) var cluster: Cluster
        private var read = (failures: 0, operations: 0, writes: 0)

        init(_ scenario: Scenario) throws(ScenarioError) {
            var scenario = scenario
            scenario.configuration.recording.watchLog = true
            scenario.configuration.recording.schedulingAttempts = true
            cluster = try scenario.makeCluster()
            cluster.recordEveryRequest()
        }

        var record: RunRecord { cluster.record }
        var now: SimulatedTime { cluster.now }
        /// Whether it broke an invariant, and stands still.
        var isOver: Bool { cluster.violation != nil }

        /// What happened in a step.
        struct Step {
            var failures: ArraySlice<RecoveryRecord>
            var operations: ArraySlice<OperationRecord>
            var writes: ArraySlice<WatchEvent>
            var sent: [RequestSending]
            var ended: [RequestFate]
        }

        mutating func run(_ scenario: Scenario, until time: SimulatedTime) throws(ScenarioError) -> Step {
            try scenario.run(&cluster, until: time)
            let requests = cluster.takeRequests()
            let sources = cluster.trafficSources
            let record = cluster.record
            let step = Step(
                failures: record.recoveries[read.failures...], operations: record.operations[read.operations...],
                writes: record.watchLog[read.writes...], sent: requests.sent.map { RequestSending($0, sources) },
                ended: requests.ended.map { RequestFate($0, sources) })
            read = (record.recoveries.count, record.operations.count, record.watchLog.count)
            return step
        }
    }

    let scenarios: (left: Scenario, right: Scenario)
    private(set) var left: Run
    private(set) var right: Run
    // Of events at one moment, causes come first.
    private(set) var failures = PairedEvents<RecoveryRecord>()
    private(set) var operations = PairedEvents<OperationRecord>()
    private(set) var writes = PairedEvents<WatchEvent>()
    private(set) var sendings = PairedEvents<RequestSending>()
    private(set) var ends = PairedEvents<RequestFate>()
    /// What they had in common when they parted: writes, and requests that had ended.
    private var commonBefore: (writes: Int, requests: Int)?

    /// What they have in common: writes to the API, and requests that have ended.
    var common: (writes: Int, requests: Int) { commonBefore ?? (writes.common, ends.common) }

    /// - Throws: `ScenarioError` when a run cannot be set up.
    init(_ left: Scenario, _ right: Scenario) throws(ScenarioError) {
        scenarios = (left, right)
        self.left = try Run(left)
        self.right = try Run(right)
    }

    /// Lets both go on.
    mutating func run(until time: SimulatedTime) throws(ScenarioError) {
        let one = try left.run(scenarios.left, until: time)
        let other = try right.run(scenarios.right, until: time)
        failures.add(one.failures, other.failures)
        operations.add(one.operations, other.operations)
        writes.add(one.writes, other.writes)
        sendings.add(one.sent, other.sent)
        ends.add(one.ended, other.ended)
        if commonBefore == nil, let first = firstDifference {
            commonBefore = (writes.common(by: first.time), ends.common(by: first.time))
        }
    }

    /// The earliest of all kinds of differences; nil: there is none so far.
    var firstDifference: Difference? {
        var first: Difference?
        func look(_ events: PairedEvents<some PairedEvent>) {
            guard let time = events.time, time < first?.time ?? .distantFuture else { return }
            first = Difference(
                time: time, left: events.left?.event, right: events.right?.event,
                isComplete: (events.left != nil || left.isOver) && (events.right != nil || right.isOver))
        }
        look(failures)
        look(operations)
        look(writes)
        look(sendings)
        look(ends)
        // A run that stands still parts from one that goes on.
        let stops = min(left.isOver ? left.now : .distantFuture, right.isOver ? right.now : .distantFuture)
        if left.isOver != right.isOver || left.isOver && left.now != right.now, stops <= first?.time ?? .distantFuture {
            first = Difference(time: stops, left: nil, right: nil, isComplete: true)
        }
        return first
    }
}
