// A pod of high priority in a full cluster: what everybody sees of it.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Preemption in a cluster")
struct PreemptionTests {
    private static func priorityClass(_ name: String, _ value: Int32, _ change: (inout PriorityClass) -> Void = { _ in }) -> APIObject {
        var result = PriorityClass(metadata: ObjectMeta(name: name), value: value)
        change(&result)
        return APIObject(result)
    }

    /// Two machines, each filled by two pods of a low class; at 60 s comes a pod of a high one.
    private static func crowded(_ change: (inout ClusterConfiguration) -> Void = { _ in }) throws -> Cluster {
        var configuration = ClusterConfiguration(seed: 3)
        configuration.nodes = [machine("m-0", cpu: 2000), machine("m-1", cpu: 2000)]
        configuration.objects = [priorityClass("low", 10) { $0.globalDefault = true }, priorityClass("high", 1000)]
        for number in 0..<4 {
            configuration.objects.append(barePod("low-\(number)", cpu: 900) { $0.terminationGracePeriodSeconds = 20 })
        }
        let urgent = barePod("urgent", cpu: 1500) { $0.priorityClassName = "high" }
        configuration.timeline = [TimelineEntry(at: at(60), action: .apply([urgent]))]
        configuration.defaultBehaviour.stop = .constant(.seconds(15))
        configuration.recording.watchLog = true
        change(&configuration)
        return try Cluster(configuration)
    }

    @Test("A pod of high priority takes the place of others, after their grace period")
    func displaces() throws {
        var cluster = try PreemptionTests.crowded()
        cluster.run(until: at(59))
        #expect(cluster.pods.count == 4 && cluster.pods.allSatisfy { $0.nodeName != nil && $0.spec.value.priority == 10 })
        cluster.run(until: at(70))
        let waiting = try #require(cluster.pods.first { $0.metadata.name == "urgent" })
        #expect(waiting.nodeName == nil && waiting.spec.value.priority == 1000)
        let node = try #require(waiting.status.nominatedNodeName)
        let victims = cluster.pods(onNode: node)
        #expect(victims.count == 2)
        for victim in victims {
            #expect(victim.metadata.isTerminating && victim.metadata.deletionGracePeriodSeconds == 20)
            let condition = try #require(victim.status.conditions[.disruptionTarget])
            #expect(condition.status == .true && condition.reason == "PreemptionByScheduler")
            #expect(condition.message == "default-scheduler: preempting to accommodate a higher priority pod")
            let event = try #require(
                cluster.record.events.map(\.event.value).first {
                    $0.reason == "Preempted" && $0.message == "Preempted by pod \(waiting.metadata.uid) on node \(node)"
                })
            #expect(event.severity == .normal)
        }
        let condition = try #require(waiting.status.conditions[.podScheduled])
        #expect(condition.message == "0/2 nodes are available: 2 Insufficient cpu.")
        cluster.run(until: at(120))
        let placed = try #require(cluster.pods.first { $0.metadata.name == "urgent" })
        #expect(placed.nodeName == node && placed.isReady && placed.status.nominatedNodeName == nil)
        #expect(cluster.pods.count == 3)
        // It was tried when it came, and next when there was room, not before.
        let attempts = cluster.record.attempts.filter { $0.pod.name == "urgent" }
        #expect(attempts.first?.result == .unschedulable && attempts.last?.result == .scheduled)
        // A pod whose containers have ended takes no room, though its kubelet removes it a little later.
        let removed = try #require(cluster.record.pods.filter { $0.node == node && $0.name.name != "urgent" }.compactMap(\.deleted).min())
        let left = removed - .milliseconds(550)
        #expect(attempts.dropFirst().allSatisfy { $0.start >= left })
        #expect(attempts.count <= 3)
    }

    @Test("A pod that may not preempt waits, and says why")
    func neverPreempts() throws {
        var cluster = try PreemptionTests.crowded {
            $0.objects[1] = PreemptionTests.priorityClass("high", 1000) { $0.preemptionPolicy = .never }
        }
        cluster.run(until: at(100))
        let waiting = try #require(cluster.pods.first { $0.metadata.name == "urgent" })
        #expect(waiting.nodeName == nil && waiting.status.nominatedNodeName == nil)
        #expect(
            waiting.status.conditions[.podScheduled]?.message
                == "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, "
                + "preemption: not eligible due to preemptionPolicy=Never.")
        #expect(cluster.pods.allSatisfy { !$0.metadata.isTerminating })
    }

    @Test("Displaced pods of a Deployment are replaced, and wait")
    func displacesDeployment() throws {
        var cluster = try PreemptionTests.crowded { configuration in
            configuration.objects.removeLast(4)
            configuration.objects.append(deployment("web", replicas: 4, cpu: 900))
        }
        cluster.run(until: at(200))
        let urgent = try #require(cluster.pods.first { $0.metadata.name == "urgent" })
        #expect(urgent.isReady)
        #expect(cluster.pods(of: "web").count == 4)
        #expect(cluster.pods(of: "web").filter { $0.nodeName == nil }.count == 2)
    }
}
