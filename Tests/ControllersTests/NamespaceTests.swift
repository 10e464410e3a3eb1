// Namespaces that are deleted: the order, the waiting, and what the conditions say meanwhile.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("Namespace controller") struct NamespaceTests {
    private static let key = ObjectKey(.namespace, "shop")

    private static func cluster() -> TestCluster {
        var cluster = TestCluster()
        cluster.addNode("node-0")
        cluster.execute(.create(APIObject(Namespace(metadata: ObjectMeta(name: "shop")))))
        return cluster
    }

    private static func conditions(_ cluster: TestCluster) -> [String] {
        guard case .namespace(let namespace)? = cluster.server.objects[key] else { return [] }
        return namespace.value.conditions.filter { $0.status == .true }.map { "\($0.reason): \($0.message)" }
    }

    @Test func podsGoFirstAndFinalizersAreWaitedFor() {
        var cluster = Self.cluster()
        var pod = Make.pod("p")
        pod.metadata.namespace = "shop"
        cluster.execute(.create(APIObject(pod)))
        var metadata = ObjectMeta(name: "fin", namespace: "shop")
        metadata.finalizers = ["example.com/hold"]
        cluster.execute(.create(APIObject(ConfigMap(metadata: metadata))))
        cluster.run(until: SimulatedTime(seconds: 10))
        cluster.stopDelay = .seconds(2)
        cluster.execute(.delete(Self.key, DeleteOptions()))
        cluster.run(until: SimulatedTime(seconds: 14.9))
        #expect(cluster.pods.allSatisfy { !$0.metadata.isTerminating })
        cluster.run(until: SimulatedTime(seconds: 15.1))
        // Only the pods were looked at, so nothing is said about the rest; the conditions' own event brings the next pass.
        #expect(cluster.pods.allSatisfy { $0.metadata.isTerminating } && Self.conditions(cluster).isEmpty)
        if case .namespace(let namespace)? = cluster.server.objects[Self.key] { #expect(namespace.value.conditions.count == 5) }
        cluster.run(until: SimulatedTime(seconds: 20.1))
        #expect(
            Self.conditions(cluster) == [
                "SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances",
                "SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
            ])
        cluster.run(until: SimulatedTime(seconds: 22))
        let held = ObjectKey(.configMap, namespace: "shop", "fin")
        if let object = cluster.server.objects[held] {
            cluster.execute(.patchMetadata(held, uid: object.metadata.uid, .removeFinalizer("example.com/hold")))
        }
        cluster.run(until: SimulatedTime(seconds: 24.9))
        #expect(cluster.server.objects[Self.key] != nil)
        // The conditions changed at 20 s, and an event of the namespace counts after five.
        cluster.run(until: SimulatedTime(seconds: 25.2))
        #expect(cluster.server.objects[Self.key] == nil)
    }

    @Test func aPodNobodyStopsIsAFailureOnceItsGracePeriodIsOver() {
        var cluster = Self.cluster()
        var pod = Make.pod("p")
        pod.metadata.namespace = "shop"
        cluster.execute(.create(APIObject(pod)))
        cluster.run(until: SimulatedTime(seconds: 5))
        cluster.stop("node-0", lastRenewal: cluster.now)
        cluster.execute(.delete(Self.key, DeleteOptions()))
        cluster.run(until: SimulatedTime(seconds: 60))
        #expect(
            Self.conditions(cluster) == [
                "ContentDeletionFailed: Failed to delete all resource types, 1 remaining: "
                    + "unexpected items still remain in namespace: shop for gvr: /v1, Resource=pods"
            ])
    }
}
