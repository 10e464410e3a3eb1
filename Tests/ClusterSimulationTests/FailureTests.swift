// What the cluster does about nodes that fail, held to Kubernetes' defaults and to what was recorded of a real control plane.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling
import Testing

@testable import ClusterSimulation

@Suite("Failures of nodes")
struct FailureTests {
    /// Zone b stops at 60 s for 900 s.
    static func zoneLoss(_ change: (inout ClusterConfiguration) -> Void = { _ in }) throws -> Cluster {
        try shop {
            $0.faults = [Fault(nodes: .zone("b"), effect: .kubeletStop, schedule: .once(at: at(60), down: .seconds(900)))]
            change(&$0)
        }
    }

    @Test("A lost zone is noticed, evicted after 300 s and replaced at once", arguments: [UInt64(1), 2, 3, 4, 5])
    func zoneIsReplaced(seed: UInt64) throws {
        var cluster = try FailureTests.zoneLoss { $0.seed = seed }
        cluster.run(until: at(900))
        for node in ["b-0", "b-1"] {
            let unknown = try #require(
                cluster.time(Node.self) { $0.metadata.name == node && $0.status.conditions[.ready]?.status == .unknown })
            #expect((40...55).contains((unknown - at(60)).seconds))
            #expect(cluster.taints(node) == ["unreachable:NoExecute", "unreachable:NoSchedule"])
        }
        let taints: [String: SimulatedTime] = try Dictionary(
            uniqueKeysWithValues: ["b-0", "b-1"].map { node in
                let time = cluster.time(Node.self) { candidate in
                    candidate.metadata.name == node && candidate.spec.taints.contains { $0.effect == .noExecute }
                }
                return (node, try #require(time))
            })
        var expected: [SimulatedTime] = []
        for pod in cluster.record.pods where pod.node?.hasPrefix("b-") == true {
            let deleted = try #require(pod.deletionRequested)
            let tainted = try #require(taints[pod.node ?? ""])
            #expect((300...300.2).contains((deleted - tainted).seconds), "\(pod.name)")
            #expect(pod.reason == "DeletionByTaintManager")
            expected.append(deleted)
        }
        let replacements = cluster.record.pods.filter { $0.created > at(60) }.map(\.created)
        #expect(replacements.count == expected.count)
        for (deleted, created) in zip(expected.sorted(), replacements.sorted()) {
            #expect((0.004...0.020).contains((created - deleted).seconds))
        }
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.nodes == 2 && recovery.affectedPods == expected.count && recovery.evictedPods == expected.count)
        #expect(recovery.otherPods == 0)
        #expect(recovery.evicted == expected.max() && recovery.firstEvicted == expected.min())
        #expect(recovery.replaced == replacements.max())
        #expect(recovery.recovered == cluster.record.pods.compactMap(\.ready).max())
        #expect(cluster.deployment("web")?.status.availableReplicas == 6)
    }

    @Test("Nodes that return lose their taints, and their terminating pods finish")
    func zoneReturns() throws {
        var cluster = try FailureTests.zoneLoss()
        cluster.run(until: at(959))
        let leaving = cluster.pods.filter(\.metadata.isTerminating)
        #expect(!leaving.isEmpty)
        // The kubelet's word ends NoSchedule at once; NoExecute goes with the node monitor's next pass.
        cluster.run(until: at(960.02))
        #expect(cluster.isReady("b-0") && !cluster.taints("b-0").contains("unreachable:NoSchedule"))
        cluster.run(until: at(966))
        #expect(cluster.taints("b-0").isEmpty && cluster.taints("b-1").isEmpty)
        #expect(cluster.pods.allSatisfy { !$0.metadata.isTerminating })
        #expect(cluster.pods.count == 6)
        #expect(cluster.record.recoveries.first?.returned == at(960))
        // A pod that is being stopped was never called ready again.
        for event in cluster.record.watchLog where event.time > at(960) {
            if case .pod(let pod) = event.object, leaving.contains(where: { $0.metadata.uid == pod.value.metadata.uid }) {
                #expect(!pod.value.isReady)
            }
        }
    }

    @Test("Tolerations decide how long pods stay", arguments: [30, 0, nil] as [Int64?])
    func tolerations(seconds: Int64?) throws {
        var cluster = try FailureTests.zoneLoss {
            $0.objects = [deployment("web", replicas: 6) { $0.tolerations = tolerating(seconds) }]
        }
        cluster.run(until: at(950))
        let deleted = cluster.record.pods.compactMap(\.deletionRequested)
        guard let seconds else {
            #expect(deleted.isEmpty)
            #expect(cluster.pods.count { $0.nodeName?.hasPrefix("b-") == true } == 2)
            cluster.run(until: at(970))
            #expect(cluster.deployment("web")?.status.readyReplicas == 6)
            #expect(cluster.record.pods.allSatisfy { $0.restarts == 0 })
            return
        }
        let tainted = try #require(cluster.time(Node.self) { $0.spec.taints.contains { $0.effect == .noExecute } })
        #expect(deleted.count == 2)
        let first = try #require(deleted.min())
        #expect((first - tainted).seconds >= Double(seconds) && (first - tainted).seconds < Double(seconds) + 0.2)
    }

    @Test("A crash restarts containers, a stopped kubelet does not", arguments: [Fault.Effect.crash, .kubeletStop])
    func crashAgainstKubeletStop(effect: Fault.Effect) throws {
        var cluster = try shop {
            $0.faults = [Fault(nodes: .node("b-0"), effect: effect, schedule: .once(at: at(60), down: .seconds(20)))]
        }
        cluster.run(until: at(59))
        let there = Set(cluster.pods(onNode: "b-0").map(\.metadata.uid))
        #expect(!there.isEmpty)
        cluster.run(until: at(120))
        for pod in cluster.pods where there.contains(pod.metadata.uid) {
            #expect(pod.status.restarts == (effect == .crash ? 1 : 0))
            #expect(pod.isReady)
        }
        #expect(cluster.pods.count == 6)
        // Back before anybody noticed: healed when the containers run again.
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.detected == nil && recovery.evictedPods == 0)
        #expect(recovery.returned == at(80))
        let recovered = try #require(recovery.recovered)
        #expect(recovered <= at(84))
    }

    @Test("A node is back when its last cause of failure is over")
    func overlappingFaults() throws {
        var cluster = try shop {
            $0.faults = [
                Fault(nodes: .node("b-0"), schedule: .once(at: at(60), down: .seconds(100))),
                Fault(nodes: .zone("b"), schedule: .once(at: at(80), down: .seconds(200))),
            ]
        }
        cluster.run(until: at(170))
        #expect(!cluster.isReady("b-0") && !cluster.isReady("b-1"))
        cluster.run(until: at(290))
        #expect(cluster.isReady("b-0") && cluster.isReady("b-1"))
        let record = cluster.finish()
        #expect(record.recoveries.map(\.nodes) == [1, 1])
        #expect(record.recoveries.map(\.returned) == [at(280), at(280)])
        let down = Dictionary(uniqueKeysWithValues: record.nodes.map { ($0.name, $0.downTime) })
        #expect(down["b-0"] == .seconds(220) && down["b-1"] == .seconds(200))
    }

    @Test("Random failures are the same whatever else the cluster does")
    func commonRandomNumbers() throws {
        func failures(_ change: (inout ClusterConfiguration) -> Void) throws -> [String] {
            var cluster = try shop {
                if let fail = try? Distribution.exponential(mean: 1800), let repair = try? Distribution.exponential(mean: 300) {
                    $0.faults = [Fault(nodes: .all, schedule: .random(timeToFailure: fail, timeToRepair: repair))]
                }
                change(&$0)
            }
            cluster.run(until: at(4 * 3600))
            return cluster.finish().recoveries.map { "\($0.subject) \($0.failed) \($0.returned.map { "\($0)" } ?? "")" }
        }
        let plain = try failures { _ in }
        #expect(plain.count > 20)
        let packed = try failures {
            $0.scheduler.profiles[0].plugins = [
                ExtensionPointConfiguration(.score, disabled: ["NodeResourcesFit", "NodeResourcesBalancedAllocation"])
            ]
        }
        #expect(packed == plain)
        let loaded = try failures {
            $0.objects.append(deployment("more", replicas: 9))
            $0.timeline = [TimelineEntry(at: at(100), action: .addNodes([machine("late", zone: "d")]))]
        }
        #expect(loaded.filter { !$0.contains("late") } == plain)
        let reseeded = try failures { $0.seed = 2 }
        #expect(reseeded != plain)
    }

    /// As recorded of a node whose kubelet reported that it was not ready for 35 s.
    @Test("A node that says itself that it is not ready is tainted, but its pods stay ready")
    func notReady() throws {
        var cluster = try shop(nodesPerZone: 1, replicas: 12) {
            $0.objects.append(deployment("fast", replicas: 6, cpu: 100) { $0.tolerations = tolerating(20) })
        }
        cluster.run(until: at(60))
        func report(_ cluster: inout Cluster, _ status: ConditionStatus, _ reason: String) {
            let condition = Condition(.ready, status, reason: reason, lastTransitionTime: cluster.now.truncatedToSeconds)
            cluster.ask(.patchNode("b-0", .conditions([condition])))
        }
        let web = cluster.pods(of: "web").filter { $0.nodeName == "b-0" }.map(\.metadata.uid)
        let fast = cluster.pods(of: "fast").filter { $0.nodeName == "b-0" }
        report(&cluster, .false, "KubeletNotReady")
        cluster.run(until: at(60.1))
        #expect(cluster.taints("b-0") == ["not-ready:NoSchedule"])
        cluster.run(until: at(65.2))
        #expect(cluster.taints("b-0") == ["not-ready:NoExecute", "not-ready:NoSchedule"])
        cluster.run(until: at(95))
        let evicted = cluster.record.pods.filter { $0.deletionRequested != nil }
        #expect(!fast.isEmpty && Set(evicted.map(\.name)) == Set(fast.map(\.metadata.key)))
        for pod in evicted { #expect(pod.deletionRequested.map { (85...85.3).contains($0.seconds) } == true) }
        #expect(cluster.deployment("web")?.status.readyReplicas == 12)
        report(&cluster, .true, "KubeletReady")
        cluster.run(until: at(95.1))
        #expect(cluster.taints("b-0") == ["not-ready:NoExecute"])
        cluster.run(until: at(101))
        #expect(cluster.taints("b-0").isEmpty)
        #expect(cluster.pods(of: "web").filter { $0.nodeName == "b-0" }.map(\.metadata.uid) == web)
        let cancelled = cluster.record.events.filter { $0.event.value.message.hasPrefix("Cancelling deletion of Pod shop/web-") }
        #expect(cancelled.count == web.count)
        #expect(!cluster.record.events.contains { $0.event.value.reason == "NodeNotReady" })
    }

    @Test("Only what the failure drove off counts as evicted")
    func evictionsOfAFailure() throws {
        // Scaled to nothing while the node is away: its pods go, but not because of the failure.
        var cluster = try FailureTests.zoneLoss {
            $0.timeline = [TimelineEntry(at: at(150), action: .scale(ObjectKey(.deployment, name("web")), replicas: 0))]
            $0.objects.append(barePod("alone") { $0.nodeSelector = [Node.hostnameLabel: "b-0"] })
        }
        cluster.run(until: at(59))
        let affected = (cluster.pods(of: "web")).count { $0.nodeName?.hasPrefix("b-") == true }
        cluster.run(until: at(700))
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.affectedPods == affected && affected > 0 && recovery.evictedPods == 0)
        #expect(recovery.otherPods == 1)
        #expect(recovery.replaced == nil)
        // Nothing is wanted any more, so nothing is missing.
        #expect(recovery.recovered.map { $0 >= at(150) && $0 < at(151) } == true)
        #expect(cluster.record.pods.first { $0.name == name("alone") }?.reason == "DeletionByTaintManager")
    }

    @Test("A node whose object was deleted while it was down registers anew")
    func reRegistration() throws {
        var cluster = try shop {
            $0.objects = [deployment("web", replicas: 12) { $0.tolerations = [Toleration(key: "dedicated", operator: .exists)] }]
            $0.nodes[2].spec.taints = [Taint(key: "dedicated", value: "c", effect: .preferNoSchedule)]
            $0.faults = [Fault(nodes: .node("c-0"), schedule: .once(at: at(60), down: .seconds(300)))]
            $0.timeline = [TimelineEntry(at: at(100), action: .delete(ObjectKey(.node, "c-0")))]
        }
        cluster.run(until: at(59))
        let lost = cluster.pods(onNode: "c-0").count
        #expect(lost > 0)
        cluster.run(until: at(355))
        #expect(cluster.node("c-0") == nil)
        // Pod garbage collection: 40 s of quarantine, then its next pass.
        let collected = cluster.record.pods.filter { $0.reason == "DeletionByPodGC" }
        #expect(collected.count == lost)
        for pod in collected { #expect(pod.deleted.map { (140...181).contains($0.seconds) } == true) }
        cluster.run(until: at(361))
        #expect(cluster.isReady("c-0") && cluster.taints("c-0") == ["dedicated:PreferNoSchedule"])
        cluster.run(until: at(366))
        #expect(cluster.record.events.contains { $0.event.value.reason == "RegisteredNode" && $0.event.value.involved.name == "c-0" })
        #expect(cluster.finish().nodes.first { $0.name == "c-0" }?.left == nil)
        let recovery = try #require(cluster.record.recoveries.first)
        #expect(recovery.evictedPods == lost && recovery.replaced != nil && recovery.recovered != nil)
    }
}
