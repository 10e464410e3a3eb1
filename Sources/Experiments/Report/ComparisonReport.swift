// The table of a comparison for the terminal.

/// What `seatrial compare` prints.
public struct ComparisonReport: CustomStringConvertible {
    private let comparison: Comparison

    public init(_ comparison: Comparison) { self.comparison = comparison }

    public var description: String {
        let policies = comparison.policies
        var header = ["metric", "unit"] + policies
        for policy in policies.dropFirst() { header.append("\(policy) - \(policies[0])") }
        var rows = [header]
        var names: [String] = []
        for row in comparison.metrics where !names.contains(row.metric) { names.append(row.metric) }
        for name in names {
            let entries = policies.map { policy in comparison.metrics.first { $0.metric == name && $0.policy == policy } }
            // What is the same number everywhere tells nothing.
            let isConstant = entries.allSatisfy { $0?.mean == entries[0]?.mean && ($0?.standardDeviation ?? 0) == 0 }
            if isConstant, ["simulated_time", "nodes", "pods_from_snapshot"].contains(name) { continue }
            var cells = [name, entries.compactMap { $0?.unit }.first ?? ""]
            for entry in entries {
                cells.append(
                    entry.map { ComparisonReport.interval($0.mean, $0.halfWidth) + $0.fewerRuns(than: comparison.seeds.count) } ?? "-")
            }
            for entry in entries.dropFirst() {
                guard let entry, let difference = entry.difference else {
                    cells.append("-")
                    continue
                }
                cells.append(
                    ComparisonReport.interval(difference, entry.differenceHalfWidth) + entry.fewerPairs(than: comparison.seeds.count)
                        + (entry.isSignificantAmongAll ? " **" : entry.isSignificant ? " * " : "   "))
            }
            rows.append(cells)
        }
        var text = Presentation.table(rows, textColumns: 2)
        let runs = comparison.seeds.count
        let mirrored = comparison.replications.antithetic ? ", each with its mirror image," : ""
        text += "\nMeans over \(Presentation.count(runs, "seed"))\(mirrored)"
        text +=
            runs < 2
            ? "; give --seeds 2 or more for intervals.\n"
            : " ± half of their 95 % interval (Student's t). Differences are paired, seed by seed; * leaves out 0, "
                + "** also in view of how many differences there are (Holm).\n"
        if comparison.metrics.contains(where: { $0.runs < runs || ($0.pairs ?? runs) < runs }) { text += ComparisonReport.fewerRunsLegend }
        return text + comparison.unmeasuredNote
    }

    static let fewerRunsLegend = "[n]: in n runs (or pairs) only; in the others there was nothing to measure.\n"

    static func interval(_ mean: Double, _ halfWidth: Double?) -> String {
        // The last digits of sums are noise.
        guard let halfWidth, halfWidth > mean.magnitude * 1e-9 else { return Presentation.number(mean) }
        return Presentation.number(mean) + " ± " + Presentation.number(halfWidth, digits: 2)
    }
}

extension Comparison {
    /// Names what no run had.
    var unmeasuredNote: String {
        unmeasured.isEmpty ? "" : "In no run there was anything to measure for \(unmeasured.joined(separator: ", ")).\n"
    }
}

extension ComparedMetric {
    /// Says so where not every seed had the metric.
    func fewerRuns(than seeds: Int) -> String { runs < seeds ? " [\(runs)]" : "" }

    func fewerPairs(than seeds: Int) -> String { pairs.map { $0 < seeds ? " [\($0)]" : "" } ?? "" }
}
