// The nodes as a DaemonSet sees them: where its pods belong, and which it has where.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// A node with a DaemonSet's pods on it, in the order of creation.
struct DaemonNode {
    let name: String
    /// nil: the node is gone and its pods are not yet.
    let placement: DaemonPlacement?
    let pods: [Shared<Pod>]

    var shouldRun: Bool { placement?.shouldRun ?? false }
}

/// All nodes in the order of their slots in the cache, then those that are gone and still have pods. The real controller visits nodes
/// in the order of a Go map, which is random; any fixed order is one of its possible ones.
struct DaemonNodes {
    private(set) var nodes: [DaemonNode] = []
    /// How many nodes should run a pod.
    private(set) var desired = 0

    /// - Parameter pods: the DaemonSet's. Those that have ended and are being deleted count no more.
    init(_ set: DaemonSet, pods: [Shared<Pod>], _ placements: inout DaemonPlacements, _ view: SharedInformers) {
        let table = view.tables[.node]
        // Nearly every node has one pod, so that one needs no array of its own.
        var first: [Shared<Pod>?] = Array(repeating: nil, count: table.slotCount)
        var more: [Int: [Shared<Pod>]] = [:]
        var stray: [(name: String, pods: [Shared<Pod>])] = []
        for pod in pods where !(pod.isTerminal && pod.isTerminating) {
            guard let name = pod.value.targetNode else { continue }
            if let slot = table.slot(of: NamespacedName(namespace: "", name: name)) {
                if first[slot] == nil { first[slot] = pod } else { more[slot, default: []].append(pod) }
            } else if let index = stray.firstIndex(where: { $0.name == name }) {
                stray[index].pods.append(pod)
            } else {
                stray.append((name, [pod]))
            }
        }
        nodes.reserveCapacity(table.count + stray.count)
        for slot in 0..<table.slotCount {
            guard case .node(let node)? = table[slot: slot] else { continue }
            let placement = placements.placement(of: set, on: node, slot: slot)
            if placement.shouldRun { desired += 1 }
            var pods = first[slot].map { [$0] } ?? []
            if let others = more[slot] { pods = DaemonNodes.sorted(pods + others) }
            nodes.append(DaemonNode(name: node.value.metadata.name, placement: placement, pods: pods))
        }
        for (name, pods) in stray { nodes.append(DaemonNode(name: name, placement: nil, pods: DaemonNodes.sorted(pods))) }
    }

    /// Bound pods first, then older ones, then by name.
    private static func sorted(_ pods: [Shared<Pod>]) -> [Shared<Pod>] {
        pods.sorted { left, right in
            let (one, other) = (left.value, right.value)
            if (one.nodeName == nil) != (other.nodeName == nil) { return one.nodeName != nil }
            if one.metadata.creationTimestamp != other.metadata.creationTimestamp {
                return one.metadata.creationTimestamp < other.metadata.creationTimestamp
            }
            return one.metadata.name < other.metadata.name
        }
    }
}

extension Pod {
    /// The node a daemon pod is on, or meant for.
    package var targetNode: String? { nodeName ?? spec.value.affinity.pinnedNode }
}

extension Affinity {
    /// The node that ``pinned(to:)`` named.
    var pinnedNode: String? {
        for term in requiredNodeTerms?.terms ?? [] {
            for field in term.matchFields where field.key == NodeSelectorRequirement.nameField && field.operator == .in {
                return field.values.count == 1 ? field.values[0] : nil
            }
        }
        return nil
    }
}
