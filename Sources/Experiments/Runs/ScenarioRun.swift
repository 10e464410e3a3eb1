// Runs one scenario: simulates, judges, writes results.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI

/// What a run came to.
public struct RunOutcome: Sendable {
    public var scenario: Scenario
    /// The end of the run.
    public var end: SimulatedTime
    public var record: RunRecord
    public var summary: RunSummary
    public var expectations: [ExpectationResult]

    public var expectationsHold: Bool { expectations.allSatisfy(\.holds) }

    /// Objects of the scenario that the API server refused when they were applied: nobody applies them again.
    public var refusedAtStart: [String] {
        record.operations.filter(\.isRoutine).compactMap { operation in
            operation.refusal.map { "\(scenario.name): \(operation.description) was refused: \($0)" }
        }
    }
}

extension Scenario {
    /// The folder of this scenario's results with its policy and seed, below a folder for all results.
    public func resultFolder(below output: String) -> String {
        PathText.join(output, "\(name)/\(policy)/\(SeedFolder.name(configuration.seed))")
    }

    /// Whether results may be written there, to be asked before a long run.
    ///
    /// - Throws: `ResultError` if something is in the way that is no earlier result.
    public func checkResultFolder(below output: String) throws(ResultError) {
        try ResultFolder.check(resultFolder(below: output))
    }

    private enum InvariantMode { case hold, converge }

    /// What is expected of the cluster's invariants; nil: nobody looks.
    private var expectsInvariants: InvariantMode? {
        let modes = expectations.compactMap { expectation -> InvariantMode? in
            if case .invariants(let converge) = expectation.subject { converge ? .converge : .hold } else { nil }
        }
        return modes.contains(.converge) ? .converge : modes.first
    }

    /// The cluster at time 0.
    ///
    /// - Throws: `ScenarioError` when it cannot be set up, for instance because no scheduler can be made of its configuration.
    public func makeCluster() throws(ScenarioError) -> Cluster {
        var configuration = configuration
        configuration.checksInvariants = configuration.checksInvariants || expectsInvariants != nil
        do {
            return try Cluster(configuration)
        } catch {
            throw ScenarioError(["\(inputs.first?.path ?? name): \(error)"])
        }
    }

    /// Simulates the scenario from start to end.
    ///
    /// - Parameter progress: called now and then with the time reached.
    /// - Throws: `ScenarioError` when the cluster cannot be set up.
    public func run(progress: ((SimulatedTime) -> Void)? = nil) throws(ScenarioError) -> RunOutcome {
        var cluster = try makeCluster()
        if let progress {
            try run(&cluster, progress: progress)
        } else {
            try run(&cluster, until: .zero + duration)
        }
        return outcome(of: &cluster)
    }

    /// Lets a cluster of this scenario go on to its end, step by step.
    private func run(_ cluster: inout Cluster, progress: (SimulatedTime) -> Void) throws(ScenarioError) {
        // Stopping on the way changes nothing but when somebody hears of it.
        let steps: Int64 = 1000
        for step in 1..<steps {
            let time = SimulatedTime.zero + SimulatedDuration(nanoseconds: duration.nanoseconds / steps * step)
            try run(&cluster, until: time)
            progress(time)
        }
        try run(&cluster, until: .zero + duration)
    }

    /// Lets a cluster of this scenario go on, onto the branch when it comes to it.
    func run(_ cluster: inout Cluster, until time: SimulatedTime) throws(ScenarioError) {
        if let branch, cluster.now < branch.at, branch.at <= time {
            cluster.run(until: branch.at)
            try branch.begin(in: &cluster, self)
        }
        if expectsInvariants == .converge, time == .zero + duration { cluster.runToRest(until: time) } else { cluster.run(until: time) }
    }

    /// Closes the books on a cluster of this scenario that has come to its end.
    func outcome(of cluster: inout Cluster) -> RunOutcome {
        let end = SimulatedTime.zero + duration
        let record = cluster.finish()
        return RunOutcome(
            scenario: self, end: end, record: record, summary: RunSummary(record, end: end, warmUp: configuration.recording.warmUp),
            expectations: expectations.map { record.check($0, end: end) })
    }
}

