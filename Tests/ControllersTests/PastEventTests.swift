// What controllers had reported before a snapshot was taken, as its objects tell.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("Events before a snapshot")
struct PastEventTests {
    private let zero = SimulatedTime.zero

    @Test func `a pod tells that its owner created it`() {
        var pod = Pod(metadata: ObjectMeta(name: "web-x", namespace: "shop"), spec: Shared(PodSpec()))
        pod.metadata.creationTimestamp = zero - .seconds(30)
        pod.metadata.ownerReferences = [
            OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: UID("u"), controller: true)
        ]
        let past = PastEvents([APIObject(pod)], syncPeriod: .seconds(15)).entries
        #expect(past.count == 1)
        #expect(past.first?.event.message == "Created pod: web-x" && past.first?.event.involvedKind == "ReplicaSet")
        #expect(past.first?.time == zero - .seconds(30) && past.first?.controller == .replicaSet)
    }

    @Test func `an autoscaler without metrics reported twice at each look, as far back as that counts`() {
        var autoscaler = HorizontalPodAutoscaler(metadata: ObjectMeta(name: "web", namespace: "shop"))
        autoscaler.spec.metrics = [MetricSpec(.resource(.cpu), MetricTarget())]
        func past(since seconds: Int) -> [(time: SimulatedTime, controller: ControllerName, event: KubernetesEvent)] {
            autoscaler.status.conditions = [
                Condition(
                    .scalingActive, .false, reason: "FailedGetResourceMetric",
                    message: "the HPA was unable to compute the replica count: no metrics", lastTransitionTime: zero - .seconds(seconds))
            ]
            return PastEvents([APIObject(autoscaler)], syncPeriod: .seconds(15)).entries
        }
        let recent = past(since: 40)
        #expect(recent.map { ($0.time - zero).seconds } == [-40, -40, -25, -25, -10, -10])
        #expect(recent.map(\.event.message).first == "no metrics")
        #expect(
            recent.map(\.event.message).last
                == "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: no metrics")
        #expect(past(since: 1_000_000).count <= 2 * 501)
    }
}
