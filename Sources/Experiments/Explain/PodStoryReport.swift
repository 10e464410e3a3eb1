// What `seatrial explain` prints: a pod's life line by line, then the decision in question.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// A pod's story, for a person.
public struct PodStoryReport: CustomStringConvertible {
    private let story: PodStory
    private let limit: Int

    /// - Parameter limit: nodes shown at most in one list.
    public init(_ story: PodStory, limit: Int = 20) {
        self.story = story
        self.limit = limit
    }

    public var description: String {
        [header, life, decision].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var header: String {
        let (scenario, pod) = (story.scenario, story.pod)
        var text = "pod \(pod.name)"
        if !pod.owner.isEmpty { text += " of \(pod.owner)" }
        text += " · \(scenario.name), policy \(scenario.policy), seed \(SeedText.text(scenario.configuration.seed))\n"
        if story.incarnation.count > 1 {
            text += "The \(story.incarnation.number). of \(story.incarnation.count) pods of this name; --at chooses among them.\n"
        }
        return text
    }

    // MARK: Life

    private struct Line {
        var time: SimulatedTime
        var text: String
    }

    private var life: String {
        let pod = story.pod
        var lines = [Line(time: pod.created, text: "created" + (pod.isFromSnapshot ? " (before the run)" : ""))]
        for attempt in story.attempts {
            let outcome = attempt.outcome
            var result = outcome.result == .scheduled ? "node \(outcome.node)" : (outcome.veto.map { $0 + ": " } ?? "") + outcome.message
            if outcome.victims > 0 {
                result += " Preempts \(Presentation.count(outcome.victims, "pod")) on \(outcome.nominatedNode)."
            }
            lines.append(Line(time: outcome.end, text: "scheduler, attempt \(outcome.number): \(result)"))
        }
        func add(_ time: SimulatedTime?, _ text: String) { if let time { lines.append(Line(time: time, text: text)) } }
        if story.attempts.isEmpty, let node = pod.node { add(pod.scheduled, "bound to node \(node)") }
        // Of the same moment: what was asked for before what is done about it, and that before what becomes of the pod.
        add(pod.deletionRequested, "deletion requested")
        for change in story.nodeChanges {
            let condition = change.condition
            add(change.time, "its node's condition Ready is \(condition.status.rawValue) (\(condition.reason))")
        }
        for (time, event) in story.events where event.value.source != "default-scheduler" {
            let event = event.value
            let count = event.count > 1 ? " (x\(event.count))" : ""
            add(time, "\(event.source): \(event.reason)\(count) \(event.message)")
        }
        add(pod.started, "phase Running")
        add(pod.ready, "ready for the first time")
        add(pod.finished, "phase \(pod.phase.rawValue)" + (pod.reason.isEmpty ? "" : ": " + pod.reason))
        add(pod.deleted, "gone")
        let order = lines.indices.sorted { (lines[$0].time, $0) < (lines[$1].time, $1) }
        var text = "Life\n"
        for index in order { text += "  \(lines[index].time.exactClock)  \(lines[index].text)\n" }
        if pod.deleted == nil {
            text +=
                "  In the end: phase \(pod.phase.rawValue)" + (pod.restarts > 0 ? ", \(Presentation.count(pod.restarts, "restart"))" : "")
                + (pod.reason.isEmpty ? "" : ", \(pod.reason)") + "\n"
        }
        return text
    }

    // MARK: Decision

    private var decision: String {
        guard let explained = story.explained else {
            return story.pod.node == nil
                ? "The scheduler has not tried it.\n" : "It was not placed by the scheduler in this run.\n"
        }
        return DecisionReport(attempt: explained, limit: limit).description
    }
}
