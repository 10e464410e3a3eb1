// Experiments that go on until their intervals are as narrow as wanted, and say so when they are not.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Precision of experiments")
struct PrecisionTests {
    /// One pod whose start takes an exponential time, with two means.
    private func folder(_ spec: String) throws -> TemporaryFolder {
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
              duration: 10m
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
            return try #require(outcome.comparison.metrics.last).moreRunsNeeded
        }
        let (coarse, fine) = (try await more("5%"), try await more("1%"))
        let (five, one) = (try #require(coarse), try #require(fine))
        // A fifth of the width takes 25 times as many runs.
        #expect(abs(Double(one + 10) / Double(five + 10) / 25 - 1) < 0.05, "\(one) \(five)")
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
