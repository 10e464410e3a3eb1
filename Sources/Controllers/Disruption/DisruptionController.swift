// PodDisruptionBudgets: how many pods may be taken away now.
// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct DisruptionReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
