// Where each DaemonSet's pods belong, remembered: a DaemonSet is synced whenever one of its pods changes, and asking every node again
// each time would be most of the work of a large cluster's start.

import KubernetesAPI

/// The placements of every DaemonSet on every node, worked out once per node and template.
struct DaemonPlacements: Sendable {
    private struct Table: Sendable {
        let daemonSet: UID
        var spec: Shared<PodSpec>
        var tolerations: [Toleration]
        /// By the node's slot; nil: not known.
        var answers: [DaemonPlacement?] = []
    }
    /// Few, so a plain list.
    private var tables: [Table] = []

    /// Where the node in a slot stands with a DaemonSet.
    mutating func placement(of set: DaemonSet, on node: Shared<Node>, slot: Int) -> DaemonPlacement {
        let index = table(of: set)
        while tables[index].answers.count <= slot { tables[index].answers.append(nil) }
        if let known = tables[index].answers[slot] { return known }
        let answer = DaemonPlacement(
            of: set.spec.template.spec.value, nodeName: nil, tolerations: tables[index].tolerations, on: node.value)
        tables[index].answers[slot] = answer
        return answer
    }

    /// The tolerations of a DaemonSet's pods.
    mutating func tolerations(of set: DaemonSet) -> [Toleration] { tables[table(of: set)].tolerations }

    /// The node in a slot is another, or has other labels or taints.
    mutating func forget(slot: Int) {
        for index in tables.indices where slot < tables[index].answers.count { tables[index].answers[slot] = nil }
    }

    mutating func forget(_ daemonSet: UID) { tables.removeAll { $0.daemonSet == daemonSet } }

    private mutating func table(of set: DaemonSet) -> Int {
        let spec = set.spec.template.spec
        guard let index = tables.firstIndex(where: { $0.daemonSet == set.metadata.uid }) else {
            tables.append(Table(daemonSet: set.metadata.uid, spec: spec, tolerations: DaemonTolerations.of(spec.value)))
            return tables.count - 1
        }
        if tables[index].spec != spec {
            tables[index] = Table(daemonSet: set.metadata.uid, spec: spec, tolerations: DaemonTolerations.of(spec.value))
        }
        return index
    }
}
