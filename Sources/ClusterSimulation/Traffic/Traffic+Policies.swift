// Network policies: which clients they keep from which pods. They work from the moment in which they are stored: how long the network's agents take
// is not modelled.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

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
        guard isPoliced else { return }
        advance(to: now)
        for place in servers.pods.indices { judge(place, peer) }
        for source in clients.indices {
            for place in clients[source].indices { judgeClient(place, of: source, peer) }
            tellClients(of: source)
        }
        tellPolicies()
    }

    /// Judges pods that are new, or changed in the eyes of policies.
    mutating func judge(_ pods: [UID], at now: SimulatedTime, _ peer: (NamespacedName) -> PolicyPeer?) {
        guard isPoliced, !pods.isEmpty else { return }
        advance(to: now)
        for pod in pods { if let place = servers.place(of: pod) { judge(place, peer) } }
        tellPolicies()
    }

    private mutating func judge(_ place: Int, _ peer: (NamespacedName) -> PolicyPeer?) {
        let pod = servers.pods[place]
        // One that is gone is what it was: those who have not heard of its end go on to send it packets.
        let host = pod.isHost ? AddressRange.address(pod.reference.key.name).map { PolicyPeer(pod: nil, address: $0) } : nil
        let end = host ?? (pod.isHost ? nil : peer(pod.reference.key)) ?? pod.peer ?? PolicyBook.unknown
        servers.pods[place].peer = end
        guard let sending = book?.sender(end) else { return }
        for number in pod.servers {
            guard let receiving = book?.receiver(end, port: servers[number].port, servers[number].transport) else { return }
            engine.setPolicyEnds(sending: sending, receiving: receiving, of: number)
        }
    }

    private mutating func judgeClient(_ place: Int, of source: Int, _ peer: (NamespacedName) -> PolicyPeer?) {
        // A controller that is nowhere sends for them.
        let isPassedOn = sources[source].ingress != nil && configuration.ingress.controller == nil
        let known = clients[source][place].pod.flatMap(peer) ?? (isPassedOn ? PolicyBook.unknown : nil)
        clients[source][place].policyEnd = known.flatMap { book?.sender($0) }
    }

    private mutating func tellPolicies() {
        if book == nil { return }
        // Those who are no pods: nodes that joined, and clients outside, once.
        while policyEndsOfNodes.count < nodeCount {
            let address = TrafficClient.address(ofNode: policyEndsOfNodes.count)
            if let end = book?.sender(PolicyPeer(pod: nil, address: address)) { policyEndsOfNodes.append(end) }
        }
        while policyEndsOfPopulations.count < sources.count {
            let source = sources[policyEndsOfPopulations.count]
            let population = source.origin == .outside ? source.population : nil
            policyEndsOfPopulations.append(population.flatMap { book?.senders(from: $0.firstAddress, count: $0.count) })
        }
        guard let book else { return }
        engine.setPolicyEnds(ofNodes: policyEndsOfNodes, ofPopulations: policyEndsOfPopulations)
        engine.deny(book.denied, classes: book.classes)
    }

    // MARK: Clients

    /// Sets who the clients of one of the scenario's sources are; a source without any sends nothing.
    mutating func setClients(_ new: [TrafficClient], of source: Int, at now: SimulatedTime, _ peer: (NamespacedName) -> PolicyPeer?) {
        advance(to: now)
        clients[source] = new
        if isPoliced {
            for place in new.indices { judgeClient(place, of: source, peer) }
            tellPolicies()
        }
        tellClients(of: source)
    }

    /// A pod begins or ceases to send requests of a source, or is another one in the eyes of policies.
    /// - Parameter client: what it is now; nil: it does not send.
    mutating func setClient(
        _ number: Int32, to client: TrafficClient?, of source: Int, at now: SimulatedTime, _ peer: (NamespacedName) -> PolicyPeer?
    ) {
        // In the order of their numbers.
        var (low, high) = (0, clients[source].count)
        while low < high {
            let middle = (low + high) / 2
            if clients[source][middle].number < number { low = middle + 1 } else { high = middle }
        }
        let isKnown = low < clients[source].count && clients[source][low].number == number
        guard isKnown || client != nil else { return }
        advance(to: now)
        clients[source].replaceSubrange(low..<low + (isKnown ? 1 : 0), with: client.map { [$0] } ?? [])
        if client != nil, isPoliced {
            judgeClient(low, of: source, peer)
            tellPolicies()
        }
        let new = client == nil ? [] : [RequestClient(clients[source][low])]
        engine.replaceClients(low..<low + (isKnown ? 1 : 0), with: new, of: SourceNumber(source))
    }

    /// The number of a pod that sends requests: its own for ever.
    mutating func clientNumber(of pod: UID) -> Int32 {
        if let known = clientNumbers[pod] { return known }
        clientNumbers[pod] = Int32(clientNumbers.count)
        return Int32(clientNumbers.count - 1)
    }

    private mutating func tellClients(of source: Int) {
        engine.setClients(clients[source].map { RequestClient($0) }, of: SourceNumber(source))
    }
}

extension RequestClient {
    fileprivate init(_ client: TrafficClient) {
        self.init(
            node: NodeNumber(client.node), number: client.number, address: client.address, policyEnd: client.policyEnd,
            isDead: client.isDead)
    }
}

/// One who sends requests of a source.
struct TrafficClient: Sendable, Hashable {
    var node: Int
    var number: Int32
    var address: UInt32
    /// nil: no pod.
    var pod: NamespacedName?
    /// Whether the machine is down without the load balancer's knowing.
    var isDead = false
    /// Its number as an end of connections; nil: it is no pod.
    var policyEnd: Int32?
}
