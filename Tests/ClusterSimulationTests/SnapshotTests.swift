// A running cluster taken over from a dump goes on as if nothing had happened.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Snapshots")
struct SnapshotTests {
    /// Everything stored in a cluster, as a dump taken now would have it: with times before the start of another run.
    private func dump(_ cluster: Cluster, podsFirst: Bool = false) -> [APIObject] {
        let kinds: [Kind] = [.namespace, .node, .deployment, .replicaSet]
        let order = podsFirst ? [.pod] + kinds.reversed() : kinds + [.pod]
        return order.flatMap { Array(cluster.api.objects[$0].objects) }.map { aged($0, by: cluster.now.sinceStart) }
    }

    private func aged(_ object: APIObject, by age: SimulatedDuration) -> APIObject {
        func shift(_ conditions: inout [Condition]) {
            for index in conditions.indices {
                conditions[index].lastTransitionTime -= age
                conditions[index].lastUpdateTime = conditions[index].lastUpdateTime.map { $0 - age }
            }
        }
        var object = object
        switch object {
        case .pod(let pod):
            object = .pod(
                pod.with {
                    shift(&$0.status.conditions)
                    $0.status.startTime = $0.status.startTime.map { $0 - age }
                    for index in $0.status.containerStatuses.indices {
                        guard case .running(let since) = $0.status.containerStatuses[index].state else { continue }
                        $0.status.containerStatuses[index].state = .running(startedAt: since - age)
                    }
                })
        case .node(let node): object = .node(node.with { shift(&$0.status.conditions) })
        case .deployment(let deployment): object = .deployment(deployment.with { shift(&$0.status.conditions) })
        default: break
        }
        return object.withMetadata {
            $0.creationTimestamp -= age
            $0.deletionTimestamp = $0.deletionTimestamp.map { $0 - age }
        }
    }

    private func restored(_ dump: [APIObject], _ change: (inout ClusterConfiguration) -> Void = { _ in }) throws -> Cluster {
        var configuration = ClusterConfiguration(seed: 99)
        configuration.snapshot = dump
        configuration.recording.watchLog = true
        change(&configuration)
        return try Cluster(configuration)
    }

    @Test("Bound pods run on and nobody writes anything", arguments: [false, true])
    func nothingHappens(podsFirst: Bool) throws {
        var origin = try DeterminismTests.busy { configuration in
            configuration.faults = []
            configuration.behaviours = []
            configuration.timeline = [configuration.timeline[0]]
        }
        origin.run(until: at(300))
        #expect(origin.replicaSets.count == 4)
        var cluster = try restored(dump(origin, podsFirst: podsFirst))
        let before = cluster.pods
        cluster.run(until: at(3600))
        let record = cluster.finish()
        let written = record.watchLog.filter { $0.time > .zero }
        #expect(written.isEmpty, "\(written.prefix(5).map { "\($0.time) \($0.change) \($0.object.key)" })")
        #expect(record.attempts.isEmpty)
        #expect(cluster.pods == before && before.count == 21)
        #expect(record.pods.allSatisfy { $0.owner.hasPrefix("Deployment/") })
    }

    @Test("It then loses a node and heals like any other cluster")
    func failsAndHeals() throws {
        var origin = try shop()
        origin.run(until: at(100))
        var cluster = try restored(dump(origin)) {
            $0.faults = [Fault(nodes: .node("b-0"), effect: .kubeletStop, schedule: .once(at: at(60), down: .seconds(500)))]
        }
        cluster.run(until: at(59))
        let there = cluster.pods(onNode: "b-0").count
        #expect(there > 0)
        cluster.run(until: at(600))
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.affectedPods == there && recovery.evictedPods == there)
        #expect(recovery.replaced != nil && recovery.recovered != nil && recovery.returned == at(560))
        #expect(cluster.pods.count == 6 && cluster.pods.allSatisfy(\.isReady))
        #expect(cluster.replicaSets.count == 1)
    }

    @Test("Pods of kinds that are not simulated stay, and no recovery waits for them")
    func kindsWithoutBehaviour() throws {
        var origin = try shop()
        origin.run(until: at(100))
        var objects = dump(origin)
        var metadata = ObjectMeta(name: "db-0", namespace: "shop", labels: ["app": "db"])
        metadata.uid = UID("db-0")
        metadata.ownerReferences = [
            OwnerReference(apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: UID("db"), controller: true)
        ]
        var status = PodStatus(phase: .running)
        status.conditions = [Condition(.ready, .true, lastTransitionTime: .zero)]
        status.containerStatuses = [ContainerStatus(name: "main", state: .running(startedAt: .zero), ready: true)]
        objects.append(APIObject(Pod(metadata: metadata, spec: podSpec(), nodeName: "b-0", status: status)))
        var cluster = try restored(objects) {
            $0.faults = [Fault(nodes: .node("b-0"), effect: .kubeletStop, schedule: .once(at: at(60), down: nil))]
        }
        cluster.run(until: at(600))
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.otherPods == 1)
        #expect(recovery.evictedPods == recovery.affectedPods && recovery.replaced != nil && recovery.recovered != nil)
        #expect(cluster.pods.contains { $0.metadata.name == "db-0" && $0.metadata.isTerminating })
    }

    @Test("A node that was not ready in the dump is a machine that does not run")
    func deadNodes() throws {
        var origin = try FailureTests.zoneLoss()
        origin.run(until: at(200))
        var cluster = try restored(dump(origin))
        cluster.run(until: at(400))
        #expect(!cluster.isReady("b-0"))
        #expect(cluster.pods.count { $0.metadata.isTerminating } == 2 && cluster.pods.count == 8)
    }
}
