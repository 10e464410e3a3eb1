// DaemonSets: a pod on every node that qualifies.
// <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct DaemonSetReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
