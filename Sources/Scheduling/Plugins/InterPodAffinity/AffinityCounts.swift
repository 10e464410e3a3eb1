// What required (anti-)affinity needs to know: how many pods speak for or against each topology.

import KubernetesAPI

/// Matching pods by topology, for one pod that is to be placed.
struct AffinityCounts: Sendable {
    /// Placed pods that all required affinity terms of the pod are about, once for each term.
    var affinity = TopologyTally()
    /// Placed pods that one of the pod's required anti-affinity terms is about, once for each such term.
    var antiAffinity = TopologyTally()
    /// Required anti-affinity terms of placed pods that are about the pod.
    var existingAntiAffinity = TopologyTally()
    /// Whether the pod's own required affinity terms are all about itself: the first of a group that wants to be together.
    let matchesItself: Bool

    /// Counts the pods of the whole cluster.
    init(_ pod: PodInfo, in cluster: ClusterSnapshot) {
        let own = cluster.labelSets[pod.labelSet]
        matchesItself = pod.shape.podAffinity.requiredAffinity.allIncludePlaced(own, owner: own.namespace, cluster.objects)
        countExistingAntiAffinity(own, in: cluster)
        if pod.shape.podAffinity.hasRequired { countIncoming(pod.shape.podAffinity, own, in: cluster) }
    }

    private mutating func countExistingAntiAffinity(_ own: LabelSetTable.Entry, in cluster: ClusterSnapshot) {
        let nodes = cluster.nodes
        guard nodes.affinity.requiredAntiAffinityPodCount > 0 else { return }
        // The topology columns of each owner's terms that are about the pod.
        var columnsOfOwner: [[Int]?] = Array(repeating: nil, count: cluster.affinityOwners.count)
        for slot in nodes.order {
            for entry in nodes.affinity.ofNode[slot] {
                let columns: [Int]
                if let known = columnsOfOwner[Int(entry.owner)] {
                    columns = known
                } else {
                    let owner = cluster.affinityOwners[entry.owner]
                    columns = owner.terms.requiredAntiAffinity.compactMap {
                        $0.includesIncoming(own, owner: owner.namespace, cluster.objects) ? $0.column : nil
                    }
                    columnsOfOwner[Int(entry.owner)] = columns
                }
                for column in columns { existingAntiAffinity.add(Int64(entry.pods), column: column, of: slot, nodes) }
            }
        }
    }

    private mutating func countIncoming(_ terms: PodAffinityTerms, _ own: LabelSetTable.Entry, in cluster: ClusterSnapshot) {
        let nodes = cluster.nodes
        let affinityColumns = terms.requiredAffinity.map(\.column)
        let antiAffinityColumns = terms.requiredAntiAffinity.map(\.column)
        var affinityMatcher = PlacedPodMatcher(terms.requiredAffinity, owner: own.namespace)
        var antiAffinityMatchers = terms.requiredAntiAffinity.map { PlacedPodMatcher([$0], owner: own.namespace) }
        for slot in nodes.order {
            for number in nodes.pods[slot] {
                guard let labelSet = cluster.pods[Int(number)]?.info.labelSet else { continue }
                if affinityMatcher.includes(labelSet, in: cluster) {
                    for column in affinityColumns { affinity.add(1, column: column, of: slot, nodes) }
                }
                for index in antiAffinityColumns.indices where antiAffinityMatchers[index].includes(labelSet, in: cluster) {
                    antiAffinity.add(1, column: antiAffinityColumns[index], of: slot, nodes)
                }
            }
        }
    }

    /// `other` comes to a node (`sign` 1) or leaves it (−1).
    mutating func count(_ other: PodInfo, on slot: NodeSlot, sign: Int64, for pod: PodInfo, in cluster: ClusterSnapshot) {
        let (own, theirs) = (cluster.labelSets[pod.labelSet], cluster.labelSets[other.labelSet])
        let terms = pod.shape.podAffinity
        for term in other.shape.podAffinity.requiredAntiAffinity
        where term.includesIncoming(own, owner: theirs.namespace, cluster.objects) {
            existingAntiAffinity.add(sign, column: term.column, of: slot, cluster.nodes)
        }
        if terms.requiredAffinity.allIncludePlaced(theirs, owner: own.namespace, cluster.objects) {
            for term in terms.requiredAffinity { affinity.add(sign, column: term.column, of: slot, cluster.nodes) }
        }
        for term in terms.requiredAntiAffinity where term.includesPlaced(theirs, owner: own.namespace, cluster.objects) {
            antiAffinity.add(sign, column: term.column, of: slot, cluster.nodes)
        }
    }
}

/// Why required (anti-)affinity forbids a node. Raw values are the plugin's reason numbers.
enum AffinityObstacle: Int, Sendable {
    case affinity, antiAffinity, existingAntiAffinity

    var text: String {
        switch self {
        case .affinity: "node(s) didn't match pod affinity rules"
        case .antiAffinity: "node(s) didn't match pod anti-affinity rules"
        case .existingAntiAffinity: "node(s) didn't satisfy existing pods anti-affinity rules"
        }
    }

    /// Removing pods never helps affinity, which needs more of them.
    var rejection: Rejection { self == .affinity ? .unschedulableAndUnresolvable : .unschedulable }
}

extension AffinityCounts {
    /// What forbids the node, in the order affinity, own anti-affinity, that of placed pods; nil if nothing does.
    func obstacle(_ terms: PodAffinityTerms, on slot: NodeSlot, _ nodes: NodeTable) -> AffinityObstacle? {
        if !satisfiesAffinity(terms.requiredAffinity, slot, nodes) { return .affinity }
        if antiAffinity.nonZeroCount > 0 {
            for term in terms.requiredAntiAffinity where antiAffinity.sum(term.column, of: slot, nodes) > 0 { return .antiAffinity }
        }
        if existingAntiAffinity.nonZeroCount > 0 {
            for column in existingAntiAffinity.columns where existingAntiAffinity.sum(column, of: slot, nodes) > 0 {
                return .existingAntiAffinity
            }
        }
        return nil
    }

    /// Every term's topology label must be there and have matching pods. If the whole cluster has none, the first pod of a group
    /// that matches its own terms may go anywhere with the labels.
    private func satisfiesAffinity(_ terms: [CompiledAffinityTerm], _ slot: NodeSlot, _ nodes: NodeTable) -> Bool {
        var hasAll = true
        for term in terms {
            guard nodes.columns[term.column].valueOfNode[slot] >= 0 else { return false }
            if affinity.sum(term.column, of: slot, nodes) <= 0 { hasAll = false }
        }
        return hasAll || (affinity.nonZeroCount == 0 && matchesItself)
    }
}
