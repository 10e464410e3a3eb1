// Faults of whole groups, machines that are taken back, and maintenance from node to node.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Faults")
struct FaultTests {
    private func racks(_ configuration: inout ClusterConfiguration) {
        for index in configuration.nodes.indices { configuration.nodes[index].metadata.labels["rack"] = "r\(index % 2)" }
    }

    @Test("A shock hits the nodes of one rack together, each with its probability, and its repair is one for all")
    func shocks() throws {
        let (fail, repair) = (try Distribution.exponential(mean: 400), try Distribution.uniform(low: 20, high: 60))
        func run(_ probability: Double) throws -> RunRecord {
            var cluster = try shop(nodesPerZone: 8) {
                self.racks(&$0)
                var fault = Fault(nodes: .all, schedule: .random(timeToFailure: fail, timeToRepair: repair, until: at(3600)))
                fault.commonTo = "rack"
                fault.probability = probability
                $0.faults = [fault]
            }
            cluster.run(until: at(4000))
            return cluster.finish()
        }
        let all = try run(1)
        #expect(all.recoveries.count > 5)
        #expect(all.recoveries.allSatisfy { $0.nodes == 12 && ["rack/r0", "rack/r1"].contains($0.subject) })
        #expect(all.recoveries.allSatisfy { $0.failed <= at(3600) && $0.returned != nil })
        let some = try run(0.5)
        // The shocks are the same, the nodes they hit are about half.
        #expect(some.recoveries.map(\.failed) == all.recoveries.map(\.failed))
        let hits = some.recoveries.reduce(0) { $0 + $1.nodes }
        #expect((some.recoveries.count * 4...some.recoveries.count * 8).contains(hits))
    }

    @Test("A machine that is taken back is drained in time, its node object goes, and a new machine comes")
    func reclamation() throws {
        let taken = Reclamation(notice: .minutes(2), replacement: .constant(.seconds(90)))
        var cluster = try shop(nodesPerZone: 1) {
            $0.faults = [Fault(nodes: .node("b-0"), effect: .reclamation(taken), schedule: .once(at: at(60), down: nil))]
        }
        cluster.run(until: at(90))
        // Heeded: the node is empty long before the machine ends.
        #expect(cluster.pods(onNode: "b-0").isEmpty)
        #expect(cluster.node("b-0")?.spec.unschedulable == true)
        #expect(cluster.isReady("b-0"))
        #expect(cluster.deployment("web")?.status.availableReplicas == 6)
        cluster.run(until: at(60 + 120 + 89))
        #expect(cluster.node("b-0-r1") == nil)
        cluster.run(until: at(60 + 120 + 92))
        let new = try #require(cluster.node("b-0-r1"))
        #expect(new.isReady && new.zone == "b" && !new.spec.unschedulable)
        cluster.run(until: at(400))
        // The cloud controller deletes the object of a node that is not ready and has no machine.
        #expect(cluster.node("b-0") == nil)
        #expect(cluster.record.pods.allSatisfy { $0.phase != .failed })
    }

    @Test("Nobody heeds the notice: the pods are gone with the machine, and replaced after it is noticed")
    func reclamationUnheeded() throws {
        let taken = Reclamation(notice: .seconds(30), isHandled: false)
        var cluster = try shop(nodesPerZone: 1) {
            $0.faults = [Fault(nodes: .node("b-0"), effect: .reclamation(taken), schedule: .once(at: at(60), down: nil))]
        }
        cluster.run(until: at(89))
        #expect(cluster.pods(onNode: "b-0").count == 2)
        cluster.run(until: at(400))
        #expect(cluster.node("b-0") == nil)
        #expect(cluster.deployment("web")?.status.availableReplicas == 6)
        #expect(cluster.pods.count == 6)
    }

