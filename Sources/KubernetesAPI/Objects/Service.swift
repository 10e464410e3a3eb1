// Service: a name and an address for a set of pods.

/// <https://kubernetes.io/docs/concepts/services-networking/service/>
public struct Service: KubernetesObject {
    public enum ServiceType: String, Hashable, Sendable {
        case clusterIP = "ClusterIP"
        case nodePort = "NodePort"
        case loadBalancer = "LoadBalancer"
        case externalName = "ExternalName"
    }
    public static var kind: Kind { .service }
    public var metadata: ObjectMeta
    /// Labels of the pods; nil or empty: the service selects none.
    public var selector: Labels?
    public var type: ServiceType
    /// `None` for a headless service; empty until the API server gives one.
    public var clusterIP: String
    public var ports: [ServicePort]

    public init(metadata: ObjectMeta, selector: Labels? = nil) {
        self.metadata = metadata
        self.selector = selector
        type = .clusterIP
        clusterIP = ""
        ports = []
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

    public init(name: String = "", port: Int32, targetPort: IntOrString? = nil, transport: TransportProtocol = .tcp) {
        self.name = name
        self.port = port
        self.targetPort = targetPort
        self.transport = transport
        nodePort = 0
    }
}
