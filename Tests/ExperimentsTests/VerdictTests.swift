// A winner is named where the intervals of its differences to all others allow it, and nowhere else.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Winners")
struct VerdictTests {
    /// Runs with metrics by name, each with the values of every policy, seed by seed.
    private func comparison(_ policies: [String], _ metrics: [(name: String, values: [[Double?]])]) -> Comparison {
        let seeds = (1...metrics[0].values[0].count).map { UInt64($0) }
        let runs = policies.indices.flatMap { policy in
            seeds.indices.map { seed in
                let summary = RunSummary(metrics.map { Metric(name: $0.name, value: $0.values[policy][seed], unit: "s") })
                return ComparedRun(policy: policy, seed: seeds[seed], summary: summary, failed: [])
            }
        }
        return Comparison(policies: policies, Replicates(seeds), runs: runs)
    }

    private func verdict(_ metric: String, _ values: [[Double?]]) throws -> String {
        let policies = Array(["a", "b", "c"].prefix(values.count))
        return try #require(comparison(policies, [(metric, values)]).verdicts.first).text()
    }

    private static let low = [10.0, 11, 12, 10, 11]
    private static let high = [20.0, 22, 23, 20, 22]

    @Test("Where less is better the lower one wins, where more is better the higher, and elsewhere only the order is told")
    func direction() throws {
        #expect(try verdict("recovery_mean", [Self.high, Self.low]) == "b")
        #expect(try verdict("requests_web_availability", [Self.high, Self.low]) == "a")
        #expect(try verdict("nodes_used_mean", [Self.high, Self.low]) == "lower: b")
        #expect(try verdict("nodes_used_mean", [Self.high, Self.low, Self.high.map { $0 + 30 }]) == "lowest: b")
    }

    @Test("Nobody wins where the interval of the difference holds 0, where nothing varies, and of one seed")
    func none() throws {
        #expect(try verdict("recovery_mean", [[1, 9, 2, 8], [2, 7, 3, 8]]) == "-")
        #expect(try verdict("recovery_mean", [[5, 5, 5], [5, 5, 5]]) == "-")
        #expect(try verdict("recovery_mean", [[5], [1]]) == "-")
        // A policy that was never measured may be better.
        #expect(try verdict("recovery_mean", [Self.high, Self.low, [nil, nil, nil, nil, nil]]) == "-")
    }

    @Test(
        "A difference that is the same with every seed wins when the sign test says so: with six seeds, not with two to five",
        arguments: 2...6)
    func sameDifference(seeds: Int) throws {
        let values = [Array(repeating: 5.0, count: seeds), Array(repeating: 3.0, count: seeds)]
        #expect(try verdict("recovery_mean", values) == (seeds < 6 ? "-" : "b"))
        let comparison = comparison(["a", "b"], [("recovery_mean", values)])
        let row = try #require(comparison.metrics.last)
        #expect(row.isSignificant == (seeds == 6) && row.isSameDifference && row.differenceHalfWidth == 0)
        let report = ComparisonReport(comparison).description
        #expect(report.split(separator: "\n")[1].contains("*") == (seeds == 6), "\(report)")
        #expect(report.contains("A difference without ± is the same with every seed"))
    }

