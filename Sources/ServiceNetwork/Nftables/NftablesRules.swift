// A node's rules in nftables mode: the table `kube-proxy` with its chains, sets and maps, as a list of `add` commands.

import KubernetesAPI

/// The content of the table for a set of Service ports.
///
/// Other than in iptables mode, a packet does not pass one rule per Service: maps lead from (address, protocol, port) to the chain of a port, and
/// one rule with a random number chooses among its endpoints. <https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables>
public struct NftablesRules: Sendable {
    let options: ProxyOptions
    /// Names with what follows them in the command.
    private var chains: [(name: String, text: String)] = []
    private var sets: [(name: String, text: String)] = []
    private var rules: [(chain: String, text: String)] = []
    private var elements: [(container: String, text: String)] = []

    /// The table's lines: itself, chains, sets, maps, rules and elements, each sorted by name, what has the same name in the order of the ports.
    public static func lines(for plans: [ServicePortPlan], options: ProxyOptions) -> [String] {
        var table = NftablesRules(options: options)
        table.writeBase()
        for plan in plans { table.write(NftablesPort(plan)) }
        return table.lines
    }

    private init(options: ProxyOptions) {
        self.options = options
    }

    /// `ip` or `ip6`: the table's family, and how rules name the addresses.
    private var family: String { options.family == .ipv6 ? "ip6" : "ip" }
    private var addressType: String { options.family == .ipv6 ? "ipv6_addr" : "ipv4_addr" }
    private var masquerade: String { "mark set mark or \(options.masqueradeMark)" }

