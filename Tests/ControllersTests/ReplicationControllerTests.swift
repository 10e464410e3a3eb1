// ReplicationControllers: the ReplicaSet's algorithm on the older kind.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

extension APIObject {
    fileprivate func withPhase(_ phase: PodPhase) -> APIObject {
        guard case .pod(let pod) = self else { return self }
        return .pod(
            pod.with {
                $0.metadata.resourceVersion = 0
                $0.status.phase = phase
            })
    }
}

@Suite struct ReplicationControllerTests {
    @Test func keepsItsPods() throws {
        var cluster = TestCluster()
        for number in 0..<3 { cluster.addNode("node-\(number)") }
        let controller = ReplicationController(
            metadata: ObjectMeta(name: "old", namespace: "default"), replicas: 4, selector: ["app": "old"],
            template: Make.template(app: "old"))
        cluster.execute(.create(APIObject(Make.pod("orphan", labels: ["app": "old"]))))
        cluster.execute(.create(APIObject(controller)))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.count == 4)
        #expect(cluster.get(Pod.self, "orphan")?.metadata.controllerReference?.kind == "ReplicationController")
        #expect(cluster.pods.allSatisfy { $0.metadata.controllerReference?.apiVersion == "v1" })
        let status = try #require(cluster.get(ReplicationController.self, "old")).status
        #expect(status.availableReplicas == 4 && status.observedGeneration == 1 && status.terminatingReplicas == nil)
        #expect(cluster.events.contains { $0.source == "replication-controller" && $0.message.hasPrefix("Created pod: old-") })
        cluster.execute(.operate(ObjectKey(.replicationController, namespace: "default", "old"), .scale(2)))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.count == 2)
        cluster.runUntilQuiet()
        #expect(cluster.isQuiet)
    }

    @Test("A pod that ended or is being deleted keeps its owner though its labels do not match any more; a running one is released")
    func releasesActivePodsOnly() throws {
        var cluster = TestCluster()
        for number in 0..<2 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 2))))
        cluster.run(for: .seconds(5))
        let pods = cluster.pods
        let ended = try #require(pods.first)
        let running = try #require(pods.last)
        cluster.execute(.updateStatus(APIObject(ended).withPhase(.succeeded)))
        cluster.run(for: .seconds(5))
        for pod in [ended, running] {
            let key = ObjectKey(.pod, pod.metadata.key)
            cluster.execute(.patchMetadata(key, uid: pod.metadata.uid, .labels(["app": "other"])))
        }
        cluster.run(for: .seconds(5))
        #expect(cluster.get(Pod.self, ended.metadata.name)?.metadata.ownerReferences.count == 1)
        #expect(cluster.get(Pod.self, running.metadata.name)?.metadata.ownerReferences.isEmpty == true)
    }
}
