// Service: a name and an address for a set of pods.

/// <https://kubernetes.io/docs/concepts/services-networking/service/>
public struct Service: KubernetesObject {
    public enum ServiceType: String, Hashable, Sendable {
        case clusterIP = "ClusterIP"
        case nodePort = "NodePort"
        case loadBalancer = "LoadBalancer"
        case externalName = "ExternalName"
    }
    public enum SessionAffinity: String, Hashable, Sendable {
        case none = "None"
        case clientIP = "ClientIP"
    }
    /// Which endpoints a node sends traffic to: all, or those on itself.
    public enum TrafficPolicy: String, Hashable, Sendable {
        case cluster = "Cluster"
        case local = "Local"
    }
    public enum IPFamily: String, Hashable, Sendable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
    }
    public enum IPFamilyPolicy: String, Hashable, Sendable {
        case singleStack = "SingleStack"
        case preferDualStack = "PreferDualStack"
        case requireDualStack = "RequireDualStack"
    }
    public static var kind: Kind { .service }
    /// The `clusterIP` of a service without an address of its own: its name stands for its pods' addresses.
    public static let headless = "None"
    /// How long a client stays with its endpoint under `sessionAffinity: ClientIP`, seconds.
    public static let defaultSessionTimeout: Int32 = 10_800

    public var metadata: ObjectMeta
    /// Labels of the pods; nil or empty: the service selects none.
    public var selector: Labels?
    public var type: ServiceType
    /// `None` for a headless service; empty until the API server gives one.
    public var clusterIP: String
    /// One address per family; the first is `clusterIP`.
    public var clusterIPs: [String]
    public var ports: [ServicePort]
    /// The name an ExternalName service stands for.
    public var externalName: String
    public var externalIPs: [String]
    /// Whether pods that are not ready count as endpoints too.
    public var publishNotReadyAddresses: Bool
    public var sessionAffinity: SessionAffinity
    /// `sessionAffinityConfig.clientIP.timeoutSeconds`.
    public var sessionTimeoutSeconds: Int32?
    public var internalTrafficPolicy: TrafficPolicy?
    public var externalTrafficPolicy: TrafficPolicy?
    public var ipFamilies: [IPFamily]
    public var ipFamilyPolicy: IPFamilyPolicy?
    /// A preference among endpoints: `PreferSameZone` (`PreferClose`), `PreferSameNode`.
    public var trafficDistribution: String?
    /// Where a load balancer asks whether a node has endpoints; 0: none.
    public var healthCheckNodePort: Int32
    public var loadBalancerClass: String?
    public var loadBalancerSourceRanges: [String]
    /// Whether a LoadBalancer service gets node ports; nil means yes.
    public var allocateLoadBalancerNodePorts: Bool?

    /// Whether kube-proxies leave it to another proxy, which is not simulated (the label `service.kubernetes.io/service-proxy-name`).
    public var isLeftToAnotherProxy: Bool { metadata.labels["service.kubernetes.io/service-proxy-name"] != nil }

    public init(metadata: ObjectMeta, selector: Labels? = nil) {
        self.metadata = metadata
        self.selector = selector
        type = .clusterIP
        clusterIP = ""
        clusterIPs = []
        ports = []
        externalName = ""
        externalIPs = []
        publishNotReadyAddresses = false
        sessionAffinity = .none
        ipFamilies = []
        healthCheckNodePort = 0
        loadBalancerSourceRanges = []
    }

    public var isHeadless: Bool { clusterIP == Service.headless }

    /// Whether traffic may come in from outside the cluster.
    public var isExternallyAccessible: Bool {
        type == .loadBalancer || type == .nodePort || (type == .clusterIP && !externalIPs.isEmpty)
    }

    public static func erase(_ object: Shared<Service>) -> APIObject { .service(object) }
    public static func cast(_ erased: APIObject) -> Shared<Service>? { if case .service(let object) = erased { object } else { nil } }
}

public struct ServicePort: Hashable, Sendable {
    public var name: String
    public var port: Int32
    /// nil: the same as `port`.
    public var targetPort: IntOrString?
    /// 0: none.
    public var nodePort: Int32
    public var transport: TransportProtocol
    public var appProtocol: String?

    public init(name: String = "", port: Int32, targetPort: IntOrString? = nil, transport: TransportProtocol = .tcp) {
        self.name = name
        self.port = port
        self.targetPort = targetPort
        self.transport = transport
        nodePort = 0
    }
}