    private var lines: [String] {
        let table = "\(family) kube-proxy"
        func sorted(_ entries: [(name: String, text: String)]) -> [(name: String, text: String)] {
            // The sort is stable in effect: entries of one name keep their order by their place.
            entries.enumerated().sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }.map(\.element)
        }
        var lines = ["add table \(table) { comment \"rules for kube-proxy\" ; }"]
        lines += sorted(chains).map { "add chain \(table) \($0.name)\($0.text)" }
        lines += sorted(sets).map { "add set \(table) \($0.name) { \($0.text) ; }" }
        lines += maps.map { "add map \(table) \($0.name) { \($0.text) ; }" }
        lines += sorted(rules.map { (name: $0.chain, text: $0.text) }).map { "add rule \(table) \($0.name) \($0.text)" }
        let (ofSets, ofMaps) = (elements.filter { !isMap($0.container) }, elements.filter { isMap($0.container) })
        for group in [ofSets, ofMaps] {
            lines += sorted(group.map { (name: $0.container, text: $0.text) }).map { "add element \(table) \($0.name) { \($0.text) }" }
        }
        return lines
    }

    private var maps: [(name: String, text: String)] {
        let destination = "type \(addressType) . inet_proto . inet_service : verdict"
        let nodePort = "type inet_proto . inet_service : verdict"
        return [
            ("firewall-ips", destination + " ; comment \"destinations that are subject to LoadBalancerSourceRanges\""),
            ("no-endpoint-nodeports", nodePort + " ; comment \"vmap to drop or reject packets to service nodeports with no endpoints\""),
            ("no-endpoint-services", destination + " ; comment \"vmap to drop or reject packets to services with no endpoints\""),
            ("service-ips", destination + " ; comment \"ClusterIP, ExternalIP and LoadBalancer IP traffic\""),
            ("service-nodeports", nodePort + " ; comment \"NodePort traffic\""),
        ]
    }

    private func isMap(_ name: String) -> Bool { maps.contains { $0.name == name } }

    // MARK: What is always there

    private mutating func writeBase() {
        for (name, kind, hook, priority) in [
            ("filter-forward", "filter", "forward", "0"), ("filter-input", "filter", "input", "0"),
            ("filter-output", "filter", "output", "0"),
            ("filter-output-pre-dnat", "filter", "output", "-110"), ("filter-prerouting-pre-dnat", "filter", "prerouting", "-110"),
            ("nat-output", "nat", "output", "-100"), ("nat-postrouting", "nat", "postrouting", "100"),
            ("nat-prerouting", "nat", "prerouting", "-100"),
        ] {
            chains.append((name, " { type \(kind) hook \(hook) priority \(priority) ; }"))
        }
        for name in [
            "cluster-ips-check", "firewall-check", "masquerading", "nodeport-endpoints-check", "service-endpoints-check", "services",
        ] {
            chains.append((name, ""))
        }
        chains.append(("reject-chain", " { comment \"helper for @no-endpoint-services / @no-endpoint-nodeports\" ; }"))
        sets += [
            ("cluster-ips", "type \(addressType) ; comment \"Active ClusterIPs\""),
            (
                "hairpin-connections",
                "type \(addressType) . \(addressType) . inet_proto . inet_service ; comment \"service hairpin connections\""
            ),
            ("nodeport-ips", "type \(addressType) ; comment \"IPs that accept NodePort traffic\""),
        ]
        elements.append(("nodeport-ips", options.nodeIP))
        writeHooks()
        writeChecks()
    }

    /// Which chains see which packets.
    private mutating func writeHooks() {
        for (hook, jumps) in [
            ("filter-forward", ["service-endpoints-check", "cluster-ips-check"]),
            ("filter-input", ["nodeport-endpoints-check", "service-endpoints-check"]),
            ("filter-output", ["service-endpoints-check", "cluster-ips-check"]), ("filter-output-pre-dnat", ["firewall-check"]),
            ("filter-prerouting-pre-dnat", ["firewall-check"]),
        ] {
            rules += jumps.map { (hook, "ct state new jump \($0)") }
        }
        rules += [("nat-output", "jump services"), ("nat-prerouting", "jump services"), ("nat-postrouting", "jump masquerading")]
    }

    private mutating func writeChecks() {
        let destination = "\(family) daddr . meta l4proto . th dport"
        rules.append(("cluster-ips-check", "\(family) daddr @cluster-ips reject comment \"Reject traffic to invalid ports of ClusterIPs\""))
        if !options.serviceRanges.isEmpty {
            let ranges = options.serviceRanges.joined(separator: ",")
            rules.append(
                ("cluster-ips-check", "\(family) daddr { \(ranges) } drop comment \"Drop traffic to unallocated ClusterIPs\""))
        }
        let mark = options.masqueradeMark
        rules += [
            ("firewall-check", "\(destination) vmap @firewall-ips"),
            ("masquerading", "mark and \(mark) != 0 mark set mark xor \(mark) masquerade fully-random"),
            (
                "masquerading",
                "ct status dnat \(family) saddr . \(family) daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random"
            ),
            ("nodeport-endpoints-check", "\(family) daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports"),
            ("reject-chain", "reject"), ("service-endpoints-check", "\(destination) vmap @no-endpoint-services"),
        ]
        if options.masqueradesAll {
            rules.append(("services", "\(family) daddr @cluster-ips \(masquerade) comment \"masquerade all clusterIP traffic\""))
        } else if let range = options.podRange {
            rules.append(
                (
                    "services",
                    "\(family) daddr @cluster-ips \(family) saddr != \(range) \(masquerade) comment \"masquerade clusterIP traffic from outside cluster\""
                ))
        }
        rules += [
            ("services", "\(destination) vmap @service-ips"),
            ("services", "\(family) daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports"),
        ]
    }
}

// MARK: - One port

extension NftablesRules {
    private mutating func write(_ port: NftablesPort) {
        let (plan, info) = (port.plan, port.plan.info)
        // Ports of one Service share its address.
        if !elements.contains(where: { $0.container == "cluster-ips" && $0.text == info.clusterIP }) {
            elements.append(("cluster-ips", info.clusterIP))
        }
        capture(
            info.clusterIP, of: port, chain: plan.hasInternalEndpoints ? port.internalChain : nil, isRefused: !plan.hasInternalEndpoints)
        for address in info.externalIPs + info.loadBalancerIPs {
            capture(address, of: port, chain: plan.hasEndpoints ? port.externalChain : nil, isRefused: !plan.hasExternalEndpoints)
        }
        if info.nodePort != 0 {
            let key = "\(port.transport) . \(info.nodePort)"
            if plan.hasEndpoints { elements.append(("service-nodeports", "\(key) : goto \(port.externalChain)")) }
            if !plan.hasExternalEndpoints {
                elements.append(("no-endpoint-nodeports", "\(key) comment \"\(info.name)\" : \(port.refusal)"))
            }
        }
        if plan.isFirewalled { writeFirewall(of: port) }
        if plan.takesExternalTraffic { writeExternalChain(of: port) }
        writeBalancing(port, chain: port.clusterChain, among: plan.clusterEndpoints)
        writeBalancing(port, chain: port.localChain, among: plan.localEndpoints)
        for endpoint in plan.allEndpoints { writeEndpoint(endpoint, of: port) }
    }

