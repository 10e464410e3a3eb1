// ReplicationControllers: what ReplicaSets replaced.
// <https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct ReplicationControllerReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
