// Ingress: which Service gets requests from outside of the cluster, by their host and path.

/// <https://kubernetes.io/docs/concepts/services-networking/ingress/>
public struct Ingress: KubernetesObject {
    public static var kind: Kind { .ingress }
    public var metadata: ObjectMeta
    /// `spec.ingressClassName`: which controller it is for; nil: the default one.
    public var className: String?
    /// For requests that no rule is for.
    public var defaultBackend: IngressBackend?
    public var rules: [IngressRule]

    /// The class by which controllers know it, be it named in the way of before Kubernetes 1.18.
    public var servedClass: String? { className ?? metadata.annotations["kubernetes.io/ingress.class"] }

    public init(metadata: ObjectMeta, rules: [IngressRule] = [], defaultBackend: IngressBackend? = nil) {
        self.metadata = metadata
        self.rules = rules
        self.defaultBackend = defaultBackend
    }

    public static func erase(_ object: Shared<Ingress>) -> APIObject { .ingress(object) }
    public static func cast(_ erased: APIObject) -> Shared<Ingress>? { if case .ingress(let object) = erased { object } else { nil } }
}

public struct IngressRule: Hashable, Sendable {
    /// Empty: any; `*.` and a domain: any with one more label.
    public var host: String
    /// nil: all requests for the host go to the default backend.
    public var paths: [IngressPath]?

    public init(host: String = "", paths: [IngressPath]? = nil) {
        self.host = host
        self.paths = paths
    }
}

public struct IngressPath: Hashable, Sendable {
    public enum PathType: String, Hashable, Sendable {
        case exact = "Exact"
        /// By whole elements of the path.
        case prefix = "Prefix"
        /// Left to the controller; here as `Prefix`.
        case implementationSpecific = "ImplementationSpecific"
    }

    public var path: String
    /// Every path of a valid Ingress has one.
    public var pathType: PathType?
    public var backend: IngressBackend

    public init(path: String, pathType: PathType?, backend: IngressBackend) {
        self.path = path
        self.pathType = pathType
        self.backend = backend
    }
}

/// Where requests go.
public struct IngressBackend: Hashable, Sendable {
    /// A Service in the Ingress' namespace; nil: none is named.
    public var service: String?
    /// `service.port.name` and `service.port.number`, of which a valid backend has one.
    public var portName: String
    public var portNumber: Int32
    /// Whether something else than a Service is named (`resource`).
    public var hasResource: Bool

    public init(service: String? = nil, portName: String = "", portNumber: Int32 = 0) {
        self.service = service
        self.portName = portName
        self.portNumber = portNumber
        hasResource = false
    }
}
