// What holds at every moment of every run, checked while a busy scenario goes on.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import Scheduling
import Testing

@testable import ClusterSimulation

@Suite("Invariants of a running cluster")
struct InvariantTests {
    @Test("Nothing is over-committed, bound twice, or counted wrongly", arguments: [UInt64(1), 2, 3])
    func throughoutARun(seed: UInt64) throws {
        var cluster = try DeterminismTests.busy(seed: seed)
        var boundTo: [UID: String] = [:]
        var last = SimulatedTime.zero
        for step in 1...1800 {
            cluster.run(until: at(Double(step) / 2))
            #expect(cluster.now >= last)
            last = cluster.now
            if let next = cluster.nextEventTime { #expect(next >= cluster.now) }
            for pod in cluster.pods {
                guard let node = pod.nodeName else { continue }
                #expect(boundTo[pod.metadata.uid, default: node] == node, "pod \(pod.metadata.name) is bound twice")
                boundTo[pod.metadata.uid] = node
            }
            expectRoomOnEveryNode(cluster)
            if step.isMultiple(of: 20) { expectCountsToMatch(cluster) }
        }
    }

    private func expectRoomOnEveryNode(_ cluster: Cluster) {
        var requested: [String: (cpu: Int64, memory: Int64, pods: Int64)] = [:]
        for pod in cluster.pods where !pod.isTerminal {
            guard let node = pod.nodeName else { continue }
            let requests = pod.spec.value.effectiveRequests
            var sum = requested[node] ?? (0, 0, 0)
            sum.cpu += requests[.cpu]?.milliValue ?? 0
            sum.memory += requests[.memory]?.value ?? 0
            sum.pods += 1
            requested[node] = sum
        }
        for node in cluster.api.objects.all(Node.self).map(\.value) {
            guard let sum = requested[node.metadata.name] else { continue }
            let room = node.status.allocatable
            #expect(sum.cpu <= room[.cpu]?.milliValue ?? 0, "cpu of \(node.metadata.name) at \(cluster.now)")
            #expect(sum.memory <= room[.memory]?.value ?? 0, "memory of \(node.metadata.name) at \(cluster.now)")
            #expect(sum.pods <= room[.pods]?.value ?? 0, "pods of \(node.metadata.name) at \(cluster.now)")
        }
    }

    private func expectCountsToMatch(_ cluster: Cluster) {
        var copy = cluster
        guard let sample = copy.finish().samples.last else {
            Issue.record("no sample")
            return
        }
        let pods = cluster.pods
        #expect(sample.unscheduled + sample.starting + sample.running + sample.succeeded + sample.failed == pods.count)
        #expect(sample.unscheduled == pods.count { $0.status.phase == .pending && $0.nodeName == nil })
        #expect(sample.ready == pods.count { $0.status.phase == .running && $0.isReady })
        #expect(sample.terminating == pods.count { $0.metadata.isTerminating })
        #expect(copy.record.pods.count { $0.deleted == nil } == pods.count)
        let held = pods.filter { $0.nodeName != nil && !$0.isTerminal }
        let cpu = held.reduce(0) { $0 + ($1.spec.value.effectiveRequests[.cpu]?.milliValue ?? 0) }
        #expect(sample.resources.first?.requested == Double(cpu) / 1000)
    }

    @Test("When nothing is in flight every cache equals the store", arguments: [15.0, 59, 110, 350, 500, 899])
    func cachesConverge(seconds: Double) throws {
        var cluster = try DeterminismTests.busy { $0.behaviours = [] }
        cluster.settle(at: at(seconds))
        for kind in [Kind.pod, .node, .replicaSet, .deployment, .namespace] {
            let stored = Array(cluster.api.objects[kind].objects)
            let cached = Array(cluster.controllerManager.informers.tables[kind].objects)
            #expect(stored.count == cached.count)
            #expect(stored.allSatisfy { cluster.controllerManager.informers[$0.key] == $0 })
        }
        let cache = cluster.scheduler.cache
        #expect(cache.nodeCount == cluster.api.objects[.node].count || cache.nodes.order.isEmpty)
        for pod in cluster.pods {
            let placed = cache.placedPod(pod.metadata.uid)
            if pod.nodeName == nil || pod.isTerminal { continue }
            #expect(placed.map { cache.nodes.names[$0.node] } == pod.nodeName)
        }
        let assigned = cluster.pods.count { $0.nodeName != nil && !$0.isTerminal }
        #expect(cache.podCount == assigned)
    }

    @Test("A quiet cluster costs nothing")
    func quiet() throws {
        var cluster = try shop { $0.recording.interval = nil }
        cluster.run(until: at(30))
        let before = cluster
        cluster.run(until: at(7 * 86_400))
        var (old, new) = (before, cluster)
        #expect(new.finish().handledEvents - old.finish().handledEvents < 20)
        #expect(cluster.record.watchLog.count == before.record.watchLog.count)
    }

    @Test("Nodes of petabytes are counted like others", arguments: [(6, true), (9, false)])
    func hugeNodes(pebibytes: Int64, fits: Bool) throws {
        var cluster = try shop(replicas: 0) {
            for index in $0.nodes.indices {
                $0.nodes[index].status.capacity[.memory] = Quantity(bytes: 16 << 50)
                $0.nodes[index].status.allocatable[.memory] = Quantity(bytes: 16 << 50)
            }
            $0.checksInvariants = true
        }
        cluster.run(until: at(1))
        for index in 1...2 {
            // Bound by hand: no scheduler was asked.
            let spec = podSpec { $0.containers[0].resources.requests[.memory] = Quantity(bytes: pebibytes << 50) }
            cluster.ask(
                .create(APIObject(Pod(metadata: ObjectMeta(name: "huge-\(index)", namespace: "shop"), spec: spec, nodeName: "a-0"))))
        }
        cluster.run(until: at(2))
        #expect(cluster.violation?.invariant == (fits ? nil : .nodeOverAllocatable))
    }
}
