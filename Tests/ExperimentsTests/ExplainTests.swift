// Explanations agree with what runs recorded, and the first difference of two runs is the one that was planted.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import Experiments
@testable import Scheduling

@Suite("Explanations")
struct ExplainTests {
    private static func scenario(_ path: String, scheduler: String? = nil) throws -> Scenario {
        let overrides = ScenarioOverrides(scheduler: scheduler.map { packageRoot + "/scenarios/" + $0 })
        return try ScenarioFile.load(packageRoot + "/scenarios/" + path, overrides: overrides)
    }

    @Test(
        "Every attempt in scheduling.csv has a decision that says the same",
        arguments: ["quickstart/scenario.yaml", "preemption/scenario.yaml", "zone-spread/scenario.yaml"])
    func agreesWithAttempts(path: String) throws {
        try check(try Self.scenario(path))
    }

    /// A gang of three pods, of which the third fits nowhere: the others get nodes and lose them again.
    private static let gang: [String] = (0..<3).map { number in
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: g-\(number), labels: {scheduling.x-k8s.io/pod-group: g}}
        spec:
          nodeSelector: \(number == 2 ? "{disk: none}" : "{}")
          containers: [{name: c, image: i, resources: {requests: {cpu: 1}}}]

        """
    }
    private static let group =
        "apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: g, namespace: default}\nspec: {minMember: 3}\n"
    private static let gangs: [String: String] = [
        "scenario.yaml": """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: gangs}
        spec:
          duration: 1m
          cluster:
            nodePools: [{name: w, count: 2, resources: {cpu: 2, memory: 8Gi, pods: 10}}]
            objects: [gangs.yaml]
          scheduler: gang.yaml

        """,
        "gang.yaml": """
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        profiles:
          - plugins: {multiPoint: {enabled: [{name: Coscheduling}]}, queueSort: {enabled: [{name: Coscheduling}], disabled: [{name: "*"}]}}
            pluginConfig: [{name: Coscheduling, args: {permitWaitingTimeSeconds: 5, podGroupBackoffSeconds: 10}}]

        """,
        "gangs.yaml": ([group] + gang).joined(separator: "---\n"),
    ]

    @Test("An attempt that lost its node again at Permit has it in scheduling.csv and in the explanation, with who sent the pod away")
    func sentAway() throws {
        let folder = try TemporaryFolder(Self.gangs)
        let scenario = try ScenarioFile.load(folder["scenario.yaml"])
        try check(scenario)
        let lost = try #require(try scenario.run().record.attempts.first { $0.result == .unschedulable && !$0.node.isEmpty })
        #expect(lost.vetoedBy == "Coscheduling (Permit)")
        let story = try PodStory(of: lost.pod, in: try RepeatableRun(folder["scenario.yaml"]), at: lost.start)
        let text = PodStoryReport(story).description
        let sentence = "chosen \(lost.node), then sent away by Coscheduling (Permit)"
        #expect(text.components(separatedBy: sentence).count >= 3 && !text.contains("no node;"), "\(text)")
        let chosen = text.split(separator: "\n").first { $0.contains("<- chosen") }
        #expect(chosen?.contains(lost.node) == true && chosen?.hasSuffix("\(lost.score)") == true, "\(text)")
    }

    private func check(_ scenario: Scenario) throws {
        let plain = try scenario.run()
        let watched = try WatchedRun(scenario, decisionsAbout: .everybody)
        // To be watched changes nothing.
        #expect(watched.record.attempts == plain.record.attempts)
        #expect(watched.record.handledEvents == plain.record.handledEvents)

        var explained = 0
        var names: [NamespacedName] = []
        for attempt in plain.record.attempts where !names.contains(attempt.pod) { names.append(attempt.pod) }
        for name in names {
            for attempt in watched.attempts(about: name) {
                explained += 1
                let (outcome, decision) = (attempt.outcome, attempt.decision)
                #expect(decision.infeasible.count + decision.feasible.count == outcome.nodesEvaluated)
                #expect(decision.feasible.count == outcome.nodesFeasible)
                #expect(decision.preemption?.node ?? "" == outcome.nominatedNode)
                #expect(decision.preemption?.victims.count ?? 0 == outcome.victims)
                if !outcome.node.isEmpty {
                    #expect(decision.best.contains(outcome.node))
                    let place = try #require(decision.feasible.firstIndex(of: outcome.node))
                    #expect(decision.totals.isEmpty ? outcome.score == 0 : decision.totals[place] == outcome.score)
                    #expect(decision.totals.isEmpty || decision.totals.max() == outcome.score)
                    let sum = decision.scores.reduce(Int64(0)) { $0 + $1.scores[place] }
                    #expect(sum == outcome.score)
                } else {
                    #expect(decision.message == outcome.message)
                }
            }
        }
        #expect(explained == plain.record.attempts.count && explained > 0)
    }

    @Test("A pod's story is told from the folder of a run, as it happened, with the decision at the time asked about")
    func story() throws {
        let folder = try TemporaryFolder()
        let scenario = try Self.scenario("preemption/scenario.yaml")
        let outcome = try scenario.run()
        let results = scenario.resultFolder(below: folder.path)
        try outcome.write(to: results)

        let run = try RepeatableRun(results)
        #expect(run.scenario.fingerprint == scenario.fingerprint && run.scenario.configuration.seed == scenario.configuration.seed)
        let retried = try #require(outcome.record.pods.first { $0.attempts > 1 && $0.node != nil })
        let story = try PodStory(of: retried.name, in: run)
        #expect(story.attempts.count == retried.attempts)
        #expect(story.explained?.outcome.result == .scheduled && story.explained?.outcome.node == retried.node)
        let first = try PodStory(of: retried.name, in: run, at: retried.created + .milliseconds(100))
        #expect(first.explained?.outcome.number == 1 && first.explained?.outcome.result == .unschedulable)

        let text = PodStoryReport(first).description
        let message = try #require(first.explained?.outcome.message)
        for expected in ["pod \(retried.name)", "Life", "created", message, "Filtered out"] { #expect(text.contains(expected)) }
        #expect(PodStoryReport(story).description.contains("<- chosen") || story.explained?.decision.feasible.count == 1)
    }

    @Test("The story of a pod that is gone tells of its node and of its end")
    func end() throws {
        let run = try RepeatableRun(packageRoot + "/scenarios/zone-outage/scenario.yaml")
        let outcome = try run.scenario.run()
        let gone = try #require(outcome.record.pods.first { $0.deleted != nil })
        let text = PodStoryReport(try PodStory(of: gone.name, in: run)).description
        for expected in ["its node's condition Ready is Unknown", "deletion requested", "gone"] { #expect(text.contains(expected)) }
    }

    @Test("What happens in one moment stands in the order of cause and effect: a container starts, then the pod runs")
    func order() throws {
        let run = try RepeatableRun(packageRoot + "/scenarios/quickstart/scenario.yaml")
        let outcome = try run.scenario.run()
        let pod = try #require(outcome.record.pods.first { $0.ready != nil })
        let lines = PodStoryReport(try PodStory(of: pod.name, in: run)).description.split(separator: "\n").map(String.init)
        let started = try #require(lines.firstIndex { $0.contains("kubelet: Started") })
        let running = try #require(lines.firstIndex { $0.hasSuffix("phase Running") })
        #expect(started < running, "\(lines)")
    }

    @Test("Questions that have no answer say why")
    func refusals() throws {
        let run = try RepeatableRun(packageRoot + "/scenarios/quickstart/scenario.yaml")
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(
            message { _ = try PodStory(of: NamespacedName(namespace: "default", name: "web"), in: run) }.contains("there is default/web-"))
        #expect(message { _ = try PodQuery("node/a", namespace: "default", at: nil) }.contains("only pods"))
        #expect(message { _ = try PodQuery("pod/", namespace: "default", at: nil) }.contains("expected pod/NAME"))
        #expect(message { _ = try PodQuery("a", namespace: "default", at: "soon") }.hasPrefix("--at:"))
        #expect(try PodQuery("pod/shop/a", namespace: "default", at: "1m").pod == NamespacedName(namespace: "shop", name: "a"))
        #expect(message { _ = try RepeatableRun(packageRoot + "/scenarios") }.contains("no run.json"))
    }

    @Test("A run whose files have changed since is not explained")
    func changedFiles() throws {
        let text = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: changing}
            spec:
              duration: 1m
              cluster:
                nodePools: [{name: machine, count: 2, resources: {cpu: 4, memory: 8Gi, pods: 10}}]
                objects: [web.yaml]

            """
        let folder = try TemporaryFolder(["scenario.yaml": text, "web.yaml": webManifest])
        let scenario = try ScenarioFile.load(folder["scenario.yaml"])
        try scenario.run().write(to: folder["results"])
        _ = try RepeatableRun(folder["results"])
        try folder.write("web.yaml", webManifest.replacing("replicas: 3", with: "replicas: 4"))
        do {
            _ = try RepeatableRun(folder["results"])
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("web.yaml changed since this run was made"))
        }
    }

    // MARK: Differences

    private static let twoWorkloads = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: two}
        spec:
          duration: 10m
          cluster:
            nodePools: [{name: machine, count: 5, resources: {cpu: 4, memory: 8Gi, pods: 10}}]
            objects: [web.yaml]
          timeline:
            - {at: 2m, scale: {deployment: default/web, replicas: 5}}
            - {at: 4m, cordon: {node: machine-3}}
            - {at: 6m, scale: {deployment: default/web, replicas: SIZE}}

        """

    @Test("Runs that differ in one action part at that action, and not before")
    func plantedDifference() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        for (name, size) in [("a.yaml", "9"), ("b.yaml", "8")] {
            try folder.write(name, Self.twoWorkloads.replacing("SIZE", with: size))
        }
        let (left, right) = (try RepeatableRun(folder["a.yaml"]), try RepeatableRun(folder["b.yaml"]))
        let difference = try #require(try FirstDifference.find(between: left, and: right))
        #expect(difference.time == .zero + .minutes(6))
        #expect(difference.commonWrites > 20)
        guard case .operation(let one)? = difference.left.event, case .operation(let other)? = difference.right.event else {
            Issue.record("not what the operator does")
            return
        }
        #expect(one.description.contains("9") && other.description.contains("8"), "\(one.description), \(other.description)")
        #expect(try FirstDifference.find(between: left, and: left) == nil)
    }

    @Test("Attempts that the runs have in common are passed over, though numbers begin anew")
    func numbersBegunAnew() throws {
        func attempt(at second: Double, on node: String) -> SchedulingAttempt {
            let time = SimulatedTime(seconds: second)
            return SchedulingAttempt(
                start: time, end: time, pod: NamespacedName(namespace: "default", name: "db-0"), number: 1, result: .scheduled, node: node,
                nodesEvaluated: 1, nodesFeasible: 1, score: 0, nominatedNode: "", victims: 0, message: "")
        }
        let (common, own) = (attempt(at: 10, on: "a"), attempt(at: 20, on: "b"))
        let found = try #require(FirstDifference.firstDifferentAttempt([common, own], [common], until: SimulatedTime(seconds: 30)))
        #expect(found.left == own && found.right == nil)
    }

    @Test("Two policies part at the first pod that they place differently, with both decisions")
    func policies() throws {
        let left = try RepeatableRun(packageRoot + "/scenarios/packing/scenario.yaml", overrides: ScenarioOverrides(scheduler: "default"))
        let right = try RepeatableRun(
            packageRoot + "/scenarios/packing/scenario.yaml",
            overrides: ScenarioOverrides(scheduler: packageRoot + "/scenarios/packing/pack.yaml"))
        let difference = try #require(try FirstDifference.find(between: left, and: right))
        let (one, other) = (try #require(difference.left.attempt), try #require(difference.right.attempt))
        #expect(one.outcome.pod == difference.pod && other.outcome.pod == difference.pod)
        #expect(one.outcome.node != other.outcome.node)
        // Nothing before was placed differently.
        let records = (try left.scenario.run().record, try right.scenario.run().record)
        let before = records.0.attempts.filter { $0.end < one.outcome.end }
        #expect(before.map(\.node) == records.1.attempts.filter { $0.end < other.outcome.end }.map(\.node))
        let text = FirstDifferenceReport(difference, between: left, and: right).description
        for expected in ["part at", one.outcome.node, other.outcome.node, "NodeResourcesFit"] { #expect(text.contains(expected)) }
    }
}
