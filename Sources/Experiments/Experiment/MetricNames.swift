// Which figures a run will have, before it is made.

import ClusterSimulation
import DiscreteEvents

extension Scenario {
    /// The names in summary.csv, in order.
    ///
    /// - Throws: `ScenarioError` when the cluster cannot be set up.
    func metricNames() throws(ScenarioError) -> [String] {
        // What figures there are follows from the cluster and from what is measured, not from what happens.
        var cluster = try makeCluster()
        cluster.run(until: .zero)
        return RunSummary(cluster.finish(), end: .zero).metrics.map(\.name)
    }

    /// Checks names that a user typed.
    ///
    /// - Throws: `ScenarioError` for those that no run will have, or that are given twice.
    public func checkMetrics(_ names: [String], option: String) throws(ScenarioError) {
        if names.isEmpty { return }
        let known = try metricNames()
        var messages: [String] = []
        for (index, name) in names.enumerated() {
            if !known.contains(name) { messages.append("\(option) \(name): " + MetricNames.unknown(name, among: known)) }
            if names[..<index].contains(name) { messages.append("\(option) \(name): is given twice") }
        }
        if !messages.isEmpty { throw ScenarioError(messages) }
    }
}

enum MetricNames {
    /// Says that a name is none, and which are alike.
    static func unknown(_ name: String, among known: [String]) -> String {
        let close = known.filter {
            $0.contains(name) || name.contains($0) || $0.split(separator: "_").first == name.split(separator: "_").first
        }
        let hint = close.isEmpty ? "" : "; there are " + close.prefix(8).joined(separator: ", ")
        return "summary.csv has no figure \"\(name)\"" + hint
    }
}
