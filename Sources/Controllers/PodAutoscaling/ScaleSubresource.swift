// The scale subresource of the kinds that have one: how many replicas, and which pods.
// <https://kubernetes.io/docs/reference/using-api/api-concepts/#scaling-resources>

import APIServer
import KubernetesAPI

/// What `GET .../scale` answers about a workload.
struct ScaleSubresource {
    let key: ObjectKey
    let specReplicas: Int32
    let statusReplicas: Int32
    let selector: LabelSelector

    /// The scale of what an autoscaler refers to, or why there is none, in the words of its Event.
    static func find(
        _ reference: CrossVersionObjectReference, in namespace: String, _ view: SharedInformers
    ) throws(ScaleError) -> ScaleSubresource {
        let name = NamespacedName(namespace: namespace, name: reference.name)
        let group = reference.apiVersion.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let kinds: [(name: String, group: String, kind: Kind)] = [
            ("Deployment", "apps", .deployment), ("ReplicaSet", "apps", .replicaSet), ("StatefulSet", "apps", .statefulSet),
            ("ReplicationController", "", .replicationController),
        ]
        guard let kind = kinds.first(where: { $0.name == reference.kind && $0.group == group })?.kind else {
            let isKnown = Kind.allCases.contains { $0.description == reference.kind && $0 != .unstructured }
            throw ScaleError(
                description: isKnown
                    ? "the server could not find the requested resource"
                    : "no matches for kind \(GoText.quoted(reference.kind)) in group \(GoText.quoted(group))")
        }
        let key = ObjectKey(kind, name)
        switch view[key] {
        case .deployment(let object):
            return ScaleSubresource(
                key: key, specReplicas: object.value.spec.replicas, statusReplicas: object.value.status.replicas,
                selector: object.value.spec.selector)
        case .replicaSet(let object):
            return ScaleSubresource(
                key: key, specReplicas: object.value.spec.replicas, statusReplicas: object.value.status.replicas,
                selector: object.value.spec.selector)
        case .statefulSet(let object):
            return ScaleSubresource(
                key: key, specReplicas: object.value.spec.replicas, statusReplicas: object.value.status.replicas,
                selector: object.value.spec.selector)
        case .replicationController(let object):
            return ScaleSubresource(
                key: key, specReplicas: object.value.replicas, statusReplicas: object.value.status.replicas,
                selector: LabelSelector(matchLabels: object.value.selector))
        default: throw ScaleError(description: APIError.notFound(key).description)
        }
    }
}

struct ScaleError: Error, Hashable, CustomStringConvertible {
    let description: String
}
