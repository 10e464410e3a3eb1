// matchLabelKeys and mismatchLabelKeys: as a pod is created, the API server writes its own labels into the selectors of its terms.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#matchlabelkeys> (KEP-3633, KEP-3243)

import KubernetesAPI

extension PodSpec {
    /// The keys whose values on the pod matter to its terms and constraints; empty in most specs.
    var labelKeys: [String] {
        var keys: [String] = []
        for term in affinity.requiredPodAffinity + affinity.requiredPodAntiAffinity { keys += term.matchLabelKeys + term.mismatchLabelKeys }
        for weighted in affinity.preferredPodAffinity + affinity.preferredPodAntiAffinity {
            keys += weighted.term.matchLabelKeys + weighted.term.mismatchLabelKeys
        }
        for constraint in topologySpreadConstraints { keys += constraint.matchLabelKeys }
        return keys
    }

    /// The spec of a pod with these labels: what `matchLabelKeys` names must be the same on the pods selected, what
    /// `mismatchLabelKeys` names another. Keys that the pod lacks ask for nothing; absent selectors stay absent.
    func mergingLabelKeys(of labels: Labels) -> PodSpec {
        var result = self
        for index in result.affinity.requiredPodAffinity.indices { result.affinity.requiredPodAffinity[index].mergeKeys(labels) }
        for index in result.affinity.requiredPodAntiAffinity.indices { result.affinity.requiredPodAntiAffinity[index].mergeKeys(labels) }
        for index in result.affinity.preferredPodAffinity.indices { result.affinity.preferredPodAffinity[index].term.mergeKeys(labels) }
        for index in result.affinity.preferredPodAntiAffinity.indices {
            result.affinity.preferredPodAntiAffinity[index].term.mergeKeys(labels)
        }
        for index in result.topologySpreadConstraints.indices {
            let keys = result.topologySpreadConstraints[index].matchLabelKeys
            result.topologySpreadConstraints[index].labelSelector?.add(keys, .isIn, labels)
        }
        return result
    }
}

extension PodAffinityTerm {
    fileprivate mutating func mergeKeys(_ labels: Labels) {
        labelSelector?.add(matchLabelKeys, .isIn, labels)
        labelSelector?.add(mismatchLabelKeys, .notIn, labels)
    }
}

extension LabelSelector {
    fileprivate mutating func add(_ keys: [String], _ selection: LabelSelectorRequirement.Operator, _ labels: Labels) {
        for key in keys {
            guard let value = labels[key] else { continue }
            matchExpressions.append(LabelSelectorRequirement(key: key, operator: selection, values: [value]))
        }
    }
}
