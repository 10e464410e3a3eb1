// The cluster's DNS: which records Services have, and how a pod's resolver tries names.
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
    /// How long an answer may be kept: the `ttl` of CoreDNS' `kubernetes` plugin, 5 s by default (30 s in many clusters' configuration).
    public var ttlSeconds: Int

    public init(domain: String = "cluster.local", ttlSeconds: Int = 5) {
        self.domain = domain
        self.ttlSeconds = ttlSeconds
    }

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
        slices.filter { $0.metadata.namespace == service.metadata.namespace && $0.serviceName == service.metadata.name }.flatMap { slice in
            slice.endpoints.filter { $0.ready ?? true }.compactMap { endpoint in
                endpoint.addresses.first.map { address in
                    (endpoint.hostname ?? String(address.map { ".:".contains($0) ? "-" : $0 }), address, slice.ports)
                }
            }
        }
    }
}

extension Service {
    fileprivate var allClusterIPs: [String] { clusterIPs.isEmpty && !clusterIP.isEmpty ? [clusterIP] : clusterIPs }
}

/// The names that a pod's resolver asks for, one after the other, until one has an answer.
public struct ResolverConfiguration: Hashable, Sendable {
    /// Domains that are appended.
    public var search: [String]
    /// A name with fewer dots is first tried with the domains (`ndots`, 5 for pods: even `example.com` is asked for four times).
    public var minimumDots: Int

    /// The configuration of a pod with `dnsPolicy: ClusterFirst`.
    public init(namespace: String, domain: String = "cluster.local", minimumDots: Int = 5) {
        search = ["\(namespace).svc.\(domain)", "svc.\(domain)", domain]
        self.minimumDots = minimumDots
    }

    /// A name that ends in a dot is asked for as it is.
    public func questions(for name: String) -> [String] {
        if name.hasSuffix(".") { return [String(name.dropLast())] }
        let completed = search.map { "\(name).\($0)" }
        return name.count { $0 == "." } >= minimumDots ? [name] + completed : completed + [name]
    }
}
