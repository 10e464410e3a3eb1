// A Service port as requests see it: what its pods do, who balances, who got how much.

import DiscreteEvents

/// What the pods behind a Service port do with a request, and who balances.
public struct PortBehaviour: Hashable, Sendable {
    /// Seconds of service at full speed.
    public var serviceTime: Distribution
    public var balancing = BalancingMethod.iptables
    /// Thousandths of cores that serving a request takes at full speed; while it waits for calls it takes none.
    public var milliCPU: Int32 = 0

    public init(serviceTime: Distribution, balancing: BalancingMethod = .iptables, milliCPU: Int32 = 0) {
        self.serviceTime = serviceTime
        self.balancing = balancing
        self.milliCPU = milliCPU
    }
}

/// How many attempts reached each of a port's pods.
struct ReceivedCounts: Hashable, Sendable {
    private(set) var total: UInt64 = 0
    /// By pod number, from the lowest one met on: those of a port are met together.
    private var counts: [UInt64] = []
    private var first: PodNumber = 0

    subscript(pod: PodNumber) -> UInt64 {
        let place = Int(pod - first)
        return counts.indices.contains(place) ? counts[place] : 0
    }

    mutating func count(_ pod: PodNumber) {
        total += 1
        if counts.isEmpty { first = pod }
        if pod < first {
            counts.insert(contentsOf: repeatElement(0, count: Int(first - pod)), at: 0)
            first = pod
        }
        let place = Int(pod - first)
        if place >= counts.count { counts.append(contentsOf: repeatElement(0, count: place + 1 - counts.count)) }
        counts[place] += 1
    }
}

/// A port with what balances its traffic.
struct PortState: Hashable, Sendable {
    var behaviour: PortBehaviour
    var calls: [[SourceNumber]] = []
    /// Whether every request gets a bad answer.
    var fails = false
    /// Whether requests are datagrams: see ``RequestEngine/isDatagram(_:)``.
    var isUDP = false
    /// The Service's address, as a number.
    var address: UInt32 = 0
    var received = ReceivedCounts()
    /// Random methods and balancers that see all traffic need one; IPVS has one on each node that sent something.
    var balancers: [Balancer]
    /// By node: its balancer; empty: all share the first.
    var balancerOfNode: [Int32] = []
    /// By node: what its rules remember of clients.
    var affinities: [NodeNumber: ClientAffinity] = [:]
    let followsConnections: Bool
    /// Whether connections count that nobody uses: IPVS counts all that stand, others the requests under way.
    var countsIdleConnections: Bool { followsConnections && hasOnePerNode }
    private let hasOnePerNode: Bool

    /// Where the nodes' rounds begin.
    private let starts: RandomStream

    init(_ behaviour: PortBehaviour, starts: RandomStream) {
        self.behaviour = behaviour
        self.starts = starts
        let balancer = Balancer(behaviour.balancing)
        followsConnections = balancer.followsConnections
        hasOnePerNode = behaviour.balancing.isIPVS
        balancers = hasOnePerNode ? [] : [balancer]
    }

    /// What the balancing on a node makes of a connection.
    /// - Parameter chosen: the pod to which it goes anyway; nil: any.
    mutating func choose(
        _ chosen: PodNumber?, among pods: [PodNumber], for client: UInt32, on node: NodeNumber, _ draws: inout RandomStream,
        at now: SimulatedTime
    ) -> RequestEngine.Way {
        let number = balancer(of: node)
        guard let pod = chosen ?? balancers[number].choose(among: pods, client: client, to: address, draws: &draws, at: now) else {
            return RequestEngine.Way(isDropped: true)
        }
        guard followsConnections else { return RequestEngine.Way(pod: pod) }
        balancers[number].opened(pod)
        return RequestEngine.Way(pod: pod, director: Int32(number))
    }

    /// The number of the balancer that a node's traffic passes.
    private mutating func balancer(of node: NodeNumber) -> Int {
        if !hasOnePerNode { return 0 }
        while balancerOfNode.count <= Int(node) { balancerOfNode.append(-1) }
        if balancerOfNode[Int(node)] < 0 {
            balancerOfNode[Int(node)] = Int32(balancers.count)
            balancers.append(Balancer(behaviour.balancing, start: Int(starts.draw(at: UInt64(node)) >> 32)))
        }
        return Int(balancerOfNode[Int(node)])
    }
}
