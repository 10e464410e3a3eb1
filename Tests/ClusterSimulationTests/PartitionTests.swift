// Nodes that are cut off from the control plane, and a control plane that does not answer.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Partitions and a failing API server")
struct PartitionTests {
    private func cutOff(_ down: SimulatedDuration, at time: Double = 60) -> [Fault] {
        [Fault(nodes: .zone("b"), effect: .partition, schedule: .once(at: at(time), down: down))]
    }

    @Test("Pods of a zone that is cut off run on, are replaced, and run twice until their kubelets hear of it")
    func duplicates() throws {
        var cluster = try shop { $0.faults = self.cutOff(.minutes(15)) }
        cluster.run(until: at(59))
        let there = cluster.pods.filter { $0.nodeName?.hasPrefix("b") == true }
        #expect(there.count == 2)
        cluster.run(until: at(60 + 14 * 60))
        // The nodes are Unknown, their pods are terminating, and their replacements run elsewhere.
        #expect(!cluster.isReady("b-0") && !cluster.isReady("b-1"))
        let evicted = cluster.pods.filter { pod in there.contains { $0.metadata.uid == pod.metadata.uid } }
        #expect(evicted.count == 2)
        #expect(evicted.allSatisfy { $0.metadata.isTerminating && $0.status.phase == .running })
        #expect(cluster.deployment("web")?.status.availableReplicas == 6)
        for pod in there { #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) != nil) }
        cluster.run(until: at(60 + 15 * 60 + 45))
        // The kubelets have listed their pods: the old ones are stopped and gone, the nodes are Ready.
        for pod in there {
            #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) == nil)
            #expect(!cluster.pods.contains { $0.metadata.uid == pod.metadata.uid })
        }
        #expect(cluster.isReady("b-0") && cluster.taints("b-0").isEmpty)
        #expect(cluster.record.recoveries.map(\.duplicates) == [2])
    }

    @Test("The lease of a node that is cut off is as old as the last renewal before it", arguments: [60.0, 63.7, 68.2])
    func detection(time: Double) throws {
        var cluster = try shop { $0.faults = self.cutOff(.minutes(5), at: time) }
        var dead = try shop { $0.faults = [Fault(nodes: .zone("b"), schedule: .once(at: at(time), down: .minutes(5)))] }
        cluster.run(until: at(time + 200))
        dead.run(until: at(time + 200))
        // Nobody can tell a node that is cut off from one that is dead.
        #expect(cluster.record.recoveries[0].firstDetected == dead.record.recoveries[0].firstDetected)
        #expect(cluster.record.recoveries[0].detected == dead.record.recoveries[0].detected)
    }

    @Test("A short partition is not noticed, and what a kubelet could not say arrives")
    func short() throws {
        var cluster = try shop {
            $0.faults = self.cutOff(.seconds(20))
            $0.defaultBehaviour.start = .constant(.seconds(65))
        }
        // The pods start while nobody hears of it.
        cluster.run(until: at(79))
        #expect(cluster.deployment("web")?.status.readyReplicas == 4)
        cluster.run(until: at(95))
        #expect(cluster.deployment("web")?.status.readyReplicas == 6)
        #expect(cluster.record.recoveries[0].detected == nil)
        #expect(cluster.pods.allSatisfy { $0.status.restarts == 0 })
    }

    @Test("A machine that is rebooted while it is cut off starts its pods when it hears of them again")
    func rebootWithinPartition() throws {
        var cluster = try shop {
            $0.faults = self.cutOff(.minutes(2))
            $0.faults.append(Fault(nodes: .node("b-0"), schedule: .once(at: at(70), down: .seconds(20))))
        }
        cluster.run(until: at(179))
        let pod = try #require(cluster.pods.first { $0.nodeName == "b-0" })
        #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) == nil)
        cluster.run(until: at(240))
        #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) != nil)
        #expect(cluster.isReady("b-0"))
        #expect(cluster.deployment("web")?.status.readyReplicas == 6)
    }

    // MARK: The API server

    @Test("In an outage nothing is stored, afterwards everything catches up")
    func outage() throws {
        var cluster = try shop {
            $0.apiServerFaults = [APIServerFault(.outage, at: at(60), down: .minutes(4))]
            $0.timeline = [
                TimelineEntry(at: at(59.9), action: .scale(ObjectKey(.deployment, name("web")), replicas: 9)),
                TimelineEntry(at: at(100), action: .scale(ObjectKey(.deployment, name("web")), replicas: 3)),
            ]
            $0.behaviours = []
        }
        cluster.run(until: at(60.1))
        let version = cluster.api.resourceVersion
        cluster.run(until: at(299))
        #expect(cluster.api.resourceVersion == version)
        // The operator is refused and told so.
        #expect(cluster.record.operations.last { $0.description.hasPrefix("scale") }?.refusalStatus == 503)
        cluster.run(until: at(600))
        #expect(cluster.deployment("web")?.status.availableReplicas == 9)
        // Kubelets renewed their leases as soon as they could: nothing was evicted.
        #expect(cluster.record.pods.allSatisfy { $0.deleted == nil })
        for node in machines(2) { #expect(cluster.isReady(node.metadata.name)) }
    }

    @Test("Containers that crash in an outage are restarted in it, and the API server hears of it later")
    func crashesInOutage() throws {
        var cluster = try shop(replicas: 2) {
            $0.apiServerFaults = [APIServerFault(.outage, at: at(30), down: .minutes(2))]
            $0.defaultBehaviour.crash = .constant(.seconds(60))
        }
        cluster.run(until: at(149))
        #expect(cluster.pods.allSatisfy { $0.status.restarts == 0 })
        cluster.run(until: at(165))
        #expect(cluster.pods.allSatisfy { $0.status.restarts >= 1 })
    }

    @Test("In a brown-out requests fail and are tried again until all is done", arguments: [UInt64(1), 2, 3])
    func brownout(seed: UInt64) throws {
        var cluster = try shop(seed: seed, replicas: 12) {
            $0.apiServerFaults = [
                APIServerFault(.brownout(latencyFactor: 20, delay: .milliseconds(100), errors: 0.3), at: .zero, down: .minutes(5))
            ]
            $0.checksInvariants = true
        }
        cluster.run(until: at(1200))
        #expect(cluster.violation == nil)
        #expect(cluster.deployment("web")?.status.availableReplicas == 12)
        for node in machines(2) { #expect(cluster.isReady(node.metadata.name)) }
    }

    @Test("A fork in the middle of an outage goes on identically")
    func fork() throws {
        var cluster = try shop {
            $0.apiServerFaults = [APIServerFault(.outage, at: at(60), down: .minutes(4))]
            $0.faults = self.cutOff(.minutes(2), at: 100)
        }
        cluster.run(until: at(150))
        var fork = cluster
        cluster.run(until: at(900))
        fork.run(until: at(900))
        #expect(cluster.finish().lines == fork.finish().lines)
    }
}
