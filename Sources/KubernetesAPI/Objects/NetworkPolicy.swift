// NetworkPolicy: which pods may talk to which.

/// <https://kubernetes.io/docs/concepts/services-networking/network-policies/>
public struct NetworkPolicy: KubernetesObject {
    public static var kind: Kind { .networkPolicy }
    public var metadata: ObjectMeta
    /// The pods of its namespace that it is about; an empty one: all.
    public var podSelector: LabelSelector
    /// Whether traffic to those pods needs a rule (`policyTypes`), and the rules.
    public var restrictsIngress: Bool
    public var ingress: [Rule]
    /// The same for traffic from those pods.
    public var restrictsEgress: Bool
    public var egress: [Rule]

    /// What a rule allows: these peers on these ports; empty lists mean all.
    public struct Rule: Hashable, Sendable {
        public var peers: [Peer]
        public var ports: [Port]

        public init(peers: [Peer] = [], ports: [Port] = []) {
            self.peers = peers
            self.ports = ports
        }
    }

    /// Where traffic may come from or go to. Of a valid peer, either one or both selectors are there, or a block.
    public struct Peer: Hashable, Sendable {
        /// nil: all pods.
        public var podSelector: LabelSelector?
        /// nil: the policy's own namespace.
        public var namespaceSelector: LabelSelector?
        public var block: Block?

        public init(pods: LabelSelector? = nil, namespaces: LabelSelector? = nil, block: Block? = nil) {
            podSelector = pods
            namespaceSelector = namespaces
            self.block = block
        }
    }

    /// A range of addresses without some smaller ones, in CIDR notation.
    public struct Block: Hashable, Sendable {
        public var range: String
        public var except: [String]

        public init(_ range: String, except: [String] = []) {
            self.range = range
            self.except = except
        }
    }

    public struct Port: Hashable, Sendable {
        public var transport: TransportProtocol
        /// A number, or the name of a port of the pod that is talked to; nil: all ports.
        public var port: IntOrString?
        /// The end of a range that begins with `port`.
        public var endPort: Int32?

        public init(_ port: IntOrString? = nil, endPort: Int32? = nil, transport: TransportProtocol = .tcp) {
            self.port = port
            self.endPort = endPort
            self.transport = transport
        }
    }

    /// - Parameters:
    ///   - ingress: nil: the policy has nothing to do with traffic to its pods; empty: it allows none.
    ///   - egress: the same for traffic from its pods.
    public init(
        metadata: ObjectMeta, podSelector: LabelSelector = LabelSelector(matchLabels: [:]), ingress: [Rule]? = nil, egress: [Rule]? = nil
    ) {
        self.metadata = metadata
        self.podSelector = podSelector
        restrictsIngress = ingress != nil
        self.ingress = ingress ?? []
        restrictsEgress = egress != nil
        self.egress = egress ?? []
    }

    public static func erase(_ object: Shared<NetworkPolicy>) -> APIObject { .networkPolicy(object) }
    public static func cast(_ erased: APIObject) -> Shared<NetworkPolicy>? {
        if case .networkPolicy(let object) = erased { object } else { nil }
    }
}