extension RunOutcome {
    /// Writes the result files; the folder appears when all of them are complete, in the place of an earlier one.
    ///
    /// - Throws: `ResultError` when a file cannot be written.
    /// - Returns: the files, `run.json` included.
    @discardableResult
    public func write(to folder: String) throws(ResultError) -> [WrittenFile] {
        let target = try ResultFolder(replacing: folder)
        do throws(ResultError) {
            let writer = ResultWriter(folder: target.temporaryPath, record: record, end: end)
            var files = try writer.writeAll(summary, options: scenario.configuration.recording)
            var manifest = try BufferedFile(name: "run.json", in: target.temporaryPath)
            manifest.append(provenance(files).text)
            files.append(try manifest.finish(rows: 0))
            try target.commit()
            return files
        } catch {
            target.discard()
            throw error
        }
    }

    /// run.json: what made these files.
    private func provenance(_ files: [WrittenFile]) -> JSONValue {
        let inputs = scenario.inputs.map { input in
            JSONValue.members([
                ("path", .string(input.path)), ("bytes", .integer(input.bytes)), ("fingerprint", .string(input.fingerprint.description)),
            ])
        }
        let written = files.map { file in
            JSONValue.members([
                ("name", .string(file.name)), ("rows", .integer(file.rows)), ("bytes", .integer(file.bytes)),
                ("fingerprint", .string(file.fingerprint.description)),
            ])
        }
        let verdicts = expectations.map { result in
            JSONValue.members([
                ("expectation", .string(result.expectation.description)), ("holds", .boolean(result.holds)),
                ("observed", .string(result.observed)),
            ])
        }
        return .members([
            ("seatrial", .string(SeatrialVersion.current)),
            (
                "scenario",
                .members([
                    ("name", .string(scenario.name)), ("file", scenario.origin.map { .string($0.file) } ?? .null),
                    ("scheduler", scenario.origin?.scheduler.map { .string($0) } ?? .null),
                    ("fingerprint", .string(scenario.fingerprint.description)), ("inputs", .array(inputs)),
                ])
            ),
            ("policy", .string(scenario.policy)), ("branch", branch), ("seed", seed),
            ("start", .string(RFC3339.text(scenario.startOnWall))), ("duration_s", .number(scenario.duration.secondsText)),
            ("configuration", configuration), ("expectations", .array(verdicts)), ("files", .array(written)),
        ])
    }

    /// A number; that of a mirror image is a text.
    private var seed: JSONValue {
        let text = SeedText.text(scenario.configuration.seed)
        return UInt64(text) == nil ? .string(text) : .number(text)
    }

    private var branch: JSONValue {
        guard let branch = scenario.branch else { return .null }
        return .members([
            ("at_s", .number(branch.at.sinceStart.secondsText)), ("scheduler", branch.takeover.map { .string($0.path) } ?? .null),
            ("fault", branch.fault.map { .string($0.text) } ?? .null),
        ])
    }

    private var configuration: JSONValue {
        let sections = Tunables.sections.map { section -> (String, JSONValue) in
            var values = section.tunables.map { ($0.resultName, $0.value(in: scenario.configuration)) }
            if section.name == "kubelet" {
                let thresholds = scenario.configuration.nodeAgent.eviction.thresholds
                values.append(("evictionThresholds", .array(thresholds.map { .string($0.description) })))
            }
            return (section.name.isEmpty ? "apiServer" : section.name, .members(values))
        }
        let recording = scenario.configuration.recording
        let measure = JSONValue.members([
            ("interval_s", recording.interval.map { .number($0.secondsText) } ?? .null), ("events", .boolean(recording.events)),
            ("scheduling", .boolean(recording.schedulingAttempts)), ("watchLog", .boolean(recording.watchLog)),
            ("nodeUsage", .boolean(recording.nodeUsage)), ("requests", recording.requestSampling.map { .integer($0) } ?? .null),
            ("warmUp", recording.warmUp.map { .string($0.text) } ?? .null),
        ])
        return .members(sections + [("measure", measure)])
    }
}
