// Admission, and what the operator's commands do.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Admission and operator")
struct OperatorTests {
    var api = APIServer(seed: 1)

    @Test mutating func `pods get priority and the default tolerations`() throws {
        try api.done(.create(APIObject(PriorityClass(metadata: ObjectMeta(name: "high"), value: 1000))))
        try api.done(.create(APIObject(PriorityClass(metadata: ObjectMeta(name: "usual"), value: 7, globalDefault: true))))
        var spec = PodSpec(containers: [Container(name: "c", image: "app:1")])
        spec.priorityClassName = "high"
        spec.tolerations = [Toleration(key: Taint.unreachable, operator: .exists, tolerationSeconds: 5)]
        try api.done(.create(APIObject(Pod(metadata: ObjectMeta(name: "a", namespace: "default"), spec: Shared(spec)))))
        let a = try api.storedPod("a").spec.value
        #expect(a.priority == 1000)
        #expect(a.preemptionPolicy == .preemptLowerPriority)
        #expect(a.tolerations.count == 2)
        #expect(a.tolerations[1].key == Taint.notReady && a.tolerations[1].tolerationSeconds == 300)
        try api.done(.create(APIObject(pod("b"))))
        let b = try api.storedPod("b").spec.value
        #expect(b.priority == 7 && b.priorityClassName == "usual")
        spec.priorityClassName = "none"
        let refused = Pod(metadata: ObjectMeta(name: "c", namespace: "default"), spec: Shared(spec))
        #expect(throws: APIError.self) { try api.done(.create(APIObject(refused))) }
        spec.priorityClassName = "high"
        spec.priority = 3
        let contradicting = Pod(metadata: ObjectMeta(name: "c", namespace: "default"), spec: Shared(spec))
        #expect(throws: APIError.self) { try api.done(.create(APIObject(contradicting))) }
    }

