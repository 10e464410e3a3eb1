// StatefulSets: pods with names that last, made and replaced in order.
// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct StatefulSetReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
