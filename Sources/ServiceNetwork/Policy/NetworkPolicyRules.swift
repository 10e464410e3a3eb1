// NetworkPolicy: which pods may talk to which.

import KubernetesAPI

/// A NetworkPolicy, as far as traffic depends on it.
///
/// <https://kubernetes.io/docs/concepts/services-networking/network-policies/>: policies only allow. A pod that no policy selects for a direction takes part in all
/// traffic of that direction; one that some do, in what any of them allows. Traffic passes if both ends let it.
public struct NetworkPolicyRules: Hashable, Sendable {
    /// One of the things traffic may come from or go to.
    public enum Peer: Hashable, Sendable {
        /// Pods by their labels, in namespaces by theirs; a nil selector of namespaces is the policy's own, one of pods is all.
        case pods(LabelSelector?, namespaces: LabelSelector?)
        /// A range of addresses without some smaller ones.
        case addresses(AddressRange, except: [AddressRange])
    }

    public struct Port: Hashable, Sendable {
        public var transport: TransportProtocol
        /// nil: all ports.
        public var port: Int32?
        /// The end of a range that begins with `port`.
        public var endPort: Int32?

        public init(transport: TransportProtocol = .tcp, port: Int32? = nil, endPort: Int32? = nil) {
            self.transport = transport
            self.port = port
            self.endPort = endPort
        }

        func admits(_ number: Int32, _ used: TransportProtocol) -> Bool {
            guard used == transport else { return false }
            guard let port else { return true }
            return number >= port && number <= endPort ?? port
        }
    }

    /// What a rule allows: these peers on these ports; empty lists mean all.
    public struct Rule: Hashable, Sendable {
        public var peers: [Peer]
        public var ports: [Port]

        public init(peers: [Peer] = [], ports: [Port] = []) {
            self.peers = peers
            self.ports = ports
        }
    }

    public var namespace: String
    public var podSelector: LabelSelector
    /// nil: the policy has nothing to do with traffic to its pods; empty: it allows none.
    public var ingress: [Rule]?
    /// The same for traffic from its pods.
    public var egress: [Rule]?

    public init(
        namespace: String, podSelector: LabelSelector = LabelSelector(matchLabels: [:]), ingress: [Rule]? = nil, egress: [Rule]? = nil
    ) {
        self.namespace = namespace
        self.podSelector = podSelector
        self.ingress = ingress
        self.egress = egress
    }
}

/// An end of a connection, as policies tell them apart.
public struct PolicyPeer: Hashable, Sendable {
    /// nil: no pod.
    public var pod: PodIdentity?
    public var address: UInt32

    public struct PodIdentity: Hashable, Sendable {
        public var namespace: String
        public var labels: Labels
        public var namespaceLabels: Labels

        public init(namespace: String, labels: Labels, namespaceLabels: Labels) {
            self.namespace = namespace
            self.labels = labels
            self.namespaceLabels = namespaceLabels
        }
    }

    public init(pod: PodIdentity?, address: UInt32) {
        self.pod = pod
        self.address = address
    }
}

extension [NetworkPolicyRules] {
    /// Whether a connection may be made. Answers need no permission of their own.
    /// - Parameter port: the pod's port, after a Service's was translated.
    public func allow(from source: PolicyPeer, to target: PolicyPeer, port: Int32, transport: TransportProtocol = .tcp) -> Bool {
        admits(target, source, port, transport) { $0.ingress } && admits(source, target, port, transport) { $0.egress }
    }

    /// Whether the policies for `pod` let it have to do with `peer`.
    private func admits(
        _ pod: PolicyPeer, _ peer: PolicyPeer, _ port: Int32, _ transport: TransportProtocol,
        _ rules: (Element) -> [NetworkPolicyRules.Rule]?
    ) -> Bool {
        guard let identity = pod.pod else { return true }
        var isSelected = false
        for policy in self {
            guard let rules = rules(policy), policy.namespace == identity.namespace, policy.podSelector.matches(identity.labels) else {
                continue
            }
            isSelected = true
            let isAllowed = rules.contains { rule in
                (rule.ports.isEmpty || rule.ports.contains { $0.admits(port, transport) })
                    && (rule.peers.isEmpty || rule.peers.contains { $0.admits(peer, policy.namespace) })
            }
            if isAllowed { return true }
        }
        return !isSelected
    }
}

extension NetworkPolicyRules.Peer {
    fileprivate func admits(_ peer: PolicyPeer, _ namespace: String) -> Bool {
        switch self {
        case .pods(let pods, let namespaces):
            guard let identity = peer.pod else { return false }
            let isInNamespace = namespaces.map { $0.matches(identity.namespaceLabels) } ?? (identity.namespace == namespace)
            return isInNamespace && pods?.matches(identity.labels) ?? true
        case .addresses(let range, let except):
            return range.contains(peer.address) && !except.contains { $0.contains(peer.address) }
        }
    }
}
