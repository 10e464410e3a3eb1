// Compares scheduler policies: the same scenario and the same seeds under each of them, on all cores.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI

/// A run of a comparison, and its figures.
public struct ComparedRun: Sendable {
    public var policy: Int
    public var seed: UInt64
    public var summary: RunSummary
    public var failed: [FailedExpectation]

    /// The seed as reports write it.
    public var seedText: String { SeedText.text(seed) }

    init(policy: Int, seed: UInt64, summary: RunSummary, failed: [FailedExpectation]) {
        self.policy = policy
        self.seed = seed
        self.summary = summary
        self.failed = failed
    }

    init(policy: Int, _ outcome: RunOutcome) {
        let failed = outcome.expectations.filter { !$0.holds }.map {
            FailedExpectation(expectation: $0.expectation.description, observed: $0.observed)
        }
        self.init(policy: policy, seed: outcome.scenario.configuration.seed, summary: outcome.summary, failed: failed)
    }
}

/// What did not hold in a run.
public struct FailedExpectation: Hashable, Sendable {
    public var expectation: String
    public var observed: String
}

public struct Comparison: Sendable {
    public var policies: [String]
    public var replications: Replicates
    /// By policy, then by seed.
    public var runs: [ComparedRun]
    /// By metric, then by policy.
    public var metrics: [ComparedMetric]
    /// The half width that intervals are wanted to have, as a share of the first policy's mean.
    public let precision: Double

    /// Names of metrics that no run had anything to measure for.
    public var unmeasured: [String] {
        let measured = Set(metrics.map(\.metric))
        var names: [String] = []
        for metric in runs.first?.summary.metrics ?? [] where !measured.contains(metric.name) { names.append(metric.name) }
        return names
    }

    /// One for each observation.
    public var seeds: [UInt64] { replications.seeds }

