// DaemonSets driven through the real API server: which nodes get a pod, and how pods are replaced.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct DaemonSetTests {
    private static let key = ObjectKey(.daemonSet, namespace: "default", "agent")

    private static func cluster(nodes: Int = 5) -> TestCluster {
        var cluster = TestCluster()
        for number in 0..<nodes { cluster.addNode("node-\(number)") }
        cluster.run(for: .milliseconds(100))
        return cluster
    }

    private static func set(
        _ strategy: DaemonSetUpdateStrategy = .rollingUpdate(maxSurge: .int(0), maxUnavailable: .int(1)),
        _ change: (inout PodSpec) -> Void = { _ in }
    ) -> DaemonSet {
        var template = Make.template(app: "agent")
        template.spec = template.spec.with(change)
        var spec = DaemonSetSpec(selector: LabelSelector(matchLabels: ["app": "agent"]), template: template)
        spec.updateStrategy = strategy
        return DaemonSet(metadata: ObjectMeta(name: "agent", namespace: "default"), spec: spec)
    }

    private static func nodes(_ cluster: TestCluster) -> [String] {
        cluster.pods.filter { !$0.metadata.isTerminating }.compactMap(\.nodeName).sorted()
    }

    @Test("Every node gets a pod that tolerates a node in trouble and is pinned to it")
    func onePodANode() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set())))
        cluster.run(for: .seconds(10))
        #expect(Self.nodes(cluster) == (0..<5).map { "node-\($0)" })
        let pod = try #require(cluster.pods.first)
        let revision = try #require(cluster.all(ControllerRevision.self).first)
        #expect(pod.metadata.labels["controller-revision-hash"] == revision.metadata.labels["controller-revision-hash"])
        #expect(pod.metadata.labels["pod-template-generation"] == "1")
        #expect(pod.spec.value.affinity.pinnedNode == pod.nodeName)
        #expect(pod.spec.value.tolerations.contains { $0.key == Taint.unreachable && $0.tolerationSeconds == nil })
        let status = try #require(cluster.get(DaemonSet.self, "agent")).status
        #expect(status.desiredNumberScheduled == 5 && status.numberAvailable == 5 && status.updatedNumberScheduled == 5)
        #expect(status.numberUnavailable == 0 && status.observedGeneration == 1)
        #expect(cluster.messages(about: .daemonSet, "SuccessfulCreate").count == 5)
        cluster.runUntilQuiet()
        #expect(cluster.isQuiet)
    }

    @Test("Pods follow labels and taints of nodes: NoSchedule keeps new ones away, NoExecute drives them off")
    func followsNodes() throws {
        var cluster = Self.cluster(nodes: 2)
        cluster.execute(.create(APIObject(Self.set { $0.nodeSelector = ["pool": "x"] })))
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster).isEmpty)
        func label(_ name: String, _ labels: Labels) {
            guard let node = cluster.node(name) else { return }
            cluster.execute(.patchMetadata(ObjectKey(.node, name), uid: node.metadata.uid, .labels(labels)))
        }
        label("node-0", ["pool": "x"])
        label("node-1", ["pool": "x"])
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster) == ["node-0", "node-1"])
        cluster.execute(.patchNode("node-1", .taints(add: [Taint(key: "dedicated", effect: .noSchedule)], remove: [])))
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster) == ["node-0", "node-1"])
        // As recorded: nothing wakes the controller, so the status still speaks of two.
        #expect(cluster.get(DaemonSet.self, "agent")?.status.desiredNumberScheduled == 2)
        cluster.execute(.patchNode("node-1", .taints(add: [Taint(key: "dedicated", effect: .noExecute)], remove: [])))
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster) == ["node-0"])
        label("node-0", [:])
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster).isEmpty)
        let status = try #require(cluster.get(DaemonSet.self, "agent")).status
        #expect(status.desiredNumberScheduled == 0 && status.numberMisscheduled == 0)
        cluster.addNode("late")
        label("late", ["pool": "x"])
        cluster.run(for: .seconds(5))
        #expect(Self.nodes(cluster) == ["late"])
    }

    @Test(
        "A rolling update keeps to maxUnavailable, and with surge the old pod stays until the new one is available",
        arguments: [
            (IntOrPercent.int(0), IntOrPercent.int(1)), (.int(0), .percent(50)), (.int(0), .int(5)), (.int(2), .int(0)),
            (.percent(30), .int(0)),
        ])
    func rollsOut(_ surge: IntOrPercent, _ unavailable: IntOrPercent) throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(.rollingUpdate(maxSurge: surge, maxUnavailable: unavailable)))))
        cluster.run(for: .seconds(10))
        let missing = try unavailable.scaled(total: 5, roundUp: true)
        let extra = try surge.scaled(total: 5, roundUp: true)
        cluster.check = { cluster in
            let served = Set(cluster.pods.filter { $0.isReady && !$0.metadata.isTerminating }.compactMap(\.nodeName))
            #expect(served.count >= 5 - missing)
            #expect(cluster.pods.count(where: \.isActive) <= 5 + extra)
        }
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "agent:2")))
        cluster.run(for: .seconds(60))
        #expect(cluster.pods.count == 5 && cluster.pods.allSatisfy { $0.spec.value.containers[0].image == "agent:2" })
        let set = try #require(cluster.get(DaemonSet.self, "agent"))
        #expect(set.status.updatedNumberScheduled == 5 && set.status.numberAvailable == 5)
        #expect(set.metadata.annotations["deprecated.daemonset.template.generation"] == "2")

        cluster.execute(.operate(Self.key, .rollBack(toRevision: 1)))
        cluster.run(for: .seconds(60))
        #expect(cluster.pods.allSatisfy { $0.spec.value.containers[0].image == "web:1" })
        #expect(cluster.all(ControllerRevision.self).map(\.revision).sorted() == [2, 3])
    }

    @Test func onDeleteWaitsForTheOperator() {
        var cluster = Self.cluster(nodes: 2)
        cluster.execute(.create(APIObject(Self.set(.onDelete))))
        cluster.run(for: .seconds(10))
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "agent:2")))
        cluster.run(for: .seconds(30))
        #expect(cluster.get(DaemonSet.self, "agent")?.status.updatedNumberScheduled == 0)
        cluster.execute(.delete(ObjectKey(.pod, cluster.pods[0].metadata.key), DeleteOptions()))
        cluster.run(for: .seconds(10))
        #expect(cluster.get(DaemonSet.self, "agent")?.status.updatedNumberScheduled == 1)
    }

    @Test("A failed pod is removed at once the first time, then after 1, 2, 4 seconds and so on")
    func backsOffFailedPods() throws {
        var cluster = Self.cluster(nodes: 1)
        cluster.execute(.create(APIObject(Self.set())))
        cluster.run(for: .seconds(10))
        var waits: [Double] = []
        for _ in 0..<4 {
            let pod = try #require(cluster.pods.first { !$0.metadata.isTerminating })
            let failed = cluster.now
            cluster.execute(
                .patchPod(pod.metadata.key, uid: pod.metadata.uid, .phase(.failed, reason: "", message: "", condition: nil)))
            cluster.run(for: .milliseconds(5500))
            let removed = cluster.history.last { $0.change == .deleted && $0.object.kind == .pod }
            let time = try #require(removed).time
            waits.append((time - failed).seconds)
        }
        // Failures are five seconds apart, so the shorter back-offs have passed.
        #expect(waits.allSatisfy { $0 < 0.1 })
        let message = try #require(cluster.messages(about: .daemonSet, "FailedDaemonPod").first)
        #expect(message.hasPrefix("Found failed daemon pod default/agent-") && message.hasSuffix(" on node node-0, will try to kill it"))
        let now = cluster.now
        cluster.run(for: .milliseconds(10))
        let pod = try #require(cluster.pods.first { !$0.metadata.isTerminating })
        cluster.execute(
            .patchPod(pod.metadata.key, uid: pod.metadata.uid, .phase(.failed, reason: "", message: "", condition: nil)))
        cluster.run(for: .seconds(30))
        let removal = try #require(cluster.history.last { $0.change == .deleted && $0.object.kind == .pod }).time
        #expect(removal > now)
    }

    @Test("The back-off of failed pods doubles from one second to fifteen minutes")
    func backoffDoubles() {
        var backoff = FailedPodBackoff()
        let key = FailedPodBackoff.Key(daemonSet: UID("a"), generation: 1, node: "n")
        var now = SimulatedTime.zero
        #expect(backoff.wait(for: key, at: now) == nil)
        for exponent in 0..<12 {
            let expected = min(SimulatedDuration.seconds(1 << exponent), .minutes(15))
            #expect(backoff.wait(for: key, at: now) == expected)
            now = now + expected
            #expect(backoff.wait(for: key, at: now) == nil)
        }
        #expect(backoff.wait(for: key, at: now + .minutes(31)) == nil)
        #expect(backoff.wait(for: key, at: now + .minutes(31)) == .seconds(1))
    }

    @Test("However late the cache, no pod is created twice", arguments: [2, 50, 500, 3000])
    func expectationsPreventDoubleCreation(_ milliseconds: Int) {
        var cluster = Self.cluster(nodes: 20)
        cluster.watchLatency = .milliseconds(milliseconds)
        cluster.run(for: .seconds(10))
        cluster.execute(.create(APIObject(Self.set(.rollingUpdate(maxSurge: .int(0), maxUnavailable: .percent(50))))))
        cluster.run(for: .seconds(60))
        #expect(cluster.history.count { $0.change == .added && $0.object.kind == .pod } == 20)
        cluster.execute(.operate(Self.key, .restart))
        cluster.run(for: .seconds(120))
        #expect(cluster.history.count { $0.change == .added && $0.object.kind == .pod } == 40)
        #expect(cluster.get(DaemonSet.self, "agent")?.status.updatedNumberScheduled == 20)
    }
}
