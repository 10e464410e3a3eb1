// Which events may help a pod that hard spread constraints kept from all nodes.

import KubernetesAPI

/// The queueing hint of PodTopologySpread for one waiting pod.
struct SpreadHint {
    private let pod: Pod
    private let constraints: [SpreadConstraint]
    private let keys: [String]

    init(_ info: PodInfo, _ constraints: [SpreadConstraint], _ nodes: NodeTable) {
        pod = info.pod.value
        self.constraints = constraints
        keys = constraints.compactMap { nodes.columns[$0.topology.column].key }
    }

    func isWoken(by event: ClusterEvent) -> Bool {
        switch event.subject {
        case .pod(let old, let new): isWoken(from: old?.value, to: new?.value)
        case .node(let old, let new): isWoken(from: old?.value, to: new?.value)
        default: false
        }
    }

    /// Pods count that are placed in the same namespace; and the pod itself, whose labels decide what is counted.
    private func isWoken(from old: Pod?, to new: Pod?) -> Bool {
        for other in [old, new] { if let other, !isInvolved(other) { return false } }
        guard let old, let new else { return (new ?? old).map(isSelected) ?? false }
        if new.metadata.uid == pod.metadata.uid, new.spec.value.tolerations != old.spec.value.tolerations,
            constraints.contains(where: { $0.topology.honorsTaints })
        {
            return true
        }
        return isSelected(old) != isSelected(new)
    }

    private func isInvolved(_ other: Pod) -> Bool {
        other.metadata.uid == pod.metadata.uid || (other.nodeName != nil && other.metadata.namespace == pod.metadata.namespace)
    }

    private func isSelected(_ other: Pod) -> Bool { constraints.contains { $0.selector.matches(other.metadata.labels) } }

    /// Only nodes with all topology keys are domains: such a node came or went, or it, its domain or its taints changed.
    private func isWoken(from old: Node?, to new: Node?) -> Bool {
        guard let old, let new else { return (new ?? old).map(hasKeys) ?? false }
        guard hasKeys(old) == hasKeys(new) else { return true }
        guard hasKeys(new) else { return false }
        return old.spec.taints != new.spec.taints || keys.contains { old.metadata.labels[$0] != new.metadata.labels[$0] }
    }

    private func hasKeys(_ node: Node) -> Bool { keys.allSatisfy { node.metadata.labels.has($0) } }
}
