// The accounts of nodes: what is added and taken away leaves no trace.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Scheduler cache")
struct CacheTests {
    /// What plugins see of a node.
    private struct Row: Equatable {
        var resources: NodeResources
        var gpus: Int64
        var ports: [HostPort]
        var pods: Int
    }

    private func rows(_ cache: SchedulerCache, gpu: Int) -> [Row] {
        cache.nodes.order.map { slot in
            Row(
                resources: cache.nodes.resources[slot], gpus: cache.nodes.requested(gpu, on: slot),
                ports: cache.nodes.ports[slot].sorted { ($0.port, $0.address) < ($1.port, $1.address) },
                pods: cache.nodes.pods[slot].count)
        }
    }

    @Test("forgetting all assumptions, in any order, restores every node", arguments: 0..<20 as Range<UInt64>)
    func assumeAndForget(seed: UInt64) throws {
        var cluster = RandomCluster(seed: seed, nodes: 12, pods: 40)
        var table = NodeTable()
        guard case .scalar(let gpu) = table.reference(to: RandomCluster.gpu) else {
            Issue.record("an extended resource is scalar")
            return
        }
        var cache = SchedulerCache(nodes: table)
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        for pod in cluster.bound { cache.setPod(Shared(pod)) }
        cache.refreshOrder()
        let before = rows(cache, gpu: gpu)
        var assumed: [Pod] = []
        for number in 0..<30 {
            let pod = cluster.pod(named: "assumed-\(number)")
            let info = cache.info(Shared(pod))
            cache.assume(info, on: cache.nodes.order[cluster.below(12)])
            assumed.append(pod)
        }
        while !assumed.isEmpty {
            let pod = assumed.remove(at: cluster.below(assumed.count))
            let wasAssumed = cache.forget(pod.metadata.uid)
            #expect(wasAssumed)
        }
        #expect(rows(cache, gpu: gpu) == before)
    }

    @Test("a confirmed assumption counts once, one confirmed elsewhere moves, and neither can be forgotten")
    func confirmation() {
        var cluster = RandomCluster(seed: 7, nodes: 2, pods: 0)
        var cache = SchedulerCache()
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        cache.refreshOrder()
        var pod = cluster.pod(named: "p")
        let info = cache.info(Shared(pod))
        cache.assume(info, on: cache.nodes.order[0])
        #expect(cache.nodes.resources[cache.nodes.order[0]].podCount == 1)
        pod.nodeName = cache.nodes.names[cache.nodes.order[0]]
        cache.setPod(Shared(pod))
        #expect(cache.nodes.resources[cache.nodes.order[0]].podCount == 1)
        let wasAssumed = cache.forget(pod.metadata.uid)
        #expect(!wasAssumed)
        pod.nodeName = cache.nodes.names[cache.nodes.order[1]]
        cache.setPod(Shared(pod))
        #expect(cache.nodes.order.map { cache.nodes.resources[$0].podCount } == [0, 1])
        cache.removePod(pod.metadata.uid)
        #expect(cache.nodes.order.map { cache.nodes.resources[$0] }.allSatisfy { $0.podCount == 0 && $0.requestedMilliCPU == 0 })
    }

    @Test("pods outlive their node's object, and the row is used again when both are gone")
    func deletedNode() {
        let cluster = RandomCluster(seed: 9, nodes: 3, pods: 5)
        var cache = SchedulerCache()
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        for pod in cluster.bound { cache.setPod(Shared(pod)) }
        cache.refreshOrder()
        for node in cluster.nodes { cache.removeNode(node.metadata.name) }
        cache.refreshOrder()
        #expect(cache.nodes.order.isEmpty)
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        cache.refreshOrder()
        let counts = cache.nodes.order.reduce(0) { $0 + cache.nodes.resources[$1].podCount }
        #expect(counts == 5)
        for pod in cluster.bound { cache.removePod(pod.metadata.uid) }
        for node in cluster.nodes { cache.removeNode(node.metadata.name) }
        cache.refreshOrder()
        var fresh = RandomCluster(seed: 10, nodes: 3, pods: 0)
        _ = fresh.below(2)
        for node in fresh.nodes { cache.setNode(Shared(node)) }
        cache.refreshOrder()
        #expect(cache.nodes.slotCount == 3)
        #expect(cache.nodes.order.allSatisfy { cache.nodes.resources[$0].podCount == 0 })
    }
}
