// The table of an experiment for the terminal.

/// What `seatrial experiment` prints: a row for each policy, a column for each figure.
public struct ExperimentReport: CustomStringConvertible {
    private let outcome: ExperimentOutcome

    public init(_ outcome: ExperimentOutcome) { self.outcome = outcome }

    public var description: String {
        let metrics = outcome.comparison.metrics
        var names: [String] = []
        for row in metrics where !names.contains(row.metric) { names.append(row.metric) }
        var text = ""
        // Long names go below each other, and the table gets short ones.
        for (number, name) in names.enumerated() {
            let unit = metrics.first { $0.metric == name }?.unit ?? ""
            text += "(\(number + 1)) \(name), \(unit)\n"
        }
        var rows = [["policy"] + names.indices.map { "(\($0 + 1))" }]
        for policy in outcome.comparison.policies {
            rows.append(
                [policy]
                    + names.map { name in
                        guard let row = metrics.first(where: { $0.metric == name && $0.policy == policy }) else { return "-" }
                        return ExperimentReport.decimals(row.mean)
                            + (row.runs > 1 ? " (\(ExperimentReport.decimals(row.standardDeviation)))" : "")
                    })
        }
        let seeds = outcome.comparison.seeds
        return text + "\n" + Presentation.table(rows)
            + "\nMeans (standard deviations) over \(Presentation.count(seeds.count, "seed")), \(seeds.first ?? 0) to \(seeds.last ?? 0).\n"
    }

    /// Three decimals, so that columns line up.
    private static func decimals(_ value: Double) -> String { Presentation.fixed(value, decimals: 3) }
}
