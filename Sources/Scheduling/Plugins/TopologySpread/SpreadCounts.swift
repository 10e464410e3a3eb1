// Hard constraints: the counts they are judged by, and the verdict.

import KubernetesAPI

/// The hard constraints of one pod and the domains of each.
struct SpreadCounts: Sendable {
    let constraints: [SpreadConstraint]
    private(set) var domains: [SpreadDomains]

    /// Counts the pods of the whole cluster.
    init(_ pod: PodInfo, _ constraints: [SpreadConstraint], in cluster: ClusterSnapshot) {
        let nodes = cluster.nodes
        self.constraints = constraints
        domains = constraints.map { SpreadDomains(values: nodes.columns[$0.topology.column].values.count) }
        var counter = SpreadPodCounter(constraints, namespace: pod.pod.value.metadata.namespace)
        for slot in nodes.order where constraints.haveKeys(on: slot, nodes) {
            for (index, constraint) in constraints.enumerated() where constraint.includes(slot, for: pod.shape, nodes) {
                let value = nodes.columns[constraint.topology.column].valueOfNode[slot]
                domains[index].add(counter.count(index, on: slot, in: cluster), value: Int(value))
            }
        }
        for index in domains.indices { domains[index].settle() }
    }

    /// `other` comes to a node (`sign` 1) or leaves it (−1).
    ///
    /// As in the real plugin, pods that are being deleted and selectors that restrict nothing, neither of which were counted, count
    /// here.
    mutating func count(_ other: PodInfo, on slot: NodeSlot, sign: Int, for pod: PodInfo, _ nodes: NodeTable) {
        let (own, theirs) = (pod.pod.value.metadata, other.pod.value.metadata)
        guard own.namespace == theirs.namespace, nodes.objects[slot] != nil, constraints.haveKeys(on: slot, nodes) else { return }
        for (index, constraint) in constraints.enumerated() {
            guard constraint.selector.matches(theirs.labels), constraint.includes(slot, for: pod.shape, nodes) else { continue }
            domains[index].change(by: sign, value: Int(nodes.columns[constraint.topology.column].valueOfNode[slot]))
        }
    }

    /// What forbids the node: the first constraint that does; nil if none does.
    func obstacle(on slot: NodeSlot, _ nodes: NodeTable) -> SpreadObstacle? {
        for (index, constraint) in constraints.enumerated() {
            let value = nodes.columns[constraint.topology.column].valueOfNode[slot]
            guard value >= 0 else { return .missingLabel }
            let least = domains[index].least(minDomains: constraint.topology.minDomains)
            guard constraint.admits(count: domains[index].count(Int(value)), least: least) else { return .skew }
        }
        return nil
    }
}

/// Why a hard constraint forbids a node. Raw values are the plugin's reason numbers.
enum SpreadObstacle: Int, Sendable {
    case skew, missingLabel

    var text: String {
        switch self {
        case .skew: "node(s) didn't match pod topology spread constraints"
        case .missingLabel: "node(s) didn't match pod topology spread constraints (missing required label)"
        }
    }

    var rejection: Rejection { self == .missingLabel ? .unschedulableAndUnresolvable : .unschedulable }
}
