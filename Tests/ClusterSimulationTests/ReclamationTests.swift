// Machines that are taken back: what recoveries.csv tells of them.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Reclamation")
struct ReclamationTests {
    /// Node a-0 gets two minutes' notice at 60 s.
    private func run(isHandled: Bool, until end: Double) throws -> RunRecord {
        var cluster = try shop {
            let reclamation = Reclamation(notice: .minutes(2), isHandled: isHandled)
            $0.faults = [Fault(nodes: .node("a-0"), effect: .reclamation(reclamation), schedule: .once(at: at(60), down: nil))]
        }
        cluster.run(until: at(59))
        let pods = cluster.pods(onNode: "a-0").count
        cluster.run(until: at(end))
        let record = cluster.record
        #expect(record.recoveries.count == 1 && record.recoveries.first?.affectedPods == pods && pods > 0)
        return record
    }

    @Test("A node that is drained in time loses its pods before its end, and that is told")
    func drained() throws {
        let failure = try #require(try run(isHandled: true, until: 400).recoveries.first)
        #expect(failure.failed == at(60) && failure.down == at(180))
        #expect(failure.evictedPods == failure.affectedPods)
        let evicted = try #require(failure.evicted)
        let recovered = try #require(failure.recovered)
        // Every pod has to stop, and its replacement to start.
        #expect(evicted > at(60) && recovered > evicted && recovered < at(180))
        let detection = try #require(failure.timeToDetection)
        #expect(detection > .seconds(40) && detection < .seconds(60))
    }

    @Test("A node that nobody drains loses its pods with its end")
    func blind() throws {
        let failure = try #require(try run(isHandled: false, until: 400).recoveries.first)
        #expect(failure.failed == at(60) && failure.down == at(180))
        #expect(failure.evictedPods == failure.affectedPods)
        let recovered = try #require(failure.recovered)
        #expect(try #require(failure.firstEvicted) > at(220) && recovered > at(220))
    }

    @Test("Before the machine's end nothing is down and nothing is recovered")
    func noticed() throws {
        let record = try run(isHandled: false, until: 170)
        let failure = try #require(record.recoveries.first)
        #expect(failure.down == nil && failure.timeToDetection == nil && failure.recovered == nil && failure.evictedPods == 0)
    }

    @Test("The node object of a machine that was lost before it was taken back goes, too")
    func lostBefore() throws {
        var cluster = try shop {
            let reclamation = Reclamation(notice: .seconds(30), isHandled: false)
            $0.faults = [
                Fault(nodes: .node("a-0"), effect: .kubeletStop, schedule: .once(at: at(60), down: nil)),
                Fault(nodes: .node("a-0"), effect: .reclamation(reclamation), schedule: .once(at: at(200), down: nil)),
            ]
        }
        cluster.run(until: at(229))
        #expect(cluster.stored(ObjectKey(.node, "a-0")) != nil)
        cluster.run(until: at(240))
        #expect(cluster.stored(ObjectKey(.node, "a-0")) == nil)
    }

    @Test("Pods that their kubelet ends before the machine goes are told of with the reason of their own status")
    func shutdown() throws {
        var cluster = try shop {
            $0.nodeAgent.shutdownGracePeriod = .seconds(30)
            let reclamation = Reclamation(notice: .minutes(1), isHandled: false)
            $0.faults = [Fault(nodes: .node("a-0"), effect: .reclamation(reclamation), schedule: .once(at: at(60), down: nil))]
        }
        cluster.run(until: at(59))
        let pods = cluster.pods(onNode: "a-0").count
        cluster.run(until: at(300))
        let ended = cluster.record.pods.filter { $0.reason == "Terminated" }
        #expect(ended.count == pods && pods > 0)
        #expect(ended.allSatisfy { $0.phase == .failed && ($0.finished ?? .zero) > at(90) && ($0.finished ?? .distantFuture) < at(120) })
        #expect(!cluster.record.pods.contains { $0.reason == "TerminationByKubelet" })
    }

    @Test("What comes in the place of a machine evicts as that one did")
    func settings() throws {
        var cluster = try shop {
            for index in $0.nodes.indices { $0.nodes[index].status.capacity[.ephemeralStorage] = Quantity(bytes: 100 << 30) }
            var eviction = EvictionSettings()
            eviction.thresholds = [EvictionThreshold(.nodefsAvailable, .share(0.5))]
            $0.nodeAgent.evictionByNode["a-0"] = eviction
            let reclamation = Reclamation(notice: .seconds(10), replacement: .constant(.seconds(20)))
            $0.faults = [Fault(nodes: .node("a-0"), effect: .reclamation(reclamation), schedule: .once(at: at(60), down: nil))]
            var load = OutsideLoad()
            load.disk = 60 << 30
            $0.timeline = [TimelineEntry(at: at(150), action: .setNodeLoad(.all, load))]
        }
        cluster.run(until: at(200))
        #expect(cluster.taints("a-0-r1") == ["disk-pressure:NoSchedule"])
        #expect(cluster.taints("b-0").isEmpty && cluster.isReady("b-0"))
    }
}
