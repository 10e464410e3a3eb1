// Expectations hold or fail as the record says, and name what was observed.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments

/// Swift Testing has a type of the same name.
typealias ExpectedOutcome = Experiments.Expectation

struct ExpectationCase: Sendable, CustomTestStringConvertible {
    var expectation: ExpectedOutcome
    var holds: Bool
    /// What the observation must mention.
    var observed: String

    init(
        _ subject: ExpectedOutcome.Subject, _ bound: ExpectedOutcome.Bound, from: Int? = nil, until: Int? = nil, holds: Bool,
        _ observed: String = ""
    ) {
        expectation = ExpectedOutcome(subject, bound, from: from.map { .zero + .seconds($0) }, until: until.map { .zero + .seconds($0) })
        self.holds = holds
        self.observed = observed
    }

    var testDescription: String { "\(expectation)" }

    private static let web = ExpectedOutcome.Subject.available(ObjectKey(.deployment, namespace: "shop", "web"))

    /// Against `awkwardRecord`, a run of 30 s.
    static let all: [ExpectationCase] = [
        ExpectationCase(web, .init(atLeast: 3), from: 5, until: 11, holds: true, "3"),
        ExpectationCase(web, .init(atLeast: 3), from: 5, holds: false, "2 at 12s"),
        // The value in force at the start of the window counts.
        ExpectationCase(web, .init(atLeast: 3), from: 13, until: 14, holds: false, "2"),
        ExpectationCase(web, .init(equals: 2), from: 14, until: 14, holds: true),
        ExpectationCase(web, .init(atLeast: 1), holds: false, "0"),
        ExpectationCase(web, .init(atMost: 3), holds: true, "0 to 3"),
        ExpectationCase(.available(ObjectKey(.deployment, namespace: "shop", "none")), .init(atLeast: 1), holds: false, "no Deployment"),
        ExpectationCase(web, .init(atLeast: 1), from: 31, holds: false, "ended"),
        ExpectationCase(.recovery, .init(atMost: 60), holds: false, "not recovered"),
        ExpectationCase(.detection, .init(atMost: 60), holds: true, "48s"),
        ExpectationCase(.detection, .init(atMost: 40), holds: false, "48s"),
        ExpectationCase(.recovery, .init(atMost: 1), until: 3, holds: true, "no failure"),
        ExpectationCase(.pods(.pending), .init(atMost: 2), holds: true),
        ExpectationCase(.pods(.pending), .init(atMost: 1), holds: false, "2 at 1ms"),
        ExpectationCase(.pods(.pending), .init(atMost: 1), from: 3, holds: true),
        ExpectationCase(.pods(.unscheduled), .init(equals: 0), from: 1, until: 7, holds: true),
        ExpectationCase(.pods(.unscheduled), .init(equals: 0), from: 1, holds: false, "1 at 8s"),
        ExpectationCase(.pods(.running), .init(equals: 4), holds: true),
        ExpectationCase(.nodes(.ready), .init(equals: 3), holds: false, "2 at 10s"),
        ExpectationCase(.nodes(.total), .init(equals: 3), holds: true),
        ExpectationCase(.unschedulable, .init(atMost: 0), holds: false, "1"),
        ExpectationCase(.restarts, .init(atMost: 0), holds: true),
        ExpectationCase(.utilisation(.cpu), .init(atLeast: 0.15), holds: true, "15.0 %"),
        ExpectationCase(.utilisation(.cpu), .init(atLeast: 0.5), holds: false, "15.0 %"),
        ExpectationCase(.podStart(.mean), .init(atMost: 3.1), holds: true, "3s"),
        ExpectationCase(.podStart(.maximum), .init(atMost: 3), holds: false, "4s"),
        ExpectationCase(.podStart(.p50), .init(atMost: 2.1), holds: true),
    ]
}

@Suite("Expectations")
struct ExpectationTests {
    @Test("hold or fail by the record", arguments: ExpectationCase.all)
    func check(one: ExpectationCase) {
        let result = awkwardRecord().check(one.expectation, end: .zero + .seconds(30))
        #expect(result.holds == one.holds, "observed \(result.observed)")
        #expect(one.observed.isEmpty || result.observed.contains(one.observed), "observed \(result.observed)")
    }

