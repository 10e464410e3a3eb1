// Endpoints as a kube-proxy keeps them: of all EndpointSlices of a Service, for each of its ports, in a fixed order.

import KubernetesAPI

/// The node on which a kube-proxy runs.
public struct ProxyNode: Hashable, Sendable {
    public var name: String
    /// `topology.kubernetes.io/zone`; empty: none.
    public var zone: String

    public init(name: String, zone: String = "") {
        self.name = name
        self.zone = zone
    }
}

/// An address and port to which traffic of a Service's port can go.
public struct ProxyEndpoint: Hashable, Sendable {
    public var address: String
    public var port: Int32
    /// Whether new traffic should come here: never of a terminating pod, unless the Service publishes addresses that are not ready.
    public var isReady: Bool
    /// Whether it could take traffic: its pod is ready, terminating or not.
    public var isServing: Bool
    public var isTerminating: Bool
    /// nil: unknown.
    public var nodeName: String?
    public var zoneHints: [String]
    public var nodeHints: [String]
    /// The pod behind it.
    public var pod: Endpoint.PodReference?

    public init(address: String, port: Int32, nodeName: String? = nil) {
        self.address = address
        self.port = port
        self.nodeName = nodeName
        isReady = true
        isServing = true
        isTerminating = false
        zoneHints = []
        nodeHints = []
    }

    /// `address:port`, an IPv6 address in brackets.
    public var description: String { (ServicePortInfo.addressFamily(of: address) == .ipv6 ? "[\(address)]" : address) + ":\(port)" }

    public func isLocal(to node: ProxyNode) -> Bool { nodeName == node.name }

    /// Taken only when nothing is ready: a pod that goes away but still answers.
    var isServingThoughTerminating: Bool { isServing && isTerminating }
}

extension ProxyEndpoint {
    /// The endpoints of a Service's port in the slices of that Service, in the order of their texts, each address and port once.
    ///
    /// A slice's port of the same name and protocol is the Service's; a condition that is unknown counts as ready and serving
    /// (<https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions>).
    public static func endpoints(
        of name: ServicePortName, in slices: [EndpointSlice], family: Service.IPFamily = .ipv4
    ) -> [ProxyEndpoint] {
        var found: [(text: String, endpoint: ProxyEndpoint)] = []
        for slice in slices where slice.addressType.rawValue == family.rawValue && slice.belongs(to: name) {
            for port in slice.ports where port.name == name.port && port.transport == name.transport {
                guard let number = port.port else { continue }
                for endpoint in slice.endpoints {
                    // Only the first of several addresses is ever used.
                    guard let address = endpoint.addresses.first else { continue }
                    var entry = ProxyEndpoint(address: address, port: number, nodeName: endpoint.nodeName)
                    entry.isReady = endpoint.ready ?? true
                    entry.isServing = endpoint.serving ?? true
                    entry.isTerminating = endpoint.terminating ?? false
                    entry.zoneHints = endpoint.zoneHints
                    entry.nodeHints = endpoint.nodeHints
                    entry.pod = endpoint.pod
                    found.append((entry.description, entry))
                }
            }
        }
        found.sort { $0.text < $1.text }
        var result: [ProxyEndpoint] = []
        for (index, entry) in found.enumerated() where index == 0 || entry.text != found[index - 1].text { result.append(entry.endpoint) }
        return result
    }
}

extension EndpointSlice {
    fileprivate func belongs(to name: ServicePortName) -> Bool {
        service == NamespacedName(namespace: name.namespace, name: name.name)
    }
}