    private mutating func capture(_ address: String, of port: NftablesPort, chain: String?, isRefused: Bool) {
        let key = "\(address) . \(port.transport) . \(port.plan.info.port)"
        if let chain { elements.append(("service-ips", "\(key) : goto \(chain)")) }
        if isRefused { elements.append(("no-endpoint-services", "\(key) comment \"\(port.plan.info.name)\" : \(port.refusal)")) }
    }

    private mutating func writeFirewall(of port: NftablesPort) {
        let info = port.plan.info
        chains.append((port.firewallChain, ""))
        var sources = info.loadBalancerSourceRanges
        // The balancer's address may be the node's own as well; its own requests then come from that address.
        if sources.contains(where: { options.isNode(in: $0) }) { sources += info.loadBalancerIPs }
        rules.append((port.firewallChain, "\(family) saddr != { \(sources.joined(separator: " , ")) } drop"))
        for address in info.loadBalancerIPs {
            elements.append(("firewall-ips", "\(address) . \(port.transport) . \(info.port) : goto \(port.firewallChain)"))
        }
    }

    private mutating func writeExternalChain(of port: NftablesPort) {
        chains.append((port.externalChain, ""))
        if port.plan.info.externalPolicyIsLocal {
            // Traffic from inside is not subject to the policy: as if it had gone out to a balancer and come in wherever there are endpoints.
            if let range = options.podRange {
                rules.append(
                    (port.externalChain, "\(family) saddr \(range) goto \(port.clusterChain) comment \"short-circuit pod traffic\""))
            }
            rules.append((port.externalChain, "fib saddr type local \(masquerade) comment \"masquerade local traffic\""))
            rules.append((port.externalChain, "fib saddr type local goto \(port.clusterChain) comment \"short-circuit local traffic\""))
        } else {
            rules.append((port.externalChain, "\(masquerade) comment \"masquerade\""))
        }
        if port.plan.hasExternalEndpoints { rules.append((port.externalChain, "goto \(port.externalPolicyChain)")) }
    }

    /// One random number chooses; with affinity, clients with a remembered endpoint come first, and endpoints have chains that remember them.
    private mutating func writeBalancing(_ port: NftablesPort, chain: String, among endpoints: [ProxyEndpoint]) {
        if endpoints.isEmpty { return }
        chains.append((chain, ""))
        let start = "numgen random mod \(endpoints.count)"
        if port.plan.info.affinitySeconds != nil {
            for endpoint in endpoints {
                rules.append((chain, "\(family) saddr @\(port.affinitySet(of: endpoint)) goto \(port.chain(of: endpoint))"))
            }
            let targets = endpoints.enumerated().map { "\($0.offset) : goto \(port.chain(of: $0.element))" }.joined(separator: " , ")
            rules.append((chain, "\(start) vmap { \(targets) }"))
        } else {
            let targets = endpoints.enumerated().map { "\($0.offset) : \($0.element.address) . \($0.element.port)" }.joined(
                separator: " , ")
            rules.append((chain, "meta l4proto \(port.transport) dnat \(family) addr . port to \(start) map { \(targets) }"))
        }
    }

    private mutating func writeEndpoint(_ endpoint: ProxyEndpoint, of port: NftablesPort) {
        // Only a pod of this node can be reached from itself through this node.
        if endpoint.isLocal(to: options.node) {
            let address = endpoint.address
            elements.append(("hairpin-connections", "\(address) . \(address) . \(port.transport) . \(endpoint.port)"))
        }
        guard let seconds = port.plan.info.affinitySeconds else { return }
        let (chain, set) = (port.chain(of: endpoint), port.affinitySet(of: endpoint))
        chains.append((chain, ""))
        sets.append((set, "type \(addressType) ; flags dynamic,timeout ; timeout \(seconds)s"))
        rules.append((chain, "update @\(set) { \(family) saddr }"))
        rules.append((chain, "meta l4proto \(port.transport) dnat to \(endpoint.description)"))
    }
}
