// Topology spread constraints, compiled: once for a pod spec (or the profile's defaults), then completed for a pod's labels.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/>

import KubernetesAPI

/// What a constraint says about topology and nodes: everything but the pods that are counted.
struct SpreadTopology: Hashable, Sendable {
    /// The column of the topology key.
    let column: Int
    /// The topology is the single node: scores count its own pods.
    let isHostname: Bool
    let maxSkew: Int32
    /// 1 where the constraint names none.
    let minDomains: Int32
    /// Only nodes that the pod's `nodeSelector` and required node affinity match are counted.
    let honorsNodeAffinity: Bool
    /// Only nodes whose taints the pod tolerates are counted.
    let honorsTaints: Bool

    init(_ constraint: TopologySpreadConstraint, _ nodes: inout NodeTable) {
        column = nodes.column(of: constraint.topologyKey)
        isHostname = constraint.topologyKey == Node.hostnameLabel
        maxSkew = constraint.maxSkew
        minDomains = constraint.minDomains ?? 1
        honorsNodeAffinity = constraint.nodeAffinityPolicy == .honor
        honorsTaints = constraint.nodeTaintsPolicy == .honor
    }
}

/// A constraint as a pod spec or the plugin's arguments have it.
struct CompiledSpreadConstraint: Hashable, Sendable {
    let topology: SpreadTopology
    let action: TopologySpreadConstraint.Action
    private let selector: Selector
    private let matchLabelKeys: [String]

    init(_ constraint: TopologySpreadConstraint, _ nodes: inout NodeTable) {
        topology = SpreadTopology(constraint, &nodes)
        action = constraint.whenUnsatisfiable
        selector = AffinityTarget.compile(constraint.labelSelector)
        matchLabelKeys = constraint.matchLabelKeys
    }

    static func compile(_ constraints: [TopologySpreadConstraint], _ nodes: inout NodeTable) -> [CompiledSpreadConstraint] {
        var result: [CompiledSpreadConstraint] = []
        for constraint in constraints { result.append(CompiledSpreadConstraint(constraint, &nodes)) }
        return result
    }

    /// The constraint of a pod with these labels: those that `matchLabelKeys` names must be the same on the pods counted.
    func resolved(for labels: Labels) -> SpreadConstraint {
        guard !matchLabelKeys.isEmpty, selector.isSelectable else { return resolved(with: selector, for: labels) }
        var own = Labels()
        for key in matchLabelKeys { if let value = labels[key] { own[key] = value } }
        guard !own.isEmpty else { return resolved(with: selector, for: labels) }
        return resolved(with: Selector(Selector(matching: own).requirements + selector.requirements), for: labels)
    }

    /// The same with another selector: default constraints have none of their own.
    func resolved(with selector: Selector, for labels: Labels) -> SpreadConstraint {
        SpreadConstraint(topology: topology, selector: selector, isSelfMatch: selector.matches(labels))
    }
}

/// A constraint of one pod.
struct SpreadConstraint: Hashable, Sendable {
    let topology: SpreadTopology
    let selector: Selector
    /// Whether the pod itself is among those the selector selects. An empty selector selects the pod, but counts no other.
    let isSelfMatch: Bool

    /// Whether pods are counted at all: a selector that restricts nothing counts none, as in the real plugin.
    var countsPods: Bool { selector.isSelectable && !selector.isEmpty }

    /// Whether the pod may join a domain with `count` matching pods, where the least populated one has `least`.
    func admits(count: Int, least: Int) -> Bool { count + (isSelfMatch ? 1 : 0) - least <= Int(topology.maxSkew) }

    /// Whether a node passes the constraint's inclusion policies, for a pod of this shape.
    func includes(_ slot: NodeSlot, for shape: PodShape, _ nodes: NodeTable) -> Bool {
        if topology.honorsNodeAffinity, !NodeAffinityPlugin.matches(shape, slot, nodes) { return false }
        let taints = nodes.taintSet[slot]
        return !topology.honorsTaints || taints == 0
            || TaintTolerationPlugin.tolerates(shape.tolerations, nodes.taintSets[Int(taints)])
    }
}

extension [SpreadConstraint] {
    /// Whether a node has the topology labels of all constraints.
    func haveKeys(on slot: NodeSlot, _ nodes: NodeTable) -> Bool {
        for constraint in self where nodes.columns[constraint.topology.column].valueOfNode[slot] < 0 { return false }
        return true
    }
}
