// What `seatrial diff` prints: what both runs have in common, what each did next, and the decisions behind it.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// The first difference of two runs, for a person.
public struct FirstDifferenceReport: CustomStringConvertible {
    private let difference: FirstDifference?
    private let runs: (RepeatableRun, RepeatableRun)
    private let limit: Int

    /// - Parameter limit: nodes shown at most in one list.
    public init(_ difference: FirstDifference?, between left: RepeatableRun, and right: RepeatableRun, limit: Int = 20) {
        self.difference = difference
        runs = (left, right)
        self.limit = limit
    }

    public var description: String {
        var text = "Run 1  \(title(runs.0))\nRun 2  \(title(runs.1))\n\n"
        let shared = min(runs.0.scenario.duration, runs.1.scenario.duration)
        guard let difference else { return text + "They are the same, write by write, for \(shared.text).\n" }
        text += "The same \(Presentation.count(difference.commonEvents, "write")) to the API; they part at \(difference.time.exactClock):\n"
        text += "  run 1  \(line(difference.left.event))\n  run 2  \(line(difference.right.event))\n"
        guard let pod = difference.pod else { return text + "\nNo decision of the scheduler is behind it.\n" }
        text += "\nThe scheduler about pod \(pod)\n"
        text += "\nRun 1  \(decision(difference.left))\nRun 2  \(decision(difference.right))"
        return text
    }

    private func title(_ run: RepeatableRun) -> String {
        "\(run.name) (\(run.scenario.name), policy \(run.scenario.policy), seed \(run.scenario.configuration.seed))"
    }

    private func decision(_ side: FirstDifference.Side) -> String {
        guard let attempt = side.attempt else { return "made no attempt by then.\n" }
        return DecisionReport(attempt: attempt, limit: limit).description
    }

    /// `00:00:01.2 Pod default/web-1 MODIFIED node: n1`
    private func line(_ event: WatchEvent?) -> String {
        guard let event else { return "nothing more" }
        let fields = WatchedFields.of(event.object)
        var changed: [WatchedFields.Field]
        switch event.change {
        case .added: changed = []
        case .modified: changed = WatchedFields.difference(from: event.previous.map { WatchedFields.of($0) } ?? [], to: fields)
        case .deleted: changed = []
        }
        if case .event(let event) = event.object { changed = [.init(name: event.value.reason, value: .text(event.value.message))] }
        var text = "\(event.time.exactClock) \(event.object.kindName) \(event.object.metadata.key) \(event.change.rawValue)"
        for field in changed { text += " \(field.name): \(WatchLogWriter.text(of: field.value))" }
        return text
    }
}
