// Which nodes are down, why, and until when.

import DiscreteEvents
import KubernetesAPI

/// Draws the recurring faults and counts overlapping causes: a node is back when its last cause is over.
struct FaultInjector: Sendable {
    private let seed: UInt64
    private let faults: [Fault]
    /// How many causes keep each node down.
    private var causes: [Int] = []
    /// How often each (fault, node) has failed: the position in its streams.
    private var failures: [UInt64: UInt64] = [:]
    /// Nodes still down per row of `recoveries`.
    private var pending: [Int] = []

    init(_ faults: [Fault], seed: UInt64) {
        self.faults = faults
        self.seed = seed
    }

    subscript(fault: Int) -> Fault { faults[fault] }
    var indices: Range<Int> { faults.indices }

    /// Adds a cause. Returns true if the node was up before.
    mutating func strike(_ node: Int) -> Bool {
        while causes.count <= node { causes.append(0) }
        causes[node] += 1
        return causes[node] == 1
    }

    /// Takes a cause away. Returns true if it was the last.
    mutating func relieve(_ node: Int) -> Bool {
        causes[node] -= 1
        return causes[node] == 0
    }

    mutating func began(row: Int, nodes: Int) {
        while pending.count <= row { pending.append(0) }
        pending[row] = nodes
    }

    /// One node of a failure is back. Returns true if it was the last one.
    mutating func ended(row: Int) -> Bool {
        pending[row] -= 1
        return pending[row] == 0
    }

    /// Time from now to the next failure of a node under a recurring fault; nil for faults with a time of their own.
    mutating func timeToFailure(fault: Int, node: String) -> SimulatedDuration? {
        guard case .random(let distribution, _) = faults[fault].schedule else { return nil }
        let owner = FaultInjector.owner(fault, node)
        let count = failures[owner, default: 0]
        failures[owner] = count + 1
        var stream = RandomStream(seed: seed, purpose: .timeToFailure, owner: owner)
        stream.index = count
        return distribution.sampleDuration(&stream)
    }

    /// How long the repair of the latest failure takes.
    func timeToRepair(fault: Int, node: String) -> SimulatedDuration {
        guard case .random(_, let distribution) = faults[fault].schedule else { return .zero }
        let owner = FaultInjector.owner(fault, node)
        var stream = RandomStream(seed: seed, purpose: .timeToRepair, owner: owner)
        stream.index = failures[owner, default: 1] - 1
        return distribution.sampleDuration(&stream)
    }

    private static func owner(_ fault: Int, _ node: String) -> UInt64 {
        stableHash(node) ^ (UInt64(fault) &* 0x9E37_79B9_7F4A_7C15)
    }
}

extension NodeSelection {
    func contains(_ node: Node) -> Bool {
        switch self {
        case .all: true
        case .node(let name): node.metadata.name == name
        case .zone(let zone): node.zone == zone
        case .labels(let selector): selector.matches(node.metadata.labels)
        }
    }
}

extension RandomPurpose {
    static let timeToFailure = RandomPurpose("time to failure")
    static let timeToRepair = RandomPurpose("time to repair")
}