    @Test("Figures that differ by the last digits of sums do not differ, and have intervals without width")
    func noise() throws {
        let one = [0.006123999999999998, 0.006124, 0.006123999999999999, 0.006124]
        let other = [0.006124, 0.006123999999999998, 0.006124, 0.006123999999999998]
        let comparison = comparison(["a", "b"], [("schedule_wait_mean", [one, other])])
        for row in comparison.metrics { #expect(row.standardDeviation == 0 && row.halfWidth == 0) }
        let row = comparison.metrics[1]
        #expect(row.difference == 0 && row.differenceHalfWidth == 0 && row.pValue == 1 && !row.isSignificant && !row.isSameDifference)
        #expect(comparison.verdicts[0].text() == "-")
        // What is more than noise stays.
        let larger = self.comparison(["a", "b"], [("schedule_wait_mean", [one, other.map { $0 + 1e-9 }])]).metrics[1]
        #expect(abs(try #require(larger.difference) - 1e-9) < 1e-15)
    }

    @Test("With three policies the best is held against each of the others, not only against the first")
    func three() throws {
        let close = zip(Self.low, [0.4, -0.4, 0.3, -0.3, 0.1]).map { $0 + $1 }
        #expect(try verdict("recovery_mean", [Self.high, Self.low, close]) == "b or c")
        #expect(try verdict("recovery_mean", [Self.high, Self.low, Self.low.map { $0 * 0.8 }]) == "c")
    }

    @Test("A difference that is significant by itself but not among many has a question mark")
    func amongMany() throws {
        let (one, other) = ([10.0, 12, 11, 13, 12], [11.0, 12.9, 12.3, 13.8, 13.3])
        #expect(try verdict("recovery_mean", [one, other]) == "a")
        var stream = RandomStream(seed: 5, purpose: RandomPurpose("figures without a difference"), owner: 0)
        // Nearly normal, as the test assumes.
        func drawn() -> [Double?] { one.map { _ in (0..<12).reduce(0.0) { sum, _ in sum + stream.uniform() } } }
        let noise = (0..<2000).map { index in (name: "x\(index)", values: [drawn(), drawn()]) }
        let verdicts = comparison(["a", "b"], [(name: "recovery_mean", values: [one, other])] + noise).verdicts
        #expect(verdicts[0].text() == "a?")
        // Of 2000 figures without a difference none is told apart for sure.
        #expect(verdicts.dropFirst().allSatisfy { $0.certainty != .amongAll })
    }

    @Test("Of many that cannot be told apart only the number is told")
    func many() throws {
        let policies = (0..<6).map { "p\($0)" }
        let values = (0..<6).map { policy -> [Double?] in
            Self.low.enumerated().map { seed, value in value + (policy == 5 ? 30 : Double((seed * 7 + policy * 3) % 5) / 10) }
        }
        #expect(comparison(policies, [("recovery_mean", values)]).verdicts[0].text() == "5 of 6")
    }

    @Test("The table names the winner; the wide one has deviations, p-values, gains, and how many more seeds it takes")
    func table() {
        let comparison = comparison(["spread", "pack"], [("recovery_mean", [Self.high, Self.low])])
        let narrow = ComparisonReport(comparison).description
        let lines = narrow.split(separator: "\n")
        #expect(lines[0].hasSuffix("winner") && lines[1].hasSuffix("pack"), "\(narrow)")
        #expect(!narrow.contains("more seeds"))
        let wide = ComparisonReport(comparison, isWide: true).description
        let row = comparison.metrics[1]
        for expected in ["sd", "gain", "\(row.moreSeedsNeeded ?? -1) more", "within 5 % of spread's mean"] {
            #expect(wide.contains(expected), "\(wide)")
        }
        #expect(row.moreSeedsNeeded == max(0, (row.observationsNeeded ?? 0) - 5))
    }

    @Test("Figures in which neither less nor more is better are known as such")
    func neutral() throws {
        var neutral: Set<String> = []
        for name in SchemaTests.shippedNames {
            let path = "\(packageRoot)/results/curated/\(name)/summary.csv"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let table = try CSVTable(InputFiles.read(path), file: path)
            for row in table.rows where MetricDirection(of: table.text(row, 0)) == .neither { neutral.insert(table.text(row, 0)) }
        }
        // Not those of single sources and resources.
        let general = neutral.filter { !$0.hasPrefix("requests_") && !$0.contains("utilisation_") && !$0.contains("imbalance_") }
        #expect(
            general.sorted() == [
                "failures", "node_failures", "nodes", "nodes_used_mean", "nodes_used_peak", "pods_created", "pods_deleted",
                "pods_from_snapshot", "pods_scheduled", "pods_succeeded", "scheduling_attempts", "simulated_time", "simulator_events",
            ])
    }
}
