// What a node's administrator sets for kube-proxy, as far as its rules depend on it.

import KubernetesAPI

/// Settings of one node's kube-proxy (`KubeProxyConfiguration`), with its defaults where it has any.
public struct ProxyOptions: Hashable, Sendable {
    public var node: ProxyNode
    /// The node's own address: where node ports are served in nftables mode, and what tells whether a source range admits the node itself.
    public var nodeIP: String
    /// `clusterCIDR`: traffic from elsewhere to a cluster IP is masqueraded; nil: pods are not told from others.
    public var podRange: String?
    /// The cluster's Service ranges: in nftables mode, traffic to an address in them that no Service has is dropped.
    public var serviceRanges: [String]
    public var family: Service.IPFamily = .ipv4
    /// Whether all traffic to cluster IPs is masqueraded.
    public var masqueradesAll = false
    /// The mark of packets to be masqueraded: bit 14.
    public var masqueradeMark = "0x4000"
    /// Whether iptables mode serves node ports on the loopback address, too.
    public var servesLocalhostNodePorts = true

    public init(node: ProxyNode, nodeIP: String, podRange: String?, serviceRanges: [String] = []) {
        self.node = node
        self.nodeIP = nodeIP
        self.podRange = podRange
        self.serviceRanges = serviceRanges
    }

    /// Whether a range of addresses contains the node's. IPv4 only, the family in which the question matters in practice.
    func isNode(in range: String) -> Bool {
        guard let range = AddressRange(range), let address = AddressRange.address(nodeIP) else { return false }
        return range.contains(address)
    }
}
