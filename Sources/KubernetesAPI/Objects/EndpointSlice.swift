// EndpointSlice: where a service's traffic may go.

/// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>
public struct EndpointSlice: KubernetesObject {
    public enum AddressType: String, Hashable, Sendable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
        case fqdn = "FQDN"
    }
    public static var kind: Kind { .endpointSlice }
    public var metadata: ObjectMeta
    public var addressType: AddressType
    public var endpoints: [Endpoint]
    public var ports: [EndpointPort]

    public init(metadata: ObjectMeta, addressType: AddressType = .ipv4, endpoints: [Endpoint] = [], ports: [EndpointPort] = []) {
        self.metadata = metadata
        self.addressType = addressType
        self.endpoints = endpoints
        self.ports = ports
    }

    public static func erase(_ object: Shared<EndpointSlice>) -> APIObject { .endpointSlice(object) }
    public static func cast(_ erased: APIObject) -> Shared<EndpointSlice>? {
        if case .endpointSlice(let object) = erased { object } else { nil }
    }
}

public struct Endpoint: Hashable, Sendable {
    public var addresses: [String]
    /// nil: not known, to be read as true.
    public var ready: Bool?
    public var serving: Bool?
    public var terminating: Bool?
    public var hostname: String?
    public var nodeName: String?
    public var zone: String?
    /// The pod behind the endpoint (`targetRef`).
    public var pod: PodReference?
    /// `hints.forZones`.
    public var zoneHints: [String]
    /// `hints.forNodes`.
    public var nodeHints: [String]

    public struct PodReference: Hashable, Sendable {
        public var key: NamespacedName
        public var uid: UID

        public init(key: NamespacedName, uid: UID) {
            self.key = key
            self.uid = uid
        }
    }

    public init(addresses: [String]) {
        self.addresses = addresses
        zoneHints = []
        nodeHints = []
    }
}

public struct EndpointPort: Hashable, Sendable {
    public var name: String
    public var transport: TransportProtocol
    /// nil: all ports.
    public var port: Int32?
    public var appProtocol: String?

    public init(name: String = "", transport: TransportProtocol = .tcp, port: Int32?, appProtocol: String? = nil) {
        self.name = name
        self.transport = transport
        self.port = port
        self.appProtocol = appProtocol
    }
}
