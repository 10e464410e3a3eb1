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
        guard let difference else {
            return text + "They are the same, event by event, for \(runs.0.scenario.duration.text).\n"
        }
        let requests = difference.commonRequests > 0 ? " and \(Presentation.count(difference.commonRequests, "request"))" : ""
        text += "The same \(Presentation.count(difference.commonWrites, "write")) to the API\(requests); "
        text += "they part at \(difference.time.exactClock)\(isEnd ? ", where one of them ends" : ""):\n"
        text += "  run 1  \(line(difference.left))\n  run 2  \(line(difference.right))\n"
        if let reason { text += "\n" + reason + "\n" }
        guard let pod = difference.pod else { return text }
        text += "\nThe scheduler about pod \(pod)\n"
        text += "\nRun 1  \(decision(difference.left))\nRun 2  \(decision(difference.right))"
        return text
    }

    private var isEnd: Bool { difference?.left.event == nil && difference?.right.event == nil }

    /// What an event that is no decision of the scheduler comes from.
    private var reason: String? {
        guard let difference, difference.pod == nil else { return nil }
        switch difference.left.event ?? difference.right.event {
        case nil:
            // Where no duration is over, and where both are, a run ends for another reason.
            let durations = (runs.0.scenario.duration, runs.1.scenario.duration)
            return durations.0 != durations.1 && difference.time == .zero + min(durations.0, durations.1)
                ? "Until then nothing tells them apart: one lasts longer." : "An invariant was broken in the run that ends."
        case .write: return "No decision of the scheduler is behind it."
        case .operation:
            return "The scenarios ask for different things, or the API server answers them differently: nothing before differs."
        case .failure: return "The scenarios' faults, or what chance made of them, differ: nothing before does."
        case .requestSent: return "What sends requests differs: its rate, its draws, its clients or the nodes they are on."
        case .requestEnded:
            return difference.commonWrites > 0 || difference.commonRequests > 0
                ? "It was sent alike, and nothing before differs: what becomes of it does, by the pod chosen, its service or the way there."
                : "It was sent alike: what becomes of it differs, by the pod chosen, its service or the way there."
        }
    }

    private func title(_ run: RepeatableRun) -> String {
        "\(run.name) (\(run.scenario.name), policy \(run.scenario.policy), seed \(SeedText.text(run.scenario.configuration.seed)))"
    }

    private func decision(_ side: FirstDifference.Side) -> String {
        guard let attempt = side.attempt else { return "made no attempt by then.\n" }
        return DecisionReport(attempt: attempt, limit: limit).description
    }

    private func line(_ side: FirstDifference.Side) -> String {
        switch side.event {
        case nil: side.isOver ? "is over" : isEnd ? "goes on" : "nothing more of the kind"
        case .write(let event): line(event)
        case .operation(let operation): "\(operation.time.exactClock) \(operation.description)"
        case .failure(let failure): line(failure)
        case .requestSent(let source, let number, let time, let client):
            "\(time.exactClock) request \(number) of \(source) is sent" + (client.map { " from \($0)" } ?? "")
        case .requestEnded(let source, let request): line(request, of: source)
        }
    }

    /// `00:02:00 FAULT node/worker-3: 1 node fails`
    private func line(_ failure: RecoveryRecord) -> String {
        let what =
            switch failure.effect {
            case .crash: "fail"
            case .kubeletStop: "lose their kubelets"
            case .partition: "are cut off"
            case .reclamation: "will be taken back"
            case .load: "bear a load"
            }
        let names = failure.nodeNames.prefix(limit).joined(separator: ", ") + (failure.nodeNames.count > limit ? ", ..." : "")
        return "\(failure.failed.exactClock) FAULT \(failure.subject): nodes that \(what): \(names.isEmpty ? "none" : names)"
    }

    /// `00:00:01.2 request 17 of users succeeded after 12 ms: sent 00:00:01.188 from node-1, answered by pod default/web-1 on node-3`
    private func line(_ request: TrafficRecord.Request, of source: String) -> String {
        var text = "\(request.ended.exactClock) request \(request.number) of \(source) \(ResultWriter.name(of: request.result)) after "
        text += "\(Presentation.number((request.ended - request.started).seconds, digits: 6)) s: sent \(request.started.exactClock)"
        if let client = request.client { text += " from \(client)" }
        if request.attempts != 1 { text += " in \(Presentation.count(request.attempts, "attempt"))" }
        if let pod = request.pod {
            // A host outside of the cluster has no namespace.
            let name = pod.namespace.isEmpty ? "host \(pod.name)" : "pod \(pod)"
            text += ", answered by \(name)" + (request.node.map { " on \($0)" } ?? "")
        }
        return text
    }

    /// `00:00:01.2 Pod default/web-1 MODIFIED node: n1`
    private func line(_ event: WatchEvent) -> String {
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
