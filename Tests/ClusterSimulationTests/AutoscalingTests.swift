// Autoscalers and what they are told, end to end.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Autoscaling and the metrics pipeline")
struct AutoscalingTests {
    /// An autoscaler of the Deployment `web` with a cpu target of 50 % of the request of 500m.
    private func autoscaler(
        _ name: String = "web", minimum: Int32 = 2, maximum: Int32 = 12, target: String = "web", metrics: [MetricSpec]? = nil
    ) -> APIObject {
        var spec = HorizontalPodAutoscalerSpec()
        spec.scaleTargetRef = CrossVersionObjectReference(kind: "Deployment", name: target, apiVersion: "apps/v1")
        spec.minReplicas = minimum
        spec.maxReplicas = maximum
        var half = MetricTarget()
        half.type = .utilization
        half.averageUtilization = 50
        spec.metrics = metrics ?? [MetricSpec(.resource(.cpu), half)]
        return APIObject(HorizontalPodAutoscaler(metadata: ObjectMeta(name: name, namespace: "shop"), spec: spec))
    }

    private func behaviour(_ cpu: ResourceLoad) -> WorkloadBehaviour {
        var behaviour = WorkloadBehaviour()
        var usage = ResourceUsage()
        usage.cpu = cpu
        behaviour.usage = [usage]
        return behaviour
    }

    private func sizes(_ cluster: Cluster) -> [(time: Double, replicas: Int32)] {
        var sizes: [(time: Double, replicas: Int32)] = []
        for event in cluster.record.watchLog {
            guard let deployment = Deployment.cast(event.object)?.value, deployment.spec.replicas != sizes.last?.replicas else { continue }
            sizes.append((event.time.seconds, deployment.spec.replicas))
        }
        return sizes
    }

    private func status(_ cluster: Cluster) throws -> HorizontalPodAutoscalerStatus {
        try #require(cluster.api.objects.get(HorizontalPodAutoscaler.self, name("web"))).value.status
    }

    @Test("a spike is followed every fifteen seconds, within the limits of growth, and left five minutes after it")
    func spike() throws {
        var cluster = try shop(nodesPerZone: 3, replicas: 2) {
            $0.metrics.resolution = .zero
            $0.objects.append(autoscaler())
            $0.timeline = [
                TimelineEntry(at: at(1), action: .setLoad(LoadChange(namespace: "shop", .total(0.5)))),
                TimelineEntry(at: at(40), action: .setLoad(LoadChange(namespace: "shop", .total(3.5)))),
                TimelineEntry(at: at(110), action: .setLoad(LoadChange(namespace: "shop", .total(0.75)))),
            ]
        }
        cluster.run(until: at(500))
        let sizes = sizes(cluster)
        #expect(sizes.map(\.replicas) == [2, 4, 8, 12, 3])
        let grown = sizes[1...3].map(\.time)
        #expect((45...45.3).contains(grown[0]) && (60...60.4).contains(grown[1]) && (75...75.5).contains(grown[2]))
        // Five minutes after the last look that wanted more.
        #expect((390...421).contains(sizes[4].time))
        let last = try status(cluster)
        #expect(last.currentReplicas == 3 && last.desiredReplicas == 3 && last.currentMetrics.first??.averageUtilization == 50)
        #expect(last.conditions[.ableToScale]?.reason == "ReadyForNewScale")
        let reported = cluster.record.events.filter { $0.event.value.involvedKind == "HorizontalPodAutoscaler" }.map(\.event.value)
        // At the first look the pods have not been ready for a whole window.
        #expect(reported.first?.message.hasSuffix("did not receive metrics for targeted pods (pods might be unready)") == true)
        let events = reported.filter { $0.reason == "SuccessfulRescale" }
        #expect(events.count == 4)
        #expect(events.first?.message == "New size: 4; reason: cpu resource utilization (percentage of request) above target")
        #expect(events.last?.message == "New size: 3; reason: All metrics below target")
    }

    @Test("a pod has no metric before metrics-server saw it twice, and then one that is as old as the kubelet's figures")
    func delays() throws {
        var cluster = try shop(replicas: 3) {
            $0.defaultBehaviour = behaviour(ResourceLoad(LoadProfile([.init(at(0), 0.2), .init(at(100), 0.4)], .steps)))
        }
        let query = { (cluster: Cluster) in
            MetricsQuery(
                autoscaler: name("web"), pods: cluster.api.objects.all(Pod.self), sources: [.resource(.cpu)])
        }
        func samples(_ time: Double) throws -> [PodMetricSample] {
            cluster.run(until: at(time))
            let pods = cluster.pods
            let reading = cluster.metrics.answer(query(cluster), from: cluster.nodeAgent, isReachable: { _ in true }, at: cluster.now)
            guard let metrics = try? reading.resourceMetric(.cpu, container: nil) else { return [] }
            return pods.compactMap { metrics[$0.metadata.name] }
        }
        #expect(try samples(5).isEmpty)
        #expect(try samples(40).count == 3)
        for time in [45.0, 60, 77, 92] {
            for sample in try samples(time) {
                #expect(sample.milliValue == 200)
                let age = time - sample.timestamp.seconds
                #expect((0...26.5).contains(age))
                #expect(sample.window == .seconds(10) || sample.window == .seconds(20))
            }
        }
        // Between the old value and the new one: a mean over the window, then the new one.
        #expect(try samples(160).allSatisfy { $0.milliValue == 400 })
        #expect(cluster.metrics.answer(query(cluster), from: cluster.nodeAgent, isReachable: { _ in false }, at: cluster.now).isEmpty)
    }

