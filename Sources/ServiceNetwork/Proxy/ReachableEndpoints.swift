// Which of a Service port's endpoints a node sends traffic to: the same decision in every mode of kube-proxy.

import KubernetesAPI

/// The endpoints that a node uses, as places in the port's list of endpoints, ascending.
///
/// Ready endpoints; where there are none, those that still serve though they terminate (KEP-1669), decided separately for
/// traffic with and without a `Local` policy. Hints (KEP-2433, KEP-3015) narrow traffic without such a policy to the node or its zone, if every ready endpoint
/// has some and at least one is meant for it.
public struct ReachableEndpoints: Hashable, Sendable {
    /// For traffic that may leave the node; nil if there is no such traffic, or no endpoint at all.
    public var cluster: [Int]?
    /// For traffic that must stay on the node; nil if there is no such traffic, or no such endpoint.
    public var local: [Int]?
    /// All that appear in either list.
    public var all: [Int]?
    /// Whether any node has an endpoint for this port: if so, traffic that finds none is dropped, else refused.
    public var hasAny: Bool

    /// Decides for one port on one node.
    public init(_ endpoints: [ProxyEndpoint], of info: ServicePortInfo, on node: ProxyNode) {
        hasAny = false
        if endpoints.isEmpty { return }
        var isNarrowed = false
        if info.usesClusterEndpoints {
            let scope = HintScope(endpoints, on: node)
            isNarrowed = scope != .everywhere
            var chosen = endpoints.indices.filter { endpoints[$0].isReady && scope.admits(endpoints[$0], on: node) }
            if chosen.isEmpty { chosen = endpoints.indices.filter { endpoints[$0].isServingThoughTerminating } }
            hasAny = !chosen.isEmpty
            cluster = chosen
        }
        guard info.usesLocalEndpoints else {
            all = cluster
            return
        }
        hasAny = hasAny || endpoints.contains { $0.isReady || $0.isServingThoughTerminating }
        let onNode = endpoints.indices.filter { endpoints[$0].isLocal(to: node) }
        var chosen = onNode.filter { endpoints[$0].isReady }
        var isTerminating = false
        if chosen.isEmpty {
            chosen = onNode.filter { endpoints[$0].isServingThoughTerminating }
            isTerminating = !chosen.isEmpty
        }
        if !chosen.isEmpty { local = chosen }
        guard let cluster else {
            all = local
            return
        }
        all = isNarrowed || isTerminating ? merged(cluster, chosen) : cluster
    }

    /// The union of two ascending lists.
    private func merged(_ left: [Int], _ right: [Int]) -> [Int] {
        var union = left + right.filter { !left.contains($0) }
        union.sort()
        return union
    }
}

/// How far a node looks for endpoints: what the hints in the slices come to.
private enum HintScope {
    case node, zone, everywhere

    init(_ endpoints: [ProxyEndpoint], on node: ProxyNode) {
        let ready = endpoints.filter(\.isReady)
        if ready.isEmpty {
            self = .everywhere
        } else if ready.allSatisfy({ !$0.nodeHints.isEmpty }), ready.contains(where: { $0.nodeHints.contains(node.name) }) {
            self = .node
        } else if ready.allSatisfy({ !$0.zoneHints.isEmpty }), ready.contains(where: { $0.zoneHints.contains(node.zone) }) {
            self = .zone
        } else {
            self = .everywhere
        }
    }

    func admits(_ endpoint: ProxyEndpoint, on node: ProxyNode) -> Bool {
        switch self {
        case .node: endpoint.nodeHints.contains(node.name)
        case .zone: endpoint.zoneHints.contains(node.zone)
        case .everywhere: true
        }
    }
}
