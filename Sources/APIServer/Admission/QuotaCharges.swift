// The ResourceQuota admission plugin: what the quotas of a namespace are charged for an object.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import DiscreteEvents
import KubernetesAPI

extension APIServer {
    /// Charges a new object to quotas. What was written for that has versions before its own.
    mutating func charge(_ object: APIObject, at now: SimulatedTime) throws(APIError) -> APIObject {
        guard admission.hasQuotas else { return object }
        let before = resourceVersion
        try charge(object, replacing: nil, at: now)
        let version = resourceVersion + 1
        return resourceVersion == before ? object : object.withMetadata { $0.resourceVersion = version }
    }

    /// Charges the quotas of the namespace, each with a write of its own before the object's, or refuses.
    mutating func charge(_ object: APIObject, replacing old: APIObject?, at now: SimulatedTime) throws(APIError) {
        let namespace = object.metadata.namespace
        let stored = admission.quotas(in: namespace).compactMap {
            objects.get(ResourceQuota.self, NamespacedName(namespace: namespace, name: $0))
        }
        guard !stored.isEmpty else { return }
        var quotas = stored.map(\.value)
        do {
            try QuotaCheck.charge(&quotas, for: object, replacing: old, at: now)
        } catch {
            throw .forbidden(object.key, error.description)
        }
        for (quota, before) in zip(quotas, stored) where quota.status.used != before.value.status.used {
            resourceVersion += 1
            var quota = quota
            quota.metadata.resourceVersion = resourceVersion
            store(APIObject(quota), previous: .resourceQuota(before), at: now)
        }
    }

    /// The kinds of which a change may use more than before.
    static func mayUseMore(_ object: APIObject) -> Bool {
        switch object {
        case .service, .persistentVolumeClaim: true
        default: false
        }
    }
}
