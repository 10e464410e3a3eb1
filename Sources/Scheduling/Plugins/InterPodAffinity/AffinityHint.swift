// Which events may help a pod that required (anti-)affinity kept from all nodes.

import KubernetesAPI

/// The queueing hint of InterPodAffinity for one waiting pod.
///
/// As in the real plugin, labels of namespaces are not looked up here: a selector of namespaces that asks for a label never
/// matches, so pods that rely on one are not woken by other pods.
struct AffinityHint {
    private let pod: Pod
    private let affinity: [PodAffinityTerm]
    private let antiAffinity: [PodAffinityTerm]

    init(_ info: PodInfo) {
        pod = info.pod.value
        affinity = info.spec.affinity.requiredPodAffinity
        antiAffinity = info.spec.affinity.requiredPodAntiAffinity
    }

    func isWoken(by event: ClusterEvent) -> Bool {
        switch event.subject {
        case .pod(let old, let new): isWoken(from: old?.value, to: new?.value)
        // A change of taints may have opened a node that the plugin never saw; it does not listen to taints itself.
        case .node(let old, let new): event.kind == .nodeTaints || isWoken(from: old?.value, to: new?.value)
        default: false
        }
    }

    private func isWoken(from old: Pod?, to new: Pod?) -> Bool {
        if let old, let new {
            // Its own labels decide what the terms of others are about.
            if new.metadata.uid == pod.metadata.uid { return true }
            guard new.nodeName != nil, old.nodeName != nil else { return false }
            return (!all(affinity, include: old) && all(affinity, include: new))
                || (all(antiAffinity, include: old) && !all(antiAffinity, include: new))
        }
        if let new { return new.nodeName != nil && all(affinity, include: new) }
        guard let old, old.nodeName != nil else { return false }
        return all(antiAffinity, include: old)
            || AffinityHint.all(old.spec.value.affinity.requiredPodAntiAffinity, of: old, include: pod)
    }

    private func all(_ terms: [PodAffinityTerm], include other: Pod) -> Bool { AffinityHint.all(terms, of: pod, include: other) }

    /// Whether `owner` has such terms and all of them are about `other`.
    private static func all(_ terms: [PodAffinityTerm], of owner: Pod, include other: Pod) -> Bool {
        !terms.isEmpty
            && terms.allSatisfy {
                AffinityTarget($0).includes(
                    other.metadata.labels, in: other.metadata.namespace, owner: owner.metadata.namespace, namespaceLabels: Labels())
            }
    }

    private func isWoken(from old: Node?, to new: Node?) -> Bool {
        guard let new else { return false }
        guard let old else {
            return !antiAffinity.isEmpty || affinity.contains { new.metadata.labels.has($0.topologyKey) }
        }
        func values(_ term: PodAffinityTerm) -> (before: String?, after: String?) {
            (old.metadata.labels[term.topologyKey], new.metadata.labels[term.topologyKey])
        }
        // Affinity: a topology gained or changed; anti-affinity: one lost or changed.
        let gains = affinity.contains { values($0).after != nil && values($0).before != values($0).after }
        return gains || antiAffinity.contains { values($0).before != nil && values($0).before != values($0).after }
    }
}
