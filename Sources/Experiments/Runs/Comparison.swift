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

/// One metric of one policy over all seeds.
public struct ComparedMetric: Sendable {
    public var metric: String
    public var unit: String
    public var policy: String
    public var runs: Int
    public var mean: Double
    public var standardDeviation: Double
    /// Half the width of the 95 % interval of the mean; nil with fewer than two runs.
    public var halfWidth: Double?
    /// Mean of the paired differences to the first policy (same seeds), nil for that policy itself.
    public var difference: Double?
    public var differenceHalfWidth: Double?

    /// Whether the interval of the difference leaves out 0.
    public var isSignificant: Bool {
        guard let difference, let differenceHalfWidth else { return false }
        // The last digits of sums are noise.
        return difference.magnitude > differenceHalfWidth && difference.magnitude > mean.magnitude * 1e-9
    }
}

public struct Comparison: Sendable {
    public var policies: [String]
    public var seeds: [UInt64]
    /// By policy, then by seed.
    public var runs: [ComparedRun]
    /// By metric, then by policy.
    public var metrics: [ComparedMetric]

    /// Runs every policy with every seed, writes each run's results and `comparison.csv`.
    ///
    /// Common random numbers: a seed gives every policy the same draws, so differences are taken pair by pair.
    /// - Parameters:
    ///   - scenarios: one per policy, equal but for the scheduler.
    ///   - finished: called after each run with how many are done.
    /// - Throws: what a run throws; nothing is compared then.
    public static func run(
        _ scenarios: [Scenario], seeds: [UInt64], output: String, finished: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Comparison {
        let cases = scenarios.indices.flatMap { policy in seeds.map { (policy: policy, seed: $0) } }
        for (policy, seed) in cases {
            var scenario = scenarios[policy]
            scenario.configuration.seed = seed
            try scenario.checkResultFolder(below: output)
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
                    try outcome.write(to: scenario.resultFolder(below: output))
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
    init(policies: [String], seeds: [UInt64], runs: [ComparedRun]) {
        self.policies = policies
        self.seeds = seeds
        self.runs = runs
        metrics = []
        guard let first = runs.first else { return }
        for metric in first.summary.metrics {
            let byPolicy = policies.indices.map { policy in
                seeds.map { seed in runs.first { $0.policy == policy && $0.seed == seed }?.summary[metric.name] }
            }
            for (policy, values) in byPolicy.enumerated() {
                let present = values.compactMap { $0 }
                guard !present.isEmpty else { continue }
                var row = ComparedMetric(
                    metric: metric.name, unit: metric.unit, policy: policies[policy], runs: present.count,
                    mean: Statistics.mean(present), standardDeviation: Statistics.standardDeviation(present))
                row.halfWidth = Comparison.halfWidth(present)
                if policy > 0 {
                    let differences = zip(values, byPolicy[0]).compactMap { here, base in here.flatMap { value in base.map { value - $0 } }
                    }
                    if !differences.isEmpty {
                        row.difference = Statistics.mean(differences)
                        row.differenceHalfWidth = Comparison.halfWidth(differences)
                    }
                }
                metrics.append(row)
            }
        }
    }

    /// Half the width of the 95 % interval of a mean by Student's t.
    private static func halfWidth(_ values: [Double]) -> Double? {
        StudentInterval(values)?.halfWidth
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
        ])

    /// Writes `comparison.csv` into a folder.
    public func write(to folder: String) throws(ResultError) {
        let temporary = ".comparison.csv.partial-\(getpid())"
        var csv = try CSVWriter(name: temporary, in: folder, header: ResultWriter.header(Comparison.columns))
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
            csv.endRow()
        }
        _ = try csv.finish()
        guard rename("\(folder)/\(temporary)", "\(folder)/comparison.csv") == 0 else {
            throw ResultError("cannot write \(folder)/comparison.csv: \(String(cString: strerror(errno)))")
        }
    }
}
