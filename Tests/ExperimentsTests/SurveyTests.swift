// Storms on somebody's own manifests: what the survey says of them.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import APIServer
@testable import ClusterSimulation
@testable import Experiments

@Suite("Surveys")
struct SurveyTests {
    /// The survey of manifests on a small cluster, as text.
    private func survey(_ manifests: String, nodes: Int, resources: String = "cpu: 8, memory: 32Gi, pods: 110") throws -> String {
        let folder = try TemporaryFolder()
        try folder.write("shop.yaml", manifests)
        var plan = SurveyPlan()
        (plan.nodes, plan.placements, plan.nodeResources) = (nodes, 1, resources)
        return try Survey([folder["shop.yaml"]], plan).description
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
}
