// The nominations that one cycle has to reckon with.

import KubernetesAPI

/// Pods nominated to nodes that take precedence over the pod of the cycle: their priority is no lower. By node slot, ascending.
struct NominatedPods: Sendable {
    private var entries: [(node: NodeSlot, pods: [PodInfo])] = []

    /// Nothing is nominated.
    init() {}

    init(_ nominator: Nominator, for pod: PodInfo, in cache: SchedulerCache) {
        guard !nominator.isEmpty else { return }
        let uid = pod.pod.value.metadata.uid
        for node in nominator.nodes {
            guard let slot = cache.slot(of: node.name) else { continue }
            let others = node.pods.filter { $0.priority >= pod.priority && $0.pod.value.metadata.uid != uid }
            if !others.isEmpty { entries.append((slot, others)) }
        }
        entries.sort { $0.node < $1.node }
    }

    var isEmpty: Bool { entries.isEmpty }

    /// The nodes that pods are nominated to.
    var nodes: [NodeSlot] { entries.map(\.node) }

    /// The pods nominated to a node, in the order of their nomination.
    subscript(node: NodeSlot) -> [PodInfo] {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].node < node { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].node == node ? entries[low].pods : []
    }
}
