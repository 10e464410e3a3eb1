// PodTopologySpread for pods of one class, by sums that are kept.

import KubernetesAPI

/// The spread constraints of pods of one class. The sums of the hard ones come first among those of a ``TopologyMemory``, then those
/// of the soft ones.
struct SpreadMemory: Sendable {
    private let rules: SpreadRules
    private let plugin: Int
    /// Where the plugin stands among the profile's Filter plugins; nil: constraints forbid nothing.
    let filterPosition: Int?
    private let hard: [SpreadConstraint]
    private let soft: [SpreadConstraint]
    private let requiresAllKeys: Bool
    private let isScored: Bool
    /// Of the plugin's score.
    private let weight: Int64

    /// nil if the profile does not have the plugin, or not where it matters.
    init?(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        guard let number = profile.plugins.firstIndex(where: { $0 is PodTopologySpreadPlugin }),
            let spread = profile.plugins[number] as? PodTopologySpreadPlugin
        else { return nil }
        let filters = profile.preFilter.contains { $0.number == number }
        filterPosition = filters ? profile.filter.firstIndex { $0.number == number } : nil
        let score = profile.score.first { $0.number == number }
        isScored = score != nil && profile.preScore.contains { $0.number == number }
        guard filterPosition != nil || isScored else { return nil }
        plugin = number
        rules = spread.rules
        hard = filterPosition == nil ? [] : rules.constraints(of: pod, .doNotSchedule, in: cluster)
        soft = isScored ? rules.constraints(of: pod, .scheduleAnyway, in: cluster) : []
        requiresAllKeys = rules.requiresAllKeys(pod.shape)
        weight = score?.weight ?? 0
    }

    /// Whether the constraints would be the same now: default ones follow services and owners.
    func isCurrent(for pod: PodInfo, in cluster: ClusterSnapshot) -> Bool {
        (filterPosition == nil || hard == rules.constraints(of: pod, .doNotSchedule, in: cluster))
            && (!isScored || soft == rules.constraints(of: pod, .scheduleAnyway, in: cluster))
    }

    func makeSums(for shape: PodShape) -> [DomainSum] {
        hard.map { constraint in
            let inclusion = DomainSum.Inclusion(required: hard, constraint: constraint, shape: shape)
            return DomainSum(column: constraint.topology.column, inclusion: inclusion, tracksLeast: true)
        }
            + soft.map { constraint in
                if constraint.topology.isHostname { return DomainSum(column: constraint.topology.column, domains: .nodes) }
                let inclusion = DomainSum.Inclusion(required: requiresAllKeys ? soft : [], constraint: constraint, shape: shape)
                return DomainSum(column: constraint.topology.column, domains: .valuesAndNone, inclusion: inclusion)
            }
    }

    /// The sums that a pod with these labels, in the same namespace, counts in.
    func sumsCounting(_ labels: Labels) -> [Int] {
        (hard + soft).enumerated().filter { $0.element.countsPods && $0.element.selector.matches(labels) }.map(\.offset)
    }

    func obstacle(_ memory: TopologyMemory, _ row: ArraySlice<Int64>, _ nodes: NodeTable) -> NodeVerdict? {
        for (sum, constraint) in hard.enumerated() {
            var obstacle = SpreadObstacle.missingLabel
            if let count = memory.amount(sum, row, nodes) {
                let sums = memory.sums[sum]
                let least = SpreadDomains.least(
                    smallest: sums.least, domains: sums.domainCount, minDomains: constraint.topology.minDomains)
                if constraint.admits(count: Int(count), least: least) { continue }
                obstacle = .skew
            }
            return NodeVerdict(plugin: plugin, reasons: NodeVerdict.bit(obstacle.rawValue), obstacle.rejection)
        }
        return nil
    }

    /// Whether soft constraints tell nodes apart.
    var scores: Bool { !soft.isEmpty }

    /// Adds the plugin's weighted score to what each class has already.
    /// - Parameters:
    ///   - classes: the classes of feasible nodes, with the number of nodes in each.
    func addScores(
        _ memory: TopologyMemory, _ classes: [Int32], found: [Int32], rows: NodeClasses, to offsets: inout [Int64], _ nodes: NodeTable
    ) {
        let isIgnored = classes.map { number in
            requiresAllKeys && soft.indices.contains { memory.amount(hard.count + $0, rows.row(Int(number)), nodes) == nil }
        }
        var weights: [Double] = []
        for (index, constraint) in soft.enumerated() {
            var size = 0
            if constraint.topology.isHostname {
                for (place, number) in classes.enumerated() where !isIgnored[place] { size += Int(found[Int(number)]) }
            } else {
                var isSeen = Array(repeating: false, count: nodes.columns[constraint.topology.column].values.count + 1)
                for (place, number) in classes.enumerated() where !isIgnored[place] {
                    let domain = memory.domain(hard.count + index, rows.row(Int(number)), nodes)
                    if !isSeen[domain] { size += 1 }
                    isSeen[domain] = true
                }
            }
            weights.append(SpreadScoring.weight(domains: size))
        }
        var scores: [Int64] = []
        for (place, number) in classes.enumerated() {
            var sum = 0.0
            for (index, constraint) in soft.enumerated() where !isIgnored[place] {
                guard let count = memory.amount(hard.count + index, rows.row(Int(number)), nodes) else { continue }
                sum += SpreadScoring.term(count: count, maxSkew: constraint.topology.maxSkew, weight: weights[index])
            }
            scores.append(SpreadScoring.raw(sum))
        }
        SpreadScoring.normalise(&scores, isIgnored: isIgnored)
        for (place, number) in classes.enumerated() { offsets[Int(number)] += weight * scores[place] }
    }
}
