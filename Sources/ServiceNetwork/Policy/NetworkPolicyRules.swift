// Network policies: which connections they let pass.

import KubernetesAPI

/// An end of a connection, as policies tell them apart.
public struct PolicyPeer: Hashable, Sendable {
    /// nil: no pod.
    public var pod: PodIdentity?
    public var address: UInt32

    public struct PodIdentity: Hashable, Sendable {
        public var namespace: String
        public var labels: Labels
        public var namespaceLabels: Labels
        /// The ports that its containers have names for.
        public var ports: [NamedPort]

        public init(namespace: String, labels: Labels, namespaceLabels: Labels, ports: [NamedPort] = []) {
            self.namespace = namespace
            self.labels = labels
            self.namespaceLabels = namespaceLabels
            self.ports = ports
        }
    }

    public struct NamedPort: Hashable, Sendable {
        public var name: String
        public var number: Int32
        public var transport: TransportProtocol

        public init(_ name: String, _ number: Int32, _ transport: TransportProtocol = .tcp) {
            self.name = name
            self.number = number
            self.transport = transport
        }
    }

    public init(pod: PodIdentity?, address: UInt32) {
        self.pod = pod
        self.address = address
    }
}

/// What policies say about a connection.
///
/// <https://kubernetes.io/docs/concepts/services-networking/network-policies/>: policies only allow. A pod that no policy selects for a direction takes part in all
/// traffic of that direction; one that some do, in what any of them allows. Traffic passes if both ends let it.
public struct PolicyDecision: Sendable {
    private let policies: [NetworkPolicy]

    public init(_ policies: [NetworkPolicy]) { self.policies = policies }

    /// Whether a connection may be made. Answers need no permission of their own.
    /// - Parameter port: the pod's port, after a Service's was translated.
    public func allows(from source: PolicyPeer, to target: PolicyPeer, port: Int32, transport: TransportProtocol = .tcp) -> Bool {
        func admits(_ own: PolicyPeer, _ other: PolicyPeer, _ rules: (NetworkPolicy) -> [NetworkPolicy.Rule]?) -> Bool {
            guard let pod = own.pod else { return true }
            var isSelected = false
            for policy in policies where policy.metadata.namespace == pod.namespace {
                guard let rules = rules(policy), policy.podSelector.matches(pod.labels) else { continue }
                isSelected = true
                let isAllowed = rules.contains { rule in
                    (rule.ports.isEmpty || rule.ports.contains { $0.admits(port, transport, at: target) })
                        && (rule.peers.isEmpty || rule.peers.contains { $0.admits(other, policy.metadata.namespace) })
                }
                if isAllowed { return true }
            }
            return !isSelected
        }
        return admits(target, source) { $0.restrictsIngress ? $0.ingress : nil }
            && admits(source, target) { $0.restrictsEgress ? $0.egress : nil }
    }
}

extension NetworkPolicy.Port {
    fileprivate func admits(_ number: Int32, _ used: TransportProtocol, at target: PolicyPeer) -> Bool {
        guard used == transport else { return false }
        switch port {
        case nil: return true
        case .int(let first): return number >= first && number <= endPort ?? first
        case .string(let name):
            return target.pod?.ports.contains(PolicyPeer.NamedPort(name, number, transport)) ?? false
        }
    }
}

extension NetworkPolicy.Peer {
    fileprivate func admits(_ peer: PolicyPeer, _ namespace: String) -> Bool {
        // Blocks of IPv6 addresses hold none of the cluster's.
        if let block {
            guard let range = AddressRange(block.range), range.contains(peer.address) else { return false }
            return !block.except.contains { AddressRange($0)?.contains(peer.address) ?? false }
        }
        guard let identity = peer.pod else { return false }
        let isInNamespace = namespaceSelector.map { $0.matches(identity.namespaceLabels) } ?? (identity.namespace == namespace)
        return isInNamespace && podSelector?.matches(identity.labels) ?? true
    }
}
