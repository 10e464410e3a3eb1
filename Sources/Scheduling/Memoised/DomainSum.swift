// A sum over the pods of each topology domain, kept up to date while pods and nodes come and go.

import KubernetesAPI

/// One number for each domain of one topology: matching pods for a spread constraint, or weights that affinity terms give.
struct DomainSum: Sendable {
    /// What the domains are.
    enum Domains: Hashable, Sendable {
        /// The values of the topology's label.
        case values
        /// The values of the label, and the nodes without it (or with an empty one) together.
        case valuesAndNone
        /// The single nodes.
        case nodes
    }
    /// Which nodes' pods are counted: those that a spread constraint of a pod counts.
    struct Inclusion: Sendable {
        /// All of whose topology labels are needed.
        let required: [SpreadConstraint]
        let constraint: SpreadConstraint
        let shape: PodShape

        func includes(_ slot: NodeSlot, _ nodes: NodeTable) -> Bool {
            required.haveKeys(on: slot, nodes) && constraint.includes(slot, for: shape, nodes)
        }
    }

    /// The column of the topology key.
    let column: Int
    private let domains: Domains
    /// nil: all nodes.
    private let inclusion: Inclusion?
    /// Whether ``least`` is asked for.
    private let tracksLeast: Bool

    /// By slot: the domain the node's pods are counted in, −1 for none; and what they amount to.
    private var domainOfNode: [Int32] = []
    private var valueOfNode: [Int32] = []
    private var amountOfNode: [Int64] = []
    /// By domain.
    private var amounts: [Int64] = []
    private var nodeCounts: [Int32] = []
    /// Domains that have nodes.
    private(set) var domainCount = 0
    /// Domains whose sum is not 0.
    private(set) var nonZeroCount = 0
    /// By sum, from 0: how many of the domains that have nodes have it.
    private var histogram: [Int32] = []

    init(column: Int, domains: Domains = .values, inclusion: Inclusion? = nil, tracksLeast: Bool = false) {
        self.column = column
        self.domains = domains
        self.inclusion = inclusion
        self.tracksLeast = tracksLeast
    }

    // MARK: Reading

    /// Whether nodes are told apart by their domain: because scores ask for it, or because the domains are few.
    func isShared(_ nodes: NodeTable) -> Bool {
        switch domains {
        case .values: nodes.columns[column].values.count <= DomainSum.fewDomains
        case .valuesAndNone: true
        case .nodes: false
        }
    }

    private static let fewDomains = 64

    /// The value of the label by which the node's domain was last found, −1 without: what other nodes of the domain have, too.
    func value(of slot: NodeSlot) -> Int32 { slot < valueOfNode.count ? valueOfNode[slot] : -1 }

    /// The sum of the domain of nodes whose label has a value (−1: none).
    func amount(ofValue value: Int32, _ nodes: NodeTable) -> Int64 {
        switch domains {
        case .values: return value >= 0 && value < amounts.count ? amounts[Int(value)] : 0
        case .valuesAndNone:
            let domain = SpreadDomainIndex(nodes.columns[column]).domain(value)
            return domain < amounts.count ? amounts[domain] : 0
        case .nodes: return 0
        }
    }

    /// The sum of the domain a node belongs to, counted there or not.
    func amount(of slot: NodeSlot, _ nodes: NodeTable) -> Int64 {
        if domains == .nodes { return slot < amountOfNode.count ? amountOfNode[slot] : 0 }
        return amount(ofValue: nodes.columns[column].valueOfNode[slot], nodes)
    }

    /// The smallest sum of all domains that have nodes; the largest number of 32 bits if there is none.
    var least: Int {
        for (sum, count) in histogram.enumerated() where count > 0 { return sum }
        return Int(Int32.max)
    }

    // MARK: Changing

    /// The node of a slot, or what it is labelled with, may be another.
    mutating func updateNode(_ slot: NodeSlot, _ nodes: NodeTable) {
        if slot >= domainOfNode.count {
            let missing = nodes.slotCount - domainOfNode.count
            domainOfNode.append(contentsOf: repeatElement(-1, count: missing))
            valueOfNode.append(contentsOf: repeatElement(-1, count: missing))
            amountOfNode.append(contentsOf: repeatElement(0, count: missing))
        }
        valueOfNode[slot] = domains == .nodes ? -1 : nodes.columns[column].valueOfNode[slot]
        let domain = domain(of: slot, nodes)
        let former = domainOfNode[slot]
        guard domain != former else { return }
        if former >= 0 {
            change(Int(former), by: -amountOfNode[slot])
            changeNodeCount(Int(former), by: -1)
        }
        domainOfNode[slot] = domain
        if domain >= 0 {
            widen(to: Int(domain) + 1)
            changeNodeCount(Int(domain), by: 1)
            change(Int(domain), by: amountOfNode[slot])
        }
    }

    /// Pods of a node now amount to more.
    mutating func add(_ amount: Int64, on slot: NodeSlot, _ nodes: NodeTable) {
        if slot >= domainOfNode.count { updateNode(slot, nodes) }
        amountOfNode[slot] += amount
        if domainOfNode[slot] >= 0 { change(Int(domainOfNode[slot]), by: amount) }
    }

    private func domain(of slot: NodeSlot, _ nodes: NodeTable) -> Int32 {
        guard nodes.objects[slot] != nil, inclusion?.includes(slot, nodes) ?? true else { return -1 }
        switch domains {
        case .values: return nodes.columns[column].valueOfNode[slot]
        case .valuesAndNone:
            return Int32(SpreadDomainIndex(nodes.columns[column]).domain(nodes.columns[column].valueOfNode[slot]))
        // Nobody asks for sums over single nodes: their own amounts are known.
        case .nodes: return -1
        }
    }

    private mutating func widen(to count: Int) {
        guard count > amounts.count else { return }
        amounts.append(contentsOf: repeatElement(0, count: count - amounts.count))
        nodeCounts.append(contentsOf: repeatElement(0, count: count - nodeCounts.count))
    }

    private mutating func change(_ domain: Int, by amount: Int64) {
        guard amount != 0 else { return }
        let former = amounts[domain]
        amounts[domain] = former + amount
        if former == 0 { nonZeroCount += 1 }
        if former + amount == 0 { nonZeroCount -= 1 }
        if tracksLeast, nodeCounts[domain] > 0 {
            tally(former, by: -1)
            tally(former + amount, by: 1)
        }
    }

    private mutating func changeNodeCount(_ domain: Int, by change: Int32) {
        let former = nodeCounts[domain]
        nodeCounts[domain] = former + change
        if former == 0 {
            domainCount += 1
            if tracksLeast { tally(amounts[domain], by: 1) }
        } else if former + change == 0 {
            domainCount -= 1
            if tracksLeast { tally(amounts[domain], by: -1) }
        }
    }

    private mutating func tally(_ sum: Int64, by change: Int32) {
        let index = Int(sum)
        if index >= histogram.count { histogram.append(contentsOf: repeatElement(0, count: index + 1 - histogram.count)) }
        histogram[index] += change
    }
}
