// How well nodes agree with preferred (anti-)affinity: the pod's own, and that of the pods already there.

import KubernetesAPI

/// Weights that matching terms give to topologies, for one pod that is to be placed.
struct AffinityScores: Sendable {
    /// Sums by topology. Without any column no term had a say, even one that cancels out.
    private(set) var tally = TopologyTally()

    /// Adds up what the pods of the whole cluster say.
    /// - Parameter hardWeight: what a required affinity term of a placed pod that is about the pod adds.
    init(_ pod: PodInfo, hardWeight: Int32, in cluster: ClusterSnapshot) {
        let own = cluster.labelSets[pod.labelSet]
        if pod.shape.podAffinity.hasPreferred { countOwnTerms(pod.shape.podAffinity, own, in: cluster) }
        if cluster.nodes.affinity.podCount > 0 { countPlacedTerms(own, hardWeight, in: cluster) }
    }

    private mutating func countOwnTerms(_ terms: PodAffinityTerms, _ own: LabelSetTable.Entry, in cluster: ClusterSnapshot) {
        let nodes = cluster.nodes
        let preferred = terms.preferredAffinity + terms.preferredAntiAffinity
        let columns = preferred.map(\.column)
        let weights = terms.preferredAffinity.map { Int64($0.weight) } + terms.preferredAntiAffinity.map { -Int64($0.weight) }
        var matchers = preferred.map { PlacedPodMatcher([$0], owner: own.namespace) }
        for slot in nodes.order {
            for number in nodes.pods[slot] {
                guard let labelSet = cluster.pods[Int(number)]?.info.labelSet else { continue }
                for index in columns.indices where matchers[index].includes(labelSet, in: cluster) {
                    tally.add(weights[index], column: columns[index], of: slot, nodes)
                }
            }
        }
    }

    private mutating func countPlacedTerms(_ own: LabelSetTable.Entry, _ hardWeight: Int32, in cluster: ClusterSnapshot) {
        let nodes = cluster.nodes
        var credits: [[AffinityCredit]?] = Array(repeating: nil, count: cluster.affinityOwners.count)
        for slot in nodes.order {
            for entry in nodes.affinity.ofNode[slot] {
                let credit: [AffinityCredit]
                if let known = credits[Int(entry.owner)] {
                    credit = known
                } else {
                    credit = AffinityCredit.of(cluster.affinityOwners[entry.owner], to: own, hardWeight: hardWeight, cluster.objects)
                    credits[Int(entry.owner)] = credit
                }
                for item in credit { tally.add(item.weight * Int64(entry.pods), column: item.column, of: slot, nodes) }
            }
        }
    }

    /// Whether no term of any pod had a say.
    var isEmpty: Bool { tally.columns.isEmpty }

    /// The score of a node: the sum over its topologies.
    func raw(_ slot: NodeSlot, _ nodes: NodeTable) -> Int64 {
        var sum: Int64 = 0
        for column in tally.columns { sum += tally.sum(column, of: slot, nodes) }
        return sum
    }

    /// Stretches raw scores to 0…100; equal ones become 0.
    static func normalise(_ scores: inout [Int64]) {
        guard let least = scores.min(), let most = scores.max() else { return }
        let range = most - least
        for index in scores.indices {
            guard range > 0 else {
                scores[index] = 0
                continue
            }
            scores[index] = Int64(Double(NodeScore.maximum) * (Double(scores[index] - least) / Double(range)))
        }
    }
}

/// What one placed pod adds to the score of its own topology, for a pod that is to be placed.
struct AffinityCredit: Hashable, Sendable {
    let column: Int
    let weight: Int64

    /// The credits of a placed pod's terms that are about the incoming pod.
    static func of(
        _ owner: AffinityOwnerTable.Entry, to incoming: LabelSetTable.Entry, hardWeight: Int32, _ objects: ListedObjects
    ) -> [AffinityCredit] {
        var result: [AffinityCredit] = []
        func add(_ terms: [CompiledAffinityTerm], _ weight: (CompiledAffinityTerm) -> Int64) {
            for term in terms where term.includesIncoming(incoming, owner: owner.namespace, objects) {
                result.append(AffinityCredit(column: term.column, weight: weight(term)))
            }
        }
        if hardWeight > 0 { add(owner.terms.requiredAffinity) { _ in Int64(hardWeight) } }
        add(owner.terms.preferredAffinity) { Int64($0.weight) }
        add(owner.terms.preferredAntiAffinity) { -Int64($0.weight) }
        return result
    }
}
