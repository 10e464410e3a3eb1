// What operators and traces do to a cluster, end to end.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Operators and traces")
struct OperatorTests {
    @Test("A Deployment comes up on its own")
    func bringUp() throws {
        var cluster = try shop()
        cluster.run(until: at(5))
        #expect(cluster.pods.count == 6 && cluster.pods.allSatisfy { $0.isReady && $0.nodeName != nil })
        let status = try #require(cluster.deployment("web")?.status)
        #expect(status.availableReplicas == 6 && status.updatedReplicas == 6 && status.unavailableReplicas == 0)
        for pod in cluster.record.pods {
            #expect(pod.owner == "Deployment/web")
            let (scheduled, ready) = (try #require(pod.scheduled), try #require(pod.ready))
            #expect((1...1.05).contains((ready - scheduled).seconds))
        }
        // Nodes of the start are not announced.
        #expect(!cluster.record.events.contains { $0.event.value.reason == "RegisteredNode" })
    }

    @Test("Drain empties a node and keeps it so; uncordon opens it again")
    func drain() throws {
        var cluster = try shop(nodesPerZone: 1) {
            $0.timeline = [
                TimelineEntry(at: at(60), action: .drain(.node("b-0"))),
                TimelineEntry(at: at(90), action: .scale(ObjectKey(.deployment, name("web")), replicas: 9)),
                TimelineEntry(at: at(120), action: .uncordon(.node("b-0"))),
                TimelineEntry(at: at(121), action: .scale(ObjectKey(.deployment, name("web")), replicas: 14)),
            ]
        }
        cluster.run(until: at(59))
        #expect(!cluster.pods(onNode: "b-0").isEmpty)
        cluster.run(until: at(100))
        #expect(cluster.pods(onNode: "b-0").isEmpty && cluster.taints("b-0") == ["unschedulable:NoSchedule"])
        #expect(cluster.deployment("web")?.status.readyReplicas == 9)
        cluster.run(until: at(125))
        #expect(cluster.taints("b-0").isEmpty && !cluster.pods(onNode: "b-0").isEmpty)
        #expect(cluster.record.operations.contains { $0.description == "drain b-0" && $0.refusal == nil })
    }

    @Test("A cordoned node keeps its pods and gets no more")
    func cordon() throws {
        var cluster = try shop(nodesPerZone: 1) {
            $0.timeline = [
                TimelineEntry(at: at(60), action: .cordon(.zone("b"))),
                TimelineEntry(at: at(70), action: .scale(ObjectKey(.deployment, name("web")), replicas: 12)),
            ]
        }
        cluster.run(until: at(59))
        let before = Set(cluster.pods(onNode: "b-0").map(\.metadata.uid))
        cluster.run(until: at(100))
        #expect(Set(cluster.pods(onNode: "b-0").map(\.metadata.uid)) == before && !before.isEmpty)
        #expect(cluster.deployment("web")?.status.readyReplicas == 12)
    }

    @Test("New nodes register, become ready and take the pods that waited")
    func addNodes() throws {
        var cluster = try shop(nodesPerZone: 1, replicas: 30) {
            $0.timeline = [TimelineEntry(at: at(60), action: .addNodes([machine("d-0", zone: "d")]))]
        }
        cluster.run(until: at(59))
        #expect(cluster.pods.count { $0.nodeName == nil } == 30 - 24)
        #expect(cluster.record.pods.contains { $0.reason.hasPrefix("Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.") })
        cluster.run(until: at(60.1))
        #expect(!cluster.isReady("d-0") && cluster.taints("d-0") == ["not-ready:NoSchedule"])
        cluster.run(until: at(64))
        #expect(cluster.isReady("d-0") && cluster.taints("d-0").isEmpty)
        #expect(cluster.pods(onNode: "d-0").count == 6 && cluster.pods.allSatisfy(\.isReady))
        cluster.run(until: at(66))
        #expect(cluster.record.events.contains { $0.event.value.reason == "RegisteredNode" && $0.event.value.involved.name == "d-0" })
    }

    @Test("A machine whose node object was deleted joins again when it is added again")
    func addAgain() throws {
        var cluster = try shop(nodesPerZone: 1) {
            $0.timeline = [
                TimelineEntry(at: at(60), action: .delete(ObjectKey(.node, "b-0"))),
                TimelineEntry(at: at(70), action: .addNodes([machine("b-0", zone: "b"), machine("a-0", zone: "a")])),
            ]
        }
        cluster.run(until: at(59))
        let there = cluster.pods(onNode: "b-0")
        cluster.run(until: at(65))
        #expect(cluster.node("b-0") == nil && !there.isEmpty)
        cluster.run(until: at(120))
        #expect(cluster.isReady("b-0") && cluster.taints("b-0").isEmpty)
        // It came back before its pods were collected: they run on.
        #expect(cluster.pods(onNode: "b-0").map(\.metadata.uid) == there.map(\.metadata.uid))
        #expect(cluster.record.operations.last?.refusal == "nodes \"a-0\" already exists")
    }

    @Test("A rollout can be undone, paused and resumed")
    func rollouts() throws {
        let web = name("web")
        var cluster = try shop {
            $0.timeline = [
                TimelineEntry(at: at(60), action: .setImage(deployment: web, container: "main", image: "web:2")),
                TimelineEntry(at: at(120), action: .rolloutUndo(deployment: web, toRevision: nil)),
                TimelineEntry(at: at(180), action: .rolloutPause(deployment: web, paused: true)),
                TimelineEntry(at: at(190), action: .setImage(deployment: web, container: "main", image: "web:3")),
                TimelineEntry(at: at(240), action: .rolloutPause(deployment: web, paused: false)),
            ]
        }
        func images(_ cluster: Cluster) -> Set<String> { Set(cluster.pods.map { $0.spec.value.containers[0].image }) }
        func revision(_ cluster: Cluster) -> String? {
            cluster.deployment("web")?.metadata.annotations["deployment.kubernetes.io/revision"]
        }
        cluster.run(until: at(110))
        #expect(images(cluster) == ["web:2"] && revision(cluster) == "2" && cluster.replicaSets.count == 2)
        cluster.run(until: at(170))
        #expect(images(cluster) == ["web:1"] && revision(cluster) == "3" && cluster.replicaSets.count == 2)
        cluster.run(until: at(230))
        #expect(images(cluster) == ["web:1"] && cluster.replicaSets.count == 2)
        cluster.run(until: at(290))
        #expect(images(cluster) == ["web:3"] && cluster.replicaSets.count == 3)
        // Never more than replicas + surge, never fewer available than allowed.
        for change in cluster.record.availability where change.time > at(10) { #expect((5...8).contains(change.available)) }
    }

    @Test("Deleting a Deployment takes its ReplicaSets and pods along")
    func cascade() throws {
        var cluster = try shop {
            $0.timeline = [TimelineEntry(at: at(60), action: .delete(ObjectKey(.deployment, name("web"))))]
        }
        cluster.run(until: at(62))
        #expect(cluster.pods.isEmpty && cluster.replicaSets.isEmpty && cluster.deployment("web") == nil)
        #expect(cluster.record.pods.allSatisfy { $0.deleted != nil && $0.finished != nil })
        #expect(cluster.finish().samples.last?.resources.allSatisfy { $0.requested == 0 && $0.requested.sign == .plus } == true)
    }

    /// The steps and the numbers of a recording of the real controllers.
    @Test("Orphans are adopted, pods released and replaced, and dependents orphaned as recorded")
    func adoption() throws {
        let labels: Labels = ["app": "rs"]
        let set = ReplicaSet(
            metadata: ObjectMeta(name: "rs", namespace: "shop"),
            spec: ReplicaSetSpec(
                replicas: 4, selector: LabelSelector(matchLabels: labels), template: PodTemplate(labels: labels, spec: podSpec())))
        let orphan = Pod(metadata: ObjectMeta(name: "orphan", namespace: "shop", labels: labels), spec: podSpec())
        var cluster = try shop { $0.objects = [APIObject(orphan), APIObject(set)] }
        func owned(_ cluster: Cluster) -> [Pod] { cluster.pods.filter { $0.metadata.controllerReference?.name == "rs" } }
        func others(_ cluster: Cluster) -> [ObjectKey] {
            owned(cluster).filter { $0.metadata.name != "orphan" }.map { ObjectKey(.pod, $0.metadata.key) }
        }
        func relabel(_ cluster: inout Cluster, _ key: ObjectKey, _ uid: UID, _ labels: Labels) {
            cluster.ask(.patchMetadata(key, uid: uid, .labels(labels)))
        }
        cluster.run(until: at(4))
        #expect(owned(cluster).count == 4 && owned(cluster).contains { $0.metadata.name == "orphan" })
        let released = others(cluster)[0]
        let uid = try #require(cluster.api.objects[released]).metadata.uid
        relabel(&cluster, released, uid, ["app": "other"])
        cluster.run(until: at(6))
        cluster.ask(.delete(others(cluster)[0], DeleteOptions()))
        cluster.run(until: at(8))
        cluster.ask(.delete(others(cluster)[0], DeleteOptions(gracePeriodSeconds: 0)))
        cluster.run(until: at(10))
        #expect(owned(cluster).count == 4 && cluster.pods.count == 5)
        relabel(&cluster, released, uid, labels)
        cluster.run(until: at(13))
        var costly = try #require(cluster.api.objects.get(Pod.self, name("orphan"))?.value)
        costly.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = "-5"
        cluster.ask(.operate(ObjectKey(.pod, name("orphan")), .apply(APIObject(costly))))
        cluster.run(until: at(14))
        cluster.ask(.operate(ObjectKey(.replicaSet, name("rs")), .scale(3)))
        cluster.run(until: at(17))
        #expect(!cluster.pods.contains { $0.metadata.name == "orphan" })
        cluster.ask(.delete(ObjectKey(.replicaSet, name("rs")), DeleteOptions(propagation: .orphan)))
        cluster.run(until: at(19))
        #expect(cluster.replicaSets.isEmpty && cluster.pods.count == 3 && owned(cluster).isEmpty)

        func changes(of number: (ReplicaSetStatus) -> Int32) -> [Int32] {
            var seen: [Int32] = []
            for event in cluster.record.watchLog where event.time >= at(4) {
                guard case .replicaSet(let set) = event.object, set.value.metadata.name == "rs" else { continue }
                if seen.last != number(set.value.status) { seen.append(number(set.value.status)) }
            }
            return seen
        }
        // In the recording one more change could be seen, because everything took some milliseconds longer there: one pod
        // terminating between the two halves of its deletion without grace.
        #expect(changes { $0.replicas } == [3, 4, 3, 4, 3, 4, 5, 4, 3, 0])
        #expect(changes { $0.readyReplicas } == [3, 4, 3, 4, 3, 4, 5, 4, 3, 0])
        #expect(changes { $0.terminatingReplicas ?? 0 } == [0, 1, 0, 1, 0, 1, 0])
    }

    @Test("The objects of a trace come and go at its times")
    func traces() throws {
        var cluster = try shop(replicas: 0) {
            $0.trace = [
                TraceEntry(createAt: at(10), deleteAt: at(100), object: barePod("first")),
                TraceEntry(createAt: at(10), deleteAt: nil, object: barePod("second")),
                TraceEntry(createAt: at(50), deleteAt: at(50.5), object: barePod("short")),
                TraceEntry(createAt: at(70), deleteAt: at(80), object: barePod("huge", cpu: 64_000)),
            ]
        }
        cluster.run(until: at(200))
        let rows = Dictionary(uniqueKeysWithValues: cluster.finish().pods.map { ($0.name.name, $0) })
        let first = try #require(rows["first"])
        let (leaving, gone) = (try #require(first.deletionRequested), try #require(first.deleted))
        #expect((first.created - at(10)).seconds < 0.01 && (leaving - at(100)).seconds < 0.01 && (gone - at(100)).seconds < 1)
        #expect(rows["second"]?.deleted == nil && rows["second"]?.phase == .running)
        let short = try #require(rows["short"]?.deleted)
        #expect((short - at(50.5)).seconds < 1)
        #expect(rows["huge"]?.scheduled == nil && rows["huge"]?.reason.hasPrefix("Unschedulable") == true)
        let huge = try #require(rows["huge"]?.deleted)
        #expect((huge - at(80)).seconds < 0.01)
        #expect(cluster.pods.map(\.metadata.name) == ["second"])
    }

    @Test("The API server's refusals are part of the record")
    func refusals() throws {
        var cluster = try shop {
            var spec = PodSpec(containers: [Container(name: "c")])
            spec.priorityClassName = "nope"
            $0.objects.append(APIObject(Pod(metadata: ObjectMeta(name: "late", namespace: "default"), spec: Shared(spec))))
            $0.timeline = [
                TimelineEntry(at: at(10), action: .scale(ObjectKey(.deployment, name("nobody")), replicas: 3)),
                TimelineEntry(at: at(11), action: .delete(ObjectKey(.pod, name("nothing")))),
                TimelineEntry(at: at(12), action: .setImage(deployment: name("web"), container: "other", image: "x")),
                TimelineEntry(at: at(13), action: .scale(ObjectKey(.deployment, name("web")), replicas: 2)),
            ]
        }
        cluster.run(until: at(20))
        let refusedAtStart = cluster.record.operations.filter { $0.isRoutine && $0.refusal != nil }
        #expect(refusedAtStart.map(\.refusal) == ["pods \"late\" is forbidden: no PriorityClass with name nope was found"])
        let operations = cluster.record.operations.filter { !$0.isRoutine }
        #expect(operations.map(\.time) == [at(10), at(11), at(12), at(13)])
        #expect(operations[0].refusal == "deployments.apps \"nobody\" not found")
        #expect(operations[1].refusal == "pods \"nothing\" not found")
        #expect(operations[2].refusal != nil && operations[3].refusal == nil)
    }

    @Test("A manifest that is applied later finds its namespace, unless it brings its own")
    func namespacesOfTheTimeline() throws {
        var cluster = try shop(replicas: 0) {
            var own = deployment("own", replicas: 1)
            if case .deployment(let object) = own { own = .deployment(object.with { $0.metadata.namespace = "new" }) }
            var other = deployment("other", replicas: 1)
            if case .deployment(let object) = other { other = .deployment(object.with { $0.metadata.namespace = "silent" }) }
            $0.timeline = [
                TimelineEntry(at: at(10), action: .apply([APIObject(Namespace(metadata: ObjectMeta(name: "new"))), own, other]))
            ]
        }
        cluster.run(until: at(9))
        #expect(cluster.api.objects[ObjectKey(.namespace, "new")] == nil && cluster.api.objects[ObjectKey(.namespace, "silent")] != nil)
        cluster.run(until: at(15))
        #expect(cluster.record.operations.allSatisfy { $0.refusal == nil })
        #expect(cluster.pods.count { $0.isReady } == 2)
    }

    @Test("A deleted namespace loses its pods first, then everything else, then itself")
    func namespaceDeletion() throws {
        var cluster = try shop {
            $0.timeline = [
                TimelineEntry(at: at(60), action: .delete(ObjectKey(.namespace, "shop"))),
                TimelineEntry(at: at(63), action: .apply([deployment("late", replicas: 1)])),
            ]
        }
        cluster.run(until: at(64.9))
        #expect(cluster.pods.count == 6 && cluster.pods.allSatisfy { !$0.metadata.isTerminating })
        #expect(
            cluster.record.operations.last?.refusal
                == "deployments.apps \"late\" is forbidden: "
                + "unable to create new content in namespace shop because it is being terminated")
        cluster.run(until: at(65.1))
        #expect(cluster.pods.count == 6 && cluster.pods.allSatisfy(\.metadata.isTerminating))
        cluster.run(until: at(69.9))
        #expect(cluster.pods.isEmpty && cluster.deployment("web") != nil)
        cluster.run(until: at(71))
        #expect(cluster.deployment("web") == nil && cluster.replicaSets.isEmpty)
        #expect(cluster.api.objects[ObjectKey(.namespace, "shop")] == nil)
    }

    @Test("A pod bound to a node that never was is collected")
    func podWithoutANode() throws {
        var ghost = barePod("ghost")
        if case .pod(let pod) = ghost { ghost = .pod(pod.with { $0.nodeName = "no-such-node" }) }
        var cluster = try shop(replicas: 0) { $0.objects = [ghost] }
        cluster.run(until: at(90))
        let row = try #require(cluster.record.pods.first)
        let deleted = try #require(row.deleted)
        #expect(row.reason == "DeletionByPodGC" && (40...80).contains(deleted.seconds))
    }
}
