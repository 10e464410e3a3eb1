// Jobs: pods until enough of them have succeeded.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct JobReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
