// Who is behind the addresses of endpoints that do not say so: EndpointSlices made by hand.
//
// The slices of the EndpointSlice controller name the pod of each endpoint. In all others addresses count, as they do for kube-proxies.

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
    /// Whether the EndpointSlice controller wrote it.
    var isManaged: Bool { metadata.labels[SliceLabels.managedBy] == SliceLabels.controller }
}

extension Cluster {
    /// Finds out who owns the addresses of a slice made by hand.
    mutating func findOwners(of slice: EndpointSlice) {
        let strangers = slice.isManaged ? slice.endpoints.filter { $0.pod == nil } : slice.endpoints
        for address in strangers.compactMap(\.addresses.first) where traffic?.owners[address] == nil {
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

    /// A pod got or lost an address; if slices made by hand lead there, they lead elsewhere now.
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
    /// A pod that has ended has left its address to others; one on its node's network shares that of the node.
    fileprivate func hasAddress(_ address: String) -> Bool { status.podIP == address && !isTerminal }
}

extension Traffic {
    /// Reads the slices made by hand again. Returns the pods that have to be looked at.
    mutating func ownersChanged(at time: SimulatedTime) -> [UID] {
        var touched: [UID] = []
        for index in ports.indices where ports[index].slices.contains(where: { !$0.slice.value.isManaged }) {
            ports[index].slices.removeAll { !$0.slice.value.isManaged }
            touched += publish(index, at: time, isKnown: true)
        }
        return touched
    }
}