    /// Runs every policy with every seed, and writes each run's results.
    ///
    /// Common random numbers: a seed gives every policy the same draws, so differences are taken pair by pair.
    /// - Parameters:
    ///   - scenarios: one per policy, equal but for the scheduler.
    ///   - metrics: what to compare; empty: all figures.
    ///   - precision: the half width that intervals are wanted to have, as a share of the first policy's mean.
    ///   - output: the folder for all results; nil: none are written.
    ///   - finished: called after each run with how many are done.
    /// - Throws: what a run throws; nothing is compared then.
    public static func run(
        _ scenarios: [Scenario], _ replications: Replicates, metrics: [String] = [], precision: Double = defaultPrecision, output: String?,
        finished: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Comparison {
        let cases = scenarios.indices.flatMap { policy in replications.runSeeds.map { (policy: policy, seed: $0) } }
        if let output {
            for (policy, seed) in cases {
                var scenario = scenarios[policy]
                scenario.configuration.seed = seed
                try scenario.checkResultFolder(below: output)
            }
        }
        let runs = try await Parallel.map(cases.count, finished: finished) { number in
            var scenario = scenarios[cases[number].policy]
            scenario.configuration.seed = cases[number].seed
            let outcome = try scenario.run()
            if let output { try outcome.write(to: scenario.resultFolder(below: output)) }
            var run = ComparedRun(policy: cases[number].policy, outcome)
            if !metrics.isEmpty { run.summary = run.summary.keeping(only: metrics) }
            return run
        }
        return Comparison(policies: scenarios.map(\.policy), replications, runs: runs, precision: precision)
    }

    /// Warns of runs of these policies that lie beside those of this comparison: an earlier one had more seeds.
    ///
    /// - Parameter folder: the scenario's.
    public func earlierRuns(in folder: String) -> [String] {
        let own = replications.runSeeds
        return policies.compactMap { policy in
            let names = SeedFolder.seeds(in: PathText.join(folder, policy)).filter { !own.contains($0) }.map { SeedFolder.name($0) }
            if names.isEmpty { return nil }
            let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
            return "\(PathText.join(folder, policy)) has \(Presentation.count(names.count, "run")) of other seeds, from earlier: \(shown)"
        }
    }

    /// Compares runs that are complete: every policy with every seed.
    ///
    /// - Parameter precision: the half width that intervals are wanted to have, as a share of the first policy's mean.
    init(policies: [String], _ replications: Replicates, runs: [ComparedRun], precision: Double = defaultPrecision) {
        self.policies = policies
        self.replications = replications
        self.runs = runs
        self.precision = precision
        let observations = Observations(policies: policies.count, replications, runs)
        metrics = observations.metrics.flatMap { metric in
            Comparison.compare(observations.values(of: metric), of: metric, policies, precision: precision)
        }
        adjustForTheirNumber()
    }

    /// A metric under each policy that has it.
    ///
    /// - Parameter byPolicy: the observations of each policy, seed by seed.
    private static func compare(
        _ byPolicy: [[Double?]], of metric: Metric, _ policies: [String], precision: Double
    ) -> [ComparedMetric] {
        guard let first = byPolicy.first else { return [] }
        let base = Statistics.mean(first.compactMap { $0 }).magnitude
        return byPolicy.enumerated().compactMap { policy, values in
            let present = Statistics.withoutNoise(values.compactMap { $0 })
            guard !present.isEmpty else { return nil }
            var row = ComparedMetric(
                metric: metric.name, unit: metric.unit, policy: policies[policy], runs: present.count, of: values.count,
                mean: Statistics.mean(present), standardDeviation: Statistics.standardDeviation(present))
            row.halfWidth = StudentInterval(present)?.halfWidth
            var spread = row.standardDeviation
            if policy > 0 {
                var pairs: [(here: Double, base: Double)] = []
                for (here, base) in zip(values, first) { if let here, let base { pairs.append((here, base)) } }
                // Without a pair nobody can say how differences vary.
                spread = .nan
                if !pairs.isEmpty {
                    let differences = PairedDifference.differences(of: pairs.map(\.here), minus: pairs.map(\.base))
                    row.difference = Statistics.mean(differences)
                    row.pairs = pairs.count
                    spread = Statistics.standardDeviation(differences)
                    row.set(PairedDifference(of: pairs.map(\.here), minus: pairs.map(\.base)))
                }
            }
            if !spread.isNaN, base > 0 {
                row.observationsNeeded = Replications.needed(forHalfWidth: precision * base, standardDeviation: spread)
            }
            return row
        }
    }

    /// Five per cent of the first policy's mean.
    public static let defaultPrecision = 0.05

    /// Of many differences some look significant by chance: their p-values are adjusted for all that could have been found.
    private mutating func adjustForTheirNumber() {
        // That two policies never differ in a figure which never varies is no finding, and counts as none.
        let rows = metrics.indices.filter { metrics[$0].pValue != nil && (metrics[$0].pairingGain != nil || metrics[$0].pValue != 1) }
        for (row, adjusted) in zip(rows, MultipleTests.holm(rows.compactMap { metrics[$0].pValue })) {
            metrics[row].adjustedPValue = adjusted
        }
        for row in metrics.indices where metrics[row].adjustedPValue == nil { metrics[row].adjustedPValue = metrics[row].pValue }
    }

    public static let columns = ResultTable(
        file: "comparison.csv", row: "a metric under a policy, over all seeds",
        columns: [
            ResultColumn("metric", .text, "As in summary.csv."),
            ResultColumn("unit", .text, "Its unit."),
            ResultColumn("policy", .text, "The policy."),
            ResultColumn("runs", .integer, "Runs that had the metric; of antithetic runs: pairs in which both had it."),
            ResultColumn("mean", .number, "Their mean."),
            ResultColumn("standard_deviation", .number, "Their standard deviation."),
            ResultColumn("ci95_low", .number, optional: true, "The 95 % interval of the mean by Student's t; empty with one run."),
            ResultColumn("ci95_high", .number, optional: true, "Its upper end."),
            ResultColumn("difference_mean", .number, optional: true, "Mean of the paired differences to the first policy."),
            ResultColumn(
                "difference_ci95_low", .number, optional: true,
                "The 95 % interval of that mean; without any width where the difference is the same with every seed: what that is worth, p_value says."
            ),
            ResultColumn("difference_ci95_high", .number, optional: true, "Its upper end."),
            ResultColumn(
                "p_value", .number, optional: true,
                "Of the paired t test that there is no difference. Where differences do not vary: 1 if there are none, else the sign test's, 2^(1 - pairs)."
            ),
            ResultColumn(
                "p_value_holm", .number, optional: true,
                "The same, adjusted by Holm's method for the number of differences in the table; figures that never differ, such as those that are 0 in all runs, do not count, and keep theirs."
            ),
            ResultColumn(
                "pairing_gain", .number, optional: true,
                "How many times as many runs independent seeds would have needed for an interval of this width; empty where differences do not vary."
            ),
            ResultColumn(
                "more_runs_needed", .integer, optional: true,
                "So many more runs (seeds) and the half width of the difference's interval (the first policy: of the mean's) should be within the precision "
                    + "asked for (`--precision`, `--until-precise`; otherwise 5 %), a share of the first policy's mean; more where not every run has the metric."
            ),
        ])

    /// Columns of `runs.csv`: the runs behind a comparison, ready to be tested otherwise.
    public static let runColumns = ResultTable(
        file: "runs.csv", row: "a metric of one run",
        columns: [
            ResultColumn("policy", .text, "The policy."),
            ResultColumn("seed", .text, "The run's seed; that of a mirror image as `7-mirrored`."),
            ResultColumn("metric", .text, "As in summary.csv."),
            ResultColumn("value", .number, optional: true, "The figure; empty where there was nothing to measure."),
            ResultColumn("unit", .text, "Its unit."),
        ])

    /// Writes `comparison.csv` and `runs.csv` into a folder that is there.
    ///
    /// - Parameter prefix: of both files' names.
    public func write(to folder: String, prefix: String = "") throws(ResultError) {
        try WholeFile.table(prefix + Comparison.columns.file, in: folder, header: ResultWriter.header(Comparison.columns)) {
            (csv) throws(ResultError) in
            for row in metrics {
                csv.field(row.metric)
                csv.field(row.unit)
                csv.field(row.policy)
                csv.field(row.runs)
                csv.field(row.mean)
                csv.field(row.standardDeviation)
                csv.field(row.halfWidth.map { row.mean - $0 })
                csv.field(row.halfWidth.map { row.mean + $0 })
                csv.field(row.difference)
                csv.field(row.difference.flatMap { difference in row.differenceHalfWidth.map { difference - $0 } })
                csv.field(row.difference.flatMap { difference in row.differenceHalfWidth.map { difference + $0 } })
                csv.field(row.pValue)
                csv.field(row.adjustedPValue)
                csv.field(row.pairingGain)
                csv.field(row.moreSeedsNeeded)
                csv.endRow()
            }
        }
        try WholeFile.table(prefix + Comparison.runColumns.file, in: folder, header: ResultWriter.header(Comparison.runColumns)) {
            (csv) throws(ResultError) in
            for run in runs {
                for metric in run.summary.metrics {
                    csv.field(policies[run.policy])
                    csv.field(SeedText.text(run.seed))
                    csv.field(metric.name)
                    csv.field(metric.value)
                    csv.field(metric.unit)
                    csv.endRow()
                }
            }
        }
    }
}
