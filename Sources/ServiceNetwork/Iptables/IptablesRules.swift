// A node's rules in iptables mode, as kube-proxy hands them to `iptables-restore`.

import KubernetesAPI

/// The text of the `filter` and `nat` tables for a set of Service ports.
///
/// A connection's way: `KUBE-SERVICES` (or `KUBE-NODEPORTS`) knows the address; traffic from outside passes `KUBE-EXT-…`, behind a load balancer's
/// source filter `KUBE-FW-…`; `KUBE-SVC-…` (all endpoints) or `KUBE-SVL-…` (those of this node) chooses one; `KUBE-SEP-…` rewrites the destination. What has
/// no endpoint is refused or dropped in the `filter` table. <https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-iptables>
public struct IptablesRules: Sendable {
    /// Above so many endpoints, most comments are left out: they are a large part of the text.
    static let largeClusterEndpoints = 1000

    let options: ProxyOptions
    private(set) var filterRules: [String] = []
    var natChains: [String] = []
    var natRules: [String] = []
    var isLargeCluster = false

    /// The tables' lines for these ports, which are written in the order given.
    public static func lines(for plans: [ServicePortPlan], options: ProxyOptions) -> [String] {
        var rules = IptablesRules(options: options)
        rules.isLargeCluster = plans.reduce(0) { $0 + $1.endpoints.count } > largeClusterEndpoints
        for plan in plans { rules.write(IptablesPort(plan)) }
        return rules.tables
    }

    private init(options: ProxyOptions) {
        self.options = options
    }

    var isIPv6: Bool { options.family == .ipv6 }

    // MARK: What is always there

    private var tables: [String] {
        let mark = options.masqueradeMark
        var lines = ["*filter"]
        lines += [
            "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL", "KUBE-FIREWALL",
        ].map(Self.declaration)
        // Answers to what was sent over loopback must not come from elsewhere: node ports are served there in IPv4 only.
        if !isIPv6 {
            lines.append(
                "-A KUBE-FIREWALL -m comment --comment \"block incoming localnet connections\" -d 127.0.0.0/8 ! -s 127.0.0.0/8"
                    + " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP")
        }
        lines += filterRules
        lines += [
            "-A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP",
            "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark \(mark)/\(mark) -j ACCEPT",
            "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "COMMIT", "*nat",
        ]
        lines += ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"].map(Self.declaration)
        lines += natChains
        lines += [
            "-A KUBE-POSTROUTING -m mark ! --mark \(mark)/\(mark) -j RETURN", "-A KUBE-POSTROUTING -j MARK --xor-mark \(mark)",
            "-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE",
            "-A KUBE-MARK-MASQ -j MARK --or-mark \(mark)",
        ]
        lines += natRules
        lines += [
            "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\""
                + " -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
            "COMMIT",
        ]
        return lines
    }

    private static func declaration(_ chain: String) -> String { ":\(chain) - [0:0]" }

    // MARK: One port

    private mutating func write(_ port: IptablesPort) {
        let plan = port.plan
        if plan.hasEndpoints { declareChains(of: port) }
        captureAddresses(of: port)
        captureNodePort(of: port)
        writeChains(of: port)
    }

    private mutating func declareChains(of port: IptablesPort) {
        if port.plan.takesExternalTraffic { natChains.append(Self.declaration(port.externalChain)) }
        if port.plan.isFirewalled { natChains.append(Self.declaration(port.firewallChain)) }
        if !port.plan.clusterEndpoints.isEmpty { natChains.append(Self.declaration(port.clusterChain)) }
        if !port.plan.localEndpoints.isEmpty { natChains.append(Self.declaration(port.localChain)) }
        natChains += port.plan.allEndpoints.map { Self.declaration(port.chain(of: $0)) }
    }

    /// The cluster IP, the external IPs and the load balancer's.
    private mutating func captureAddresses(of port: IptablesPort) {
        let (plan, info) = (port.plan, port.plan.info)
        if plan.hasInternalEndpoints {
            natRules.append("-A KUBE-SERVICES \(port.comment("cluster IP")) \(port.match(info.clusterIP)) -j \(port.internalChain)")
        } else {
            filterRules.append("-A KUBE-SERVICES \(port.refusalComment) \(port.match(info.clusterIP)) -j \(port.refusal)")
        }
        for address in info.externalIPs {
            if plan.hasEndpoints {
                natRules.append("-A KUBE-SERVICES \(port.comment("external IP")) \(port.match(address)) -j \(port.externalChain)")
            }
            if !plan.hasExternalEndpoints { refuseExternal(port, port.match(address)) }
        }
        for address in info.loadBalancerIPs where plan.hasEndpoints {
            let chain = plan.isFirewalled ? port.firewallChain : port.externalChain
            natRules.append("-A KUBE-SERVICES \(port.comment("loadbalancer IP")) \(port.match(address)) -j \(chain)")
            if plan.isFirewalled {
                filterRules.append(
                    "-A KUBE-PROXY-FIREWALL \(port.comment("traffic not accepted by \(port.firewallChain)")) \(port.match(address)) -j DROP"
                )
            }
        }
        if !plan.hasExternalEndpoints {
            for address in info.loadBalancerIPs { refuseExternal(port, port.match(address)) }
        }
    }

    private mutating func captureNodePort(of port: IptablesPort) {
        let (plan, info) = (port.plan, port.plan.info)
        if info.nodePort != 0 {
            let match = "-m \(port.transport) -p \(port.transport)"
            if plan.hasEndpoints {
                let start = "-A KUBE-NODEPORTS -m comment --comment \(info.name) \(match)"
                if options.servesLocalhostNodePorts, !isIPv6 {
                    natRules.append(
                        "\(start) -d 127.0.0.0/8 --dport \(info.nodePort) -m nfacct --nfacct-name localhost_nps_accepted_pkts"
                            + " -j \(port.externalChain)")
                }
                natRules.append("\(start) --dport \(info.nodePort) -j \(port.externalChain)")
            }
            if !plan.hasExternalEndpoints { refuseExternal(port, "-m addrtype --dst-type LOCAL \(match) --dport \(info.nodePort)") }
        }
        if info.healthCheckNodePort != 0 {
            filterRules.append(
                "-A KUBE-NODEPORTS \(port.comment("health check node port")) -m tcp -p tcp --dport \(info.healthCheckNodePort) -j ACCEPT")
        }
    }

    private mutating func refuseExternal(_ port: IptablesPort, _ match: String) {
        filterRules.append("-A KUBE-EXTERNAL-SERVICES \(port.refusalComment) \(match) -j \(port.refusal)")
    }
}
