// What is printed about a storm that broke an invariant.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// The events around the first broken invariant of a storm.
public struct StormReport: Sendable, CustomStringConvertible {
    public let outcome: StormOutcome
    private let before: [String]
    private let after: [String]
    /// Events shown at most, before the break and after it.
    private static let mostBefore = 30
    private static let mostAfter = 15
    /// How long the cluster goes on, unwatched, to show what becomes of it.
    private static let aftermath = SimulatedDuration.minutes(1)

    /// Runs the storm once more and listens.
    public init(_ outcome: StormOutcome) { self.init(outcome) { _ in } }

    init(_ outcome: StormOutcome, _ plant: (inout ClusterConfiguration) -> Void) {
        self.outcome = outcome
        let entries = (try? StormReport.entries(outcome, plant)) ?? []
        before = entries.filter { !$0.isAfter }.suffix(StormReport.mostBefore).map(\.line)
        after = entries.filter(\.isAfter).prefix(StormReport.mostAfter).map(\.line)
    }

    private struct Entry {
        var time: SimulatedTime
        var isAfter: Bool
        var text: String
        var line: String { "  \(time.clock)  \(text)" }
    }

    /// Commits, faults and the operator's actions, in the order in which they happened.
    private static func entries(
        _ outcome: StormOutcome, _ plant: (inout ClusterConfiguration) -> Void
    ) throws(ScenarioError) -> [Entry] {
        guard let violation = outcome.violation, var scenario = try outcome.storm?.scenario() else { return [] }
        plant(&scenario.configuration)
        scenario.configuration.recording.watchLog = true
        var cluster = try scenario.makeCluster()
        try scenario.run(&cluster, until: .zero + scenario.duration)
        let commits = cluster.record.watchLog.count
        // Where time does not advance there is nothing to wait for.
        if violation.invariant != .timeAdvances { cluster.runOnUnwatched(for: aftermath) }
        let record = cluster.finish()
        var entries: [Entry] = []
        for (number, event) in record.watchLog.enumerated() where event.object.kind != .event {
            if let text = line(event) { entries.append(Entry(time: event.time, isAfter: number >= commits, text: text)) }
        }
        func add(_ time: SimulatedTime, _ text: String) {
            entries.append(Entry(time: time, isAfter: time > violation.time, text: text))
        }
        for failure in record.recoveries {
            add(failure.failed, "FAULT \(failure.subject)")
            if let returned = failure.returned { add(returned, "RETURN \(failure.subject)") }
        }
        for operation in record.operations where !operation.isRoutine {
            add(operation.time, "OPERATOR \(operation.description)" + (operation.refusal.map { ": \($0)" } ?? ""))
        }
        return entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    /// What a commit changed; nil for a write that touched nothing shown.
    private static func line(_ event: WatchEvent) -> String? {
        let fields = WatchedFields.of(event.object)
        let changed: [WatchedFields.Field]
        switch event.change {
        case .added: changed = fields
        case .modified: changed = WatchedFields.difference(from: event.previous.map { WatchedFields.of($0) } ?? [], to: fields)
        case .deleted: changed = []
        }
        if event.change == .modified, changed.isEmpty { return nil }
        let text = changed.map { "\($0.name)=\($0.value.brief)" }.joined(separator: " ")
        return "\(event.change.rawValue) \(event.object.key) \(text)"
    }

    public var description: String {
        guard let violation = outcome.violation else { return "seed \(outcome.seed): all invariants held" }
        var lines = ["BROKEN at \(violation.time.clock): \(violation)"]
        if let storm = outcome.storm { lines.append("Storm of \(storm.contents)") }
        lines += ["The events around it"] + before + ["  \(violation.time.clock)  BROKEN \(violation)"] + after
        if after.isEmpty { lines.append("  nothing more in the next \(StormReport.aftermath.text)") }
        return lines.joined(separator: "\n")
    }
}

extension WatchedFields.Value {
    /// In few letters, for a line that a person reads.
    fileprivate var brief: String {
        switch self {
        case .null: "-"
        case .text(let text), .number(let text): text
        case .integer(let number): String(number)
        case .boolean(let flag): String(flag)
        case .list(let texts): "[" + texts.joined(separator: ",") + "]"
        case .values(let values): "[" + values.map(\.brief).joined(separator: ",") + "]"
        case .map(let fields): "{" + fields.map { "\($0.name):\($0.value.brief)" }.joined(separator: ",") + "}"
        }
    }
}
