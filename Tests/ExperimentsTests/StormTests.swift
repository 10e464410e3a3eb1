// Storms: thousands of short ones without a broken invariant, and bugs planted to see that they are found and made small.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import APIServer
@testable import ClusterSimulation
@testable import Experiments

@Suite("Storms")
struct StormTests {
    @Test("Short storms break no invariant")
    func shortStorms() async throws {
        let series = try await StormSeries.run(from: 1, most: 2000) { try StormScenario.make(seed: $0, size: .tiny).run() }
        let report = series.failure.map { StormReport($0.shrunk()).description } ?? ""
        #expect(series.failure == nil, "seed \(series.failure?.seed ?? 0): \(report)")
        #expect(series.count == 2000)
    }

    /// Kept as files: what a seed's storm is made of changes when storms learn something new.
    @Test(
        "Storms that broke an invariant once do so no more",
        arguments: ["seed-210", "seed-917", "seed-1066", "seed-1655", "seed-5867", "seed-880000374"])
    func finds(storm: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Storms")
        let run = try ScenarioFile.load(folder.appending(path: storm).appending(path: StormScenario.fileName).path).run()
        #expect(run.record.violation == nil, "\(run.record.violation?.detail ?? "")")
        #expect(run.expectationsHold && run.record.handledEvents > 1000)
    }

    @Test("What goes wrong in few storms is drawn in some")
    func rarities() {
        var wanted = [
            "storage: {attach: [{from:", "waitsFor: {service: storm/", "apiServer: {delay: 12s", "apiServer: {errors: 1}",
            "apiServer: {errors: 0.95}", "effect: reclaim, notice: 25s, mtbf",
            "effect: partition, mtbf", "group: rack, probability: 0.6, effect: partition",
            "group: rack, probability: 0.6, effect: kubelet",
        ]
        for seed in 1...400 as ClosedRange<UInt64> {
            let text = StormScenario.make(seed: seed).files[0].text
            wanted.removeAll { text.contains($0) }
        }
        #expect(wanted.isEmpty)
    }

