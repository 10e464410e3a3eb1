// `kubectl apply`: the three-way merge of what is stored, what was applied before, and what is applied now.
// <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/>

import KubernetesAPI

/// What an earlier apply set, as kubectl remembers it in the annotation `last-applied-configuration`.
struct AppliedMetadata: Sendable {
    var labels: Labels
    var annotations: Labels

    init(_ object: APIObject) {
        let metadata = object.metadata
        labels = metadata.labels
        annotations = metadata.annotations
    }
}

extension APIObject {
    /// This object applied over the stored one; `last`: what was applied before, if anything was.
    /// Identity, owners, finalizers and status stay as stored.
    func applied(over stored: APIObject, last: AppliedMetadata?) -> APIObject {
        let wanted = metadata
        let kept = stored.metadata
        var result = keepingStatus(of: stored)
        switch (result, stored) {
        case (.node(let new), .node(let old)):
            // A manifest that is silent about these leaves them to those who set them.
            result = .node(
                new.with {
                    if $0.spec.taints.isEmpty { $0.spec.taints = old.value.spec.taints }
                    if $0.spec.podCIDR.isEmpty {
                        $0.spec.podCIDR = old.value.spec.podCIDR
                        $0.spec.podCIDRs = old.value.spec.podCIDRs
                    }
                    if $0.spec.providerID.isEmpty { $0.spec.providerID = old.value.spec.providerID }
                    $0.spec.unschedulable = $0.spec.unschedulable || old.value.spec.unschedulable
                })
        case (.job(let new), .job(let old)): result = .job(new.with { $0.keepGenerated(of: old.value) })
        default: break
        }
        return result.withMetadata {
            $0 = kept
            $0.labels = APIObject.merge(kept.labels, wanted.labels, last: last?.labels)
            $0.annotations = APIObject.merge(kept.annotations, wanted.annotations, last: last?.annotations)
        }
    }

    private static func merge(_ stored: Labels, _ wanted: Labels, last: Labels?) -> Labels {
        var merged = stored
        for (key, _) in last ?? Labels() where !wanted.has(key) { merged[key] = nil }
        return merged.merging(wanted)
    }
}
