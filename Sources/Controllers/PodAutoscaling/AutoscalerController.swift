// HorizontalPodAutoscalers: looked at each sync period, whatever happens.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct AutoscalerReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
