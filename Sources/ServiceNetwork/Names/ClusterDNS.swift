// The cluster's DNS: which records Services have, and where their names lead.
//
// <https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/>; the schema is the one published for cluster DNS
// ("Kubernetes DNS-Based Service Discovery", version 1.1.0).

import KubernetesAPI

/// What the DNS server says to a question.
public enum DNSAnswer: Hashable, Sendable {
    /// A or AAAA records; never empty.
    case addresses([String])
    /// A CNAME record: the question is to be asked again about this name.
    case alias(String)
    /// SRV records: ports at names; never empty.
    case services([ServiceLocation])
    /// There is no such name, or it has no records of the kind asked for.
    case none

    /// What an SRV record points to; all records have the same priority, and weights that spread them evenly.
    public struct ServiceLocation: Hashable, Sendable {
        public var name: String
        public var port: Int32
    }
}

/// The records of Services under a cluster's domain.
public struct ClusterDNS: Hashable, Sendable {
    /// `clusterDomain` of the kubelets, `cluster.local` by default.
    public var domain: String

    public init(domain: String = "cluster.local") { self.domain = domain }

    /// The name of a Service.
    public func name(of service: NamespacedName) -> String { "\(service.name).\(service.namespace).svc.\(domain)" }

    /// The answer about a full name, from one Service and its EndpointSlices.
    ///
    /// - A Service with a cluster IP has that address. A headless one has those of its ready endpoints (which all are, if it publishes addresses that are
    ///   not ready), and each endpoint a name below the Service's: its hostname, or its address with dashes.
    /// - `_port._protocol.service…` are SRV records, for ports with names.
    /// - An ExternalName Service is an alias.
    public func answer(to question: String, about service: Service, slices: [EndpointSlice]) -> DNSAnswer {
        let base = name(of: NamespacedName(namespace: service.metadata.namespace, name: service.metadata.name))
        if question == base {
            if service.type == .externalName { return .alias(service.externalName) }
            return addresses(service.isHeadless ? endpoints(of: service, slices).map(\.address) : service.allClusterIPs)
        }
        guard service.type != .externalName, question.hasSuffix("." + base) else { return .none }
        let labels = question.dropLast(base.count + 1).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if labels.count == 2, labels.allSatisfy({ $0.hasPrefix("_") }) {
            return locations(of: String(labels[0].dropFirst()), String(labels[1].dropFirst()), base, service, slices)
        }
        guard labels.count == 1, service.isHeadless else { return .none }
        return addresses(endpoints(of: service, slices).filter { $0.label == labels[0] }.map(\.address))
    }

    private func addresses(_ list: [String]) -> DNSAnswer { list.isEmpty ? .none : .addresses(list) }

    private func locations(
        of port: String, _ transport: String, _ base: String, _ service: Service, _ slices: [EndpointSlice]
    ) -> DNSAnswer {
        var found: [DNSAnswer.ServiceLocation] = []
        if service.isHeadless {
            found = endpoints(of: service, slices).flatMap { endpoint in
                endpoint.ports.filter { $0.name == port && $0.transport.rawValue.lowercased() == transport }.compactMap(\.port)
                    .map { DNSAnswer.ServiceLocation(name: "\(endpoint.label).\(base)", port: $0) }
            }
        } else {
            found = service.ports.filter { $0.name == port && $0.transport.rawValue.lowercased() == transport }
                .map { DNSAnswer.ServiceLocation(name: base, port: $0.port) }
        }
        return found.isEmpty ? .none : .services(found)
    }

    private func endpoints(of service: Service, _ slices: [EndpointSlice]) -> [(label: String, address: String, ports: [EndpointPort])] {
        slices.filter { $0.service == service.metadata.key }.flatMap { slice in
            slice.endpoints.filter { $0.ready ?? true }.compactMap { endpoint in
                endpoint.addresses.first.map { address in
                    (endpoint.hostname ?? String(address.map { ".:".contains($0) ? "-" : $0 }), address, slice.ports)
                }
            }
        }
    }
}

extension ClusterDNS {
    /// Where a Service's name leads in the end.
    public enum Destination: Hashable, Sendable {
        case service(NamespacedName)
        /// A host that is not the cluster's.
        case host(String)
        /// No such Service, or aliases that lead round.
        case nowhere
    }

    /// Resolvers follow so many aliases at most.
    private static let aliasLimit = 8

    /// Follows the aliases of ExternalName Services from a Service's name.
    /// - Returns: also the Services on the way, the first one included: a change of any of them may change the destination.
    public func destination(
        of name: NamespacedName, _ service: (NamespacedName) -> Service?
    ) -> (destination: Destination, way: [NamespacedName]) {
        var way = [name]
        while let next = service(way[way.count - 1]), way.count <= ClusterDNS.aliasLimit {
            guard next.type == .externalName else { return (.service(way[way.count - 1]), way) }
            let alias = next.externalName.hasSuffix(".") ? String(next.externalName.dropLast()) : next.externalName
            guard alias.hasSuffix("." + domain) else { return (.host(alias), way) }
            let labels = alias.split(separator: ".")
            guard labels.count > 3, alias == self.name(of: NamespacedName(namespace: String(labels[1]), name: String(labels[0]))) else {
                break
            }
            way.append(NamespacedName(namespace: String(labels[1]), name: String(labels[0])))
        }
        return (.nowhere, way)
    }
}

extension Service {
    fileprivate var allClusterIPs: [String] { clusterIPs.isEmpty && !clusterIP.isEmpty ? [clusterIP] : clusterIPs }
}
