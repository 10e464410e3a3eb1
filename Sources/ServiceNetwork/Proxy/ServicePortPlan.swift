// What a node's kube-proxy does with the traffic of one Service port, before it is written as rules of any packet filter.

import KubernetesAPI

/// A port, its endpoints, and the decisions every mode of kube-proxy takes from them on one node.
public struct ServicePortPlan: Hashable, Sendable {
    public let info: ServicePortInfo
    /// All endpoints of the port, those that are not used here included.
    public let endpoints: [ProxyEndpoint]
    public let reachable: ReachableEndpoints

    public init(_ info: ServicePortInfo, endpoints: [ProxyEndpoint], on node: ProxyNode) {
        self.info = info
        self.endpoints = endpoints
        reachable = ReachableEndpoints(endpoints, of: info, on: node)
    }

    /// The plans for Services and EndpointSlices on a node, in the order of the ports' names.
    public static func plans(
        for services: [(service: Service, ingress: [LoadBalancerIngress])], slices: [EndpointSlice], on node: ProxyNode,
        family: Service.IPFamily = .ipv4
    ) -> [ServicePortPlan] {
        services.filter { !$0.service.isLeftToAnotherProxy }
            .flatMap { ServicePortInfo.ports(of: $0.service, ingress: $0.ingress, family: family) }
            .sorted { $0.name < $1.name }
            .map { ServicePortPlan($0, endpoints: ProxyEndpoint.endpoints(of: $0.name, in: slices, family: family), on: node) }
    }

    /// Whether any endpoint of the port can be used, here or elsewhere.
    var hasEndpoints: Bool { reachable.hasAny }
    /// Whether traffic to the cluster IP finds one.
    var hasInternalEndpoints: Bool { hasEndpoints && (!info.internalPolicyIsLocal || reachable.local != nil) }
    /// Whether traffic from outside the cluster finds one.
    var hasExternalEndpoints: Bool { hasEndpoints && (!info.externalPolicyIsLocal || reachable.local != nil) }
    /// The endpoints for traffic that may leave the node, if any does and there are some.
    var clusterEndpoints: [ProxyEndpoint] { info.usesClusterEndpoints ? list(reachable.cluster) : [] }
    /// The endpoints for traffic that must stay on the node, if any must and there are some.
    var localEndpoints: [ProxyEndpoint] { info.usesLocalEndpoints ? list(reachable.local) : [] }
    var allEndpoints: [ProxyEndpoint] { list(reachable.all) }
    /// Whether addresses other than the cluster IP are served.
    var takesExternalTraffic: Bool { hasEndpoints && info.isExternallyAccessible }
    /// Whether a load balancer's traffic is filtered by its source.
    var isFirewalled: Bool { !info.loadBalancerIPs.isEmpty && !info.loadBalancerSourceRanges.isEmpty }

    private func list(_ places: [Int]?) -> [ProxyEndpoint] { places?.map { endpoints[$0] } ?? [] }
}

extension ServicePortPlan {
    /// Where a connection to the port comes from and how it addresses it.
    public enum Traffic: Hashable, Sendable {
        /// To the cluster IP.
        case toClusterIP
        /// To a node port, an external IP or a load balancer's address, by a pod or a process of this node: treated as if it had
        /// gone out to a balancer and come back wherever there are endpoints.
        case toExternalAddressFromInside
        /// The same, from outside the cluster.
        case toExternalAddressFromOutside
    }

    /// What becomes of a connection.
    public enum Verdict: Hashable, Sendable {
        /// It goes to one of these endpoints (places in ``endpoints``), as the mode's balancing chooses; never empty.
        case balance([Int])
        /// Refused at once: no node has an endpoint, or nothing but the cluster IP leads here.
        case reject
        /// Lost without an answer: the policy is `Local`, and this node has no endpoint.
        case drop
    }

    /// The decision for a connection.
    /// - Parameter inIPVS: whether the kernel's virtual servers balance, and no packet filter.
    public func verdict(for traffic: Traffic, inIPVS: Bool = false) -> Verdict {
        guard traffic == .toClusterIP || info.isExternallyAccessible else { return .reject }
        if inIPVS { return virtualServerVerdict(for: traffic) }
        guard hasEndpoints else { return .reject }
        let isLocal =
            switch traffic {
            case .toClusterIP: info.internalPolicyIsLocal
            case .toExternalAddressFromInside: false
            case .toExternalAddressFromOutside: info.externalPolicyIsLocal
            }
        guard let places = isLocal ? reachable.local : reachable.cluster, !places.isEmpty else { return .drop }
        return .balance(places)
    }

    /// A virtual server without destinations refuses (the kernel answers that the port is unreachable). Where a `Local` policy finds none on this node, kube-proxy
    /// gives the server those of all nodes, if other traffic uses them: that serves pods of the node, while a client outside discards the answer,
    /// which comes from the pod's own address.
    private func virtualServerVerdict(for traffic: Traffic) -> Verdict {
        let isLocal = traffic == .toClusterIP ? info.internalPolicyIsLocal : info.externalPolicyIsLocal
        if isLocal, let places = reachable.local, !places.isEmpty { return .balance(places) }
        guard let places = reachable.cluster, !places.isEmpty else { return .reject }
        return isLocal && traffic == .toExternalAddressFromOutside ? .drop : .balance(places)
    }
}
