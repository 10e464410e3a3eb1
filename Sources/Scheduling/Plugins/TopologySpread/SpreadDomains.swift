// Matching pods by topology domain: what hard constraints are judged by.

import KubernetesAPI

/// The domains of one constraint: how many matching pods each has.
struct SpreadDomains: Sendable {
    /// By value of the topology column.
    private var counts: [Int]
    private var isKnown: [Bool]
    private(set) var domainCount = 0
    private var smallest = SmallestDomains()

    /// - Parameter values: how many values the topology column has.
    init(values: Int) {
        counts = Array(repeating: 0, count: values)
        isKnown = Array(repeating: false, count: values)
    }

    /// Counts pods in a domain, which is known from then on, be it with 0. ``settle()`` has to follow.
    mutating func add(_ pods: Int, value: Int) {
        if value >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: value + 1 - counts.count))
            isKnown.append(contentsOf: repeatElement(false, count: value + 1 - isKnown.count))
        }
        if !isKnown[value] {
            isKnown[value] = true
            domainCount += 1
        }
        counts[value] += pods
    }

    /// Finds the least populated domains.
    mutating func settle() {
        smallest = SmallestDomains()
        for value in counts.indices where isKnown[value] { smallest.update(value, to: counts[value]) }
    }

    /// Counts a pod that comes or goes after ``settle()``.
    mutating func change(by pods: Int, value: Int) {
        add(pods, value: value)
        smallest.update(value, to: counts[value])
    }

    /// Matching pods in a domain; 0 in an unknown one.
    func count(_ value: Int) -> Int { value < counts.count ? counts[value] : 0 }

    /// The smallest count of all domains, as the constraint sees it.
    func least(minDomains: Int32) -> Int {
        SpreadDomains.least(smallest: smallest.least, domains: domainCount, minDomains: minDomains)
    }

    /// With fewer domains than wanted the least populated one is one that is still missing.
    static func least(smallest: Int, domains: Int, minDomains: Int32) -> Int { domains < Int(minDomains) ? 0 : smallest }
}

/// The two least populated domains of a constraint, kept up to date as pods come and go.
///
/// Like the real scheduler's: after several changes the least can be too large, since a third domain that was as small is forgotten.
/// (Which of several equal ones are remembered is random there; here the first values are.)
struct SmallestDomains: Hashable, Sendable {
    private struct Domain: Hashable, Sendable {
        /// −1: none.
        var value = -1
        /// What the real scheduler starts from: no domain at all forbids nothing.
        var count = Int(Int32.max)
    }
    private var first = Domain()
    private var second = Domain()

    var least: Int { first.count }

    mutating func update(_ value: Int, to count: Int) {
        if value == first.value || value == second.value {
            if value == first.value { first.count = count } else { second.count = count }
            if first.count > second.count { swap(&first, &second) }
        } else if count < first.count {
            second = first
            first = Domain(value: value, count: count)
        } else if count < second.count {
            second = Domain(value: value, count: count)
        }
    }
}

/// Counts the matching pods of single nodes: selectors are held against each label set once, and against each node's pods once for all
/// constraints that share a selector.
struct SpreadPodCounter: Sendable {
    /// Constraints that share a selector.
    private struct Group: Sendable {
        let selector: Selector
        private var memo = LabelSetMemo()
        private var lastNode = -1
        private var lastCount = 0

        init(_ selector: Selector) { self.selector = selector }

        mutating func count(on slot: NodeSlot, namespace: String, in cluster: ClusterSnapshot) -> Int {
            if lastNode == slot { return lastCount }
            var count = 0
            for number in cluster.nodes.pods[slot] {
                // Two reads of numbers, not one of the pod: that would count references.
                guard let labelSet = cluster.pods[Int(number)]?.info.labelSet, cluster.pods[Int(number)]?.isTerminating == false else {
                    continue
                }
                let matches = memo.holds(for: labelSet, in: cluster.labelSets) {
                    $0.namespace == namespace && selector.matches($0.labels)
                }
                if matches { count += 1 }
            }
            lastNode = slot
            lastCount = count
            return count
        }
    }
    private let namespace: String
    private var groups: [Group] = []
    /// The group of each constraint; nil: counts none.
    private var groupOfConstraint: [Int?] = []

    init(_ constraints: [SpreadConstraint], namespace: String) {
        self.namespace = namespace
        for constraint in constraints {
            guard constraint.countsPods else {
                groupOfConstraint.append(nil)
                continue
            }
            if let known = groups.firstIndex(where: { $0.selector == constraint.selector }) {
                groupOfConstraint.append(known)
            } else {
                groupOfConstraint.append(groups.count)
                groups.append(Group(constraint.selector))
            }
        }
    }

    /// Pods of the namespace on the node that the constraint selects, without those that are being deleted.
    mutating func count(_ constraint: Int, on slot: NodeSlot, in cluster: ClusterSnapshot) -> Int {
        guard let group = groupOfConstraint[constraint] else { return 0 }
        return groups[group].count(on: slot, namespace: namespace, in: cluster)
    }
}
