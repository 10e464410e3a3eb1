// Experiments: one scenario under several policies and seeds, with the figures asked for.

import Foundation
import Testing

@testable import Experiments

@Suite("Experiments")
struct ExperimentTests {
    private static let experiment = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Experiment
        metadata: {name: gpus}
        spec:
          scenario: scenario.yaml
          schedulers: [default, packing.yaml]
          seeds: {from: 3, count: 2}
          outputs: [allocated_alibabacloud.com/gpu-milli_at_100, pods_created]

        """

    /// Two nodes with two GPUs each; shares of 600 and whole GPUs arrive until more is asked for than there is.
    private static let files = [
        "scenario.yaml": """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: gpus}
        spec:
          duration: 5m
          cluster:
            nodePools: [{name: node, count: 2, resources: {cpu: 16, memory: 32Gi, pods: 20, alibabacloud.com/gpu-milli: 2000}}]
            trace: pods.yaml
            arrivals: {interval: 10s, order: random, clones: {resource: alibabacloud.com/gpu-milli, upTo: 1.2}, patience: 5s}
          measure: {allocation: [{resource: alibabacloud.com/gpu-milli, at: [100]}]}

        """,
        "pods.yaml": (0..<5).map { number in
            let milli = number < 4 ? 600 : 1000
            return """
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: p-\(number), annotations: {seatrial.dev/create-at: "\(number)"}}
                spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1, alibabacloud.com/gpu-milli: \(milli)}, limits: {alibabacloud.com/gpu-milli: \(milli)}}}]}

                """
        }.joined(),
        "packing.yaml": """
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        profiles:
        - plugins:
            multiPoint: {enabled: [{name: GPUShare}, {name: GpuPacking}, {name: NodeRank}]}

        """,
    ]

    private func folder(_ changed: [String: String] = [:]) throws -> TemporaryFolder {
        let files = ExperimentTests.files.merging(["experiment.yaml": ExperimentTests.experiment]) { $1 }
        return try TemporaryFolder(files.merging(changed) { $1 })
    }

    @Test("Every policy runs with every seed, and the figures asked for are kept run by run")
    func runs() async throws {
        let folder = try folder()
        let experiment = try ExperimentFile.load(folder["experiment.yaml"])
        #expect(experiment.combinations.map(\.label) == ["default", "packing"])
        #expect(experiment.replications.runSeeds == [3, 4])
        let outcome = try await experiment.run()
        try outcome.write(to: folder["out"])
        let rows = try String(contentsOfFile: folder["out/runs.csv"], encoding: .utf8).split(whereSeparator: \.isNewline)
        #expect(rows.first == "policy,seed,metric,value,unit")
        #expect(rows.count == 1 + 2 * 2 * 2)
        #expect(rows.contains { $0.hasPrefix("packing,4,allocated_alibabacloud.com/gpu-milli_at_100,") })
        #expect(outcome.comparison.metrics.map(\.metric) == experiment.outputs.flatMap { [$0, $0] })
        // The pool of the default scheduler takes four shares of 600 and a whole GPU; with cards of their own not all fit.
        let allocated = outcome.comparison.metrics.filter { $0.metric == experiment.outputs[0] }.map(\.mean)
        #expect(allocated.count == 2 && allocated[0] > allocated[1])
        let report = ExperimentReport(outcome).description
        #expect(report.contains("(1) allocated_alibabacloud.com/gpu-milli_at_100, %"))
        #expect(report.contains("over 2 seeds, 3 to 4"))
    }

    @Test(
        "Mistakes are refused with file, line and field",
        arguments: [
            ("schedulers: [default, packing.yaml]", "schedulers: []", "experiment.yaml:6: spec.schedulers: names no policy"),
            ("schedulers: [default, packing.yaml]", "schedulers: [default, default]", "two policies are called \"default\""),
            ("packing.yaml]", "nowhere.yaml]", "no such file"),
            ("count: 2", "count: 0", "experiment.yaml:7: spec.seeds.count: Invalid value: 0"),
            ("from: 3, ", "", "required field \"from\" is missing"),
            ("name: gpus", "name: ../x", "experiment.yaml:3: metadata.name"),
            ("scenario: scenario.yaml", "scenario: other.yaml", "experiment.yaml:5: spec.scenario: no such file"),
            ("scenario: scenario.yaml", "scenario: other.yaml", "`seatrial import` makes it"),
            ("outputs:", "precision: 200%\n  outputs:", "experiment.yaml:8: spec.precision: Invalid value: expected a share"),
            ("outputs:", "precision: 1%\n  untilPrecise: {share: 1%}\n  outputs:", "only one of both may be given"),
            ("outputs:", "untilPrecise: {share: 1}\n  outputs:", "spec.untilPrecise.share: Invalid value"),
            ("outputs:", "untilPrecise: {share: 1%, outputs: [joy]}\n  outputs:", "\"joy\" is not among the outputs"),
            (
                "outputs: [allocated_alibabacloud.com/gpu-milli_at_100, pods_created]",
                "untilPrecise: {share: 1%, outputs: [pods_creatd]}",
                "experiment.yaml:8: spec.untilPrecise.outputs: summary.csv has no figure \"pods_creatd\"; there are"
            ),
            ("count: 2", "count: 1}\n  untilPrecise: {share: 1%", "takes at least 2 seeds"),
            ("outputs:", "output:", "did you mean \"outputs\"?"),
            ("kind: Experiment", "kind: Scenario", "experiment.yaml:2: kind"),
        ])
    func broken(old: String, new: String, message: String) throws {
        let folder = try folder(["experiment.yaml": ExperimentTests.experiment.replacingOccurrences(of: old, with: new)])
        let refused = #expect(throws: ScenarioError.self) { try ExperimentFile.load(folder["experiment.yaml"]) }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    }

    @Test(
        "Points of demand that arrivals cannot come to are warned of before a run",
        arguments: [
            ("upTo: 1.2}", "[100, 145]", nil), ("upTo: 1.2}", "[100, 146, 200]", "146, 200"), ("upTo: 1.5}", "[100, 146, 200]", "200"),
        ])
    func demandBeyondReach(clones: String, points: String, told: String?) throws {
        // Nodes offer 4000; the last of what arrives asks for 1000 at most, 25 %.
        let scenario = ExperimentTests.files["scenario.yaml"]?.replacingOccurrences(of: "at: [100]", with: "at: \(points)")
            .replacingOccurrences(of: "upTo: 1.2}", with: clones)
        let folder = try folder(["scenario.yaml": try #require(scenario)])
        let warnings = try ScenarioFile.load(folder["scenario.yaml"]).warnings.filter { $0.contains("measure.allocation") }
        #expect(warnings.count == (told == nil ? 0 : 1))
        if let told { #expect(warnings[0].hasSuffix("so there is nothing to measure at \(told) %"), "\(warnings)") }
    }

    @Test("Points of demand that never came are told of")
    func demand() throws {
        let scenario = ExperimentTests.files["scenario.yaml"]?.replacingOccurrences(of: "at: [100]", with: "at: [100, 150, 200]") ?? ""
        let folder = try folder(["scenario.yaml": scenario])
        let report = RunReport(try ScenarioFile.load(folder["scenario.yaml"]).run()).description
        #expect(report.contains("Demand     alibabacloud.com/gpu-milli asked for came to 1"), "\(report)")
        #expect(report.contains("no arrival brought it to 150, 200 %"), "\(report)")
    }

    @Test(
        "A figure that no run will have is refused before any run, and so is one given twice",
        arguments: [
            ("joy", "experiment.yaml:8: spec.outputs[1]: summary.csv has no figure \"joy\""),
            ("pods_creatd", "there are pods_from_snapshot, pods_created"),
            (
                "allocated_alibabacloud.com/gpu-milli_at_100",
                "experiment.yaml:8: spec.outputs[1]: \"allocated_alibabacloud.com/gpu-milli_at_100\" is given twice"
            ),
        ])
    func wrongOutput(name: String, message: String) throws {
        let folder = try folder(["experiment.yaml": ExperimentTests.experiment.replacingOccurrences(of: "pods_created", with: name)])
        let refused = #expect(throws: ScenarioError.self) { try ExperimentFile.load(folder["experiment.yaml"]) }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    }
}
