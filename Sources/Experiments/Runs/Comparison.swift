// Compares scheduler policies: the same scenario and the same seeds under each of them, on all cores.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI

/// A policy's runs and their figures.
public struct ComparedRun: Sendable {
    public var policy: Int
    public var seed: UInt64
    public var summary: RunSummary
    public var failed: [ExpectationResult]
}

public struct Comparison: Sendable {
    public var policies: [String]
    public var seeds: [UInt64]
    /// By policy, then by seed.
    public var runs: [ComparedRun]
    /// By metric, then by policy.
    public var metrics: [ComparedMetric]

    /// Runs every policy with every seed, and writes each run's results.
    ///
    /// Common random numbers: a seed gives every policy the same draws, so differences are taken pair by pair.
    /// - Parameters:
    ///   - scenarios: one per policy, equal but for the scheduler.
    ///   - output: the folder for all results; nil: none are written.
    ///   - finished: called after each run with how many are done.
    /// - Throws: what a run throws; nothing is compared then.
    public static func run(
        _ scenarios: [Scenario], seeds: [UInt64], output: String?, finished: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Comparison {
        let cases = scenarios.indices.flatMap { policy in seeds.map { (policy: policy, seed: $0) } }
        if let output {
            for (policy, seed) in cases {
                var scenario = scenarios[policy]
                scenario.configuration.seed = seed
                try scenario.checkResultFolder(below: output)
            }
        }
        let parallel = max(1, ProcessInfo.processInfo.activeProcessorCount)
        var results: [ComparedRun?] = Array(repeating: nil, count: cases.count)
        try await withThrowingTaskGroup(of: (Int, ComparedRun).self) { group in
            var next = 0
            var done = 0
            func start() {
                guard next < cases.count else { return }
                let (number, policy, seed) = (next, cases[next].policy, cases[next].seed)
                next += 1
                group.addTask {
                    var scenario = scenarios[policy]
                    scenario.configuration.seed = seed
                    let outcome = try scenario.run()
                    if let output { try outcome.write(to: scenario.resultFolder(below: output)) }
                    return (
                        number,
                        ComparedRun(policy: policy, seed: seed, summary: outcome.summary, failed: outcome.expectations.filter { !$0.holds })
                    )
                }
            }
            for _ in 0..<parallel { start() }
            while let (number, run) = try await group.next() {
                results[number] = run
                done += 1
                finished(done)
                start()
            }
        }
        return Comparison(policies: scenarios.map(\.policy), seeds: seeds, runs: results.compactMap { $0 })
    }

    /// Compares runs that are complete: every policy with every seed.
    ///
    /// - Parameter precision: the half width that intervals are wanted to have, as a share of the first policy's mean.
    init(policies: [String], seeds: [UInt64], runs: [ComparedRun], precision: Double = defaultPrecision) {
        self.policies = policies
        self.seeds = seeds
        self.runs = runs
        metrics = []
        guard let first = runs.first else { return }
        for metric in first.summary.metrics {
            let byPolicy = policies.indices.map { policy in
                seeds.map { seed in runs.first { $0.policy == policy && $0.seed == seed }?.summary[metric.name] }
            }
            let base = Statistics.mean(byPolicy[0].compactMap { $0 }).magnitude
            for (policy, values) in byPolicy.enumerated() {
                let present = values.compactMap { $0 }
                guard !present.isEmpty else { continue }
                var row = ComparedMetric(
                    metric: metric.name, unit: metric.unit, policy: policies[policy], runs: present.count,
                    mean: Statistics.mean(present), standardDeviation: Statistics.standardDeviation(present))
                row.halfWidth = StudentInterval(present)?.halfWidth
                var spread = row.standardDeviation
                if policy > 0 {
                    var pairs: [(here: Double, base: Double)] = []
                    for (here, base) in zip(values, byPolicy[0]) { if let here, let base { pairs.append((here, base)) } }
                    if !pairs.isEmpty {
                        let differences = pairs.map { $0.here - $0.base }
                        row.difference = Statistics.mean(differences)
                        spread = Statistics.standardDeviation(differences)
                        row.set(PairedDifference(of: pairs.map(\.here), minus: pairs.map(\.base)))
                    }
                }
                if present.count > 1, base > 0 {
                    row.runsNeeded = Replications.needed(forHalfWidth: precision * base, standardDeviation: spread)
                }
                metrics.append(row)
            }
        }
        adjustForTheirNumber()
    }

    /// Five per cent of the first policy's mean.
    public static let defaultPrecision = 0.05

    /// Of many differences some look significant by chance: their p-values are adjusted for all that could have been found.
    private mutating func adjustForTheirNumber() {
        let rows = metrics.indices.filter { metrics[$0].pValue != nil && metrics[$0].pairingGain != nil }
        for (row, adjusted) in zip(rows, MultipleTests.holm(rows.compactMap { metrics[$0].pValue })) {
            metrics[row].adjustedPValue = adjusted
        }
        // A difference that is the same in every run is no matter of chance.
        for row in metrics.indices where metrics[row].pairingGain == nil { metrics[row].adjustedPValue = metrics[row].pValue }
    }

    public static let columns = ResultTable(
        file: "comparison.csv", row: "a metric under a policy, over all seeds",
        columns: [
            ResultColumn("metric", .text, "As in summary.csv."),
            ResultColumn("unit", .text, "Its unit."),
            ResultColumn("policy", .text, "The policy."),
            ResultColumn("runs", .integer, "Runs that had the metric."),
            ResultColumn("mean", .number, "Their mean."),
            ResultColumn("standard_deviation", .number, "Their standard deviation."),
            ResultColumn("ci95_low", .number, optional: true, "The 95 % interval of the mean by Student's t; empty with one run."),
            ResultColumn("ci95_high", .number, optional: true, "Its upper end."),
            ResultColumn("difference_mean", .number, optional: true, "Mean of the paired differences to the first policy."),
            ResultColumn("difference_ci95_low", .number, optional: true, "The 95 % interval of that mean."),
            ResultColumn("difference_ci95_high", .number, optional: true, "Its upper end."),
            ResultColumn(
                "p_value", .number, optional: true,
                "Of the paired t test that there is no difference; 0 or 1 where differences do not vary."),
            ResultColumn(
                "p_value_holm", .number, optional: true, "The same, adjusted by Holm's method for the number of differences in the table."),
            ResultColumn(
                "pairing_gain", .number, optional: true,
                "How many times as many runs independent seeds would have needed for an interval of this width; empty where differences do not vary."
            ),
            ResultColumn(
                "runs_needed", .integer, optional: true,
                "Runs, those made included, after which the half width of the difference's interval (the first policy: of the mean's) should be "
                    + "within the precision asked for, a share of the first policy's mean."),
        ])

    /// Columns of `runs.csv`: the runs behind a comparison, ready to be tested otherwise.
    public static let runColumns = ResultTable(
        file: "runs.csv", row: "a metric of one run",
        columns: [
            ResultColumn("policy", .text, "The policy."),
            ResultColumn("seed", .integer, "The run's seed."),
            ResultColumn("metric", .text, "As in summary.csv."),
            ResultColumn("value", .number, optional: true, "The figure; empty where there was nothing to measure."),
            ResultColumn("unit", .text, "Its unit."),
        ])

    /// Writes `comparison.csv` and `runs.csv` into a folder.
    ///
    /// - Parameter prefix: of both files' names.
    public func write(to folder: String, prefix: String = "") throws(ResultError) {
        try writeTable(Comparison.columns, prefix, folder) { (csv) throws(ResultError) in
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
                csv.field(row.runsNeeded)
                csv.endRow()
            }
        }
        try writeTable(Comparison.runColumns, prefix, folder) { (csv) throws(ResultError) in
            for run in runs {
                for metric in run.summary.metrics {
                    csv.field(policies[run.policy])
                    csv.field(String(run.seed))
                    csv.field(metric.name)
                    csv.field(metric.value)
                    csv.field(metric.unit)
                    csv.endRow()
                }
            }
        }
    }

    /// Writes a table under a temporary name and renames it: it is there as a whole or not at all.
    private func writeTable(
        _ table: ResultTable, _ prefix: String, _ folder: String, _ rows: (inout CSVWriter) throws(ResultError) -> Void
    ) throws(ResultError) {
        let name = prefix + table.file
        let temporary = ".\(name).partial-\(getpid())"
        var csv = try CSVWriter(name: temporary, in: folder, header: ResultWriter.header(table))
        try rows(&csv)
        _ = try csv.finish()
        guard rename("\(folder)/\(temporary)", "\(folder)/\(name)") == 0 else {
            throw ResultError("cannot write \(folder)/\(name): \(String(cString: strerror(errno)))")
        }
    }
}
