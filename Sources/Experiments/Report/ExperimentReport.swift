// The table of an experiment for the terminal.

/// What `seatrial experiment` prints: a row for each combination, a column for each figure.
public struct ExperimentReport: CustomStringConvertible {
    private let outcome: ExperimentOutcome
    private let names: [String]
    private let columns: [String: [String: ComparedMetric]]

    /// Rows at most.
    private static let mostRows = 60

    public init(_ outcome: ExperimentOutcome) {
        self.outcome = outcome
        var names: [String] = []
        var columns: [String: [String: ComparedMetric]] = [:]
        for row in outcome.comparison.metrics {
            if columns[row.metric] == nil { names.append(row.metric) }
            columns[row.metric, default: [:]][row.policy] = row
        }
        self.names = names
        self.columns = columns
    }

    public var description: String {
        var text = ""
        // Long names go below each other, and the table gets short ones.
        for (number, name) in names.enumerated() {
            let unit = outcome.comparison.metrics.first { $0.metric == name }?.unit ?? ""
            text += "(\(number + 1)) \(name), \(unit)\n"
        }
        let experiment = outcome.experiment
        let onlyPolicies = experiment.factors.count == 1 && experiment.factors[0].isScheduler
        let titles = onlyPolicies ? ["policy"] : experiment.factors.map(\.name)
        var rows = [titles + names.indices.map { "(\($0 + 1))" }]
        for combination in experiment.combinations.prefix(ExperimentReport.mostRows) {
            rows.append(
                combination.levels.map(\.label)
                    + names.map { name in
                        guard let row = columns[name]?[combination.label] else { return "-" }
                        return onlyPolicies ? spread(row) : interval(row)
                    })
        }
        text += "\n" + Presentation.table(rows, textColumns: titles.count)
        let left = experiment.combinations.count - ExperimentReport.mostRows
        if left > 0 { text += "... and \(Presentation.count(left, "more combination", "more combinations")) in comparison.csv\n" }
        let seeds = outcome.comparison.seeds
        let pairs = experiment.replications.antithetic ? ", each with its mirror image" : ""
        return text + "\nMeans " + (onlyPolicies ? "(standard deviations) " : "")
            + "over \(Presentation.count(seeds.count, "seed")), \(seeds.first ?? 0) to \(seeds.last ?? 0)\(pairs)"
            + (onlyPolicies || seeds.count < 2 ? ".\n" : ExperimentReport.legend) + winners + fewerRuns + outcome.comparison.unmeasuredNote
    }

    /// Who does best in each figure; of as many combinations as the table has, for all pairs of them are compared.
    private var winners: String {
        let comparison = outcome.comparison
        guard comparison.seeds.count > 1, (2...ExperimentReport.mostRows).contains(comparison.policies.count) else { return "" }
        let verdicts = comparison.verdicts
        let lines = names.enumerated().map { number, name in
            "  (\(number + 1)) \(verdicts.first { $0.metric == name }?.text() ?? "-")\n"
        }
        return
            "Winners, in view of all pairs of rows (Holm); ? by its own intervals only; a or b, n of m: not told apart; -: nobody can say.\n"
            + lines.joined()
    }

    private static let legend =
        " ± half of their 95 % interval (Student's t).\n* differs from the first row, ** also in view of how many differences there are (Holm).\n"

    /// Three decimals, so that columns line up.
    private func spread(_ row: ComparedMetric) -> String {
        Presentation.fixed(row.mean, decimals: 3) + (row.runs > 1 ? " (\(Presentation.fixed(row.standardDeviation, decimals: 3)))" : "")
            + row.fewerRuns(than: outcome.comparison.seeds.count)
    }

    private func interval(_ row: ComparedMetric) -> String {
        ComparisonReport.interval(row.mean, row.halfWidth) + row.fewerRuns(than: outcome.comparison.seeds.count)
            + (row.isSignificantAmongAll ? " **" : row.isSignificant ? " * " : "   ")
    }

    private var fewerRuns: String {
        let seeds = outcome.comparison.seeds.count
        return outcome.comparison.metrics.contains { $0.runs < seeds } ? ComparisonReport.fewerRunsLegend : ""
    }
}
