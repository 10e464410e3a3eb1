// Factors: paths into scenarios and manifests, values, designs, and what is refused.

import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

@Suite("Factors")
struct FactorTests {
    static let scenario = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: web}
        spec:
          duration: 3m
          cluster:
            nodePools:
              - {name: general, count: 2, resources: {cpu: 4, memory: 8Gi, pods: 10}}
              - name: special
                count: 1
                resources: {cpu: 4, memory: 8Gi, pods: 10, "example.com/disk": 1}
            objects: [web.yaml]
          workloads:
            - {selector: {matchLabels: {app.kubernetes.io/name: web}}, start: 1s}
          faults:
            - {at: 1m, node: general-0}

        """
    static let files = [
        "scenario.yaml": scenario, "web.yaml": webManifest,
        "pack.yaml": "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n",
    ]

    static func experiment(_ spec: String) -> String {
        """
        apiVersion: seatrial.dev/v1alpha1
        kind: Experiment
        metadata: {name: web}
        spec:
          scenario: scenario.yaml
          seeds: {from: 1, count: 2}

        """ + spec
    }

    /// The scenario is read again for each combination: the folder must outlive the experiment.
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder(FactorTests.files) }

    private func load(_ spec: String) throws -> Experiment {
        try folder.write("experiment.yaml", FactorTests.experiment(spec))
        return try ExperimentFile.load(folder["experiment.yaml"])
    }

    @Test("A grid has all combinations, the last factor varying fastest; cases count seeds within combinations")
    func grid() throws {
        let experiment = try load(
            """
              schedulers: [default, pack.yaml]
              factors:
                - {name: machines, path: "cluster.nodePools[general].count", levels: [2, 5]}

            """)
        #expect(
            experiment.combinations.map(\.label) == [
                "scheduler=default machines=2", "scheduler=default machines=5", "scheduler=pack machines=2", "scheduler=pack machines=5",
            ])
        #expect(experiment.caseCount == 8)
        #expect((1...8).map { experiment.case($0).combination } == [0, 0, 1, 1, 2, 2, 3, 3])
        #expect((1...8).map { experiment.case($0).seed } == [1, 2, 1, 2, 1, 2, 1, 2])
        let scenarios = try experiment.combinations.indices.map { try experiment.scenario($0) }
        #expect(scenarios.map(\.policy) == ["default", "default", "pack", "pack"])
        #expect(scenarios.map { $0.configuration.nodes.count } == [3, 6, 3, 6])
    }

    @Test(
        "Paths reach elements by number, by name and by other fields, keys with dots, and objects in manifests",
        arguments: [
            ("cluster.nodePools[1].count", "3", "web, 3m: 5 nodes"),
            ("spec.cluster.nodePools[name=special].count", "3", "web, 3m: 5 nodes"),
            (#"cluster.nodePools[special].resources["example.com/disk"]"#, "7", "7 disks"),
            ("workloads[selector.matchLabels.app.kubernetes.io/name=web].start", "9s", "starts in 9.0 s"),
            ("faults[node=general-0].at", "2m", "fails at 120.0 s"),
            ("cluster.objects[Deployment/default/web].spec.replicas", "9", "1 Deployment with 9 replicas"),
            ("cluster.objects[Deployment/web].spec.replicas", "9", "1 Deployment with 9 replicas"),
            ("duration", "17s", "web, 17s"),
            ("controlPlane.controllerManager.nodeMonitorGracePeriod", "17s", "patient for 17.0 s"),
        ])
    func paths(path: String, level: String, fact: String) throws {
        let experiment = try load("  factors: [{name: x, path: '\(path)', levels: [\(level)]}]\n")
        let facts = FactorTests.facts(of: try experiment.scenario(0))
        #expect(facts.contains(fact), "\(facts)")
        #expect(try !FactorTests.facts(of: ScenarioFile.load("scenario.yaml", files: FactorTests.files.map { ($0, $1) })).contains(fact))
    }

    /// What the paths of the test above set.
    private static func facts(of scenario: Scenario) -> String {
        let configuration = scenario.configuration
        let disks = configuration.nodes.last?.status.allocatable.amount(of: ResourceName(rawValue: "example.com/disk")) ?? 0
        var facts = [scenario.contents, "\(Int(disks)) disks"]
        facts.append("patient for \(configuration.controllerManager.nodeMonitorGracePeriod.seconds) s")
        if let start = configuration.behaviours.first?.behaviour.start { facts.append("starts in \(start.mean) s") }
        if case .once(let at, _)? = configuration.faults.first?.schedule { facts.append("fails at \(at.sinceStart.seconds) s") }
        return facts.joined(separator: ", ")
    }

    @Test("null takes a field away, longer values have a name, and one level may go into several fields")
    func values() throws {
        let experiment = try load(
            """
              factors:
                - name: patience
                  path: cluster.objects[Deployment/web].spec.template.spec.tolerations
                  levels:
                    - {name: none, value: null}
                    - {name: short, value: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}]}
                - {name: machines, paths: ["cluster.nodePools[0].count", "cluster.nodePools[1].count"], levels: [2, 4]}
                - {name: fault, path: faults, levels: [null]}

            """)
        #expect(experiment.combinations.map(\.label).last == "patience=short machines=4 fault=null")
        let scenario = try experiment.scenario(3)
        #expect(scenario.configuration.nodes.count == 8)
        #expect(scenario.configuration.faults.isEmpty)
        guard case .deployment(let deployment)? = scenario.configuration.objects.first else {
            Issue.record("no Deployment")
            return
        }
        #expect(deployment.value.spec.template.spec.value.tolerations.map(\.tolerationSeconds) == [30])
    }

    @Test("Designs choose so many combinations of ranges and levels, the same ones every time")
    func designs() throws {
        let factors = """
              factors:
                - {name: machines, path: "cluster.nodePools[general].count", range: {from: 2, to: 9, step: 1}}
                - {name: start, path: "workloads[0].start", range: {from: 0.5, to: 4.5, unit: s}}
                - {name: scheduler, schedulers: [default, pack.yaml]}

            """
        for design in ["{latinHypercube: {combinations: 16, seed: 3}}", "{sobol: {combinations: 16}}"] {
            let experiment = try load(factors + "  design: \(design)\n")
            #expect(experiment.combinations.count == 16)
            let again = try load(factors + "  design: \(design)\n")
            #expect(experiment.combinations.map(\.label) == again.combinations.map(\.label))
            // Eight whole numbers, each twice in sixteen; GSL's Sobol sequence leaves out the origin, and has one of the others thrice.
            let machines = experiment.combinations.map { $0.levels[0].label }
            for number in 2...9 { #expect((1...3).contains(machines.count { $0 == String(number) })) }
            for combination in experiment.combinations.indices {
                let start = try #require(Double(experiment.combinations[combination].levels[1].label.dropLast()))
                #expect(start >= 0.5 && start <= 4.5)
                #expect(try experiment.scenario(combination).configuration.nodes.count == Int(machines[combination]).map { $0 + 1 })
            }
        }
        let few = try load(factors + "  design: {sobol: {combinations: 4}}\n")
        let many = try load(factors + "  design: {sobol: {combinations: 9}}\n")
        #expect(many.combinations.prefix(4).map(\.label) == few.combinations.map(\.label))
        #expect(few.combinations[0].label == "1: machines=6 start=2.5s scheduler=pack")
    }

    @Test("A design that chooses combinations more than once says so")
    func repeats() throws {
        let factors =
            "  factors: [{name: machines, path: 'cluster.nodePools[general].count', range: {from: 2, to: 4, step: 1}}, "
            + "{name: scheduler, schedulers: [default, pack.yaml]}]\n"
        let repeated = try load(factors + "  design: {sobol: {combinations: 20}}\n")
        #expect(repeated.repeatedCombinations == 14)
        #expect(repeated.warnings.contains { $0.contains("of 20 combinations 14 are the same as an earlier one") }, "\(repeated.warnings)")
        #expect(try load(factors + "  design: {sobol: {combinations: 3}}\n").warnings.isEmpty)
    }

    @Test("Seeds may be given as a number: so many from 1 on")
    func seeds() throws {
        let text = FactorTests.experiment("  schedulers: [default, pack.yaml]\n")
        func load(_ seeds: String) throws -> Experiment {
            try folder.write("experiment.yaml", text.replacingOccurrences(of: "seeds: {from: 1, count: 2}", with: "seeds: \(seeds)"))
            return try ExperimentFile.load(folder["experiment.yaml"])
        }
        #expect(try load("3").replications == Replicates([1, 2, 3]))
        for (seeds, message) in [
            ("0", "experiment.yaml:6: spec.seeds: Invalid value: 0: must not be less than 1"),
            (
                "{from: 18446744073709551615, count: 2}",
                "spec.seeds.from: Invalid value: 18446744073709551615: must not be greater than 9223372036854775807"
            ),
            ("many", "experiment.yaml:6: spec.seeds"),
        ] {
            let refused = #expect(throws: ScenarioError.self) { try load(seeds) }
            #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
        }
    }

    @Test("Values of a range have no noise in their last digits, and the last is not beyond the end")
    func ranges() {
        let tenths = FactorRange(from: 0, to: 0.7, step: 0.1, unit: "s")
        #expect((0..<tenths.count).map { tenths.text($0) } == ["0s", "0.1s", "0.2s", "0.3s", "0.4s", "0.5s", "0.6s", "0.7s"])
        let threes = FactorRange(from: -1, to: 10, step: 3, unit: "")
        #expect((0..<threes.count).map { threes.text($0) } == ["-1", "2", "5", "8"])
        #expect(FactorRange(from: 0, to: 1, step: nil, unit: "").count == 1001)
    }

    @Test(
        "Mistakes are refused with file, line and field",
        arguments: [
            ("", "experiment.yaml:5: spec: varies nothing: give schedulers, or factors"),
            ("  factors: [{name: x, path: duration}]\n", "one of these is needed: levels, range, schedulers"),
            ("  factors: [{name: x, path: duration, levels: []}]\n", "experiment.yaml:7: spec.factors[0].levels: has no levels"),
            ("  factors: [{name: x, levels: [1m]}]\n", "one of these is needed: path, paths"),
            ("  factors: [{name: x, path: seed, levels: [1]}]\n", "seeds are no factor"),
            ("  factors: [{name: x, path: 'a..b', levels: [1]}]\n", "spec.factors[0].path: Invalid value: \"a..b\": there is no name"),
            ("  factors: [{name: x, path: 'a[b', levels: [1]}]\n", "a bracket is never closed"),
            ("  factors: [{name: x, path: 'a[0]b', levels: [1]}]\n", "a dot or a bracket is expected before \"b\""),
            ("  factors: [{name: x, path: '[0].a', levels: [1]}]\n", "there is no name before \"[0].a\""),
            ("  factors: [{name: x, path: 'a.', levels: [1]}]\n", "there is no name at the end"),
            ("  factors: [{name: x, path: 'duration[0]', levels: [1]}]\n", "spec.duration is no list"),
            ("  factors: [{name: seed, path: duration, levels: [1m]}]\n", "results have a column of this name"),
            ("  factors: [{name: a b, path: duration, levels: [1m]}]\n", "it becomes the name of a column"),
            (
                "  factors: [{name: nodes, path: duration, levels: [1m]}]\n",
                "experiment.yaml:7: spec.factors[0]: \"nodes\" is the name of a figure"
            ),
            ("  factors: [{name: x, path: duration, levels: [1m, 1m]}]\n", "there are two levels called \"1m\""),
            ("  factors: [{name: x, path: faults, levels: [[]]}]\n", "a list needs a name"),
            ("  factors: [{name: x, path: faults, levels: [{name: none}]}]\n", "required field \"value\" is missing"),
            (
                "  factors: [{name: x, path: duration, levels: [1m]}, {name: x, path: faults, levels: [null]}]\n",
                "experiment.yaml:7: spec.factors[1]: there are two factors named \"x\""
            ),
            (
                "  factors: [{name: x, path: cluster, levels: [1m]}, {name: y, path: cluster.objects, levels: [null]}]\n",
                "is about the same field as cluster, or a part of it"
            ),
            ("  schedulers: [default]\n  factors: [{name: x, schedulers: [default]}]\n", "there are two factors for the scheduler"),
            ("  factors: [{name: x, path: duration, range: {from: 1, to: 2, unit: m}}]\n", "a grid needs levels: factor \"x\" has a range"),
            ("  factors: [{name: x, path: duration, range: {from: 2, to: 3, unit: '{'}}]\n", "a unit has letters only"),
            ("  factors: [{name: x, path: duration, range: {from: 2, to: 2}}]\n", "must go from a lesser to a greater number"),
            ("  factors: [{name: x, path: duration, range: {from: 2, to: 3, step: 2}}]\n", "is more than there is between the ends"),
            ("  schedulers: [default]\n  design: random\n", "experiment.yaml:8: spec.design: Unsupported value: \"random\""),
            ("  schedulers: [default]\n  design: {sobol: {combinations: 600000}}\n", "are more than 1000000 runs"),
            // What only the scenario can tell.
            (
                "  factors: [{name: x, path: 'cluster.nodePools[general].count', levels: [1]}, "
                    + "{name: other, path: 'cluster.nodePools[0].count', levels: [1]}]\n",
                "experiment.yaml:7: spec.factors[1].path: is about the same field as cluster.nodePools[general].count, or a part of it"
            ),
            (
                "  factors: [{name: x, paths: ['cluster.nodePools[1].resources', 'cluster.nodePools[special].resources.cpu'], levels: [1]}]\n",
                "spec.factors[0].paths[1]: is about the same field as cluster.nodePools[1].resources, or a part of it"
            ),
            (
                "  factors: [{name: x, path: 'cluster.objects[Deployment/web].spec.template.spec.containers[0].image', levels: [i]}, "
                    + "{name: other, path: 'cluster.objects[Deployment/default/web].spec.template.spec.containers[web].image', levels: [i]}]\n",
                "is about the same field as cluster.objects[Deployment/web].spec.template.spec.containers[0].image"
            ),
            (
                "  factors: [{name: x, path: 'cluster.nodePools[spare].count', levels: [1]}]\n",
                "has no element with name \"spare\"; there are general, special"
            ),
            (
                "  factors: [{name: x, path: 'cluster.nodePools[7].count', levels: [1]}]\n",
                "has 2 elements, counted from 0: there is no [7]"
            ),
            ("  factors: [{name: x, path: cluster.nodePools.count, levels: [1]}]\n", "is a list: say which element in brackets"),
            (
                "  factors: [{name: x, path: duration.length, levels: [1]}]\n",
                "experiment.yaml:7: spec.factors[0].path: spec.duration is no mapping"
            ),
            (
                "  factors: [{name: x, path: 'cluster.objects[Deployment/shop/web].spec.replicas', levels: [1]}]\n",
                "there is no Deployment shop/web"
            ),
            (
                "  factors: [{name: x, path: 'cluster.nodePools[0].cuont', levels: [1]}]\n",
                "scenario.yaml:8: spec.cluster.nodePools[0].cuont: unknown field"
            ),
            (
                "  factors: [{name: x, path: 'cluster.nodePools[0].count', levels: [1, -1]}]\n",
                "combination 2 (x=-1): "
            ),
            (
                "  factors: [{name: x, path: 'cluster.objects[Deployment/web].spec.replicas', levels: [1, -2]}]\n",
                "web.yaml:5: spec.replicas: Invalid value: -2"
            ),
        ])
    func broken(spec: String, message: String) throws {
        let refused = #expect(throws: ScenarioError.self) { try load(spec) }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    }

    @Test("Cases stand in a table with a column for each factor and each figure")
    func table() async throws {
        let experiment = try load(
            """
              factors:
                - {name: replicas, path: "cluster.objects[Deployment/web].spec.replicas", levels: [1, 4]}
              outputs: [pods_created, nodes_used_peak]

            """)
        let outcome = try await experiment.run()
        try outcome.write(to: folder["out"])
        let table = try CSVTable(InputFiles.read(folder["out/cases.csv"]), file: "cases.csv")
        #expect(table.header == ["case", "combination", "replicas", "seed", "pods_created", "nodes_used_peak", "expectations_failed"])
        #expect(table.rows.map { table.text($0, 2) } == ["1", "1", "4", "4"])
        #expect(table.rows.map { table.text($0, 4) } == ["1", "1", "4", "4"])
        let report = ExperimentReport(outcome).description
        #expect(report.contains("replicas"))
        #expect(outcome.comparison.metrics.filter { $0.metric == "pods_created" }.map(\.difference) == [nil, 3])
    }
}
