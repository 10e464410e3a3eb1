// Budgets, evictions and drains, end to end.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Disruption budgets, evictions and drains")
struct EvictionTests {
    private func budget(_ name: String = "web", app: String = "web", _ change: (inout PodDisruptionBudgetSpec) -> Void) -> APIObject {
        var spec = PodDisruptionBudgetSpec()
        spec.selector = LabelSelector(matchLabels: ["app": app])
        change(&spec)
        return APIObject(PodDisruptionBudget(metadata: ObjectMeta(name: name, namespace: "shop"), spec: spec))
    }

    private func status(_ cluster: Cluster, _ budget: String = "web") throws -> PodDisruptionBudgetStatus {
        try #require(cluster.api.objects.get(PodDisruptionBudget.self, name(budget))).value.status
    }

    private func changes(_ cluster: Cluster, _ budget: String = "web") -> [PodDisruptionBudgetStatus] {
        cluster.record.watchLog.compactMap { event in
            PodDisruptionBudget.cast(event.object).flatMap { $0.value.metadata.name == budget ? $0.value.status : nil }
        }
    }

    @Test("a budget follows its pods from none to all, and says when one may go")
    func counting() throws {
        var cluster = try shop { $0.objects.insert(budget { $0.minAvailable = .int(5) }, at: 0) }
        cluster.run(until: at(10))
        let last = try status(cluster)
        #expect(last.expectedPods == 6 && last.currentHealthy == 6 && last.desiredHealthy == 5 && last.disruptionsAllowed == 1)
        #expect(last.conditions[.disruptionAllowed].map { "\($0.status.rawValue)/\($0.reason)" } == "True/SufficientPods")
        let first = changes(cluster)[1]
        #expect(first.expectedPods == 0 && first.desiredHealthy == 5)
        #expect(first.conditions[.disruptionAllowed]?.reason == "InsufficientPods")
        #expect(
            cluster.record.events.contains { $0.event.value.reason == "NoPods" && $0.event.value.involvedKind == "PodDisruptionBudget" })
    }

    @Test(
        "percentages and maxUnavailable reckon with the scale of the Deployment, rounded up",
        arguments: [
            (IntOrPercent?.some(.percent(50)), IntOrPercent?.none, Int32(3)), (.percent(51), nil, 4), (nil, .percent(40), 3),
            (nil, .int(1), 5),
            (nil, .int(9), 0),
        ])
    func desired(minAvailable: IntOrPercent?, maxUnavailable: IntOrPercent?, desired: Int32) throws {
        var cluster = try shop {
            $0.objects.append(
                budget {
                    $0.minAvailable = minAvailable
                    $0.maxUnavailable = maxUnavailable
                })
        }
        cluster.run(until: at(10))
        let last = try status(cluster)
        #expect(last.expectedPods == 6 && last.desiredHealthy == desired && last.disruptionsAllowed == 6 - desired)
    }

    @Test("an eviction takes from the budget, marks the pod and deletes it; the next is refused until the replacement is ready")
    func eviction() throws {
        var cluster = try shop { $0.objects.append(budget { $0.minAvailable = .int(5) }) }
        cluster.run(until: at(10))
        let pods = cluster.pods(of: "web").map(\.metadata.key)
        cluster.ask(.evict(pods[0], EvictionOptions()))
        cluster.run(until: at(10.003))
        #expect(try status(cluster).disruptionsAllowed == 0)
        #expect(try status(cluster).disruptedPods.map(\.name) == [pods[0].name])
        guard case .failure(let refusal) = cluster.api.execute(.evict(pods[1], EvictionOptions()), at: cluster.now) else {
            Issue.record("evicted against the budget")
            return
        }
        #expect(
            refusal
                == .tooManyRequests(
                    ObjectKey(.pod, pods[1]), cause: "The disruption budget web needs 5 healthy pods and has 6 currently", retryAfter: 0)
                || "\(refusal)" == "Cannot evict pod as it would violate the pod's disruption budget.")
        cluster.run(until: at(20))
        let marked = cluster.record.watchLog.compactMap { Pod.cast($0.object)?.value }.first {
            $0.status.conditions.isTrue(.disruptionTarget)
        }
        #expect(marked?.status.conditions[.disruptionTarget]?.reason == "EvictionByEvictionAPI" && marked?.metadata.isTerminating == false)
        #expect(cluster.api.objects.get(Pod.self, pods[0]) == nil && cluster.pods(of: "web").count == 6)
        // Decremented, one healthy pod less, confirmed, one pod more, one pod less, and whole again.
        let steps = changes(cluster).drop { $0.disruptedPods.isEmpty }.map { [$0.disruptionsAllowed, $0.currentHealthy, $0.expectedPods] }
        #expect(steps == [[0, 6, 6], [0, 5, 6], [0, 5, 6], [0, 5, 7], [0, 5, 6], [1, 6, 6]])
    }

    @Test("what is refused is refused in the API server's words")
    func refusals() throws {
        var cluster = try shop {
            $0.objects += [
                budget("one") { $0.minAvailable = .int(1) }, budget("two") { $0.minAvailable = .int(1) }, barePod("naked"),
                budget("nk", app: "naked") { $0.maxUnavailable = .int(1) }, barePod("huge", cpu: 100_000),
                budget("hg", app: "huge") { $0.minAvailable = .int(5) },
            ]
        }
        cluster.run(until: at(10))
        func answer(_ pod: NamespacedName) -> APIResult {
            var copy = cluster
            return copy.api.execute(.evict(pod, EvictionOptions()), at: cluster.now)
        }
        let web = try #require(cluster.pods(of: "web").first).metadata.key
        #expect(answer(web) == .failure(.severalBudgets(ObjectKey(.pod, web))))
        #expect(answer(name("gone")) == .failure(.notFound(ObjectKey(.pod, name("gone")))))
        #expect(
            answer(name("naked"))
                == .failure(
                    .tooManyRequests(
                        ObjectKey(.pod, name("naked")), cause: "The disruption budget nk does not allow evicting pods currently",
                        retryAfter: 0)))
        #expect(cluster.record.events.contains { $0.event.value.reason == "UnmanagedPods" })
        // A pod that does not run yet is no disruption.
        #expect((try? answer(name("huge")).get()) == .some(nil))
    }

    @Test("a pod that is not ready goes under AlwaysAllow, and otherwise only while enough others are healthy")
    func unready() throws {
        var cluster = try shop {
            $0.objects.append(
                budget {
                    $0.minAvailable = .int(6)
                    $0.unhealthyPodEvictionPolicy = .alwaysAllow
                })
        }
        cluster.run(until: at(10))
        let pod = try #require(cluster.pods(of: "web").first)
        cluster.ask(
            .patchPod(
                pod.metadata.key, uid: pod.metadata.uid,
                .conditions([Condition(.ready, .false, reason: "ContainersNotReady", lastTransitionTime: at(10))])))
        // Before the kubelet says otherwise.
        cluster.run(until: at(10.01))
        #expect(try status(cluster).currentHealthy == 5)
        let other = try #require(cluster.pods(of: "web").last).metadata.key
        guard case .failure = cluster.api.execute(.evict(other, EvictionOptions()), at: cluster.now) else {
            Issue.record("a ready pod was evicted")
            return
        }
        guard case .success = cluster.api.execute(.evict(pod.metadata.key, EvictionOptions()), at: cluster.now) else {
            Issue.record("an unready pod was not evicted")
            return
        }
        #expect(try status(cluster).disruptedPods.isEmpty)
    }

    @Test("a drain waits for the budget: one pod at a time, five seconds between attempts")
    func drain() throws {
        var cluster = try shop(nodesPerZone: 1) {
            $0.objects.append(budget { $0.minAvailable = .int(5) })
            $0.timeline = [TimelineEntry(at: at(60), action: .drain(.node("b-0")))]
        }
        cluster.run(until: at(59))
        #expect(cluster.pods(onNode: "b-0").count == 2)
        cluster.run(until: at(90))
        #expect(cluster.pods(onNode: "b-0").isEmpty)
        let operation = try #require(cluster.record.operations.first { $0.description == "drain b-0" })
        #expect(operation.refusal == nil)
        let lines = operation.output.map(\.line)
        #expect(lines.first == "node/b-0 cordoned" && lines.last == "node/b-0 drained")
        #expect(lines.count { $0.hasPrefix("error when evicting pods/") && $0.contains("(will retry after 5s)") } == 1)
        #expect(lines.count { $0.hasSuffix(" evicted") } == 2)
        let ended = try #require(operation.ended)
        #expect((5.9...6.5).contains((ended - at(60)).seconds))
    }

    @Test("a drain stops before pods without a controller, unless forced, and gives up at its timeout")
    func drainRefused() throws {
        var patience = DrainOptions()
        patience.timeout = .seconds(12)
        var force = DrainOptions()
        force.force = true
        force.disableEviction = true
        var cluster = try shop(nodesPerZone: 1) {
            $0.objects += [barePod("naked") { $0.nodeSelector = [Node.zoneLabel: "a"] }, budget { $0.minAvailable = .int(6) }]
            $0.timeline = [
                TimelineEntry(at: at(60), action: .drain(.node("a-0"))),
                TimelineEntry(at: at(70), action: .drain(.node("b-0"), patience)),
                TimelineEntry(at: at(100), action: .drain(.node("a-0"), force)),
            ]
        }
        cluster.run(until: at(130))
        let drains = cluster.record.operations.filter { $0.description.hasPrefix("drain") }
        #expect(drains[0].refusal?.contains("declare no controller (use --force to override): shop/naked") == true)
        #expect(drains[1].refusal?.contains("global timeout reached: 12s") == true)
        let ended = try #require(drains[1].ended)
        #expect((84.9...85.2).contains(ended.seconds))
        #expect(drains[2].refusal == nil && cluster.pods(onNode: "a-0").isEmpty)
        #expect(cluster.api.objects.get(Pod.self, name("naked")) == nil)
    }

    @Test("a pod that was marked but never deleted loses its mark after two minutes, and counts again")
    func staleMark() throws {
        var cluster = try shop { $0.objects.append(budget { $0.minAvailable = .int(5) }) }
        cluster.run(until: at(10))
        let pod = try #require(cluster.pods(of: "web").first)
        // The API server died between the grant and the deletion.
        _ = cluster.api.advance(.evict(pod.metadata.key, EvictionOptions()), at: cluster.now)
        _ = cluster.api.advance(.finishEviction(pod.metadata.key, pod.metadata.uid, EvictionOptions(), .markPod), at: cluster.now)
        cluster.observeCommits()
        cluster.run(until: at(60))
        #expect(try status(cluster).currentHealthy == 5)
        #expect(try status(cluster).disruptedPods.map(\.name) == [pod.metadata.name])
        cluster.run(until: at(140))
        #expect(try status(cluster).currentHealthy == 6 && status(cluster).disruptionsAllowed == 1)
        #expect(cluster.record.events.contains { $0.event.value.reason == "NotDeleted" && $0.event.value.involved == pod.metadata.key })
        let mark = cluster.api.objects.get(Pod.self, pod.metadata.key)?.value.status.conditions[.disruptionTarget]
        #expect(mark?.status == .false && mark?.reason == "EvictionByEvictionAPI")
    }

    /// When each pod's deletion was asked for, after a taint that none of 90 pods tolerates.
    private func massEviction(_ limit: ClientLimit?) throws -> [Double] {
        var cluster = try shop(nodesPerZone: 3, replicas: 0) {
            $0.objects = [deployment("web", replicas: 90, cpu: 100)]
            if let limit { $0.timing.controllerLimit = limit }
            let taint = Taint(key: "maintenance", value: "", effect: .noExecute)
            $0.timeline = [TimelineEntry(at: at(60), action: .taint(.all, [taint]))]
        }
        cluster.run(until: at(60))
        let victims = Set(cluster.pods.map(\.metadata.uid))
        cluster.run(until: at(90))
        return cluster.record.watchLog.compactMap { event in
            guard case .pod(let pod) = event.object, event.change == .modified, pod.isTerminating, victims.contains(pod.value.metadata.uid),
                event.previous?.metadata.isTerminating == false
            else { return nil }
            return event.time.seconds - 60
        }
    }

    @Test("a mass eviction is paced by the controller's client: a burst of 30 requests, then 20 a second")
    func massEvictionIsPaced() throws {
        let paced = try massEviction(nil)
        let last = try #require(paced.last)
        #expect(paced.count == 90)
        // A mark, a deletion and an Event for each pod.
        #expect((Double(2 * 90 - 30) / 20...Double(3 * 90 - 30) / 20 + 0.5).contains(last), "\(last)")
        #expect(paced.count { $0 < 1 } <= (30 + 20) / 2)
        let unpaced = try massEviction(ClientLimit(queriesPerSecond: 10_000, burst: 10_000))
        #expect(unpaced.count == 90 && unpaced.allSatisfy { $0 < 0.5 })
    }
}
