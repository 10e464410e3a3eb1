// How long packets take between pods, and which cannot pass.

import DiscreteEvents

/// One-way latencies between nodes, and partitions.
public struct PodNetwork: Hashable, Sendable {
    /// One way, from a client to a pod.
    public struct Latencies: Hashable, Sendable {
        public var sameNode = SimulatedDuration.zero
        public var sameZone = SimulatedDuration.zero
        public var crossZone = SimulatedDuration.zero
        /// What an overlay adds between nodes.
        public var overlay = SimulatedDuration.zero
        /// What traffic from outside the cluster takes to the node where it comes in.
        public var fromOutside = SimulatedDuration.zero

        public init() {}
    }

    public var latencies: Latencies
    public private(set) var nodes: [ProxyNode] = []
    /// By node: nodes of one zone have one number.
    private var zones: [Int32] = []
    private var zoneNumbers: [String: Int32] = [:]
    /// By node: nodes with different numbers cannot reach each other; empty: all can.
    private var sides: [Int32] = []

    public init(nodes: [ProxyNode], latencies: Latencies = Latencies()) {
        self.latencies = latencies
        for node in nodes { addNode(node) }
    }

    /// A node joins: on side 0, if the nodes are divided.
    mutating func addNode(_ node: ProxyNode) {
        let zone = zoneNumbers[node.zone] ?? Int32(zoneNumbers.count)
        zoneNumbers[node.zone] = zone
        nodes.append(node)
        zones.append(zone)
        if !sides.isEmpty { sides.append(0) }
    }

    /// Divides the nodes: those with the same number here reach each other, others do not. nil heals.
    public mutating func partition(_ sides: [Int32]?) {
        self.sides = sides ?? []
    }

    /// In place of a node: a host outside of the cluster.
    public static let outside: NodeNumber = -1
    /// And somewhere in the cluster, near to everybody.
    public static let somewhere: NodeNumber = -2

    /// Whether any nodes cannot reach each other.
    var isDivided: Bool { !sides.isEmpty }

    func isReachable(_ from: NodeNumber, _ to: NodeNumber) -> Bool {
        sides.isEmpty || from < 0 || to < 0 || sides[Int(from)] == sides[Int(to)]
    }

    func delay(_ from: NodeNumber, _ to: NodeNumber) -> SimulatedDuration {
        if from == to { return latencies.sameNode }
        if from == PodNetwork.outside || to == PodNetwork.outside { return latencies.fromOutside }
        if from < 0 || to < 0 { return latencies.sameZone + latencies.overlay }
        let distance = zones[Int(from)] == zones[Int(to)] ? latencies.sameZone : latencies.crossZone
        return distance + latencies.overlay
    }
}
