// Quotas, node ranges and client limits in a whole cluster.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Admission and limits in a cluster")
struct AdmissionTests {
    private func quota(_ hard: ResourceList) -> APIObject {
        var quota = ResourceQuota(metadata: ObjectMeta(name: "q", namespace: "shop"))
        quota.spec.hard = hard
        return APIObject(quota)
    }

    @Test func `a Deployment that meets a quota fails to create, says so, and goes on when there is room`() throws {
        var cluster = try shop(replicas: 4) {
            $0.objects.insert(quota(["requests.cpu": Quantity(1), "count/configmaps": Quantity(5)]), at: 0)
            // The quota is counted before the first pod comes.
            $0.timeline = [TimelineEntry(at: at(5), action: .apply([deployment("late", replicas: 3)]))]
        }
        cluster.run(until: at(30))
        let stored = try #require(cluster.api.objects.get(ResourceQuota.self, name("q"))?.value)
        #expect(stored.status.used["count/configmaps"] == Quantity(1))
        #expect(stored.status.used["requests.cpu"] == Quantity(1))
        #expect(cluster.pods.count == 2)
        let set = try #require(cluster.replicaSets.first { $0.metadata.name.hasPrefix("late-") })
        let failure = try #require(set.status.conditions[.replicaFailure])
        #expect(failure.reason == "FailedCreate")
        #expect(
            failure.message.hasSuffix("exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1"))
        #expect(cluster.deployment("late")?.status.conditions[.replicaFailure]?.status == .true)
        #expect(
            cluster.record.events.contains { $0.event.value.reason == "FailedCreate" && $0.event.value.source == "replicaset-controller" })
        cluster.ask(.operate(ObjectKey(.resourceQuota, name("q")), .apply(quota(["requests.cpu": Quantity(8)]))))
        cluster.run(until: at(600))
        #expect(cluster.pods(of: "web").count == 4 && cluster.pods(of: "late").count == 3)
        #expect(cluster.deployment("late")?.status.conditions[.replicaFailure] == nil)
    }

    @Test func `pods have addresses of their nodes' ranges, each its own, used again last`() throws {
        var cluster = try shop(replicas: 60)
        cluster.run(until: at(60))
        func check() throws {
            var seen: Set<String> = []
            for pod in cluster.pods where !pod.status.podIP.isEmpty && !pod.isTerminal {
                let range = try #require(cluster.node(pod.nodeName ?? "")?.spec.podRange)
                let address = try #require(AddressRange.address(pod.status.podIP))
                #expect(range.contains(address) && address & 255 >= 2 && address & 255 < 255)
                #expect(seen.insert(pod.status.podIP).inserted)
            }
        }
        try check()
        #expect(cluster.node("a-0")?.spec.podCIDRs == ["10.244.0.0/24"])
        let before = Set(cluster.pods.map(\.status.podIP))
        for pod in cluster.pods.prefix(20) { cluster.ask(.delete(ObjectKey(.pod, pod.metadata.key), DeleteOptions())) }
        cluster.run(until: at(120))
        try check()
        #expect(cluster.pods.count { !before.contains($0.status.podIP) } == 20)
    }

    @Test func `with node IPAM off nodes have no ranges`() throws {
        let cluster = try shop { $0.controllerManager.allocateNodeCIDRs = false }
        #expect(cluster.node("a-0")?.spec.podCIDR == "")
    }

    @Test("A mass eviction is paced by the client's limit, not by the number of pods", arguments: [5.0, 20, 200])
    func evictionIsPaced(queriesPerSecond: Double) throws {
        var configuration = ClusterConfiguration(seed: 1)
        configuration.nodes = (0..<2).map { number in
            var node = machine("n-\(number)", cpu: 64000, pods: 300)
            node.status.allocatable[.memory] = Quantity(bytes: 64 << 30)
            return node
        }
        configuration.objects = [deployment("web", replicas: 200, cpu: 100) { $0.tolerations = tolerating(60) }]
        configuration.timing.controllerLimit = ClientLimit(queriesPerSecond: queriesPerSecond, burst: 10)
        configuration.faults = [Fault(nodes: .node("n-0"), effect: .kubeletStop, schedule: .once(at: at(300), down: nil))]
        var cluster = try Cluster(configuration)
        cluster.run(until: at(900))
        let evicted = cluster.record.pods.filter { $0.node == "n-0" }.compactMap(\.deletionRequested).sorted()
        #expect(evicted.count >= 80)
        let tainted = try #require(cluster.time(Node.self) { $0.spec.taints.contains { $0.effect == .noExecute } })
        let last = (try #require(evicted.last) - tainted).seconds - 60
        // All wait for the same bucket: each pod's condition, then its deletion, and some of the events between them.
        let requests = Double(evicted.count)
        let bounds = ((2 * requests - 10) / queriesPerSecond)...(3 * requests / queriesPerSecond + 0.5)
        #expect(bounds.contains(last), "\(last) s for \(evicted.count) pods, not \(bounds)")
    }
}
