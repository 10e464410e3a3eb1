// The kept table of the experiment of USENIX ATC 2023 ("Beware of Fragmentation", Weng et al.) beside the published one.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Published table of GPU-sharing policies")
struct PublishedTableTests {
    private static let folder = packageRoot + "/results/curated/gpu-sharing-openb"
    private static let policies = ["random", "dot-prod", "gpu-clustering", "gpu-packing", "best-fit", "fgd"]

    /// GPU allocation in per cent over ten random orders: mean and standard deviation, in the order of the policies.
    private static let published: [(demand: Int, figures: [(mean: Double, deviation: Double)])] = [
        (100, [(86.303, 0.332), (90.622, 0.186), (91.650, 0.610), (91.779, 0.532), (92.862, 0.144), (95.227, 0.106)]),
        (130, [(87.470, 0.30), (90.849, 0.19), (91.878, 0.59), (92.002, 0.52), (93.076, 0.13), (95.391, 0.08)]),
    ]

    private static func metric(_ demand: Int) -> String { "allocated_alibabacloud.com/gpu-milli_at_\(demand)" }

    /// The kept runs, compared anew.
    private func kept() throws -> Comparison {
        let path = Self.folder + "/runs.csv"
        let table = try CSVTable(InputFiles.read(path), file: path)
        var runs: [ComparedRun] = []
        for row in table.rows {
            let policy = try #require(Self.policies.firstIndex(of: table.text(row, 0)))
            let seed = try #require(UInt64(table.text(row, 1)))
            let metric = Metric(name: table.text(row, 2), value: Double(table.text(row, 3)), unit: table.text(row, 4))
            if let last = runs.last, last.policy == policy, last.seed == seed {
                runs[runs.count - 1].summary = RunSummary(last.summary.metrics + [metric])
            } else {
                runs.append(ComparedRun(policy: policy, seed: seed, summary: RunSummary([metric]), failed: []))
            }
        }
        return Comparison(policies: Self.policies, Replicates((42...51).map { UInt64($0) }), runs: runs)
    }

    @Test("The kept tables are of one experiment: the shipped one, six policies with ten seeds")
    func complete() throws {
        let comparison = try kept()
        #expect(comparison.runs.count == 60)
        let folder = try TemporaryFolder()
        try comparison.write(to: folder.path)
        for file in ["comparison.csv", "runs.csv"] {
            #expect(
                try String(contentsOfFile: folder[file], encoding: .utf8)
                    == String(contentsOfFile: Self.folder + "/" + file, encoding: .utf8),
                "\(file): make fgd OPENB=DIR")
        }
        let experiment = try String(contentsOfFile: packageRoot + "/scenarios/gpu-sharing/experiment.yaml", encoding: .utf8)
        #expect(
            experiment.contains(
                "schedulers: [random.yaml, dot-prod.yaml, gpu-clustering.yaml, gpu-packing.yaml, best-fit.yaml, openb/fgd.yaml]"))
        #expect(experiment.contains("seeds: {from: 42, count: 10}"))
    }

    @Test("Every mean is within one published standard deviation of the published one", arguments: [100, 130])
    func means(demand: Int) throws {
        let comparison = try kept()
        let published = try #require(Self.published.first { $0.demand == demand }).figures
        for (policy, expected) in zip(Self.policies, published) {
            let here = try #require(comparison.metrics.first { $0.metric == Self.metric(demand) && $0.policy == policy }).mean
            #expect(abs(here - expected.mean) <= expected.deviation, "\(policy): \(here), published \(expected)")
        }
    }

    @Test("The ranking is the published one, and FGD is the winner", arguments: [100, 130])
    func ranking(demand: Int) throws {
        let comparison = try kept()
        let rows = comparison.metrics.filter { $0.metric == Self.metric(demand) }
        #expect(rows.sorted { $0.mean < $1.mean }.map(\.policy) == Self.policies)
        #expect(comparison.verdicts.first { $0.metric == Self.metric(demand) }?.text() == "fgd")
    }
}
