// A decision in a form that can be compared and shown part by part.

import KubernetesAPI
import Scheduling

/// The parts of a decision as text, the same for recorded ones and ours.
struct DecisionText {
    private(set) var parts: [(name: String, text: String)] = []

    private mutating func add(_ name: String, _ text: String) { parts.append((name, text)) }

    // MARK: Recorded

    init(recorded expect: YAMLNode) {
        let preFilter = expect["preFilter"]
        let code = preFilter?["code"]?.scalarText ?? ""
        add("preFilter", [code, preFilter?["plugin"]?.scalarText ?? "", list(preFilter?["reasons"])].joined(separator: " "))
        add("nodeNames", list(preFilter?["nodeNames"]))
        // Only informative for plugins that exist here, and when all of them were asked.
        add("skippedFilters", code == "Success" ? list(preFilter?["skippedFilters"]) : "")
        add("filter", statuses(expect["filter"]))
        let absent = expect["absentNodes"]
        add("absentNodes", absent.map { "\($0["code"]?.scalarText ?? "") \(list($0["reasons"]))" } ?? "")
        add("feasible", list(expect["feasible"]))
        add("nominatedNodeUsed", expect["nominatedNodeUsed"]?.scalarText == "true" ? "true" : "false")
        add("rawScores", table(expect["rawScores"]))
        add("scores", table(expect["scores"]))
        add("totals", row(expect["totals"]))
        add("best", list(expect["best"]))
        add("message", expect["message"]?.scalarText ?? "")
        add("unschedulablePlugins", list(expect["unschedulablePlugins"]))
        add(preemption: expect["preemption"])
    }

    private mutating func add(preemption: YAMLNode?) {
        add("nominatedNode", preemption?["nominatedNode"]?.scalarText ?? "")
        add("victims", list(preemption?["victims"]))
        var candidates: [String] = []
        for (node, candidate) in preemption?["candidates"]?.entries.map({ ($0.key, $0.value) }) ?? [] {
            candidates.append("\(node) \(list(candidate["victims"])) \(candidate["pdbViolations"]?.scalarText ?? "0")")
        }
        add("candidates", candidates.sorted().joined(separator: "; "))
        add("bestNodes", list(preemption?["bestNodes"]))
        add("nodeStatuses", statuses(preemption?["nodeStatuses"]))
        add("postFilterMessage", preemption?["message"]?.scalarText ?? "")
        add("clearsNomination", preemption?["clearsNomination"]?.scalarText == "true" ? "true" : "false")
    }

    private func statuses(_ node: YAMLNode?) -> String {
        (node?.entries.map {
            "\($0.key) \($0.value["plugin"]?.scalarText ?? "") \($0.value["code"]?.scalarText ?? "") \(list($0.value["reasons"]))"
        }
            ?? []).sorted().joined(separator: "; ")
    }

    private func list(_ node: YAMLNode?) -> String {
        let texts = node?.elements.compactMap { $0.scalarText } ?? []
        return "[" + texts.joined(separator: ", ") + "]"
    }

    private func row(_ node: YAMLNode?) -> String {
        (node?.entries.map { "\($0.key)=\($0.value.scalarText ?? "")" } ?? []).sorted().joined(separator: " ")
    }

    private func table(_ node: YAMLNode?) -> String {
        (node?.entries.map { "\($0.key): \(row($0.value))" } ?? []).sorted().joined(separator: "; ")
    }

    // MARK: Ours

    init(_ decision: Decision, like recorded: DecisionText) {
        let rejection = decision.preFilterRejection
        let code = decision.preFilterRan ? rejection?.rejection.codeName ?? "Success" : "NotRun"
        add("preFilter", [code, decision.preFilterPlugin ?? "", list(rejection?.reasons ?? [])].joined(separator: " "))
        add("nodeNames", list(decision.allowedNodes ?? []))
        add("skippedFilters", code == "Success" ? list(decision.skippedFilters) : "")
        add("filter", statuses(decision.infeasible))
        add("absentNodes", decision.absentNodes.map { "\($0.rejection.codeName) \(list($0.reasons))" } ?? "")
        add("feasible", list(decision.feasible.sorted()))
        add("nominatedNodeUsed", decision.nominatedNodeUsed ? "true" : "false")
        add("rawScores", table(decision.rawScores, decision.feasible))
        add("scores", table(decision.scores, decision.feasible))
        add("totals", row(decision.totals, decision.feasible))
        add("best", list(decision.best))
        add("message", decision.message ?? "")
        add("unschedulablePlugins", list(decision.unschedulablePlugins))
        let explanation = decision.preemptionExplanation
        add("nominatedNode", decision.preemption?.node ?? "")
        add("victims", list(decision.preemption?.victims.map { $0.pod.value.metadata.key.description } ?? []))
        add(
            "candidates",
            (explanation?.candidates ?? []).map {
                "\($0.node) \(list($0.victims.map(\.description))) \($0.disruptionBudgetViolations)"
            }.sorted().joined(separator: "; "))
        add("bestNodes", list(explanation?.best ?? []))
        add("nodeStatuses", statuses(explanation?.infeasible ?? []))
        add("postFilterMessage", decision.postFilterMessage)
        add("clearsNomination", decision.clearsNomination ? "true" : "false")
    }

    private func statuses(_ statuses: [Decision.NodeStatus]) -> String {
        statuses.map { "\($0.node) \($0.plugin) \($0.rejection.codeName) \(list($0.reasons))" }.sorted().joined(separator: "; ")
    }

    private func list(_ texts: [String]) -> String { "[" + texts.joined(separator: ", ") + "]" }

    private func row(_ scores: [Int64], _ nodes: [String]) -> String {
        zip(nodes, scores).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
    }

    private func table(_ scores: [Decision.PluginScores], _ nodes: [String]) -> String {
        scores.map { "\($0.plugin): \(row($0.scores, nodes))" }.sorted().joined(separator: "; ")
    }
}
