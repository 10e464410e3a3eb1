// CronJobs: a Job at times that recur.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct CronJobReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
