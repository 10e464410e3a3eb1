// ResourceQuotas: what a namespace uses, counted anew when something goes.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct ResourceQuotaReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
