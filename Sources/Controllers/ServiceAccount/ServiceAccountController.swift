// ServiceAccounts: every namespace has one named default.
// <https://kubernetes.io/docs/concepts/security/service-accounts/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct ServiceAccountReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
