// ServiceAccounts: every namespace has one named default, made when the namespace is, and again if it is deleted.
// <https://kubernetes.io/docs/concepts/security/service-accounts/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of namespaces. Nothing is remembered.
struct ServiceAccountReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ namespace: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let name = NamespacedName(namespace: namespace, name: ServiceAccount.defaultName)
        guard view.isActive(namespace: namespace), view.get(ServiceAccount.self, name) == nil else { return Plan() }
        var call = PlannedCall(.create(APIObject(ServiceAccount(metadata: ObjectMeta(name: name.name, namespace: namespace)))))
        call.forgives = .alreadyExists
        return Plan(steps: [[call]])
    }

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<String>, at now: SimulatedTime
    ) {
        switch event.object {
        case .namespace(let namespace) where event.change != .deleted: queue.add(namespace.value.metadata.name)
        case .serviceAccount(let account)
        where event.change == .deleted && account.value.metadata.name == ServiceAccount.defaultName:
            queue.add(account.value.metadata.namespace)
        default: break
        }
    }
}
