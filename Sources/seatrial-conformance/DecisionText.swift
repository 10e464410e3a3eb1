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
        add("skippedFilters", code == "Success" ? list(preFilter?["skippedFilters"], only: Self.builtFilters) : "")
        var statuses: [String] = []
        for (node, status) in expect["filter"]?.entries.map({ ($0.key, $0.value) }) ?? [] {
            statuses.append(
                "\(node) \(status["plugin"]?.scalarText ?? "") \(status["code"]?.scalarText ?? "") \(list(status["reasons"]))")
        }
        add("filter", statuses.sorted().joined(separator: "; "))
        let absent = expect["absentNodes"]
        add("absentNodes", absent.map { "\($0["code"]?.scalarText ?? "") \(list($0["reasons"]))" } ?? "")
        add("feasible", list(expect["feasible"]))
        add("nominatedNodeUsed", expect["nominatedNodeUsed"]?.scalarText == "true" ? "true" : "false")
        add("rawScores", table(expect["rawScores"]))
        add("scores", table(expect["scores"]))
        add("totals", row(expect["totals"]))
        add("best", list(expect["best"]))
        var message = expect["message"]?.scalarText ?? ""
        let postFilter = expect["preemption"]?["message"]?.scalarText ?? ""
        if !postFilter.isEmpty, message.hasSuffix(" " + postFilter) { message.removeLast(postFilter.count + 1) }
        add("message", message)
        add("unschedulablePlugins", list(expect["unschedulablePlugins"]))
        // Room made by preemption is no part of our decisions yet, so such a case is not ours.
        add("preemption", (expect["preemption"]?["candidates"]?.count ?? 0) > 0 ? "makes room" : "none")
    }

    /// The Filter plugins that are built and can be skipped.
    private static let builtFilters = ["NodeAffinity", "NodePorts", "NodeResourcesFit"]

    private func list(_ node: YAMLNode?, only: [String]? = nil) -> String {
        let texts = node?.elements.compactMap { $0.scalarText } ?? []
        return "[" + texts.filter { only?.contains($0) ?? true }.joined(separator: ", ") + "]"
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
        add(
            "filter",
            decision.infeasible.map { "\($0.node) \($0.plugin) \($0.rejection.codeName) \(list($0.reasons))" }.sorted()
                .joined(separator: "; "))
        add("absentNodes", decision.absentNodes.map { "\($0.rejection.codeName) \(list($0.reasons))" } ?? "")
        add("feasible", list(decision.feasible.sorted()))
        add("nominatedNodeUsed", decision.nominatedNodeUsed ? "true" : "false")
        add("rawScores", table(decision.rawScores, decision.feasible))
        add("scores", table(decision.scores, decision.feasible))
        add("totals", row(decision.totals, decision.feasible))
        add("best", list(decision.best))
        add("message", decision.message ?? "")
        add("unschedulablePlugins", list(decision.unschedulablePlugins))
        add("preemption", "none")
    }

    private func list(_ texts: [String]) -> String { "[" + texts.joined(separator: ", ") + "]" }

    private func row(_ scores: [Int64], _ nodes: [String]) -> String {
        zip(nodes, scores).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
    }

    private func table(_ scores: [Decision.PluginScores], _ nodes: [String]) -> String {
        scores.map { "\($0.plugin): \(row($0.scores, nodes))" }.sorted().joined(separator: "; ")
    }
}
