// One port of one Service as a kube-proxy sees it: the addresses on which it is reached and the policies that choose among its endpoints.

import KubernetesAPI

/// Which port of which Service: the unit in which kube-proxy works.
public struct ServicePortName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var namespace: String
    public var name: String
    /// The port's name; empty for a Service's only, nameless port.
    public var port: String
    public var transport: TransportProtocol

    public init(namespace: String, name: String, port: String, transport: TransportProtocol) {
        self.namespace = namespace
        self.name = name
        self.port = port
        self.transport = transport
    }

    /// `namespace/name:port`, or `namespace/name`: what the comments in a node's rules say.
    public var description: String { "\(namespace)/\(name)" + (port.isEmpty ? "" : ":\(port)") }

    /// The protocol as packet filters write it.
    var protocolText: String { transport.rawValue.lowercased() }

    public static func < (left: ServicePortName, right: ServicePortName) -> Bool {
        (left.namespace, left.name, left.port, left.transport.rawValue) < (
            right.namespace, right.name, right.port, right.transport.rawValue
        )
    }
}

/// An address at which a load balancer takes traffic for a Service (`status.loadBalancer.ingress`).
public struct LoadBalancerIngress: Hashable, Sendable {
    public var ip: String
    /// Whether the balancer hands packets on with their destination unchanged (`ipMode: VIP`, the default). If not (`Proxy`), nodes leave
    /// traffic to this address to the balancer.
    public var isVirtual: Bool

    public init(ip: String, isVirtual: Bool = true) {
        self.ip = ip
        self.isVirtual = isVirtual
    }
}

/// What a kube-proxy knows of one port of one Service, for one family of addresses.
///
/// <https://kubernetes.io/docs/reference/networking/virtual-ips/>
public struct ServicePortInfo: Hashable, Sendable {
    public var name: ServicePortName
    public var clusterIP: String
    public var port: Int32
    /// 0: none.
    public var nodePort: Int32
    public var externalIPs: [String]
    /// Addresses of a load balancer whose packets arrive with that destination.
    public var loadBalancerIPs: [String]
    /// From where traffic to ``loadBalancerIPs`` is accepted; empty: from everywhere.
    public var loadBalancerSourceRanges: [String]
    /// Where a load balancer asks whether this node has endpoints; 0: nowhere.
    public var healthCheckNodePort: Int32
    /// How long a client stays with its endpoint, seconds (`sessionAffinity: ClientIP`); nil: no affinity.
    public var affinitySeconds: Int32?
    /// `internalTrafficPolicy: Local`: traffic to the cluster IP stays on the node.
    public var internalPolicyIsLocal: Bool
    /// `externalTrafficPolicy: Local`: traffic from outside the cluster stays on the node where it came in.
    public var externalPolicyIsLocal: Bool

    /// A port with a cluster IP and nothing else.
    public init(name: ServicePortName, clusterIP: String, port: Int32) {
        self.name = name
        self.clusterIP = clusterIP
        self.port = port
        nodePort = 0
        externalIPs = []
        loadBalancerIPs = []
        loadBalancerSourceRanges = []
        healthCheckNodePort = 0
        internalPolicyIsLocal = false
        externalPolicyIsLocal = false
    }

    /// Whether the Service has no address of its own, so that clients find its endpoints through the DNS.
    public var isHeadless: Bool { clusterIP == Service.headless }

    /// Whether anything but the cluster IP leads here.
    public var isExternallyAccessible: Bool { nodePort != 0 || !loadBalancerIPs.isEmpty || !externalIPs.isEmpty }

    /// Whether any traffic may go to endpoints on other nodes. Externally accessible ports always have such traffic: that of pods and
    /// of the node itself to an external address is treated as if it had no policy.
    public var usesClusterEndpoints: Bool { !internalPolicyIsLocal || isExternallyAccessible }

    /// Whether any traffic must stay on the node.
    public var usesLocalEndpoints: Bool { internalPolicyIsLocal || (externalPolicyIsLocal && isExternallyAccessible) }
}

extension ServicePortInfo {
    /// The ports of a Service that kube-proxy serves in an address family: none for headless and ExternalName Services, or without an
    /// address of the family.
    public static func ports(
        of service: Service, ingress: [LoadBalancerIngress] = [], family: Service.IPFamily = .ipv4
    ) -> [ServicePortInfo] {
        if service.isHeadless || service.clusterIP.isEmpty || service.type == .externalName { return [] }
        let clusterIPs = service.clusterIPs.isEmpty ? [service.clusterIP] : service.clusterIPs
        guard let clusterIP = clusterIPs.first(where: { addressFamily(of: $0) == family }) else { return [] }
        func ofFamily(_ texts: [String]) -> [String] { texts.filter { addressFamily(of: $0) == family } }
        return service.ports.map { port in
            let name = ServicePortName(
                namespace: service.metadata.namespace, name: service.metadata.name, port: port.name, transport: port.transport)
            var info = ServicePortInfo(name: name, clusterIP: clusterIP, port: port.port)
            info.nodePort = port.nodePort
            info.externalIPs = ofFamily(service.externalIPs)
            info.loadBalancerIPs = ofFamily(ingress.filter(\.isVirtual).map(\.ip))
            info.loadBalancerSourceRanges = ofFamily(service.loadBalancerSourceRanges)
            info.internalPolicyIsLocal = service.internalTrafficPolicy == .local
            info.externalPolicyIsLocal = service.isExternallyAccessible && service.externalTrafficPolicy == .local
            if service.type == .loadBalancer, info.externalPolicyIsLocal { info.healthCheckNodePort = service.healthCheckNodePort }
            if service.sessionAffinity == .clientIP {
                info.affinitySeconds = service.sessionTimeoutSeconds ?? Service.defaultSessionTimeout
            }
            return info
        }
    }

    /// The family of an address or a range of addresses, told by its colons.
    static func addressFamily(of text: String) -> Service.IPFamily { text.utf8.contains(UInt8(ascii: ":")) ? .ipv6 : .ipv4 }
}
