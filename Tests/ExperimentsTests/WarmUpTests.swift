// Figures of the steady state, without the beginning of a run.

import ClusterSimulation
import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Warm-up")
struct WarmUpTests {
    private func series(_ values: [Double]) -> StepSeries {
        var series = StepSeries()
        for (index, value) in values.enumerated() {
            series.add(value, from: .zero + .seconds(index * 10), until: .zero + .seconds(index * 10 + 10))
        }
        return series
    }

    @Test("A mean over time begins with the first sample after the warm-up, or where MSER-5 says")
    func means() {
        let short = series([100, 50, 1, 3])
        #expect(short.mean(after: nil) == 38.5)
        #expect(short.mean(after: .until(SimulatedTime(seconds: 20))) == 2)
        #expect(short.mean(after: .until(SimulatedTime(seconds: 21))) == 3)
        #expect(short.maximum(after: .until(SimulatedTime(seconds: 20))) == 3)
        #expect(short.mean(after: .until(SimulatedTime(seconds: 40))) == nil)
        // Forty values of a warm-up, then a saw with mean 10.
        let long = (0..<40).map { Double(100 - $0) } + (0..<400).map { Double($0 % 5 + 8) }
        #expect(series(long).mean(after: .mser5) == 10)
        #expect(series((0..<400).map { Double($0) }).mean(after: .mser5) == nil)
    }

