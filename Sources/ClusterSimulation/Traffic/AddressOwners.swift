// Who is behind the addresses of endpoints that do not say so: those of EndpointSlices made by hand.
//
// The slices of the EndpointSlice controller name the pod of each endpoint. Everywhere else addresses count, as they do for kube-proxies.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

/// Who answers at an address.
enum AddressOwner: Hashable, Sendable {
    case pod(Endpoint.PodReference, node: String?)
    /// It is in the range of a node's pods, but none has it: packets are lost.
    case nobody
    /// A host outside of the cluster.
    case host
}

/// The owners of the addresses that somebody asked for.
struct AddressOwners: Sendable {
    private var owners: [String: AddressOwner] = [:]

    /// nil: nobody asked yet.
    subscript(address: String) -> AddressOwner? { owners[address] }

    /// Returns whether that is news.
    mutating func set(_ owner: AddressOwner, of address: String) -> Bool { owners.updateValue(owner, forKey: address) != owner }
}

extension EndpointSlice {
    /// Who an endpoint of the slice says it is. Only the EndpointSlice controller is believed; nil: whoever has the address.
    func statedOwner(_ pod: Endpoint.PodReference?, node: String?) -> AddressOwner? { isManaged ? pod.map { .pod($0, node: node) } : nil }

    /// The addresses that lead to whoever has them.
    fileprivate var looseAddresses: [String] {
        endpoints.filter { statedOwner($0.pod, node: $0.nodeName) == nil }.compactMap(\.addresses.first)
    }
}

extension Cluster {
    /// Finds out who owns the addresses of a slice whose endpoints do not say so.
    mutating func findOwners(of slice: EndpointSlice) {
        for address in slice.looseAddresses where traffic?.owners[address] == nil {
            let owner = owner(of: address)
            _ = traffic?.owners.set(owner, of: address)
        }
    }

    private func owner(of address: String) -> AddressOwner {
        for pod in api.objects.all(Pod.self) where pod.value.hasAddress(address) { return .taken(by: pod.value) }
        guard let number = AddressRange.address(address) else { return .host }
        let cluster = configuration.value.controllerManager.clusterRange(forNodes: configuration.value.nodeCount)
        let isPods = cluster.contains(number) || api.objects.all(Node.self).contains { $0.value.spec.podRange?.contains(number) ?? false }
        return isPods ? .nobody : .host
    }

    /// A pod got or lost an address; slices that lead there without naming a pod lead elsewhere now.
    mutating func followAddress(of pod: Pod, isGone: Bool) {
        let address = pod.status.podIP
        guard let known = traffic?.owners[address] else { return }
        let isIts = !isGone && pod.hasAddress(address)
        if !isIts, known != .taken(by: pod) { return }
        let owner = isIts ? AddressOwner.taken(by: pod) : owner(of: address)
        guard traffic?.owners.set(owner, of: address) == true else { return }
        let time = now
        let touched = traffic?.ownersChanged(at: time) ?? []
        judge(touched)
        for pod in touched { refreshServing(of: pod) }
    }
}

extension AddressOwner {
    fileprivate static func taken(by pod: Pod) -> AddressOwner {
        .pod(Endpoint.PodReference(key: pod.metadata.key, uid: pod.metadata.uid), node: pod.nodeName)
    }
}

extension Pod {
    /// A pod that has ended has left its address to others.
    fileprivate func hasAddress(_ address: String) -> Bool { status.podIP == address && !isTerminal }
}

extension Traffic {
    /// Reads the slices again that lead to whoever has an address. Returns the pods that have to be looked at.
    mutating func ownersChanged(at time: SimulatedTime) -> [UID] {
        var touched: [UID] = []
        for index in ports.indices {
            let known = ports[index].slices.count
            ports[index].slices.removeAll { !$0.slice.value.looseAddresses.isEmpty }
            guard ports[index].slices.count < known else { continue }
            touched += publish(index, at: time, isKnown: true)
        }
        return touched
    }
}
