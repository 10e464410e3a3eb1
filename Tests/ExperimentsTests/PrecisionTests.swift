// Experiments that go on until their intervals are as narrow as wanted, and say so when they are not.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Precision of experiments")
struct PrecisionTests {
    /// One pod whose start takes an exponential time, with two means.
    private func folder(_ spec: String, duration: String = "10m") throws -> TemporaryFolder {
        try TemporaryFolder([
            "experiment.yaml": """
            apiVersion: seatrial.dev/v1alpha1
            kind: Experiment
            metadata: {name: starts}
            spec:
              scenario: scenario.yaml
              factors: [{name: mean, path: 'workloads[0].start.exponential.mean', levels: [10s, 20s]}]
              outputs: [pod_start_mean]
              \(spec)

            """,
            "scenario.yaml": """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: starts}
            spec:
              duration: \(duration)
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 4, memory: 8Gi, pods: 10}}]
                objects: [pod.yaml]
              workloads: [{selector: {}, start: {exponential: {mean: 1s}}}]

            """, "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n",
        ])
    }

    @Test("Seeds are added in rounds until the interval is narrow, and the cases are those of an experiment that had them all")
    func untilPrecise() async throws {
        let growing = try folder("seeds: {from: 5, count: 3}\n  untilPrecise: {share: 20%}")
        let outcome = try await ExperimentFile.load(growing["experiment.yaml"]).run()
        let seeds = outcome.comparison.seeds
        // The difference varies as an exponential with mean 10 s: half an interval of 2 s takes about a hundred.
        #expect((40...300).contains(seeds.count), "\(seeds.count)")
        #expect(seeds == (0..<UInt64(seeds.count)).map { 5 + $0 })
        #expect(try outcome.shortfall() == nil)
        let row = try #require(outcome.comparison.metrics.last)
        #expect(try #require(row.differenceHalfWidth) <= 0.2 * outcome.comparison.metrics[0].mean)

        let whole = try folder("seeds: {from: 5, count: \(seeds.count)}\n  precision: 20%")
        let other = try await ExperimentFile.load(whole["experiment.yaml"]).run()
        try outcome.write(to: growing["out"])
        try other.write(to: whole["out"])
        for file in ["cases.csv", "runs.csv", "comparison.csv"] {
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: growing["out/" + file]))
                    == Data(contentsOf: URL(fileURLWithPath: whole["out/" + file])))
        }
    }

    @Test("The wanted precision says how many more runs it takes, and the most seeds may come before it")
    func shortfall() async throws {
        let folder = try folder("seeds: 4\n  untilPrecise: {share: 0.1%, maximumSeeds: 10}")
        let outcome = try await ExperimentFile.load(folder["experiment.yaml"]).run()
        #expect(outcome.comparison.seeds == (1...10).map { UInt64($0) })
        let text = try #require(try outcome.shortfall())
        #expect(text.contains("the precision is not reached after 10 seeds (\(folder["experiment.yaml"]):9: spec.untilPrecise)"), "\(text)")

        func more(_ precision: String) async throws -> Int? {
            let folder = try self.folder("seeds: 10\n  precision: \(precision)")
            let outcome = try await ExperimentFile.load(folder["experiment.yaml"]).run()
            return try #require(outcome.comparison.metrics.last).moreSeedsNeeded
        }
        let (coarse, fine) = (try await more("5%"), try await more("1%"))
        let (five, one) = (try #require(coarse), try #require(fine))
        // A fifth of the width takes 25 times as many runs.
        #expect(abs(Double(one + 10) / Double(five + 10) / 25 - 1) < 0.05, "\(one) \(five)")
    }

    /// One figure by policy and seed; nil: there was nothing to measure.
    private func comparison(_ values: [[Double?]], precision: Double) -> Comparison {
        let seeds = values[0].indices.map { UInt64($0 + 1) }
        let runs = values.indices.flatMap { policy in
            zip(seeds, values[policy]).map { seed, value in
                ComparedRun(policy: policy, seed: seed, summary: RunSummary([Metric(name: "x", value: value, unit: "s")]), failed: [])
            }
        }
        return Comparison(policies: Array(["a", "b"].prefix(values.count)), Replicates(seeds), runs: runs, precision: precision)
    }

    private func shortfall(_ comparison: Comparison) throws -> String? {
        let wanted = Comparison.Precision(share: comparison.precision, metrics: ["x"], limit: comparison.seeds.count)
        return try comparison.shortfall(of: wanted, source: "here")
    }

    @Test("Seeds without the figure do not count: so many more are needed that the pairs suffice")
    func missing() throws {
        // Of these four pairs half the interval is 2.598, of five alike it would be 2.03.
        let values: [[Double?]] = [[100, 100, 100, 100, nil], [108, 110, 112, 110, 115]]
        #expect(try comparison(values, precision: 0.03).seedsNeeded(for: ["x"]) ?? .max <= 5)
        let narrow = comparison(values, precision: 0.025)
        // One pair more; four seeds of five have one.
        #expect(try narrow.seedsNeeded(for: ["x"]) == 7)
        #expect(try shortfall(narrow) == "the precision is not reached after 5 seeds (here); about 2 more would do")
        #expect(ComparisonReport(narrow, isWide: true).description.contains("2 more"))
    }

    @Test("Where nothing was measured, or no pair of runs, nobody can say how many seeds it takes; a name that no run has is refused")
    func unmeasured() throws {
        let nothing = comparison([[nil, nil], [nil, nil]], precision: 0.05)
        #expect(try nothing.seedsNeeded(for: ["x"]) == nil)
        #expect(
            try shortfall(nothing) == "the precision is not reached after 2 seeds (here); in no run was there anything to measure for x")
        let apart = comparison([[1, nil, 2, 3], [nil, 4, nil, 5]], precision: 0.05)
        #expect(try apart.seedsNeeded(for: ["x"]) == nil)
        #expect(try shortfall(apart)?.hasSuffix("; 1 seed had anything to measure for x under both a and b") == true)
        #expect(try comparison([[3, 3, nil]], precision: 0.05).seedsNeeded(for: ["x"]) == 2)
        #expect(throws: ScenarioError.self) { try nothing.seedsNeeded(for: ["y"]) }
    }

    @Test("Of a mean of 0 no share can be taken: that is told in the end, and is not known before")
    func zero() throws {
        let first = comparison([[0, 0, 0], [1, 2, 3]], precision: 0.05)
        #expect(try first.seedsNeeded(for: ["x"]) == nil)
        #expect(
            try shortfall(first) == "the precision is not reached after 3 seeds (here); "
                + "x: its mean under a is 0, of which no share can be taken: put another policy first")
        let alone = try shortfall(comparison([[-1, 0, 1]], precision: 0.05))
        #expect(alone?.hasSuffix("; x: its mean is 0, of which no share can be taken") == true)
        #expect(try comparison([[0, 0, 0], [0, 0, 0]], precision: 0.05).seedsNeeded(for: ["x"]) == 2)
    }

    @Test("An experiment goes on while seeds lack the figure, and says in the end that nothing was measured")
    func goesOn() async throws {
        // A pod that takes ten seconds on the average has started within a run of fifteen in some of them.
        let some = try folder("seeds: 2\n  untilPrecise: {share: 10%, maximumSeeds: 400}", duration: "15s")
        let outcome = try await ExperimentFile.load(some["experiment.yaml"]).run()
        let row = try #require(outcome.comparison.metrics.last)
        #expect(try outcome.shortfall() == nil)
        #expect(row.policy == "mean=20s" && (10..<outcome.comparison.seeds.count).contains(row.pairs ?? 0), "\(row)")
        #expect(try #require(row.differenceHalfWidth) <= 0.1 * outcome.comparison.metrics[0].mean)

        let none = try folder("seeds: 2\n  untilPrecise: {share: 40%, maximumSeeds: 7}", duration: "10ms")
        let nothing = try await ExperimentFile.load(none["experiment.yaml"]).run()
        #expect(nothing.comparison.seeds.count == 7)
        #expect(try nothing.shortfall()?.hasSuffix("in no run was there anything to measure for pod_start_mean") == true)
    }

    @Test("A sweep, whose cases are numbered before the first is run, refuses to go on until something is known")
    func sweep() throws {
        let folder = try folder("seeds: 4\n  untilPrecise: {share: 1%}")
        let refused = #expect(throws: ScenarioError.self) { try Sweep(folder["experiment.yaml"], output: folder["sweep"]) }
        #expect(
            refused?.description.contains("experiment.yaml:9: spec.untilPrecise: a sweep's cases") == true, "\(String(describing: refused))"
        )
    }
}
