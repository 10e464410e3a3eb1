// Names and phrases of one Service port in iptables mode.

/// A port's plan with what its rules call it.
struct IptablesPort {
    let plan: ServicePortPlan
    /// What tells this port's chains from others'.
    private let digest: String
    let transport: String

    init(_ plan: ServicePortPlan) {
        self.plan = plan
        transport = plan.info.name.protocolText
        digest = RuleNames.digest("\(plan.info.name)\(transport)", length: 16)
    }

    /// All endpoints that may be used.
    var clusterChain: String { "KUBE-SVC-" + digest }
    /// Those of this node.
    var localChain: String { "KUBE-SVL-" + digest }
    var externalChain: String { "KUBE-EXT-" + digest }
    var firewallChain: String { "KUBE-FW-" + digest }
    var internalChain: String { plan.info.internalPolicyIsLocal ? localChain : clusterChain }
    var externalPolicyChain: String { plan.info.externalPolicyIsLocal ? localChain : clusterChain }

    func chain(of endpoint: ProxyEndpoint) -> String {
        "KUBE-SEP-" + RuleNames.digest("\(plan.info.name)\(transport)\(endpoint.description)", length: 16)
    }

    func comment(_ text: String) -> String { "-m comment --comment \"\(plan.info.name) \(text)\"" }

    /// Packets to the port at an address.
    func match(_ address: String) -> String { "-m \(transport) -p \(transport) -d \(address) --dport \(plan.info.port)" }

    /// What becomes of traffic that finds no endpoint.
    var refusal: String { plan.hasEndpoints ? "DROP" : "REJECT" }
    var refusalComment: String { comment(plan.hasEndpoints ? "has no local endpoints" : "has no endpoints") }
}
