// Names and phrases of one Service port in nftables mode.

/// A port's plan with what its rules call it.
struct NftablesPort {
    /// A name may have 128 characters, of which 16 are kept for its kind.
    private static let maximumLength = 112

    let plan: ServicePortPlan
    let transport: String
    private let base: String

    init(_ plan: ServicePortPlan) {
        self.plan = plan
        transport = plan.info.name.protocolText
        base = Self.named(Self.path(plan.info.name))
    }

    /// All endpoints that may be used.
    var clusterChain: String { "service-" + base }
    /// Those of this node.
    var localChain: String { "local-" + base }
    var externalChain: String { "external-" + base }
    var firewallChain: String { "firewall-" + base }
    var internalChain: String { plan.info.internalPolicyIsLocal ? localChain : clusterChain }
    var externalPolicyChain: String { plan.info.externalPolicyIsLocal ? localChain : clusterChain }

    func chain(of endpoint: ProxyEndpoint) -> String { "endpoint-" + name(of: endpoint) }
    func affinitySet(of endpoint: ProxyEndpoint) -> String { "affinity-" + name(of: endpoint) }

    /// What becomes of traffic that finds no endpoint.
    var refusal: String { plan.hasEndpoints ? "drop" : "goto reject-chain" }

    /// Colons, as IPv6 addresses have them, are not allowed in names.
    private func name(of endpoint: ProxyEndpoint) -> String {
        let address = String(endpoint.address.map { $0 == ":" ? "." : $0 })
        return Self.named("\(Self.path(plan.info.name))__\(address)/\(endpoint.port)")
    }

    private static func path(_ name: ServicePortName) -> String { "\(name.namespace)/\(name.name)/\(name.protocolText)/\(name.port)" }

    /// A name that is readable as far as it fits, and told from others by the digest before it.
    private static func named(_ path: String) -> String {
        let name = "\(RuleNames.digest(path, length: 8))-\(path)"
        return name.utf8.count > maximumLength ? String(name.prefix(maximumLength - 3)) + "..." : name
    }
}
