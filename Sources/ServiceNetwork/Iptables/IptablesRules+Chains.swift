// The chains of one Service port: what passes on the way from its addresses to an endpoint.

extension IptablesRules {
    mutating func writeChains(of port: IptablesPort) {
        let plan = port.plan
        if plan.hasInternalEndpoints { writeMasquerading(of: port) }
        if plan.takesExternalTraffic { writeExternalChain(of: port) }
        if plan.hasEndpoints, plan.isFirewalled { writeFirewallChain(of: port) }
        writeBalancing(port, chain: port.clusterChain, among: plan.clusterEndpoints)
        writeBalancing(port, chain: port.localChain, among: plan.localEndpoints)
        for endpoint in plan.allEndpoints { writeEndpointChain(of: endpoint, port) }
    }

    /// Traffic to the cluster IP that does not come from pods may come from another node and must find its way back.
    private mutating func writeMasquerading(of port: IptablesPort) {
        let start = "-A \(port.internalChain) \(port.comment("cluster IP")) \(port.match(port.plan.info.clusterIP))"
        if options.masqueradesAll {
            natRules.append("\(start) -j KUBE-MARK-MASQ")
        } else if let range = options.podRange {
            natRules.append("\(start) ! -s \(range) -j KUBE-MARK-MASQ")
        }
    }

    private mutating func writeExternalChain(of port: IptablesPort) {
        let name = port.plan.info.name
        func rule(_ comment: String, _ match: String, _ target: String) -> String {
            "-A \(port.externalChain) -m comment --comment \"\(comment) \(name) external destinations\"\(match) -j \(target)"
        }
        if port.plan.info.externalPolicyIsLocal {
            // Traffic from inside is not subject to the policy: as if it had gone out to a balancer and come in wherever there are endpoints.
            if let range = options.podRange { natRules.append(rule("pod traffic for", " -s \(range)", port.clusterChain)) }
            let fromHere = " -m addrtype --src-type LOCAL"
            natRules.append(rule("masquerade LOCAL traffic for", fromHere, "KUBE-MARK-MASQ"))
            natRules.append(rule("route LOCAL traffic for", fromHere, port.clusterChain))
        } else {
            natRules.append(rule("masquerade traffic for", "", "KUBE-MARK-MASQ"))
        }
        if port.plan.hasExternalEndpoints { natRules.append("-A \(port.externalChain) -j \(port.externalPolicyChain)") }
    }

    private mutating func writeFirewallChain(of port: IptablesPort) {
        let info = port.plan.info
        var sources = info.loadBalancerSourceRanges
        // The balancer's address may be the node's own as well; its own requests then come from that address.
        if sources.contains(where: { options.isNode(in: $0) }) { sources += info.loadBalancerIPs }
        for source in sources {
            natRules.append("-A \(port.firewallChain) \(port.comment("loadbalancer IP")) -s \(source) -j \(port.externalChain)")
        }
        natRules.append(
            "-A \(port.firewallChain) -m comment --comment \"other traffic to \(info.name) will be dropped by KUBE-PROXY-FIREWALL\"")
    }

    /// Clients with a remembered endpoint first, then chance.
    private mutating func writeBalancing(_ port: IptablesPort, chain: String, among endpoints: [ProxyEndpoint]) {
        func start(_ endpoint: ProxyEndpoint) -> String {
            let comment = isLargeCluster ? "" : " -m comment --comment \"\(port.plan.info.name) -> \(endpoint.description)\""
            return "-A \(chain)\(comment)"
        }
        if let seconds = port.plan.info.affinitySeconds {
            for endpoint in endpoints {
                let target = port.chain(of: endpoint)
                natRules.append("\(start(endpoint)) -m recent --name \(target) --rcheck --seconds \(seconds) --reap -j \(target)")
            }
        }
        for (index, endpoint) in endpoints.enumerated() {
            let left = endpoints.count - index
            let chance = left == 1 ? "" : " -m statistic --mode random --probability \(IptablesProbability.text(oneOutOf: left))"
            natRules.append("\(start(endpoint))\(chance) -j \(port.chain(of: endpoint))")
        }
    }

    private mutating func writeEndpointChain(of endpoint: ProxyEndpoint, _ port: IptablesPort) {
        let chain = port.chain(of: endpoint)
        let start = "-A \(chain)" + (isLargeCluster ? "" : " -m comment --comment \(port.plan.info.name)")
        // A pod that reaches itself through the Service would not recognise the answer otherwise.
        natRules.append("\(start) -s \(endpoint.address) -j KUBE-MARK-MASQ")
        let memory = port.plan.info.affinitySeconds == nil ? "" : " -m recent --name \(chain) --set"
        natRules.append("\(start)\(memory) -m \(port.transport) -p \(port.transport) -j DNAT --to-destination \(endpoint.description)")
    }
}
