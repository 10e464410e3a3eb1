// What replications are worth: common random numbers and antithetic pairs.

import DiscreteEvents
import Foundation
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Replications")
struct ReplicationTests {
    private func run(_ policy: Int, _ seed: UInt64, _ value: Double?) -> ComparedRun {
        ComparedRun(policy: policy, seed: seed, summary: RunSummary([Metric(name: "x", value: value, unit: "s")]), failed: [])
    }

    @Test("The mean of a seed and its mirror image is one observation; a pair with half missing is none")
    func pairs() {
        let mirror = RandomStream.mirror
        let replications = Replicates([1, 2, 3], antithetic: true)
        #expect(replications.runSeeds == [1, 1 | mirror, 2, 2 | mirror, 3, 3 | mirror])
        let values: [[Double?]] = [[10, 14, 20, 22, 5, nil], [11, 15, 20, 26, 7, 9]]
        let runs = values.enumerated().flatMap { policy, values in zip(replications.runSeeds, values).map { run(policy, $0, $1) } }
        let rows = Comparison(policies: ["a", "b"], replications, runs: runs).metrics
        #expect(rows.map(\.runs) == [2, 3])
        #expect(rows[0].mean == 16.5)
        #expect(abs(rows[1].mean - 44.0 / 3) < 1e-12)
        // Pairs 12 and 21 against 13 and 23.
        #expect(rows[1].difference == 1.5)
        #expect(rows[1].pairs == 2)
        let report = ComparisonReport(Comparison(policies: ["a", "b"], replications, runs: runs)).description
        #expect(report.contains("[2]"))
        #expect(report.contains("3 seeds, each with its mirror image"))
    }

    /// One pod whose start takes an exponential time with mean 10 s, and nothing else that varies as much.
    private static let exponential = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: exponential}
        spec:
          duration: 5m
          cluster:
            nodePools: [{name: node, count: 1, resources: {cpu: 4, memory: 8Gi, pods: 10}}]
            objects: [pod.yaml]
          workloads: [{selector: {}, start: {exponential: {mean: 10s}}}]

        """

    @Test("Antithetic pairs narrow the interval of an exponential time as theory says")
    func antithetic() async throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"
        let scenario = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", Self.exponential), ("pod.yaml", pod)])
        let seeds = (1...400).map { UInt64($0) }
        let single = try await Comparison.run([scenario], Replicates(seeds), output: nil)
        let pairs = try await Comparison.run([scenario], Replicates(seeds, antithetic: true), output: nil)
        let one = try #require(single.metrics.first { $0.metric == "pod_start_mean" })
        let two = try #require(pairs.metrics.first { $0.metric == "pod_start_mean" })
        #expect(pairs.runs.count == 800 && two.runs == 400)
        // ln u and ln(1 - u) correlate by 1 - π²/6 = -0.645: the variance of a pair's mean is (1 - 0.645) / 2 of one run's. Without the mirror
        // image it would be half.
        let share = two.standardDeviation * two.standardDeviation / (one.standardDeviation * one.standardDeviation)
        let theory = (2 - Double.pi * Double.pi / 6) / 2
        #expect(abs(share / theory - 1) < 0.2, "\(share) against \(theory)")
        #expect(abs(two.mean - one.mean) < 2)
    }

    @Test("Common random numbers make the interval of a difference at least three times as narrow: a week of failures, spread or packed")
    func commonRandomNumbers() async throws {
        let folder = packageRoot + "/scenarios/node-churn/"
        let scenarios = try ["default", folder + "pack.yaml"].map {
            try ScenarioFile.load(folder + "scenario.yaml", overrides: ScenarioOverrides(scheduler: $0))
        }
        let comparison = try await Comparison.run(scenarios, Replicates((1...20).map { UInt64($0) }), output: nil)
        func values(_ policy: Int, _ seeds: ClosedRange<UInt64>) throws -> [Double] {
            try comparison.runs.filter { $0.policy == policy && seeds.contains($0.seed) }.map { try #require($0.summary["pod_start_mean"]) }
        }
        // As many runs either way: ten seeds under both policies, or ten under each.
        let (spread, packed, others) = try (values(0, 1...10), values(1, 1...10), values(1, 11...20))
        let paired = try #require(PairedDifference(of: packed, minus: spread)).interval
        // Equal numbers of runs: the standard error of the difference of two means, with twice the degrees of freedom.
        let error = ((square(Statistics.standardDeviation(spread)) + square(Statistics.standardDeviation(others))) / 10).squareRoot()
        let unpaired = 2.1009 * error
        #expect(unpaired >= 3 * paired.halfWidth, "\(unpaired) against \(paired.halfWidth)")
        // Pairs see the difference; without them it drowns.
        #expect(paired.excludesZero)
        #expect((Statistics.mean(others) - Statistics.mean(spread)).magnitude < unpaired)
    }

    private func square(_ value: Double) -> Double { value * value }

    @Test("Equal differences of a few seeds are no certainty")
    func equalDifferences() {
        func pValue(_ seeds: Int) -> Double? {
            let runs = (0..<2).flatMap { policy in (1...seeds).map { run(policy, UInt64($0), Double(policy + $0)) } }
            return Comparison(policies: ["a", "b"], Replicates((1...seeds).map { UInt64($0) }), runs: runs).metrics.last?.adjustedPValue
        }
        #expect(pValue(2) == 0.5)
        #expect(pValue(10) == 1.0 / 512)
    }

    @Test("What no run could measure is named, and what some could not, counted")
    func missing() {
        let runs = (0..<2).flatMap { policy in
            (1...3).map { seed -> ComparedRun in
                var run = run(policy, UInt64(seed), seed == 2 ? nil : Double(seed))
                run.summary = RunSummary(run.summary.metrics + [Metric(name: "y", value: nil, unit: "s")])
                return run
            }
        }
        let report = ComparisonReport(Comparison(policies: ["a", "b"], Replicates([1, 2, 3]), runs: runs)).description
        #expect(report.contains("In no run there was anything to measure for y."))
        #expect(report.contains("[2]"))
        #expect(report.contains("[n]: in n runs"))
    }
}