    @Test("The summary has the figures of the record")
    func summary() {
        let summary = RunSummary(awkwardRecord(), end: .zero + .seconds(30))
        #expect(summary["pods_created"] == 3)
        #expect(summary["pods_unscheduled_at_end"] == 1)
        #expect(abs((summary["pod_start_mean"] ?? 0) - 3.004) < 1e-9)
        #expect(summary["detection_mean"] == 48)
        #expect(summary["recovery_mean"] == nil)
        // 5 s without three replicas, 3 s without one.
        #expect(summary["replica_seconds_missing"] == 18)
        #expect(summary["utilisation_cpu_mean"] == 0.15)
    }

    @Test("The report names failures, waiting pods and expectations")
    func report() {
        let record = awkwardRecord()
        let end = SimulatedTime.zero + .seconds(30)
        let expectations = [ExpectedOutcome(.unschedulable, .init(atMost: 0), position: "scenario.yaml:12")].map {
            record.check($0, end: end)
        }
        let outcome = RunOutcome(
            scenario: scenario(), end: end, record: record, summary: RunSummary(record, end: end), expectations: expectations)
        let report = RunReport(outcome)
        #expect(report.description.contains("FAULT zone/b"))
        #expect(report.description.contains("(+48s)"))
        #expect(report.description.contains("1 x 0/3 nodes are available"))
        #expect(report.description.contains("✗ pods without a node in the end at most 0: observed 1"))
        #expect(report.failures == ["scenario.yaml:12: expected pods without a node in the end at most 0, observed 1"])
    }

    @Test(
        "Durations read as one says them",
        arguments: [(0, "0s"), (41_300, "41.3s"), (300_000, "5m"), (312_000, "5m12s"), (7_500_000, "2h5m"), (12, "12ms")])
    func durations(milliseconds: Int, text: String) { #expect(SimulatedDuration.milliseconds(milliseconds).text == text) }
}

@Suite("Comparisons")
struct ComparisonTests {
    private func run(_ policy: Int, _ seed: UInt64, pods: Int) -> ComparedRun {
        var record = awkwardRecord()
        record.pods = Array(repeating: record.pods[0], count: pods)
        return ComparedRun(policy: policy, seed: seed, summary: RunSummary(record, end: .zero + .seconds(30)), failed: [])
    }

    @Test("Means, t intervals and paired differences are those of the textbook")
    func statistics() throws {
        // 10, 12, 14 against 11, 13, 16.
        let runs = [(0, [10, 12, 14]), (1, [11, 13, 16])].flatMap { policy, counts in
            counts.enumerated().map { run(policy, UInt64($0.offset + 1), pods: $0.element) }
        }
        let comparison = Comparison(policies: ["a", "b"], Replicates([1, 2, 3]), runs: runs)
        let rows = comparison.metrics.filter { $0.metric == "pods_created" }
        try #require(rows.count == 2)
        #expect(rows[0].mean == 12)
        #expect(rows[0].standardDeviation == 2)
        // t(0.975; 2) = 4.302653: half width 4.302653 * 2 / sqrt 3.
        #expect(abs((rows[0].halfWidth ?? 0) - 4.968275) < 1e-4)
        #expect(rows[0].difference == nil)
        // Differences 1, 1, 2: mean 4/3, deviation 0.57735.
        #expect(abs((rows[1].difference ?? 0) - 4.0 / 3) < 1e-12)
        #expect(abs((rows[1].differenceHalfWidth ?? 0) - 1.434218) < 1e-4)
        #expect(!rows[1].isSignificant)

        let folder = try TemporaryFolder()
        try comparison.write(to: folder.path)
        let table = try CSVTable(InputFiles.read(folder["comparison.csv"]), file: "comparison.csv")
        #expect(table.header == Comparison.columns.columns.map(\.name))
        #expect(try folder.contents() == ["comparison.csv", "runs.csv"])
        #expect(ComparisonReport(comparison).description.contains("b - a"))
    }
}
