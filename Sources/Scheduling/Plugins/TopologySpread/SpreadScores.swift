// Soft constraints: the fewer matching pods a node's domains have, the better.

import DiscreteEvents
import KubernetesAPI

/// The arithmetic of soft constraints, apart from who keeps the counts.
enum SpreadScoring {
    /// The weight of a constraint whose topology has this many domains among the nodes that are scored: a pod more matters as much
    /// where there are few domains as where there are many.
    static func weight(domains: Int) -> Double { naturalLogarithm(Double(domains + 2)) }

    /// What a constraint adds to a node's raw score. A constraint that allows a large skew makes the difference of the counts matter
    /// less.
    static func term(count: Int64, maxSkew: Int32, weight: Double) -> Double { Double(count) * weight + Double(maxSkew - 1) }

    /// The raw score, from the sum of the terms in the order of the constraints.
    static func raw(_ sum: Double) -> Int64 { Int64(sum.rounded(.toNearestOrAwayFromZero)) }

    /// Brings raw scores to 0…100, few pods being good. `isIgnored`: nodes that lack a topology key get 0.
    static func normalise(_ scores: inout [Int64], isIgnored: [Bool]) {
        var (least, most) = (Int64.max, Int64(0))
        for index in scores.indices where !isIgnored[index] {
            least = min(least, scores[index])
            most = max(most, scores[index])
        }
        for index in scores.indices {
            if isIgnored[index] {
                scores[index] = 0
            } else {
                scores[index] = most == 0 ? NodeScore.maximum : NodeScore.maximum * (most + least - scores[index]) / most
            }
        }
    }
}

/// Numbers for the domains of one topology. Nodes without the label are a domain, the same as nodes whose label is empty: that matters to
/// the built-in defaults only, which do not ask for the label.
struct SpreadDomainIndex: Sendable {
    let count: Int
    private let emptyValue: Int32

    init(_ column: LabelColumn) {
        count = column.values.count + 1
        emptyValue = column.emptyValue
    }

    /// The domain of nodes with a value of the column (−1: without).
    func domain(_ value: Int32) -> Int { value < 0 || value == emptyValue ? 0 : Int(value) + 1 }
}

/// The soft constraints of one pod, and the counts they are scored by.
struct SpreadScores: Sendable {
    private let constraints: [SpreadConstraint]
    private let domains: [SpreadDomainIndex]
    /// By constraint.
    private var weights: [Double] = []
    /// By constraint; then by domain, or by place in the list of feasible nodes where the topology is the single node.
    private var counts: [[Int64]]
    /// By place in the list of feasible nodes: those that lack a topology key, where all are required.
    private(set) var isIgnored: [Bool]

    /// Counts the pods of the whole cluster, in the domains that feasible nodes belong to.
    init(
        _ pod: PodInfo, _ constraints: [SpreadConstraint], feasible: [NodeSlot], requiresAllKeys: Bool, in cluster: ClusterSnapshot
    ) {
        let nodes = cluster.nodes
        let isIgnored = feasible.map { requiresAllKeys && !constraints.haveKeys(on: $0, nodes) }
        let domains = constraints.map { SpreadDomainIndex(nodes.columns[$0.topology.column]) }
        self.constraints = constraints
        self.isIgnored = isIgnored
        self.domains = domains
        counts = Array(repeating: [], count: constraints.count)
        var counter = SpreadPodCounter(constraints, namespace: pod.pod.value.metadata.namespace)
        var isWanted: [[Bool]] = []
        for (index, constraint) in constraints.enumerated() {
            let isHostname = constraint.topology.isHostname
            counts[index] = Array(repeating: 0, count: isHostname ? feasible.count : domains[index].count)
            isWanted.append(Array(repeating: false, count: isHostname ? 0 : domains[index].count))
            var size = 0
            for (place, slot) in feasible.enumerated() where !isIgnored[place] {
                if isHostname {
                    size += 1
                    counts[index][place] = Int64(counter.count(index, on: slot, in: cluster))
                } else {
                    let domain = domains[index].domain(nodes.columns[constraint.topology.column].valueOfNode[slot])
                    if !isWanted[index][domain] { size += 1 }
                    isWanted[index][domain] = true
                }
            }
            weights.append(SpreadScoring.weight(domains: size))
        }
        guard constraints.contains(where: { !$0.topology.isHostname }) else { return }
        for slot in nodes.order {
            if requiresAllKeys, !constraints.haveKeys(on: slot, nodes) { continue }
            for (index, constraint) in constraints.enumerated() where !constraint.topology.isHostname {
                let domain = domains[index].domain(nodes.columns[constraint.topology.column].valueOfNode[slot])
                guard isWanted[index][domain], constraint.includes(slot, for: pod.shape, nodes) else { continue }
                counts[index][domain] += Int64(counter.count(index, on: slot, in: cluster))
            }
        }
    }

    /// The raw score of the feasible node at a place of the list; 0 for those ignored.
    func raw(_ slot: NodeSlot, at place: Int, _ nodes: NodeTable) -> Int64 {
        if isIgnored[place] { return 0 }
        var sum = 0.0
        for (index, constraint) in constraints.enumerated() {
            let value = nodes.columns[constraint.topology.column].valueOfNode[slot]
            guard value >= 0 else { continue }
            let domain = constraint.topology.isHostname ? place : domains[index].domain(value)
            sum += SpreadScoring.term(count: counts[index][domain], maxSkew: constraint.topology.maxSkew, weight: weights[index])
        }
        return SpreadScoring.raw(sum)
    }
}