    /// Found by the storm of seed 1000405.
    @Test("A sidecar whose kubelet stops before its startup probe has passed lets the others begin when it is back", arguments: 1...5)
    func sidecarResumes(stop: Int) throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: sidecar}
            spec:
              duration: 5m
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads: [{selector: {matchLabels: {app: web}}, start: 1s}]
              faults: [{at: \(stop)s, node: node-0, effect: kubelet, down: 30s}]
            """
        let pod = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  initContainers: [{name: side, image: "side:1", restartPolicy: Always, startupProbe: {tcpSocket: {port: 80}, periodSeconds: 3}}]
                  containers: [{name: main, image: "app:1"}]
            """
        let record = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", pod)]).run().record
        #expect(record.availability.last?.available == 1)
    }

    /// Found by the storm of seed 1461.
    @Test("A container that is being killed for its probe is gone in the end, though its node has less or more cpu for it meanwhile")
    func killedAtOtherPace() throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: killed}
            spec:
              duration: 20m
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 1, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads:
                - selector: {matchLabels: {app: web}}
                  start: {uniform: {min: 500ms, max: 2s}}
                  readyAfterRestart: 22s
                  usage: {cpu: 400m, startupCPU: "2"}
              faults: [{at: 100s, nodes: all, down: 10s}]
            """
        let pod = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 6
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers:
                    - {name: main, image: "web:1", livenessProbe: {exec: {command: [check]}, periodSeconds: 1, failureThreshold: 1}}
            """
        let record = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", pod)]).run().record
        // None of them ever answers in time: they are killed and started again to the end.
        #expect(record.pods.count == 6 && record.pods.allSatisfy { $0.restarts >= 8 }, "\(record.pods.map(\.restarts))")
    }

    /// Found by the storm of seed 9290.
    @Test("A container whose service comes while its kubelet is stopped is ready when the kubelet is back")
    func serviceCameUnheard() throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: unheard}
            spec:
              duration: 5m
              cluster:
                nodePools: [{name: node, count: 2, resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads:
                - {selector: {matchLabels: {app: web}}, waitsFor: {service: default/db}}
                - {selector: {matchLabels: {app: db}}, ready: 60s}
              faults: [{at: 30s, node: node-0, effect: kubelet, down: 70s}]
              expect:
                - {deployment: default/web, available: {atMost: 0}, until: 100s}
                - {deployment: default/web, available: {atLeast: 1}, from: 110s}
            """
        func deployment(_ name: String, on node: String) -> String {
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name)}
            spec:
              selector: {matchLabels: {app: \(name)}}
              template:
                metadata: {labels: {app: \(name)}}
                spec:
                  nodeSelector: {kubernetes.io/hostname: \(node)}
                  containers: [{name: main, image: "app:1", readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}}]
            ---

            """
        }
        let service = "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 80}]}}"
        let objects = deployment("web", on: "node-0") + deployment("db", on: "node-1") + service
        let run = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", objects)]).run()
        #expect(run.expectationsHold)
    }

    @Test("What storms are made of happens in them")
    func coverage() throws {
        var wanted: Set<String> = [
            "BackOff", "EvictionThresholdMet", "Evicted", "FailedAttachVolume", "FailedCreate", "FailedMount", "FailedPostStartHook",
            "FailedPreStopHook", "FailedScheduling", "FreeDiskSpaceFailed", "NodeNotReady", "Pulling", "SystemOOM",
            "SuccessfulAttachVolume", "TaintManagerEviction", "Unhealthy",
        ]
        var seed: UInt64 = 0
        while !wanted.isEmpty, seed < 300 {
            seed += 1
            var scenario = try StormScenario.make(seed: seed, size: .small).scenario()
            scenario.configuration.recording.events = true
            let record = try scenario.run().record
            for entry in record.events { wanted.remove(entry.event.value.reason) }
        }
        #expect(wanted.isEmpty, "in \(seed) storms there was no \(wanted.sorted())")
    }

    @Test("Some storms have requests, which arrive, and fail when what they go through is torn apart")
    func requests() throws {
        let stormy = (1...60 as ClosedRange<UInt64>).map { StormScenario.make(seed: $0, size: .small) }.filter { !$0.sources.isEmpty }
        #expect((3...25).contains(stormy.count))
        var (answered, failed) = (UInt64(0), UInt64(0))
        for storm in stormy.prefix(6) {
            let traffic = try #require(try storm.scenario().run().record.traffic)
            answered += traffic.sources.reduce(0) { $0 + $1.count(.succeeded) }
            failed += traffic.sources.reduce(0) { $0 + $1.failures }
        }
        #expect(answered > 1000 && failed > 0, "\(answered) answered, \(failed) failed")
    }

    @Test("A storm is its seed's: the same text, the same run", arguments: [1, 7, 42] as [UInt64])
    func reproducible(seed: UInt64) throws {
        let (one, other) = (StormScenario.make(seed: seed, size: .small), StormScenario.make(seed: seed, size: .small))
        #expect(one == other)
        #expect(try one.run().handledEvents == other.run().handledEvents)
    }

    @Test("What a piece speaks of goes, and the piece with it")
    func consistency() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var storm = StormScenario.make(seed: seed, size: .small)
            storm.pools.removeFirst()
            storm.objects = Array(storm.objects.dropFirst())
            storm = storm.consistent()
            if storm.pools.isEmpty { continue }
            #expect(throws: Never.self) { try storm.scenario() }
        }
    }

    @Test("Storms on somebody's own manifests have all that storms have")
    func ownManifests() throws {
        let folder = try TemporaryFolder()
        try folder.write("shop.yaml", Self.shop)
        var plan = SurveyPlan()
        (plan.nodes, plan.placements) = (7, 1)
        let survey = try Survey([folder["shop.yaml"]], plan)
        var kinds: Set<String> = []
        for seed in 1...30 as ClosedRange<UInt64> {
            let storm = survey.storm(seed)
            #expect(storm.nodeCount == 7)
            let text = storm.files.map(\.text).joined()
            for kind in ["registry", "apiServer", "reclaim", "partition", "effect: load", "mtbf", "drain:", "maintain", "scale", "file:"]
            where text.contains(kind) { kinds.insert(kind) }
            #expect(try storm.run().violation == nil, "seed \(seed)")
        }
        #expect(kinds.count == 10, "\(kinds)")
    }

    // MARK: Surveys

    /// The survey of manifests on a small cluster, as text.
    private func survey(_ manifests: String, nodes: Int, resources: String = "cpu: 8, memory: 32Gi, pods: 110") throws -> String {
        let folder = try TemporaryFolder()
        try folder.write("shop.yaml", manifests)
        var plan = SurveyPlan()
        (plan.nodes, plan.placements, plan.nodeResources) = (nodes, 1, resources)
        return try Survey([folder["shop.yaml"]], plan).description
    }

    @Test("A workload that does not become whole is named, with what its pods wait for")
    func namesWorkload() throws {
        let text = try survey(Self.shop, nodes: 3, resources: "cpu: 700m, memory: 1Gi, pods: 10")
        #expect(text.contains("✗ Deployment default/web: 1 pod without a node: 0/3 nodes are available: 3 Insufficient cpu."), "\(text)")
        let tight = try survey(Self.shop, nodes: 4, resources: "cpu: 700m, memory: 1Gi, pods: 10")
        let lost =
            "✗ nodes node-0, node-1, node-2 and 1 more lost: not whole again after 20m: Deployment default/web has 3 of 4 "
            + "ready pods: 1 without a node: 0/4 nodes are available: "
        #expect(tight.contains(lost), "\(tight)")
        // A drain cannot replace the pod either, but the budget lets it go.
        #expect(tight.contains("✓ each of the 4 nodes with pods is empty in the end"))
    }

    @Test("A pod of a StatefulSet on a lost node is not replaced, and how it would be is said")
    func namesStatefulSet() throws {
        let set = Self.shop.replacingOccurrences(of: "kind: Deployment", with: "kind: StatefulSet")
        let text = try survey(set, nodes: 4)
        #expect(text.contains("StatefulSet default/web has 3 of 4 ready pods: 1 bound to a lost node, and not replaced before"), "\(text)")
        #expect(text.contains("out-of-service"))
    }

    @Test(
        "A budget that never lets a pod go is named with what to change",
        arguments: [("minAvailable: 4", "minAvailable 4): lower it"), ("maxUnavailable: 0", "maxUnavailable 0): raise it")])
    func namesBudget(_ field: String, _ remedy: String) throws {
        let text = try survey(Self.shop.replacingOccurrences(of: "minAvailable: 2", with: field), nodes: 4)
        #expect(text.contains("✗ PodDisruptionBudget default/web never lets any of its 4 pods go (\(remedy)"), "\(text)")
        #expect(text.contains("cannot be drained: Deployment default/web stays: PodDisruptionBudget default/web never lets"))
    }

    @Test("Pods with two budgets cannot be evicted at all, which is said")
    func namesTwoBudgets() throws {
        let budget = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: two}, spec: {maxUnavailable: 1, selector: {}}}"
        let text = try survey(Self.shop + "\n---\n" + budget, nodes: 4)
        #expect(text.contains("Deployment default/web has more than one PodDisruptionBudget, default/web and default/two"), "\(text)")
    }

    @Test("A budget whose pods cannot be replaced elsewhere is told with what they wait for")
    func namesFullCluster() throws {
        let text = try survey(
            Self.shop.replacingOccurrences(of: "minAvailable: 2", with: "minAvailable: 3"), nodes: 2,
            resources: "cpu: 1100m, memory: 1Gi, pods: 10")
        let expected =
            "Deployment default/web stays: PodDisruptionBudget default/web needs 3 healthy pods and has 3; Deployment default/web has 3 of 4 "
            + "ready pods: 1 without a node: 0/2 nodes are available: "
        #expect(text.contains(expected), "\(text)")
    }

    @Test("Manifests without a workload, and nodes that mean nothing, are refused")
    func refusesSurveys() throws {
        let folder = try TemporaryFolder()
        try folder.write("map.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}\n")
        let none = folder["map.yaml"] + ": no workload, nothing to try"
        #expect { try Survey([folder["map.yaml"]], SurveyPlan()) } throws: { "\($0)" == none }
        try folder.write("shop.yaml", Self.shop)
        let wrong = [("cpu: x", "--resources: cpu: quantities must match"), ("cpu: 4}, {", "--resources: \"cpu: 4}, {\"")]
        for (resources, problem) in wrong {
            var plan = SurveyPlan()
            plan.nodeResources = resources
            #expect { try Survey([folder["shop.yaml"]], plan) } throws: { "\($0)".hasPrefix(problem) }
        }
    }

    @Test("Pods that nobody makes anew, Jobs that may not fail once and single replicas are told of, with a remedy")
    func namesFragile() throws {
        let manifests = """
            {apiVersion: v1, kind: Pod, metadata: {name: alone}, spec: {containers: [{name: a, image: "a:1"}]}}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: once}
            spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: lenient}
            spec:
              backoffLimit: 0
              podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}]}
              template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}
            ---
            """
        let single = Self.shop.replacingOccurrences(of: "replicas: 4", with: "replicas: 1")
        let text = try survey(manifests + "\n" + single.replacingOccurrences(of: "minAvailable: 2", with: "maxUnavailable: 1"), nodes: 3)
        for expected in [
            "✗ Pod default/alone has no controller: when its node is lost, it is gone for good; let a Deployment, a StatefulSet or a Job make it",
            "✗ Pod default/alone has no controller: kubectl drain refuses its node without --force, and with it it is gone for good;",
            "✗ Job default/once has backoffLimit 0: one pod that is lost with its node, or drained away, and the Job has failed for good; raise",
            "✗ Deployment default/web has a single replica: nothing is left of it when its node is lost, until there is another one; run two",
            "✗ Deployment default/web has a single replica: a drain takes all of it away, until there is another one; run two or more, with a Pod",
            "1 Deployment with 1 replica,",
        ] { #expect(text.contains(expected), "\(expected)\n\(text)") }
        #expect(!text.contains("lenient"))
        let held = try survey(manifests + "\n" + single.replacingOccurrences(of: "minAvailable: 2", with: "minAvailable: 1"), nodes: 3)
        #expect(held.contains("never lets its only pod go (minAvailable 1)") && !held.contains("a drain takes all of it away"), "\(held)")
    }

    @Test("Pods that wait for what the manifests do not have are told of, and do not count as a broken invariant")
    func missingObjects() throws {
        let folder = try TemporaryFolder()
        let container = "containers: [{name: server, image: \"web:1\","
        try folder.write(
            "shop.yaml",
            Self.shop.replacingOccurrences(of: container, with: container + " envFrom: [{secretRef: {name: password}}],"))
        var plan = SurveyPlan()
        (plan.nodes, plan.placements) = (3, 1)
        let survey = try Survey([folder["shop.yaml"]], plan)
        #expect(survey.description.contains("secret \"password\" not found"), "\(survey.description)")
        for seed in 1...3 as ClosedRange<UInt64> { #expect(try survey.storm(seed).run().violation == nil) }
    }

    @Test("A scenario given for a manifest is called what it is, and nothing cites a file that nobody wrote")
    func noManifest() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", BrokenScenario.base)
        let scenario = folder["scenario.yaml"]
        #expect { try Survey([scenario], SurveyPlan()) } throws: {
            "\($0)".hasPrefix("\(scenario): is a scenario, not a manifest; `seatrial run \(scenario)` runs it, and `seatrial storm` takes")
        }
        let other = Self.shop.replacingOccurrences(of: "spec: {containers", with: "spec: {schedulerName: mine, containers")
        try folder.write("other.yaml", other)
        var plan = SurveyPlan()
        (plan.nodes, plan.placements) = (2, 1)
        let survey = try Survey([folder["other.yaml"]], plan)
        #expect(survey.warnings.count == 1 && survey.warnings[0].hasPrefix("no scheduler profile is called \"mine\""), "\(survey.warnings)")
        #expect(survey.description.contains("4 pods without a node: no scheduler has tried it"), "\(survey.description)")
        #expect(try survey.storm(1).run().violation == nil)
    }

    private static let shop = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 4
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: server, image: "web:1", resources: {requests: {cpu: 500m, memory: 256Mi}}}]}
        ---
        {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}}
        """

    // MARK: Planted bugs

    /// Storms that may go by before the bug is found: with the 600 that shrinking may take, half a minute of an optimised build.
    private static let patience = 400

    /// Runs storms with a bug until one is found, then makes it small.
    private func hunt(_ bug: any Saboteur) async throws -> StormOutcome {
        let plant: @Sendable (inout ClusterConfiguration) -> Void = { $0.saboteur = bug }
        let series = try await StormSeries.run(from: 1, most: Self.patience) { try StormScenario.make(seed: $0, size: .small).run(plant) }
        let failure = try #require(series.failure, "no storm found the bug")
        var shrinking = try #require(StormShrinking(failure, plant))
        return shrinking.shrink()
    }

    /// It is small, it is a scenario like any other, and the scenario's run breaks the invariant.
    private func expectSmall(_ small: StormOutcome, _ bug: any Saboteur, _ invariants: [Invariant]) throws {
        let violation = try #require(small.violation)
        #expect(invariants.contains(violation.invariant), "\(violation)")
        let storm = try #require(small.storm)
        #expect(storm.objectCount <= 10, "\(storm.contents)")
        let folder = try TemporaryFolder()
        try storm.write(to: folder.path)
        let command = StormScenario.command(in: folder.path).split(separator: " ")
        #expect(command.count == 3 && command.prefix(2) == ["seatrial", "run"])
        var scenario = try ScenarioFile.load(String(command[2]))
        scenario.configuration.saboteur = bug
        let outcome = try scenario.run()
        #expect(outcome.record.violation == violation)
        #expect(!outcome.expectationsHold)
        let report = StormReport(small) { $0.saboteur = bug }.description.split(separator: "\n").map(String.init)
        let breach = try #require(report.firstIndex { $0.hasPrefix("  ") && $0.contains("  BROKEN \(violation)") })
        #expect(breach > 3 && report.count > breach + 1 && !report[breach + 1].contains("nothing more"), "\(report)")
        // Without the bug it is a scenario in which nothing is wrong.
        let sound = try ScenarioFile.load(folder[StormScenario.fileName]).run()
        #expect(sound.record.violation == nil)
    }

    @Test("An eviction that ignores its budget is found")
    func evictionIgnoresBudget() async throws {
        let bug = BudgetIgnored()
        try expectSmall(await hunt(bug), bug, [.budgetRespected])
    }

    @Test("A lost watch event is found", arguments: [Watcher.controllerManager, .scheduler])
    func lostWatchEvent(of watcher: Watcher) async throws {
        let bug = EventLost(watcher: watcher)
        try expectSmall(await hunt(bug), bug, [.cachesCurrent])
    }

    @Test("A pod that is bound twice is found")
    func doubleBind() async throws {
        let bug = BoundTwice()
        try expectSmall(await hunt(bug), bug, [.boundOnce])
    }
}

/// The Eviction API deletes without asking.
private struct BudgetIgnored: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .evict(let name, _) = request else { return nil }
        return api.execute(.delete(ObjectKey(.pod, name), DeleteOptions()), at: now)
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// The first end of a pod is not seen by one watcher.
private struct EventLost: Saboteur {
    let watcher: Watcher
    var isLost = false

    init(watcher: Watcher) { self.watcher = watcher }
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? { nil }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool {
        guard watcher == self.watcher, !isLost, event.change == .deleted, event.object.kind == .pod else { return true }
        isLost = true
        return false
    }
}

/// The third binding is followed by another one, to the next node, which nobody refuses.
private struct BoundTwice: Saboteur {
    private var bindings = 0

    init() {}
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .bind(let name, _, let node, _) = request else { return nil }
        bindings += 1
        let result = api.execute(request, at: now)
        guard bindings == 3, case .success = result, let pod = api.objects.get(Pod.self, name),
            let other = api.objects.all(Node.self).first(where: { $0.value.metadata.name != node })
        else { return result }
        let moved = pod.with { $0.nodeName = other.value.metadata.name }
        return .success(api.commit(.pod(moved), over: .pod(pod), at: now))
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}
