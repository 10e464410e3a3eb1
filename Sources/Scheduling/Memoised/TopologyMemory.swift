// What PodTopologySpread and InterPodAffinity say about pods of one class, from sums over topology domains that are kept, not
// counted anew.

import KubernetesAPI

/// The sums that decide about pods of one class, and the verdicts and scores that follow from them.
///
/// A topology with few values (zones) makes classes of nodes: their verdict and score are worked out once for each search, however
/// many nodes a change of the sum concerns. Where nearly every node is a domain of its own (host names) the sum itself is part of the
/// node's class: it changes for one node at a time.
struct TopologyMemory: Sendable {
    /// A value by which nodes are told apart.
    private enum Level: Hashable, Sendable {
        /// The value of a label.
        case value(column: Int)
        /// The sum of the node's domain, or `missingLabel`.
        case amount(sum: Int)
    }
    private static let missingLabel = Int64.min

    /// What a pod of some class adds to a sum.
    private struct Contribution: Sendable {
        let sum: Int32
        let amount: Int64
    }

    /// Stands for the pods that are to be placed.
    let pod: PodInfo
    private let own: LabelSetTable.Entry
    let spread: SpreadMemory?
    private(set) var affinity: AffinityMemory?
    private(set) var sums: [DomainSum] = []
    private var levels: [Level] = []
    /// The level of each sum.
    private var levelOfSum: [Int] = []
    /// By class of placed pods; nil: not asked yet.
    private var contributions: [[Contribution]?] = []
    /// The number of the first change not yet counted.
    private(set) var nextChange = 0
    private var selectorVersion: UInt64
    private let namespaceVersion: UInt64

    /// nil if the profile has neither plugin.
    init?(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        self.pod = pod
        own = cluster.labelSets[pod.labelSet]
        spread = SpreadMemory(pod, profile, cluster)
        affinity = AffinityMemory(pod, profile, cluster)
        selectorVersion = cluster.objects.selectorVersion
        namespaceVersion = cluster.objects.namespaceVersion
        guard spread != nil || affinity != nil else { return nil }
        for sum in spread?.makeSums(for: pod.shape) ?? [] {
            addSum(sum, cluster.nodes)
        }
        for rule in affinity?.ownRules(of: pod.shape) ?? [] { _ = sum(for: rule, cluster.nodes) }
        recount(cluster)
    }

    /// Whether the rules made from the pod and the objects around it would be the same now, and all changes since are known.
    mutating func isCurrent(in cluster: ClusterSnapshot) -> Bool {
        guard namespaceVersion == cluster.objects.namespaceVersion, nextChange >= cluster.changes.start else { return false }
        guard selectorVersion != cluster.objects.selectorVersion else { return true }
        selectorVersion = cluster.objects.selectorVersion
        return spread?.isCurrent(for: pod, in: cluster) ?? true
    }

    var levelCount: Int { levels.count }

    /// The place of the first of the two plugins among the profile's Filter plugins.
    var firstFilterPosition: Int { min(spread?.filterPosition ?? .max, affinity?.filterPosition ?? .max) }

    // MARK: Sums

    private mutating func addSum(_ sum: DomainSum, _ nodes: NodeTable) {
        let number = sums.count
        sums.append(sum)
        for slot in 0..<nodes.slotCount { sums[number].updateNode(slot, nodes) }
        let level = sum.isShared(nodes) ? Level.value(column: sum.column) : .amount(sum: number)
        if let known = levels.firstIndex(of: level) {
            levelOfSum.append(known)
        } else {
            levelOfSum.append(levels.count)
            levels.append(level)
        }
    }

    /// The sum that an affinity rule asks for, made if there is none yet.
    private mutating func sum(for rule: AffinityMemory.Rule, _ nodes: NodeTable) -> Int {
        if let known = affinity?.sum(of: rule) { return known }
        addSum(DomainSum(column: rule.column), nodes)
        affinity?.note(rule, sum: sums.count - 1)
        return sums.count - 1
    }

    /// Counts all pods of the cluster.
    private mutating func recount(_ cluster: ClusterSnapshot) {
        nextChange = cluster.changes.end
        // Without rules of its own only pods with such rules can matter.
        guard !sums.isEmpty || !pod.shape.podAffinity.isEmpty || cluster.nodes.affinity.podCount > 0 else { return }
        for podClass in cluster.podsOfClass.indices where !cluster.podsOfClass[podClass].isEmpty {
            learn(PodClassNumber(podClass), cluster)
            guard contributions[podClass]?.isEmpty == false else { continue }
            for number in cluster.podsOfClass[podClass] {
                guard let slot = cluster.pods[Int(number)]?.node else { continue }
                count(PodClassNumber(podClass), on: slot, sign: 1, cluster) { _ in }
            }
        }
    }

