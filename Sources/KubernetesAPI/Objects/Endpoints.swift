// Endpoints: the addresses behind a Service as they were written before there were EndpointSlices, and as people still write them by hand.

/// <https://kubernetes.io/docs/concepts/services-networking/service/#endpoints>
public struct Endpoints: KubernetesObject {
    public static var kind: Kind { .endpoints }
    public var metadata: ObjectMeta
    public var subsets: [EndpointSubset]

    public init(metadata: ObjectMeta, subsets: [EndpointSubset] = []) {
        self.metadata = metadata
        self.subsets = subsets
    }

    public static func erase(_ object: Shared<Endpoints>) -> APIObject { .endpoints(object) }
    public static func cast(_ erased: APIObject) -> Shared<Endpoints>? {
        if case .endpoints(let object) = erased { object } else { nil }
    }
}

/// Addresses that all have the same ports.
public struct EndpointSubset: Hashable, Sendable {
    public var addresses: [EndpointAddress]
    public var notReadyAddresses: [EndpointAddress]
    public var ports: [EndpointPort]

    public init(addresses: [EndpointAddress] = [], notReadyAddresses: [EndpointAddress] = [], ports: [EndpointPort] = []) {
        self.addresses = addresses
        self.notReadyAddresses = notReadyAddresses
        self.ports = ports
    }
}

public struct EndpointAddress: Hashable, Sendable {
    public var ip: String
    public var hostname: String?
    public var nodeName: String?
    /// The pod that has the address (`targetRef`).
    public var pod: Endpoint.PodReference?

    public init(ip: String) { self.ip = ip }

    /// Which addresses it is among; nil: it is none.
    public var family: EndpointSlice.AddressType? {
        IPAddressText.isIPv4(ip) ? .ipv4 : IPAddressText.isIPv6(ip) ? .ipv6 : nil
    }
}
