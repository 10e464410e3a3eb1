// Who serves requests: the pods that were endpoints, and what listens at their ports.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

/// The pods that were met as endpoints, hosts outside of the cluster among them, and their servers.
///
/// What listens at a port of a pod is one server, with one set of workers and one line, whichever Services lead to it. Of several entries that
/// say what it does, the first in the scenario says how many workers it has and how it stops. Services of which the scenario says
/// nothing are answered by a server of their own: at once, and past the line.
struct ServerBook: Sendable {
    struct Pod: Sendable {
        let reference: Endpoint.PodReference
        let isHost: Bool
        /// Their numbers in the engine.
        var servers: [PodNumber] = []
        /// As what network policies saw it last; nil: nobody asked yet.
        var peer: PolicyPeer?
        /// When its serving will change, as far as a timer is set for that.
        var next = SimulatedTime.distantFuture
        /// Core seconds that its requests had wanted when that was measured last, and cores, in the second before.
        var wanted = 0.0
        var demand = 0.0
    }

    struct Server: Sendable {
        /// The place among ``ServerBook/pods``.
        let pod: Int
        let port: Int32
        let transport: TransportProtocol
        /// The entry of the configuration's services that says how many workers it has; nil: it answers at once.
        fileprivate(set) var entry: Int?
    }

    private struct Door: Hashable {
        var pod: Int
        var port: Int32
        var transport: TransportProtocol
        var isDescribed: Bool
    }

    var pods: [Pod] = []
    /// By their numbers in the engine.
    private var servers: [Server] = []
    private var numbers: [Door: PodNumber] = [:]
    private var placeOfPod: [UID: Int] = [:]
    private var placeOfHost: [String: Int] = [:]
    private var nodes: [String: NodeNumber] = [:]

    subscript(number: PodNumber) -> Server { servers[Int(number)] }

    /// A machine that replaces another may have its name.
    mutating func add(_ node: ProxyNode, _ number: NodeNumber) { nodes[node.name] = number }

    /// nil: there is no such node.
    func number(ofNode name: String?) -> NodeNumber? { name.flatMap { nodes[$0] } }

    func node(named name: String?) -> NodeNumber { number(ofNode: name) ?? 0 }

    /// The pods of the cluster.
    var podNames: [UID] { pods.filter { !$0.isHost }.map(\.reference.uid) }

    func place(of pod: UID) -> Int? { placeOfPod[pod] }

    /// The place of a pod that may be new.
    mutating func place(of reference: Endpoint.PodReference) -> Int {
        if let known = placeOfPod[reference.uid] { return known }
        pods.append(Pod(reference: reference, isHost: false))
        placeOfPod[reference.uid] = pods.count - 1
        return pods.count - 1
    }

    /// The same for a host outside, or a controller that is somewhere (without a name).
    mutating func place(ofHost name: String) -> Int {
        if let known = placeOfHost[name] { return known }
        let key = NamespacedName(namespace: "", name: name)
        pods.append(Pod(reference: Endpoint.PodReference(key: key, uid: UID(name)), isHost: true))
        placeOfHost[name] = pods.count - 1
        return pods.count - 1
    }

    /// What listens at a port of a pod; nil: nobody was asked yet. Requests of Services with and without an entry have different servers.
    func number(_ pod: Int, port: Int32, _ transport: TransportProtocol, isDescribed: Bool) -> PodNumber? {
        numbers[Door(pod: pod, port: port, transport: transport, isDescribed: isDescribed)]
    }

    /// Takes up what the engine gave the next number to.
    mutating func add(_ number: PodNumber, _ pod: Int, port: Int32, _ transport: TransportProtocol, entry: Int?) {
        precondition(Int(number) == servers.count, "the engine's pods are the book's servers")
        servers.append(Server(pod: pod, port: port, transport: transport, entry: entry))
        numbers[Door(pod: pod, port: port, transport: transport, isDescribed: entry != nil)] = number
        pods[pod].servers.append(number)
    }

    mutating func setEntry(_ entry: Int, of number: PodNumber) { servers[Int(number)].entry = entry }
}

extension Traffic {
    /// The server of a port's requests at a pod.
    /// - Returns: also whether the pod has to be looked at: the server is new, or stops in another way from now on.
    mutating func server(
        _ pod: Int, on node: NodeNumber, address: String? = nil, port: Int32, _ transport: TransportProtocol, entry: Int?
    ) -> (number: PodNumber, isChanged: Bool) {
        let capacity = entry.map { configuration.services[$0].capacity } ?? PodCapacity(concurrency: .max)
        if let known = servers.number(pod, port: port, transport, isDescribed: entry != nil) {
            // Whoever stands first in the scenario decides, not who came first.
            guard let entry, let own = servers[known].entry, entry < own else { return (known, false) }
            servers.setEntry(entry, of: known)
            engine.setCapacity(capacity, of: known)
            return (known, true)
        }
        let number = engine.addPod(
            on: node, capacity: capacity, address: address.flatMap { AddressRange.address($0) }, sharing: servers.pods[pod].servers.first)
        if !servers.pods[pod].isHost { engine.setCondition(.stopped, of: number) }
        servers.add(number, pod, port: port, transport, entry: entry)
        return (number, true)
    }
}
