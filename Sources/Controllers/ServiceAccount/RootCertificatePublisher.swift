// The root certificate: a ConfigMap in every namespace by which pods know the API server. It is there to be mounted,
// to be counted by quotas, and to be deleted with its namespace.
// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of namespaces. Nothing is remembered.
struct RootCertificatePublisher: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ namespace: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let map = PublishedCertificate.object(in: namespace)
        guard view.isActive(namespace: namespace), view[map.key] == nil else { return Plan() }
        var call = PlannedCall(.create(map))
        call.forgives = .alreadyExists
        return Plan(steps: [[call]])
    }

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<String>, at now: SimulatedTime
    ) {
        switch event.object {
        case .namespace(let namespace) where event.change != .deleted: queue.add(namespace.value.metadata.name)
        case .configMap(let map) where event.change == .deleted && map.value.metadata.name == PublishedCertificate.name:
            queue.add(map.value.metadata.namespace)
        default: break
        }
    }
}

/// The ConfigMap that every namespace gets.
package enum PublishedCertificate {
    package static let name = "kube-root-ca.crt"

    package static func object(in namespace: String) -> APIObject {
        let annotations: Labels = [
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
                + "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
                + "Kubernetes clusters."
        ]
        let metadata = ObjectMeta(name: name, namespace: namespace, annotations: annotations)
        return APIObject(ConfigMap(metadata: metadata, keys: ["ca.crt"]))
    }
}
