// The faults of a run: when they strike, whom, for how long, and what keeps each node down.

import DiscreteEvents
import KubernetesAPI

/// Draws the recurring faults and keeps the causes of each node's failures.
struct FaultInjector: Sendable {
    /// In place of a row of `recoveries`: of faults after which nodes need no recovery.
    static let noRow: Int32 = -1

    private let seed: UInt64
    private var faults: [Fault]
    private var nodes: [NodeFaults] = []
    /// How often each (fault, node or group) has failed: the position in its streams.
    private var failures: [UInt64: UInt64] = [:]
    /// The groups of nodes that fail together, by fault, in the order in which their first nodes appeared.
    private var groups: [[String]]

    init(_ faults: [Fault], seed: UInt64) {
        self.faults = faults
        self.seed = seed
        groups = Array(repeating: [], count: faults.count)
    }

    subscript(fault: Int) -> Fault { faults[fault] }
    var indices: Range<Int> { faults.indices }

    /// Adds a fault. Returns its number.
    mutating func append(_ fault: Fault) -> Int {
        faults.append(fault)
        groups.append([])
        return faults.count - 1
    }

    // MARK: Nodes

    /// The state of a node; one that joins is cut off if nobody answers at the time.
    subscript(node node: Int) -> NodeFaults {
        get { node < nodes.count ? nodes[node] : NodeFaults() }
        set {
            while nodes.count <= node { nodes.append(NodeFaults()) }
            nodes[node] = newValue
        }
    }

    // MARK: Groups

    /// The number of a group of nodes; new groups get the next.
    /// - Returns: also whether it is new.
    mutating func group(_ value: String, of fault: Int) -> (number: Int, isNew: Bool) {
        if let known = groups[fault].firstIndex(of: value) { return (known, false) }
        groups[fault].append(value)
        return (groups[fault].count - 1, true)
    }

    func name(ofGroup number: Int, of fault: Int) -> String { groups[fault][number] }

    // MARK: Draws

    /// When a node (or a group of nodes) fails next under a recurring fault; nil: never again, or at times of the fault's own.
    mutating func nextFailure(fault: Int, of owner: String, after now: SimulatedTime) -> SimulatedTime? {
        guard case .random(let distribution, _, let end) = faults[fault].schedule else { return nil }
        let owner = FaultInjector.owner(fault, owner)
        let count = failures[owner, default: 0]
        failures[owner] = count + 1
        var stream = RandomStream(seed: seed, purpose: .timeToFailure, owner: owner)
        stream.index = count
        let time = now + distribution.sampleDuration(&stream)
        return time <= end ?? .distantFuture ? time : nil
    }

    /// How long the repair of the latest failure takes.
    func timeToRepair(fault: Int, of owner: String) -> SimulatedDuration {
        guard case .random(_, let distribution, _) = faults[fault].schedule else { return .zero }
        let owner = FaultInjector.owner(fault, owner)
        var stream = RandomStream(seed: seed, purpose: .timeToRepair, owner: owner)
        stream.index = failures[owner, default: 1] - 1
        return distribution.sampleDuration(&stream)
    }

    /// Whether a failure of several nodes hits this one.
    func hits(_ node: String, fault: Int, of owner: String) -> Bool {
        let probability = faults[fault].probability
        if probability >= 1 { return true }
        var stream = RandomStream(seed: seed, purpose: .shockHits, owner: FaultInjector.owner(fault, node))
        stream.index = failures[FaultInjector.owner(fault, owner), default: 0]
        return stream.bernoulli(probability)
    }

    /// How long it takes until a new machine joins in the place of one that was taken back.
    func timeToReplacement(fault: Int, of node: String, _ distribution: Distribution) -> SimulatedDuration {
        var stream = RandomStream(seed: seed, purpose: .timeToReplacement, owner: FaultInjector.owner(fault, node))
        return distribution.sampleDuration(&stream)
    }

    private static func owner(_ fault: Int, _ name: String) -> UInt64 {
        stableHash(name) ^ (UInt64(fault) &* 0x9E37_79B9_7F4A_7C15)
    }
}

extension RandomPurpose {
    static let timeToFailure = RandomPurpose("time to failure")
    static let timeToRepair = RandomPurpose("time to repair")
    static let shockHits = RandomPurpose("shock hits node")
    static let timeToReplacement = RandomPurpose("time to replacement")
    static let reconnection = RandomPurpose("watch reconnection")
    static let requestFails = RandomPurpose("request fails")
}
