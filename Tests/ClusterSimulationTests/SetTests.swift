// What becomes of StatefulSets and DaemonSets when a node is lost: names are not given twice, and daemons stay where they are.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite struct SetTests {
    private static let labels: Labels = ["app": "db"]

    /// Pods of which two do not fit on a node.
    private static func database(_ replicas: Int32) -> APIObject {
        var spec = StatefulSetSpec(
            replicas: replicas, selector: LabelSelector(matchLabels: labels),
            template: PodTemplate(labels: labels, spec: podSpec(cpu: 2500)))
        spec.podManagementPolicy = .parallel
        return APIObject(StatefulSet(metadata: ObjectMeta(name: "db", namespace: "shop"), spec: spec))
    }

    private static func agent() -> APIObject {
        let labels: Labels = ["app": "agent"]
        return APIObject(
            DaemonSet(
                metadata: ObjectMeta(name: "agent", namespace: "shop"),
                spec: DaemonSetSpec(
                    selector: LabelSelector(matchLabels: labels), template: PodTemplate(labels: labels, spec: podSpec(cpu: 100)))))
    }

    @Test("A pod of a StatefulSet on a lost node is replaced only when the node is back; a daemon pod just waits there")
    func aNodeIsLost() throws {
        var cluster = try shop(nodesPerZone: 2) {
            $0.objects = [Self.database(6), Self.agent()]
            $0.faults = [Fault(nodes: .node("a-0"), schedule: .once(at: at(60), down: .seconds(900)))]
        }
        func status(_ cluster: Cluster) -> DaemonSetStatus? { cluster.api.objects.get(DaemonSet.self, name("agent"))?.value.status }
        cluster.run(until: at(55))
        #expect(cluster.pods(of: "agent").count == 6 && status(cluster)?.numberAvailable == 6)
        #expect(cluster.pods(of: "db").map(\.metadata.name).sorted() == (0..<6).map { "db-\($0)" })
        let lost = try #require(cluster.pods(of: "db").first { $0.nodeName == "a-0" })
        let daemon = try #require(cluster.pods(of: "agent").first { $0.nodeName == "a-0" })

        cluster.run(until: at(900))
        #expect(cluster.pods(of: "db").count == 6)
        let present = try #require(cluster.pods(of: "db").first { $0.metadata.name == lost.metadata.name })
        #expect(present.metadata.uid == lost.metadata.uid && present.metadata.isTerminating)
        #expect(status(cluster)?.numberUnavailable == 1 && status(cluster)?.desiredNumberScheduled == 6)

        cluster.run(until: at(1200))
        #expect(cluster.pods(of: "db").count == 6 && cluster.pods(of: "db").allSatisfy { $0.isReady && !$0.metadata.isTerminating })
        #expect(!cluster.pods.contains { $0.metadata.uid == lost.metadata.uid })
        #expect(cluster.pods(of: "agent").contains { $0.metadata.uid == daemon.metadata.uid && $0.isReady })
        #expect(status(cluster)?.numberUnavailable == 0)
    }
}
