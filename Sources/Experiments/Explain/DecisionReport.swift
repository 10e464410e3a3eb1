// One decision of the scheduler as text: which nodes were out of the question and why, how the others scored, what was chosen.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// A decision, for a person.
struct DecisionReport: CustomStringConvertible {
    let attempt: PodStory.Attempt
    /// Nodes and names shown at most in one list; more are only counted.
    var limit = 20

    private var decision: Decision { attempt.decision }
    private var outcome: SchedulingAttempt { attempt.outcome }

    var description: String { [verdict, refusals, scores, preemption].filter { !$0.isEmpty }.joined(separator: "\n") }

    private var verdict: String {
        let looked = "\(Presentation.count(outcome.nodesEvaluated, "node")) looked at, \(outcome.nodesFeasible) feasible"
        var text = "Attempt \(outcome.number), \(outcome.start.exactClock) to \(outcome.end.exactClock): "
        switch outcome.result {
        case .scheduled: text += "node \(outcome.node); \(looked)\n"
        case .unschedulable, .error: text += "\(outcome.veto ?? "no node"); \(looked)\n  \(outcome.message)\n"
        }
        if decision.nominatedNodeUsed { text += "  The pod was nominated to a node by a preemption: only that one was looked at.\n" }
        if let allowed = decision.allowedNodes { text += "  Only these nodes come into question: \(list(allowed))\n" }
        if let plugin = decision.preFilterPlugin { text += "  Refused by \(plugin) before any node was looked at.\n" }
        if decision.best.count > 1, !outcome.node.isEmpty {
            text += "  \(decision.best.count) nodes were equally good, one of them was drawn: \(list(decision.best))\n"
        }
        return text
    }

    // MARK: Filters

    /// Nodes with the same refusal are one line.
    private var refusals: String {
        guard !decision.infeasible.isEmpty else { return "" }
        var groups: [(plugin: String, reasons: [String], nodes: [String])] = []
        for status in decision.infeasible {
            if let index = groups.firstIndex(where: { $0.plugin == status.plugin && $0.reasons == status.reasons }) {
                groups[index].nodes.append(status.node)
            } else {
                groups.append((status.plugin, status.reasons, [status.node]))
            }
        }
        var rows = [["Filtered out", "by", "because", "nodes"]]
        for group in groups {
            rows.append([
                Presentation.count(group.nodes.count, "node"), group.plugin, group.reasons.joined(separator: ", "), list(group.nodes),
            ])
        }
        return Presentation.table(rows, textColumns: 4)
    }

    // MARK: Scores

    private var scores: String {
        guard !decision.totals.isEmpty else {
            return decision.feasible.count == 1 ? "Only \(decision.feasible[0]) was feasible: nothing was scored.\n" : ""
        }
        let order = decision.totals.indices.sorted { left, right in
            if decision.totals[left] != decision.totals[right] { return decision.totals[left] > decision.totals[right] }
            // The chosen one first among equals.
            let (isLeft, isRight) = (decision.feasible[left] == outcome.node, decision.feasible[right] == outcome.node)
            return isLeft != isRight ? isLeft : left < right
        }
        var rows = [["Scored", ""] + decision.scores.map(\.plugin) + ["total"]]
        for index in order.prefix(limit) {
            let node = decision.feasible[index]
            rows.append(
                [node, node == outcome.node ? "<- chosen" : ""] + decision.scores.map { score($0, at: index) }
                    + [String(decision.totals[index])])
        }
        var text = Presentation.table(rows, textColumns: 2)
        if order.count > limit { text += "... and \(Presentation.count(order.count - limit, "node")) more\n" }
        return text + "Scores are normalised and weighted; what a plugin that normalises said before stands in parentheses.\n"
    }

    private func score(_ plugin: Decision.PluginScores, at index: Int) -> String {
        let raw = decision.rawScores.first { $0.plugin == plugin.plugin }
        return String(plugin.scores[index]) + (raw.map { " (\($0.scores[index]))" } ?? "")
    }

    // MARK: Preemption

    private var preemption: String {
        guard let room = decision.preemption else { return "" }
        let victims = room.victims.map { $0.pod.value.metadata.key.description }
        return "Preemption makes room on \(room.node): \(Presentation.count(victims.count, "pod")) must go: \(list(victims))\n"
    }

    private func list(_ names: [String]) -> String {
        names.prefix(limit).joined(separator: ", ") + (names.count > limit ? ", ... \(names.count - limit) more" : "")
    }
}

extension SchedulingAttempt {
    /// `chosen w-1, then sent away by Coscheduling (Permit)`: what became of the node that was chosen; nil if none was, or the pod kept it.
    var veto: String? {
        if node.isEmpty || result == .scheduled { return nil }
        return "chosen \(node), then sent away" + (vetoedBy.isEmpty ? "" : " by \(vetoedBy)")
    }
}
