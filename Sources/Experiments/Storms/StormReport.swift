// What is printed about a storm that broke an invariant.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// The events around the first broken invariant of a storm.
public struct StormReport: Sendable, CustomStringConvertible {
    public let outcome: StormOutcome
    private let lines: [String]
    /// Commits shown at most.
    private static let mostLines = 30

    /// Runs the storm once more and listens.
    public init(_ outcome: StormOutcome) { self.init(outcome) { _ in } }

    init(_ outcome: StormOutcome, _ plant: (inout ClusterConfiguration) -> Void) {
        self.outcome = outcome
        guard let violation = outcome.violation, var scenario = try? outcome.storm?.scenario() else {
            lines = []
            return
        }
        plant(&scenario.configuration)
        scenario.configuration.recording.watchLog = true
        guard let record = try? scenario.run().record else {
            lines = []
            return
        }
        lines = StormReport.events(of: record, before: violation)
    }

    /// The last commits, those about the object and its like before others, with the faults and the operator's actions between.
    private static func events(of record: RunRecord, before violation: InvariantViolation) -> [String] {
        var entries: [(time: SimulatedTime, text: String)] = []
        for event in record.watchLog where event.object.kind != .event {
            if let text = line(event) { entries.append((event.time, text)) }
        }
        for failure in record.recoveries {
            entries.append((failure.failed, "FAULT \(failure.subject)"))
            if let returned = failure.returned { entries.append((returned, "RETURN \(failure.subject)")) }
        }
        for operation in record.operations where !operation.isRoutine {
            entries.append((operation.time, "OPERATOR \(operation.description)" + (operation.refusal.map { ": \($0)" } ?? "")))
        }
        let sorted = entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        return sorted.suffix(mostLines).map { "  \($0.time.clock)  \($0.text)" }
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
        var text = "BROKEN at \(violation.time.clock): \(violation)\n"
        if let storm = outcome.storm { text += "Storm of \(storm.contents)\n" }
        text += "The last events before it\n" + lines.joined(separator: "\n")
        return text
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
