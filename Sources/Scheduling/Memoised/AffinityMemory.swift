// InterPodAffinity for pods of one class, by sums that are kept.

import KubernetesAPI

/// The affinity rules around pods of one class: its own, and those of placed pods that are about it.
struct AffinityMemory: Sendable {
    /// What is summed over the domains of one topology.
    struct Rule: Hashable, Sendable {
        enum Purpose: Hashable, Sendable {
            /// Pods that all required affinity terms are about, once for each term.
            case affinity
            /// Pods that required anti-affinity terms are about.
            case antiAffinity
            /// Required anti-affinity terms of placed pods.
            case existingAntiAffinity
            /// Weights.
            case score
        }
        let purpose: Purpose
        let column: Int
    }

    private let plugin: Int
    /// Where the plugin stands among the profile's Filter plugins; nil: rules forbid nothing.
    let filterPosition: Int?
    private let weight: Int64
    private let scoresRules: Bool
    private let hardWeight: Int32
    private let terms: PodAffinityTerms
    private let matchesItself: Bool
    /// The sum of each rule, in the order of first use: there are few.
    private var sums: [(rule: Rule, sum: Int)] = []

    /// nil if the profile does not have the plugin, or not where it matters.
    init?(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        guard let number = profile.plugins.firstIndex(where: { $0 is InterPodAffinityPlugin }),
            let affinity = profile.plugins[number] as? InterPodAffinityPlugin
        else { return nil }
        plugin = number
        terms = pod.shape.podAffinity
        let filters = profile.preFilter.contains { $0.number == number }
        filterPosition = filters ? profile.filter.firstIndex { $0.number == number } : nil
        let score = profile.score.first { $0.number == number }
        weight = score?.weight ?? 0
        scoresRules =
            score != nil && profile.preScore.contains { $0.number == number }
            && (terms.hasPreferred || !affinity.arguments.ignorePreferredTermsOfExistingPods)
        hardWeight = affinity.arguments.hardPodAffinityWeight
        let own = cluster.labelSets[pod.labelSet]
        matchesItself = terms.requiredAffinity.allIncludePlaced(own, owner: own.namespace, cluster.objects)
        guard filterPosition != nil || scoresRules else { return nil }
    }

    func sum(of rule: Rule) -> Int? {
        for entry in sums where entry.rule == rule { return entry.sum }
        return nil
    }

    mutating func note(_ rule: Rule, sum: Int) { sums.append((rule, sum)) }

    /// The rules whose topology labels nodes need even where no pod matches.
    func ownRules(of shape: PodShape) -> [Rule] {
        guard filterPosition != nil else { return [] }
        return terms.requiredAffinity.map { Rule(purpose: .affinity, column: $0.column) }
            + terms.requiredAntiAffinity.map { Rule(purpose: .antiAffinity, column: $0.column) }
    }

    /// What a placed pod adds to which sums.
    func credits(
        of shape: PodShape, _ theirs: LabelSetTable.Entry, for pod: PodInfo, _ own: LabelSetTable.Entry, _ objects: ListedObjects
    ) -> [(Rule, Int64)] {
        var result: [(Rule, Int64)] = []
        if filterPosition != nil {
            if terms.requiredAffinity.allIncludePlaced(theirs, owner: own.namespace, objects) {
                for term in terms.requiredAffinity { result.append((Rule(purpose: .affinity, column: term.column), 1)) }
            }
            for term in terms.requiredAntiAffinity where term.includesPlaced(theirs, owner: own.namespace, objects) {
                result.append((Rule(purpose: .antiAffinity, column: term.column), 1))
            }
            for term in shape.podAffinity.requiredAntiAffinity
            where term.includesIncoming(own, owner: theirs.namespace, objects) {
                result.append((Rule(purpose: .existingAntiAffinity, column: term.column), 1))
            }
        }
        if scoresRules {
            for term in terms.preferredAffinity where term.includesPlaced(theirs, owner: own.namespace, objects) {
                result.append((Rule(purpose: .score, column: term.column), Int64(term.weight)))
            }
            for term in terms.preferredAntiAffinity where term.includesPlaced(theirs, owner: own.namespace, objects) {
                result.append((Rule(purpose: .score, column: term.column), -Int64(term.weight)))
            }
            let owner = AffinityOwnerTable.Entry(terms: shape.podAffinity, namespace: theirs.namespace)
            for credit in AffinityCredit.of(owner, to: own, hardWeight: hardWeight, objects) {
                result.append((Rule(purpose: .score, column: credit.column), credit.weight))
            }
        }
        return result
    }

    func obstacle(_ memory: TopologyMemory, _ row: ArraySlice<Int64>, _ nodes: NodeTable) -> NodeVerdict? {
        guard filterPosition != nil, let obstacle = findObstacle(memory, row, nodes) else { return nil }
        return NodeVerdict(plugin: plugin, reasons: NodeVerdict.bit(obstacle.rawValue), obstacle.rejection)
    }

    private func findObstacle(_ memory: TopologyMemory, _ row: ArraySlice<Int64>, _ nodes: NodeTable) -> AffinityObstacle? {
        var (hasAll, isAnyCounted) = (true, false)
        for (rule, sum) in sums where rule.purpose == .affinity {
            guard let amount = memory.amount(sum, row, nodes) else { return .affinity }
            if amount <= 0 { hasAll = false }
            if memory.sums[sum].nonZeroCount > 0 { isAnyCounted = true }
        }
        if !hasAll, isAnyCounted || !matchesItself { return .affinity }
        for (rule, sum) in sums where rule.purpose == .antiAffinity {
            if let amount = memory.amount(sum, row, nodes), amount > 0 { return .antiAffinity }
        }
        for (rule, sum) in sums where rule.purpose == .existingAntiAffinity {
            if let amount = memory.amount(sum, row, nodes), amount > 0 { return .existingAntiAffinity }
        }
        return nil
    }

    /// Whether any rule adds to scores.
    var scores: Bool { sums.contains { $0.rule.purpose == .score } }

    /// Adds the plugin's weighted score to what each class has already.
    func addScores(
        _ memory: TopologyMemory, _ classes: [Int32], rows: NodeClasses, to offsets: inout [Int64], _ nodes: NodeTable
    ) {
        var scores: [Int64] = []
        for number in classes {
            var raw: Int64 = 0
            for (rule, sum) in sums where rule.purpose == .score { raw += memory.amount(sum, rows.row(Int(number)), nodes) ?? 0 }
            scores.append(raw)
        }
        AffinityScores.normalise(&scores)
        for (place, number) in classes.enumerated() { offsets[Int(number)] += weight * scores[place] }
    }
}
