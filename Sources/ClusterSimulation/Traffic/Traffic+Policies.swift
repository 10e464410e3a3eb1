// Network policies: which clients they keep from which pods.
//
// Pods that policies cannot tell apart are judged once. Policies work from the moment in which they are stored: how long the network's
// agents take is not modelled.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

/// Ends of connections and what policies say of them.
struct PolicyBook: Sendable {
    /// Where clients outside of the cluster are: in a range that is nobody's (RFC 5737).
    static let outside = PolicyPeer(pod: nil, address: 203 << 24 | 113 << 8 | 1)
    /// Processes of nodes, hosts outside of the cluster and a controller that is no pod: no address of theirs is known.
    static let unknown = PolicyPeer(pod: nil, address: 0)

    private(set) var policies: [Shared<NetworkPolicy>] = []
    /// The ends met so far, by their numbers.
    private var peers: [PolicyPeer] = []
    private var numbers: [PolicyPeer: Int32] = [:]
    private var verdicts: [Flow: Bool] = [:]

    private struct Flow: Hashable {
        var from: Int32
        var to: Int32
        var port: Int32
        var transport: TransportProtocol
    }

    mutating func set(_ policy: Shared<NetworkPolicy>, isGone: Bool) {
        policies.removeAll { $0.value.metadata.key == policy.value.metadata.key }
        if !isGone { policies.append(policy) }
        verdicts = [:]
    }

    /// The number of an end: equal ones have one.
    mutating func number(of peer: PolicyPeer) -> Int32 {
        if let known = numbers[peer] { return known }
        peers.append(peer)
        numbers[peer] = Int32(peers.count - 1)
        return Int32(peers.count - 1)
    }

    mutating func allows(from: Int32, to: Int32, port: Int32, _ transport: TransportProtocol) -> Bool {
        let flow = Flow(from: from, to: to, port: port, transport: transport)
        if let known = verdicts[flow] { return known }
        let verdict = PolicyDecision(policies.map(\.value))
            .allows(from: peers[Int(from)], to: peers[Int(to)], port: port, transport: transport)
        verdicts[flow] = verdict
        return verdict
    }
}

extension Traffic {
    /// Whether anything has to be judged: policies were met.
    var isPoliced: Bool { book != nil }

    /// A policy came, changed or went.
    mutating func observe(_ policy: Shared<NetworkPolicy>, isGone: Bool) {
        if book == nil { book = PolicyBook() }
        book?.set(policy, isGone: isGone)
    }

    /// Judges all clients and pods anew.
    /// - Parameter peer: a pod as policies see it; nil if there is none of that name.
    mutating func judge(at now: SimulatedTime, _ peer: (NamespacedName) -> PolicyPeer?) {
        guard var book else { return }
        advance(to: now)
        var senders: [Int32] = []
        func number(of peer: PolicyPeer) -> Int32 {
            let number = book.number(of: peer)
            if !senders.contains(number) { senders.append(number) }
            return number
        }
        for index in servers.indices {
            let end = peer(servers[index].pod.key)
            // One that is gone is what it was.
            guard end != nil || servers[index].policyClass == nil else { continue }
            let own = number(of: end ?? PolicyBook.unknown)
            servers[index].policyClass = own
            engine.setPolicyClass(own, of: PodNumber(index))
        }
        for index in clients.indices {
            let isOutside = sources[index].origin == .outside
            for place in clients[index].indices {
                let end = clients[index][place].pod.flatMap(peer) ?? (isOutside ? PolicyBook.outside : PolicyBook.unknown)
                clients[index][place].policyClass = number(of: end)
            }
        }
        tellClients()
        for port in ports { deny(at: port, senders, &book) }
        self.book = book
    }

    private mutating func deny(at port: Port, _ senders: [Int32], _ book: inout PolicyBook) {
        var denied: Set<DeniedFlow> = []
        for (pod, endpoint) in zip(port.members, port.endpoints) {
            guard let own = servers[Int(pod)].policyClass else { continue }
            for sender in senders where !book.allows(from: sender, to: own, port: endpoint.port, port.transport) {
                denied.insert(DeniedFlow(from: sender, to: pod))
            }
        }
        engine.deny(denied, at: port.number)
    }

    // MARK: Clients

    /// Sets who the clients of each of the scenario's sources are; a source without any sends nothing.
    mutating func setClients(_ new: [[TrafficClient]], at now: SimulatedTime) {
        advance(to: now)
        clients = new
        tellClients()
    }

    /// The number of a pod that sends requests: its own for ever.
    mutating func clientNumber(of pod: UID) -> Int32 {
        if let known = clientNumbers[pod] { return known }
        clientNumbers[pod] = Int32(clientNumbers.count)
        return Int32(clientNumbers.count - 1)
    }

    private mutating func tellClients() {
        for (index, own) in clients.enumerated() {
            engine.setClients(
                own.map { RequestClient(node: NodeNumber($0.node), number: $0.number, policyClass: $0.policyClass, isDead: $0.isDead) },
                of: SourceNumber(index))
        }
    }
}

/// One who sends requests of a source.
struct TrafficClient: Sendable, Hashable {
    var node: Int
    var number: Int32
    /// nil: no pod.
    var pod: NamespacedName?
    /// Whether the machine is down without the load balancer's knowing.
    var isDead = false
    var policyClass: Int32 = 0
}