    @Test mutating func `a pod's own labels go into the selectors that name their keys`() throws {
        var spec = PodSpec(containers: [Container(name: "c", image: "app:1")])
        spec.affinity.requiredPodAntiAffinity = [
            PodAffinityTerm(
                labelSelector: LabelSelector(matchLabels: ["app": "web"]), topologyKey: "zone", matchLabelKeys: ["version", "absent"],
                mismatchLabelKeys: ["tenant"])
        ]
        var constraint = TopologySpreadConstraint(
            maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: .doNotSchedule, labelSelector: LabelSelector())
        constraint.matchLabelKeys = ["version"]
        spec.topologySpreadConstraints = [constraint]
        let shared = Shared(spec)
        for (number, version) in ["1", "2", "1"].enumerated() {
            let name = "web-\(number)"
            let labels: Labels = ["app": "web", "tenant": "t", "version": version]
            try api.done(
                .create(APIObject(Pod(metadata: ObjectMeta(name: name, namespace: "default", labels: labels), spec: shared))))
            let stored = try api.storedPod(name).spec.value
            let own = LabelSelectorRequirement(key: "version", operator: .isIn, values: [version])
            let terms = stored.affinity.requiredPodAntiAffinity
            #expect(
                terms[0].labelSelector?.matchExpressions
                    == [own, LabelSelectorRequirement(key: "tenant", operator: .notIn, values: ["t"])])
            #expect(stored.topologySpreadConstraints[0].labelSelector?.matchExpressions == [own])
        }
        #expect(shared.value.topologySpreadConstraints[0].labelSelector?.matchExpressions == [])
    }

    @Test mutating func `a node is created with the not-ready taint, and applied without`() throws {
        var node = Node(metadata: ObjectMeta(name: "n"))
        try api.done(.create(APIObject(node)))
        let key = ObjectKey(.node, "n")
        func taints() -> [Taint] { if case .node(let node)? = api.objects[key] { node.value.spec.taints } else { [] } }
        #expect(taints().map(\.key) == [Taint.notReady])
        try api.done(.patchNode("n", .taints(add: [], remove: taints())))
        node.metadata.labels["disk"] = "ssd"
        try api.done(.operate(key, .apply(APIObject(node))))
        #expect(taints().isEmpty)
        #expect(api.objects[key]?.metadata.labels["disk"] == "ssd")
    }

    @Test mutating func `apply removes what an earlier apply set and keeps what others set`() throws {
        let key = deploymentKey("web")
        try api.done(.operate(key, .apply(APIObject(deployment("web", labels: ["a": "1", "b": "1"], annotations: ["x": "1"])))))
        try api.done(
            .patchMetadata(key, uid: try api.storedDeployment("web").metadata.uid, .labels(["a": "1", "b": "1", "other": "1"])))
        try api.done(.operate(key, .apply(APIObject(deployment("web", image: "app:2", labels: ["a": "2"])))))
        let stored = try api.storedDeployment("web")
        #expect(stored.metadata.labels == ["a": "2", "other": "1"])
        #expect(stored.metadata.annotations.isEmpty)
        #expect(stored.spec.template.spec.containers[0].image == "app:2")
        #expect(stored.metadata.generation == 2)
        var other = deployment("web")
        other.spec.selector = LabelSelector(matchLabels: ["app": "other"])
        let answer = api.execute(.operate(key, .apply(APIObject(other))), at: .zero)
        guard case .failure(let error) = answer else {
            Issue.record("the selector was changed")
            return
        }
        #expect(
            error.description
                == "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"other\"}}: "
                + "field is immutable")
    }

    @Test mutating func `a pod's spec cannot be applied away`() throws {
        try api.done(.operate(podKey("a"), .apply(APIObject(pod("a")))))
        try api.done(.operate(podKey("a"), .apply(APIObject(pod("a")))))
        #expect(throws: APIError.self) { try api.done(.operate(podKey("a"), .apply(APIObject(pod("a", grace: 5))))) }
    }

    @Test mutating func `set image, scale and pause change the spec or say why not`() throws {
        let key = deploymentKey("web")
        try api.done(.create(APIObject(deployment("web"))))
        try api.done(.operate(key, .setImage(container: "c", image: "app:2")))
        try api.done(.operate(key, .scale(8)))
        try api.done(.operate(key, .pause(true)))
        let stored = try api.storedDeployment("web")
        #expect(stored.spec.template.spec.containers[0].image == "app:2")
        #expect(stored.spec.replicas == 8)
        #expect(stored.spec.paused)
        #expect(stored.metadata.generation == 4)
        #expect(throws: APIError.self) { try api.done(.operate(key, .setImage(container: "d", image: "x"))) }
        #expect(throws: APIError.self) { try api.done(.operate(key, .scale(-1))) }
        #expect(throws: APIError.self) { try api.done(.operate(key, .rollBack(toRevision: nil))) }
        #expect(throws: APIError.notFound(deploymentKey("no"))) { try api.done(.operate(deploymentKey("no"), .scale(1))) }
    }

    @Test(arguments: [(nil, "app:2"), (1, "app:1"), (3, "app:3")] as [(Int64?, String)])
    mutating func `rollout undo brings back the template of a revision`(_ revision: Int64?, image: String) throws {
        try api.done(.create(APIObject(deployment("web", image: "app:3"))))
        let owner = try api.storedDeployment("web").metadata
        for number in 1...3 {
            var template = deployment("web", image: "app:\(number)").spec.template
            template.labels["pod-template-hash"] = "h\(number)"
            var set = ReplicaSet(
                metadata: ObjectMeta(
                    name: "web-h\(number)", namespace: "default", annotations: [DeploymentAnnotations.revision: "\(number)"]),
                spec: ReplicaSetSpec(selector: LabelSelector(matchLabels: ["app": "web"]), template: template))
            set.metadata.ownerReferences = [
                OwnerReference(apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: owner.uid, controller: true)
            ]
            try api.done(.create(APIObject(set)))
        }
        try api.done(.operate(deploymentKey("web"), .rollBack(toRevision: revision)))
        let template = try api.storedDeployment("web").spec.template
        #expect(template.spec.containers[0].image == image)
        #expect(template.labels == ["app": "web"])
        #expect(throws: APIError.self) { try api.done(.operate(deploymentKey("web"), .rollBack(toRevision: 9))) }
    }
}