    /// Counts what happened since; `mark` is told of nodes, other than the changed ones, about which answers are out of date.
    mutating func catchUp(with cluster: ClusterSnapshot, mark: (NodeSlot) -> Void) {
        let end = cluster.changes.end
        while nextChange < end {
            let change = cluster.changes[nextChange]
            nextChange += 1
            let slot = Int(change.slot)
            if change.podClass >= 0 {
                count(change.podClass, on: slot, sign: Int64(change.sign), cluster, mark)
            } else {
                for number in sums.indices {
                    let former = sums[number].value(of: slot)
                    sums[number].updateNode(slot, cluster.nodes)
                    guard isAmount(number) else { continue }
                    markDomain(former, besides: slot, sums[number].column, cluster, mark)
                    markDomain(sums[number].value(of: slot), besides: slot, sums[number].column, cluster, mark)
                }
            }
        }
    }

    private func isAmount(_ sum: Int) -> Bool { levels[levelOfSum[sum]] == .amount(sum: sum) }

    private mutating func count(
        _ podClass: PodClassNumber, on slot: NodeSlot, sign: Int64, _ cluster: ClusterSnapshot, _ mark: (NodeSlot) -> Void
    ) {
        let index = Int(podClass)
        if index >= contributions.count || contributions[index] == nil { learn(podClass, cluster) }
        guard let known = contributions[index] else { return }
        for contribution in known {
            let number = Int(contribution.sum)
            sums[number].add(sign * contribution.amount, on: slot, cluster.nodes)
            if isAmount(number) { markDomain(sums[number].value(of: slot), besides: slot, sums[number].column, cluster, mark) }
        }
    }

    /// The other nodes of a domain whose sum changed.
    private func markDomain(
        _ value: Int32, besides slot: NodeSlot, _ column: Int, _ cluster: ClusterSnapshot, _ mark: (NodeSlot) -> Void
    ) {
        guard value >= 0 else { return }
        let values = cluster.nodes.columns[column]
        // The node itself may have left the domain by now.
        let others = values.nodeCounts[Int(value)] - (values.valueOfNode[slot] == value ? 1 : 0)
        guard others > 0 else { return }
        for other in values.valueOfNode.indices where values.valueOfNode[other] == value { mark(other) }
    }

    /// Finds out what pods of a class add to which sums.
    private mutating func learn(_ podClass: PodClassNumber, _ cluster: ClusterSnapshot) {
        if contributions.count < cluster.podClasses.count {
            contributions.append(contentsOf: repeatElement(nil, count: cluster.podClasses.count - contributions.count))
        }
        let other = cluster.podClasses[podClass]
        let theirs = cluster.labelSets[other.labelSet]
        var result: [Contribution] = []
        if let spread, !other.isTerminating, theirs.namespace == own.namespace {
            for number in spread.sumsCounting(theirs.labels) { result.append(Contribution(sum: Int32(number), amount: 1)) }
        }
        let credits = affinity?.credits(of: other.shape, theirs, for: pod, own, cluster.objects) ?? []
        for (rule, amount) in credits {
            result.append(Contribution(sum: Int32(sum(for: rule, cluster.nodes)), amount: amount))
        }
        contributions[Int(podClass)] = result
    }

    // MARK: Rows

    /// The value of a node at a level: the levels together are the node's row.
    func value(at level: Int, of slot: NodeSlot, _ nodes: NodeTable) -> Int64 {
        switch levels[level] {
        case .value(let column): return Int64(nodes.columns[column].valueOfNode[slot])
        case .amount(let sum):
            let hasLabel = nodes.columns[sums[sum].column].valueOfNode[slot] >= 0
            return hasLabel ? sums[sum].amount(of: slot, nodes) : TopologyMemory.missingLabel
        }
    }

    /// The sum of the domain of the nodes that have a row; nil where they lack the label.
    func amount(_ sum: Int, _ row: ArraySlice<Int64>, _ nodes: NodeTable) -> Int64? {
        let level = levelOfSum[sum]
        let value = row[row.startIndex + level]
        switch levels[level] {
        case .value: return value < 0 ? nil : sums[sum].amount(ofValue: Int32(value), nodes)
        case .amount: return value == TopologyMemory.missingLabel ? nil : value
        }
    }

    /// The domain of the nodes that have a row, in a topology whose values make classes.
    func domain(_ sum: Int, _ row: ArraySlice<Int64>, _ nodes: NodeTable) -> Int {
        SpreadDomainIndex(nodes.columns[sums[sum].column]).domain(Int32(row[row.startIndex + levelOfSum[sum]]))
    }

    /// What forbids the nodes that have a row: of both plugins' the one that is asked first.
    func obstacle(_ row: ArraySlice<Int64>, _ nodes: NodeTable) -> NodeVerdict? {
        if sums.isEmpty { return nil }
        let spreadFirst = (spread?.filterPosition ?? .max) < (affinity?.filterPosition ?? .max)
        if spreadFirst { return spread?.obstacle(self, row, nodes) ?? affinity?.obstacle(self, row, nodes) }
        return affinity?.obstacle(self, row, nodes) ?? spread?.obstacle(self, row, nodes)
    }

    /// What forbids a node.
    func obstacle(on slot: NodeSlot, _ nodes: NodeTable) -> NodeVerdict? {
        var row: [Int64] = []
        for level in levels.indices { row.append(value(at: level, of: slot, nodes)) }
        return obstacle(row[...], nodes)
    }
}
