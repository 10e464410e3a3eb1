// The autoscaler's decision as a whole is held to recordings in ConformanceTests; here is what those do not show.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("Horizontal pod autoscaling")
struct PodAutoscalingTests {
    /// A queue outside the cluster.
    private struct Queue: MetricsSource {
        var length: Int64

        func resourceMetric(_ resource: ResourceName, container: String?) throws(ReplicaCalculationError) -> PodMetrics {
            throw ReplicaCalculationError("no metrics returned from resource metrics API")
        }
        func podsMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> PodMetrics {
            throw ReplicaCalculationError("no metrics returned from custom metrics API")
        }
        func objectMetric(
            _ metric: MetricIdentifier, of object: CrossVersionObjectReference
        ) throws(ReplicaCalculationError) -> Int64 {
            throw ReplicaCalculationError("no object metric")
        }
        func externalMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> [Int64] { [length * 1000] }
    }

    private func autoscaler(_ behavior: HorizontalPodAutoscalerBehavior? = nil) -> HorizontalPodAutoscaler {
        var target = MetricTarget()
        target.type = .averageValue
        target.averageValue = Quantity(10)
        var autoscaler = HorizontalPodAutoscaler(metadata: ObjectMeta(name: "web", namespace: "shop"))
        autoscaler.spec.scaleTargetRef = CrossVersionObjectReference(kind: "Deployment", name: "web", apiVersion: "apps/v1")
        autoscaler.spec.maxReplicas = 100
        autoscaler.spec.metrics = [MetricSpec(.external(MetricIdentifier(name: "queue")), target)]
        autoscaler.spec.behavior = behavior
        autoscaler.spec.applyDefaults()
        return autoscaler
    }

    private func decide(
        _ autoscaler: HorizontalPodAutoscaler, _ replicas: Int32, queue: Int64, _ memory: ScalingMemory, at seconds: Int
    ) -> AutoscalingDecision {
        HorizontalAutoscaling(metrics: Queue(length: queue), now: .zero + .seconds(seconds))
            .decide(autoscaler, ScaleTarget(specReplicas: replicas, statusReplicas: replicas, pods: []), memory: memory)
    }

    @Test func `a refused write leaves size and rate as they were`() {
        let autoscaler = autoscaler(HorizontalPodAutoscalerBehavior(scaleUp: ScalingRules()))
        var refused = decide(autoscaler, 4, queue: 1000, ScalingMemory(), at: 0)
        #expect(refused.rescale?.to == 8)
        refused.rescaleFailed("the object has been modified", at: .zero)
        #expect(refused.error == "failed to rescale Deployment/shop/web: the object has been modified")
        #expect(refused.status.conditions[.ableToScale]?.reason == "FailedUpdateScale")
        #expect(refused.status.lastScaleTime == nil)
        // Nothing was added, so the policy still allows the whole step.
        #expect(decide(autoscaler, 4, queue: 1000, refused.memory, at: 1).rescale?.to == 8)
        var done = decide(autoscaler, 4, queue: 1000, refused.memory, at: 1)
        done.rescaled(at: .zero + .seconds(1))
        #expect(decide(autoscaler, 8, queue: 1000, done.memory, at: 2).rescale == nil)
        #expect(decide(autoscaler, 8, queue: 1000, done.memory, at: 17).rescale?.to == 16)
    }

    @Test(arguments: [nil, HorizontalPodAutoscalerBehavior(scaleDown: ScalingRules())])
    func `a falling load is followed after five minutes`(behavior: HorizontalPodAutoscalerBehavior?) {
        let autoscaler = autoscaler(behavior)
        var memory = ScalingMemory()
        var shrunk: Int?
        for time in stride(from: 0, through: 600, by: 15) where shrunk == nil {
            let decision = decide(autoscaler, 8, queue: time == 0 ? 80 : 20, memory, at: time)
            memory = decision.memory
            if decision.rescale != nil { shrunk = time }
        }
        // The window is open for one, closed for the other end: a recommendation exactly five minutes old counts without behaviour.
        #expect(shrunk == (behavior == nil ? 315 : 300))
    }
}