    @Test("a shared load falls on the pods that are ready, as they come and go")
    func sharing() throws {
        var cluster = try shop(replicas: 4) {
            $0.metrics.resolution = .zero
            $0.defaultBehaviour = behaviour(ResourceLoad(.constant(1.2), isShared: true))
            $0.timeline = [TimelineEntry(at: at(30), action: .scale(ObjectKey(.deployment, name("web")), replicas: 6))]
        }
        func values(_ time: Double) throws -> [Int64] {
            cluster.run(until: at(time))
            let query = MetricsQuery(autoscaler: name("web"), pods: cluster.api.objects.all(Pod.self), sources: [.resource(.cpu)])
            let metrics = try cluster.metrics.answer(query, from: cluster.nodeAgent, isReachable: { _ in true }, at: cluster.now)
                .resourceMetric(.cpu, container: nil)
            return cluster.pods.compactMap { metrics[$0.metadata.name]?.milliValue }
        }
        #expect(try values(20) == [300, 300, 300, 300])
        #expect(try values(40) == [200, 200, 200, 200, 200, 200])
    }

    @Test("without figures nothing is scaled, and it is said why")
    func unknown() throws {
        var cluster = try shop(replicas: 3) {
            $0.metrics.resolution = .zero
            $0.objects.append(autoscaler())
            $0.timeline = [TimelineEntry(at: at(1), action: .setLoad(LoadChange(.unknown)))]
        }
        cluster.run(until: at(20))
        let last = try status(cluster)
        #expect(last.conditions[.scalingActive].map { "\($0.status.rawValue)/\($0.reason)" } == "False/FailedGetResourceMetric")
        let messages = cluster.record.events.filter { $0.event.value.involvedKind == "HorizontalPodAutoscaler" }.map(\.event.value.message)
        #expect(
            messages.first
                == "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API")
        #expect(messages.count == 2)
    }

    @Test("limits count without metrics, a target without replicas is left alone, one that is missing is reported")
    func limits() throws {
        var cluster = try shop(replicas: 6) {
            $0.objects += [autoscaler(maximum: 4), autoscaler("lost", target: "nothing")]
            $0.timeline = [TimelineEntry(at: at(40), action: .scale(ObjectKey(.deployment, name("web")), replicas: 0))]
        }
        cluster.run(until: at(30))
        #expect(cluster.deployment("web")?.spec.replicas == 4)
        #expect(
            cluster.record.events.contains {
                $0.event.value.message == "New size: 4; reason: Current number of replicas above Spec.MaxReplicas"
            })
        #expect(
            cluster.record.events.contains {
                $0.event.value.reason == "FailedGetScale" && $0.event.value.message == "deployments.apps \"nothing\" not found"
            })
        cluster.run(until: at(80))
        #expect(cluster.deployment("web")?.spec.replicas == 0)
        #expect(try status(cluster).conditions[.scalingActive]?.reason == "ScalingDisabled")
    }

    @Test("two autoscalers of the same pods stand in each other's way")
    func ambiguous() throws {
        var cluster = try shop(replicas: 3) { $0.objects += [autoscaler(), autoscaler("other")] }
        cluster.run(until: at(60))
        #expect(cluster.deployment("web")?.spec.replicas == 3)
        #expect(
            cluster.record.events.contains {
                $0.event.value.reason == "AmbiguousSelector"
                    && $0.event.value.message == "pods by selector app=web are controlled by multiple HPAs: [{other shop} {web shop}]"
            })
    }

    @Test("a queue outside the cluster scales the workers that empty it")
    func external() throws {
        var perPod = MetricTarget()
        perPod.type = .averageValue
        perPod.averageValue = Quantity(10)
        let queue = MetricIdentifier(name: "queue", selector: LabelSelector(matchLabels: ["queue": "orders"]))
        var cluster = try shop(nodesPerZone: 3, replicas: 2) {
            $0.objects.append(autoscaler(metrics: [MetricSpec(.external(queue), perPod)]))
            $0.customMetrics = [
                CustomMetric(
                    "queue", .external(labels: ["queue": "orders"]),
                    ResourceLoad(LoadProfile([.init(at(0), 20), .init(at(60), 20), .init(at(120), 80)], .ramp))),
                CustomMetric("queue", .external(labels: ["queue": "other"]), ResourceLoad(.constant(1000))),
            ]
        }
        cluster.run(until: at(200))
        #expect(sizes(cluster).map(\.replicas).last == 8)
        #expect(try status(cluster).currentMetrics.first??.averageValue == Quantity(10))
    }
}

extension MetricsReading {
    fileprivate var isEmpty: Bool { (try? resourceMetric(.cpu, container: nil)) == nil }
}