    @Test("Maintenance empties and reboots node after node, never more at a time than it may", arguments: [1, 2])
    func maintenance(atOnce: Int) throws {
        var budget = PodDisruptionBudget(metadata: ObjectMeta(name: "web", namespace: "shop"))
        budget.spec.maxUnavailable = .int(1)
        budget.spec.selector = LabelSelector(matchLabels: ["app": "web"])
        let plan = MaintenancePlan(nodes: .all, maxUnavailable: atOnce, reboot: .minutes(2))
        var cluster = try shop {
            $0.objects.append(APIObject(budget))
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(plan))]
        }
        var most = 0
        for second in 60...1500 {
            cluster.run(until: at(Double(second)))
            most = max(most, machines(2).count { !cluster.nodeAgent.isRunning(cluster.nodeAgent.number(of: $0.metadata.name) ?? 0) })
        }
        #expect(most == atOnce)
        let drained = cluster.record.operations.filter { $0.description.hasPrefix("drain") }
        #expect(drained.count == 6 && drained.allSatisfy { $0.refusal == nil && $0.ended != nil })
        let whole = try #require(cluster.record.operations.first { $0.description.hasPrefix("maintenance") })
        #expect(whole.refusal == nil && whole.ended != nil)
        for node in machines(2) {
            #expect(cluster.isReady(node.metadata.name) && cluster.node(node.metadata.name)?.spec.unschedulable == false)
        }
        #expect(cluster.record.availability.filter { $0.time > at(30) }.allSatisfy { $0.available >= 5 })
    }

    @Test("A node that cannot be drained is left as it was, and maintenance goes on")
    func maintenanceBlocked() throws {
        var plan = MaintenancePlan(nodes: .all, reboot: .minutes(1))
        plan.drain.timeout = .seconds(30)
        var cluster = try shop {
            $0.objects.append(barePod("alone"))
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(plan))]
        }
        cluster.run(until: at(1200))
        let whole = try #require(cluster.record.operations.first { $0.description.hasPrefix("maintenance") })
        #expect(whole.refusal?.contains("declare no controller") == true)
        #expect(cluster.record.operations.count { $0.description.hasPrefix("drain") } == 6)
        for node in machines(2) { #expect(cluster.node(node.metadata.name)?.spec.unschedulable == false) }
    }

    @Test("A node that is cut off while it reboots is not taken for Ready: maintenance waits until it is heard of")
    func maintenanceMeetsPartition() throws {
        let plan = MaintenancePlan(nodes: .zone("a"), reboot: .seconds(20))
        var cluster = try shop {
            // From before the end of the first node's reboot, which nobody notices, until long after it.
            $0.faults = [Fault(nodes: .node("a-0"), effect: .partition, schedule: .once(at: at(75), down: .seconds(30)))]
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(plan))]
        }
        for second in 61...104 {
            cluster.run(until: at(Double(second)))
            #expect(cluster.node("a-0")?.spec.unschedulable == true && cluster.isReady("a-0"), "at \(second) s")
            #expect(cluster.node("a-1")?.spec.unschedulable == false)
        }
        cluster.run(until: at(300))
        for name in ["a-0", "a-1"] { #expect(cluster.isReady(name) && cluster.node(name)?.spec.unschedulable == false) }
        #expect(cluster.record.operations.count { $0.description.hasPrefix("drain") } == 2)
    }

    @Test("Before a machine goes down for maintenance, the pods a drain leaves have the time of graceful node shutdown")
    func maintenanceShutsDown() throws {
        let spec = Shared(PodSpec(containers: [Container(name: "agent", image: "agent:1")]))
        let set = DaemonSet(
            metadata: ObjectMeta(name: "agent", namespace: "shop"),
            spec: DaemonSetSpec(
                selector: LabelSelector(matchLabels: ["app": "agent"]), template: PodTemplate(labels: ["app": "agent"], spec: spec)))
        var cluster = try shop {
            $0.objects.append(APIObject(set))
            $0.nodeAgent.shutdownGracePeriod = .seconds(60)
            $0.defaultBehaviour.stop = .constant(.seconds(12))
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(MaintenancePlan(nodes: .node("a-0"), reboot: .minutes(2))))]
        }
        var (notReady, down) = (SimulatedTime.distantFuture, SimulatedTime.distantFuture)
        let number = try #require(cluster.nodeAgent.number(of: "a-0"))
        for second in 61...120 {
            cluster.run(until: at(Double(second)))
            if !cluster.isReady("a-0") { notReady = min(notReady, cluster.now) }
            if !cluster.nodeAgent.isRunning(number) { down = min(down, cluster.now) }
        }
        // The drain takes twelve seconds, and then the daemon does; nobody waits for the rest of the minute.
        #expect(notReady >= at(72) && notReady <= at(75))
        #expect(down - notReady >= .seconds(11) && down - notReady <= .seconds(15))
        let daemon = try #require(cluster.record.pods.first { $0.name.name.hasPrefix("agent-") && $0.node == "a-0" })
        #expect(daemon.phase == .failed)
        cluster.run(until: at(400))
        #expect(cluster.isReady("a-0") && cluster.node("a-0")?.spec.unschedulable == false)
        #expect(cluster.pods(onNode: "a-0").contains { $0.metadata.name.hasPrefix("agent-") && $0.isReady })
    }

    @Test("Maintenance that meets an outage of the API server leaves no node cordoned")
    func maintenanceInOutage() throws {
        var plan = MaintenancePlan(nodes: .all, reboot: .minutes(1))
        plan.drain.timeout = .seconds(30)
        var cluster = try shop {
            $0.apiServerFaults = [APIServerFault(.outage, at: at(60.1), down: .minutes(2))]
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(plan))]
        }
        cluster.run(until: at(120))
        // The first node was cordoned before the server went down, and cannot be made schedulable again.
        #expect(cluster.node("a-0")?.spec.unschedulable == true)
        let uncordon = try #require(cluster.record.operations.first { $0.description == "uncordon a-0" })
        #expect(uncordon.output.contains { $0.line.hasPrefix("error: unable to uncordon node \"a-0\"") && $0.line.contains("will retry") })
        cluster.run(until: at(200))
        for node in machines(2) { #expect(cluster.node(node.metadata.name)?.spec.unschedulable == false) }
        let ended = try #require(cluster.record.operations.first { $0.description == "uncordon a-0" })
        #expect(ended.refusal == nil && ended.output.allSatisfy { $0.time < at(186) })
    }

    @Test("A crash while the kubelet hangs kills the containers too, and both must be over")
    func overlapping() throws {
        var cluster = try shop {
            $0.faults = [
                Fault(nodes: .node("b-0"), effect: .kubeletStop, schedule: .once(at: at(60), down: .seconds(60))),
                Fault(nodes: .node("b-0"), schedule: .once(at: at(70), down: .seconds(20))),
            ]
        }
        cluster.run(until: at(65))
        let pod = try #require(cluster.pods.first { $0.nodeName == "b-0" })
        #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) != nil)
        cluster.run(until: at(100))
        #expect(cluster.nodeAgent.nodeRunning(pod.metadata.uid, at: cluster.now) == nil)
        cluster.run(until: at(130))
        #expect(cluster.pods.first { $0.metadata.uid == pod.metadata.uid }?.status.restarts == 1)
    }

    @Test("a fault that fills the disk brings disk pressure and its taint, which go five minutes after it was last seen full")
    func diskPressure() throws {
        var load = OutsideLoad()
        load.disk = 95 << 30
        var cluster = try shop {
            for index in $0.nodes.indices { $0.nodes[index].status.capacity[.ephemeralStorage] = Quantity(bytes: 100 << 30) }
            $0.faults = [Fault(nodes: .zone("a"), effect: .load(load), schedule: .once(at: at(60), down: .seconds(120)))]
        }
        cluster.run(until: at(59))
        #expect(cluster.taints("a-0").isEmpty)
        // The kubelet looks every ten seconds, and its status is sent every ten.
        cluster.run(until: at(82))
        #expect(cluster.taints("a-0") == ["disk-pressure:NoSchedule"] && cluster.taints("a-1") == ["disk-pressure:NoSchedule"])
        #expect(cluster.taints("b-0").isEmpty && cluster.isReady("a-0"))
        cluster.run(until: at(180 + 285))
        #expect(cluster.taints("a-0") == ["disk-pressure:NoSchedule"])
        cluster.run(until: at(180 + 325))
        #expect(cluster.taints("a-0").isEmpty && cluster.taints("a-1").isEmpty)
        #expect(cluster.record.recoveries.isEmpty)
        let told = "FAULT zone/a: 2 nodes bear 95Gi of disk from outside of pods"
        #expect(cluster.record.operations.contains { $0.description == told })
    }

    @Test(
        "a brown-out in which no lease can be renewed loses the nodes, as an outage does; a milder one does not",
        arguments: [(1.0, 0.0, true), (0.0, 10.0, true), (0.5, 1.0, false)])
    func totalBrownout(errors: Double, delay: Double, losesNodes: Bool) throws {
        var cluster = try shop {
            let effect = APIServerFault.Effect.brownout(latencyFactor: 1, delay: SimulatedDuration(seconds: delay), errors: errors)
            $0.apiServerFaults = [APIServerFault(effect, at: at(60), down: .seconds(70))]
        }
        cluster.run(until: at(600))
        let told = cluster.record.operations.map(\.description)
        #expect(told.contains { $0.hasPrefix("FAULT API server: brown-out for 1m10s, ") })
        #expect(told.contains("API server: the brown-out is over"))
        let wasLost = cluster.record.conditions.contains { $0.condition.type == .ready && $0.condition.status == .unknown }
        #expect(wasLost == losesNodes)
        #expect(cluster.isReady("a-0") && cluster.isReady("b-1") && cluster.pods(of: "web").filter(\.isReady).count == 6)
    }
}
