// Finished Jobs are deleted when their time to live is over.
// <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct FinishedJobCollector: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
