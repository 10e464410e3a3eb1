// `loadBalancerSourceRanges`: which clients outside of the cluster may use a Service's load balancer.

import KubernetesAPI

/// The filter that kube-proxies put before the address of a load balancer: new connections of clients outside its ranges are dropped, in every mode.
///
/// <https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer>
public struct LoadBalancerFirewall: Hashable, Sendable {
    /// None: everybody is let in.
    private let ranges: [AddressRange]

    public init(_ info: ServicePortInfo) {
        self.init(sourceRanges: info.loadBalancerSourceRanges)
    }

    /// - Parameter sourceRanges: as a Service has them; IPv6 ones are for other clients.
    public init(sourceRanges: [String]) { ranges = sourceRanges.compactMap { AddressRange($0) } }

    /// Whether a client with an IPv4 address is let in.
    public func admits(_ client: UInt32) -> Bool { ranges.isEmpty || ranges.contains { $0.contains(client) } }

    /// Whether any of the clients is.
    public func admitsAny(of clients: RequestSource.Population) -> Bool {
        let last = clients.firstAddress &+ UInt32(truncatingIfNeeded: clients.count - 1)
        return admits(clients.firstAddress) || ranges.contains { clients.firstAddress < $0.first && $0.first <= last }
    }
}
