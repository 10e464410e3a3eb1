// The table of a comparison for the terminal.

/// What `seatrial compare` prints.
public struct ComparisonReport: CustomStringConvertible {
    private let comparison: Comparison
    private let isWide: Bool

    /// - Parameter isWide: whether standard deviations and what is behind each difference stand in the table, too.
    public init(_ comparison: Comparison, isWide: Bool = false) {
        self.comparison = comparison
        self.isWide = isWide
    }

    private var policies: [String] { comparison.policies }
    private var seeds: Int { comparison.seeds.count }
    private var namesWinner: Bool { policies.count > 1 && seeds > 1 }

    public var description: String {
        var rows = [header]
        let verdicts = namesWinner ? comparison.verdicts : []
        var names: [String] = []
        for row in comparison.metrics where !names.contains(row.metric) { names.append(row.metric) }
        for name in names {
            let entries = policies.map { policy in comparison.metrics.first { $0.metric == name && $0.policy == policy } }
            // What is the same number everywhere tells nothing.
            let isConstant = entries.allSatisfy { $0?.mean == entries[0]?.mean && ($0?.standardDeviation ?? 0) == 0 }
            if isConstant, ["simulated_time", "nodes", "pods_from_snapshot"].contains(name) { continue }
            var cells = [name, entries.compactMap { $0?.unit }.first ?? ""] + entries.flatMap { mean($0) }
            cells += entries.dropFirst().flatMap { difference($0) }
            if namesWinner { cells.append(verdicts.first { $0.metric == name }?.text() ?? "-") }
            rows.append(cells)
        }
        return Presentation.table(rows, textColumns: 2) + "\n" + legend + comparison.unmeasuredNote
    }

    private var header: [String] {
        var header = ["metric", "unit"]
        for policy in policies { header += [policy] + (isWide ? ["sd"] : []) }
        for policy in policies.dropFirst() { header += ["\(policy) - \(policies[0])"] + (isWide ? ["p", "gain", "more"] : []) }
        return header + (namesWinner ? ["winner"] : [])
    }

    private func mean(_ entry: ComparedMetric?) -> [String] {
        guard let entry else { return isWide ? ["-", "-"] : ["-"] }
        return [ComparisonReport.interval(entry.mean, entry.halfWidth) + entry.fewerRuns(than: seeds)]
            + (isWide ? [entry.runs > 1 ? Presentation.number(entry.standardDeviation, digits: 3) : "-"] : [])
    }

    private func difference(_ entry: ComparedMetric?) -> [String] {
        guard let entry, let difference = entry.difference else { return Array(repeating: "-", count: isWide ? 4 : 1) }
        let mark = entry.isSignificantAmongAll ? " **" : entry.isSignificant ? " * " : "   "
        let cell = ComparisonReport.interval(difference, entry.differenceHalfWidth) + entry.fewerPairs(than: seeds) + mark
        guard isWide else { return [cell] }
        return [
            cell, entry.adjustedPValue.map { Presentation.significant($0, digits: 2) } ?? "-",
            entry.pairingGain.map { Presentation.significant($0, digits: 2) } ?? "-", entry.moreSeedsNeeded.map { "\($0) more" } ?? "-",
        ]
    }

    private var legend: String {
        let mirrored = comparison.replications.antithetic ? ", each with its mirror image," : ""
        var text = "Means over \(Presentation.count(seeds, "seed"))\(mirrored)"
        guard seeds > 1 else { return text + "; give --seeds 2 or more for intervals.\n" + fewerRuns }
        text +=
            " ± half of their 95 % interval (Student's t). Differences are paired, seed by seed; * leaves out 0, "
            + "** also in view of how many differences there are (Holm).\n"
        if comparison.metrics.contains(where: \.isSameDifference) {
            text += "A difference without ± is the same with every seed: * from 6 seeds on, by the sign test.\n"
        }
        if isWide {
            text +=
                "sd: standard deviation. p: adjusted by Holm's method. gain: how many times as many runs independent seeds would have taken. "
            text += "more: further seeds until half the interval should be within \(Presentation.number(comparison.precision * 100)) % of "
            text += "\(policies[0])'s mean.\n"
        }
        if namesWinner {
            text += "winner: differs from every other policy in view of all pairs of them (Holm), ? by its own intervals only; "
            text += "a or b: these cannot be told apart. lower, lowest: neither more nor less is better.\n"
        }
        return text + fewerRuns
    }

    private var fewerRuns: String {
        comparison.metrics.contains { $0.runs < seeds || ($0.pairs ?? seeds) < seeds } ? ComparisonReport.fewerRunsLegend : ""
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
