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
    func applied(over stored: APIObject, last: AppliedMetadata?) throws(APIError) -> APIObject {
        try refuseImmutableChanges(to: stored)
        let wanted = metadata
        let kept = stored.metadata
        var result = keepingStatus(of: stored)
        switch (result, stored) {
        case (.node(let new), .node(let old)):
            // A manifest that is silent about these leaves them to those who set them.
            result = .node(
                new.with {
                    if $0.spec.taints.isEmpty { $0.spec.taints = old.value.spec.taints }
                    if $0.spec.podCIDR.isEmpty { $0.spec.podCIDR = old.value.spec.podCIDR }
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

    private func refuseImmutableChanges(to stored: APIObject) throws(APIError) {
        switch (self, stored) {
        case (.deployment(let new), .deployment(let old)) where new.value.spec.selector != old.value.spec.selector:
            throw .invalid(key, "spec.selector: Invalid value: \(new.value.spec.selector.json): field is immutable")
        case (.replicaSet(let new), .replicaSet(let old)) where new.value.spec.selector != old.value.spec.selector:
            throw .invalid(key, "spec.selector: Invalid value: \(new.value.spec.selector.json): field is immutable")
        case (.pod(let new), .pod(let old)) where new.value.spec.withoutMutableFields != old.value.spec.withoutMutableFields:
            throw .invalid(
                key,
                "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
                    + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                    + "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
        case (.priorityClass(let new), .priorityClass(let old)) where new.value.value != old.value.value:
            throw .invalid(key, "value: Forbidden: may not be changed in an update.")
        default: return
        }
    }
}

extension Shared<PodSpec> {
    /// The spec without the few fields that may change in a pod's life.
    fileprivate var withoutMutableFields: PodSpec {
        var spec = value
        for index in spec.containers.indices { spec.containers[index].image = "" }
        for index in spec.initContainers.indices { spec.initContainers[index].image = "" }
        spec.activeDeadlineSeconds = nil
        spec.tolerations = []
        spec.schedulingGates = []
        return spec
    }
}

extension LabelSelector {
    /// The selector as refusals quote it.
    fileprivate var json: String {
        var parts: [String] = []
        if !matchLabels.isEmpty {
            parts.append("\"matchLabels\":{" + matchLabels.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",") + "}")
        }
        if !matchExpressions.isEmpty {
            let expressions = matchExpressions.map { expression in
                let values = expression.values.map { "\"\($0)\"" }.joined(separator: ",")
                return "{\"key\":\"\(expression.key)\",\"operator\":\"\(expression.operator.rawValue)\""
                    + (values.isEmpty ? "}" : ",\"values\":[\(values)]}")
            }
            parts.append("\"matchExpressions\":[" + expressions.joined(separator: ",") + "]")
        }
        return "{" + parts.joined(separator: ",") + "}"
    }
}