    /// Four machines with much to do at first: a Job's pods run for the first five minutes only, those of a Deployment for good.
    private static let scenario = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: warm}
        spec:
          duration: 30m
          cluster:
            nodePools: [{name: node, count: 4, resources: {cpu: 4, memory: 8Gi, pods: 20}}]
            objects: [web.yaml, job.yaml]
          workloads: [{selector: {matchLabels: {app: batch}}, run: 5m}, {selector: {matchLabels: {app: web}}, start: 20s}]
          \(scaling)
          measure: {warmUp: 10m}

        """
    private static let scaling = "timeline: [{at: 20m, scale: {deployment: web, replicas: 5}}]"
    /// The first combination is the scenario of ``FactorTests`` as it is.
    private static let machines = "  factors: [{name: machines, path: 'cluster.nodePools[0].count', levels: [2, 3]}]\n"
    private static let job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: batch}
        spec:
          parallelism: 8
          completions: 8
          template:
            metadata: {labels: {app: batch}}
            spec: {restartPolicy: Never, containers: [{name: c, image: i, resources: {requests: {cpu: 1}}}]}

        """

    private func run(_ warmUp: String?, timeline: String = scaling) throws -> RunOutcome {
        let scenario = Self.scenario.replacingOccurrences(of: Self.scaling, with: timeline)
            .replacingOccurrences(of: "measure: {warmUp: 10m}", with: warmUp.map { "measure: {warmUp: \($0)}" } ?? "")
        return try ScenarioFile.load("s.yaml", files: [("s.yaml", scenario), ("web.yaml", webManifest), ("job.yaml", Self.job)]).run()
    }

    @Test("With a time, means over time, waits and missing replicas are of what came after it, and counts of the whole run")
    func time() throws {
        let (whole, warm) = (try run(nil), try run("10m"))
        let utilisation = try #require(warm.summary["utilisation_cpu_mean"])
        // Three pods with a tenth of a core on sixteen, for the last ten minutes five: 0.4 of them on average.
        #expect(abs(utilisation - 0.4 / 16) < 0.0005, "\(utilisation)")
        #expect((whole.summary["utilisation_cpu_mean"] ?? 0) > 2 * utilisation)
        // Two pods start in twenty seconds each, instead of all of them.
        let missing = try #require(warm.summary["replica_seconds_missing"])
        #expect(abs(missing - 40) < 1, "\(missing)")
        #expect((whole.summary["replica_seconds_missing"] ?? 0) > missing + 55)
        #expect(abs((warm.summary["pod_start_mean"] ?? 0) - 20) < 0.5)
        for name in ["pods_created", "pods_succeeded", "scheduling_attempts", "simulator_events"] {
            #expect(warm.summary[name] == whole.summary[name], "\(name)")
        }
        #expect(warm.summary.metrics.map(\.name) == whole.summary.metrics.map(\.name))
    }

    @Test("With mser5 each series of samples is cut where it settles")
    func mser5() throws {
        let folder = try TemporaryFolder()
        let outcome = try run("mser5", timeline: "")
        try outcome.write(to: folder["run"])
        let path = folder["run/cluster.csv"]
        let table = try CSVTable(InputFiles.read(path), file: path)
        let used = try table.rows.map { Double(table.text($0, try table.column("nodes_used"))) ?? .nan }
        let cut = try #require(SteadyState.warmUp(of: used))
        // The last sample is of the end, and lasts no time.
        let expected = Statistics.mean(Array(used[cut..<(used.count - 1)]))
        #expect(cut > 0 && abs((outcome.summary["nodes_used_mean"] ?? 0) - expected) < 1e-9, "\(cut)")
        #expect(try String(contentsOfFile: folder["run/run.json"], encoding: .utf8).contains("\"warmUp\": \"mser5\""))
    }

    @Test("Requests of the warm-up do not count")
    func requests() throws {
        func summary(_ measure: String) throws -> RunSummary {
            try TrafficScenario(
                manifests: [TrafficScenario.web, TrafficScenario.service()].joined(separator: "\n---\n"),
                traffic: "sources: [{name: users, service: web, constant: {rate: 10}}]", rest: measure, duration: "5m"
            ).run().summary
        }
        let (whole, warm) = (try summary(""), try summary("measure: {warmUp: 2m}"))
        // Until the pods were ready requests failed.
        #expect((whole["requests_users_failed"] ?? 0) > 0 && warm["requests_users_failed"] == 0)
        #expect((whole["requests_users_error_seconds"] ?? 0) > 0 && warm["requests_users_error_seconds"] == 0)
        #expect(abs((warm["requests_users"] ?? 0) - 1800) <= 10)
        #expect(warm["requests_users_availability"] == 1)
        #expect(abs((whole["requests_users"] ?? 0) - 3000) <= 10)
    }

    @Test("Requests and error seconds count from the same time on: the first interval that begins when the warm-up is over")
    func requestsFromOneTime() throws {
        func summary(_ measure: String) throws -> RunSummary {
            // Nobody answers for some time of the second minute, and of the third.
            try TrafficScenario(
                manifests: [TrafficScenario.web, TrafficScenario.service()].joined(separator: "\n---\n"),
                traffic: "sources: [{name: users, service: web, constant: {rate: 10}}]",
                rest: """
                    timeline:
                      - {at: 61s, scale: {deployment: web, replicas: 0}}
                      - {at: 100s, scale: {deployment: web, replicas: 4}}
                      - {at: 121s, scale: {deployment: web, replicas: 0}}
                      - {at: 160s, scale: {deployment: web, replicas: 4}}
                    measure: {interval: 1m, \(measure)}
                    """, duration: "5m"
            ).run().summary
        }
        let third = try summary("warmUp: 2m")
        let (failed, seconds) = (try #require(third["requests_users_failed"]), try #require(third["requests_users_error_seconds"]))
        // Ten are sent in each second: one in which all fail counts once.
        #expect(failed > 100 && abs(seconds - failed / 10) <= 2, "\(failed), \(seconds)")
        for end in ["61s", "62500ms", "119s"] {
            let rounded = try summary("warmUp: \(end)")
            #expect(rounded["requests_users_failed"] == failed)
            #expect(rounded["requests_users_error_seconds"] == seconds, "\(end)")
        }
        #expect(try #require(summary("warmUp: 1m")["requests_users_error_seconds"]) > seconds + 10)
    }

    @Test("An experiment and the command line say it instead of the scenario")
    func overrides() throws {
        let folder = try TemporaryFolder(FactorTests.files)
        try folder.write(
            "experiment.yaml",
            FactorTests.experiment("  warmUp: 1m\n" + Self.machines))
        let experiment = try ExperimentFile.load(folder["experiment.yaml"])
        #expect(try experiment.scenario(1).configuration.recording.warmUp == .until(SimulatedTime(seconds: 60)))
        var plain = experiment
        plain.warmUp = nil
        #expect(plain.fingerprint != experiment.fingerprint)
        let overrides = ScenarioOverrides(warmUp: try WarmUpOverride(option: "mser5"))
        #expect(try ScenarioFile.load(folder["scenario.yaml"], overrides: overrides).configuration.recording.warmUp == .mser5)
    }

    @Test("An experiment and the command line may say that nothing is left out, whatever the scenario says")
    func nothingLeftOut() throws {
        let warm = FactorTests.scenario + "  measure: {warmUp: 1m}\n"
        let folder = try TemporaryFolder(FactorTests.files.merging(["scenario.yaml": warm, "plain.yaml": FactorTests.scenario]) { $1 })
        func figures(_ scenario: Scenario) throws -> [Metric] { try scenario.run().summary.metrics }
        let whole = try figures(ScenarioFile.load(folder["plain.yaml"]))
        #expect(try figures(ScenarioFile.load(folder["scenario.yaml"])) != whole)
        let overrides = ScenarioOverrides(warmUp: try WarmUpOverride(option: "0s"))
        #expect(try figures(ScenarioFile.load(folder["scenario.yaml"], overrides: overrides)) == whole)
        try folder.write("experiment.yaml", FactorTests.experiment("  warmUp: 0s\n" + Self.machines))
        #expect(try figures(ExperimentFile.load(folder["experiment.yaml"]).scenario(0)) == whole)
    }

    @Test("A warm-up may end when the last interval begins")
    func lastInterval() throws {
        let scenario = FactorTests.scenario + "  measure: {warmUp: 2m, interval: 1m}\n"
        let summary = try ScenarioFile.load("s.yaml", files: [("s.yaml", scenario), ("web.yaml", webManifest)]).run().summary
        #expect(summary["utilisation_cpu_mean"] != nil && summary["nodes_used_peak"] != nil)
    }

    @Test("No warm-up goes without samples, too")
    func nothingWithoutSamples() throws {
        let scenario = FactorTests.scenario + "  measure: {warmUp: 0s, interval: 0}\n"
        let loaded = try ScenarioFile.load("s.yaml", files: [("s.yaml", scenario), ("web.yaml", webManifest)])
        #expect(loaded.configuration.recording.interval == nil)
    }

    @Test(
        "A warm-up that leaves nothing, or that nothing can be taken off, is refused",
        arguments: [
            ("measure: {warmUp: 30m}", "s.yaml:11: spec.measure.warmUp: a warm-up of 30m leaves nothing of a run of 30m"),
            (
                "measure: {warmUp: 25m1s, interval: 5m}",
                "s.yaml:11: spec.measure.warmUp: a warm-up of 25m1s leaves nothing of a run of 30m, whose last interval of 5m (measure.interval) begins "
                    + "at 25m"
            ),
            ("measure: {warmUp: 1m, interval: 0}", "cannot be taken off without samples"),
            ("measure: {warmUp: -1s}", "must not be negative"),
            ("measure: {warmUp: welch}", "s.yaml:11: spec.measure.warmUp: Unsupported value: \"welch\""),
        ])
    func refused(measure: String, message: String) throws {
        let text = Self.scenario.replacingOccurrences(of: "measure: {warmUp: 10m}", with: measure)
        let refused = #expect(throws: ScenarioError.self) {
            try ScenarioFile.load("s.yaml", files: [("s.yaml", text), ("web.yaml", webManifest), ("job.yaml", Self.job)])
        }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    }

    @Test("A warm-up that is none is refused on the command line", arguments: ["soon", "-1s", "10"])
    func refusedOption(text: String) {
        let refused = #expect(throws: ScenarioError.self) { try WarmUpOverride(option: text) }
        #expect(refused?.description.hasPrefix("--warm-up: ") == true)
    }

    @Test("A warm-up that does not go with the scenario is told of where it was given: by the option, or in the experiment")
    func refusedOverrides() throws {
        let folder = try TemporaryFolder(FactorTests.files)
        let option = #expect(throws: ScenarioError.self) {
            try ScenarioFile.load(folder["scenario.yaml"], overrides: ScenarioOverrides(warmUp: try WarmUpOverride(option: "3m")))
        }
        #expect(option?.messages == ["--warm-up: a warm-up of 3m leaves nothing of a run of 3m"])
        try folder.write("experiment.yaml", FactorTests.experiment("  warmUp: 1h\n" + Self.machines))
        let field = #expect(throws: ScenarioError.self) { try ExperimentFile.load(folder["experiment.yaml"]) }
        #expect(field?.messages.count == 1)
        #expect(field?.description.contains("experiment.yaml:7: spec.warmUp: a warm-up of 1h leaves nothing of a run of 3m") == true)
    }
}
