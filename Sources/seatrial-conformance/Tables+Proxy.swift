// Tables of kube-proxy: which endpoints a node uses, and its rules in iptables and nftables mode.

import KubernetesAPI
import ServiceNetwork

enum ProxyTables {
    // MARK: iptables_probability

    static func probabilities(_ input: YAMLNode) throws -> Answer {
        let rules = IptablesProbability.rules(endpoints: try input.number("endpoints"))
        return rules.isEmpty ? [] : [("ruleProbabilities", listText(rules))]
    }

    // MARK: proxy_endpoints

    static func endpoints(_ input: YAMLNode) throws -> Answer {
        let node = ProxyNode(name: try input.text("nodeName"), zone: try input.text("nodeZone"))
        var endpoints: [ProxyEndpoint] = []
        for entry in input["endpoints"].map({ Array($0.elements) }) ?? [] {
            var endpoint = ProxyEndpoint(address: try entry.text("ip"), port: 80)
            endpoint.nodeName = try entry.text("local") == "true" ? node.name : "other than \(node.name)"
            endpoint.isReady = try entry.text("ready") == "true"
            endpoint.isServing = try entry.text("serving") == "true"
            endpoint.isTerminating = try entry.text("terminating") == "true"
            endpoint.zoneHints = texts(entry["zoneHints"])
            endpoint.nodeHints = texts(entry["nodeHints"])
            endpoints.append(endpoint)
        }
        let name = ServicePortName(namespace: "ns", name: "svc", port: "", transport: .tcp)
        var info = ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80)
        info.nodePort = Int32(try input.number("nodePort"))
        info.internalPolicyIsLocal = try input.text("internalTrafficPolicyLocal") == "true"
        info.externalPolicyIsLocal = try input.text("externalTrafficPolicyLocal") == "true"
        let reachable = ReachableEndpoints(endpoints, of: info, on: node)
        var answer: Answer = [("hasAny", String(reachable.hasAny))]
        for (field, places) in [
            ("clusterEndpoints", reachable.cluster), ("localEndpoints", reachable.local), ("allReachable", reachable.all),
        ] {
            if let places { answer.append((field, listText(places.map { endpoints[$0].address }.sorted()))) }
        }
        return answer
    }

    private static func texts(_ list: YAMLNode?) -> [String] { list.map { $0.elements.compactMap(\.scalarText) } ?? [] }

    // MARK: kubeproxy_iptables, kubeproxy_nftables

    static func iptables(_ input: YAMLNode) throws -> Answer {
        let options = try options(input)
        return [("lines", canonicalIptables(IptablesRules.lines(for: try plans(input, options), options: options)))]
    }

    static func nftables(_ input: YAMLNode) throws -> Answer {
        let options = try options(input)
        return [("lines", canonicalNftables(NftablesRules.lines(for: try plans(input, options), options: options)))]
    }

    /// What all recordings have in common.
    private static func options(_ input: YAMLNode) throws -> ProxyOptions {
        ProxyOptions(
            node: ProxyNode(name: try input.text("nodeName")), nodeIP: "192.168.0.2", podRange: "10.0.0.0/8",
            serviceRanges: ["172.30.0.0/16"])
    }

    private static func plans(_ input: YAMLNode, _ options: ProxyOptions) throws -> [ServicePortPlan] {
        let services = try input["services"]?.elements.map { node in
            let ingress = try node["status"]?["loadBalancer"]?["ingress"]?.elements.map { entry in
                LoadBalancerIngress(ip: try entry.text("ip"), isVirtual: entry["ipMode"]?.scalarText != "Proxy")
            }
            return (service: try node.decoded(Service.self), ingress: ingress ?? [])
        }
        let slices = try input["endpointSlices"]?.elements.map { try $0.decoded(EndpointSlice.self) }
        return ServicePortPlan.plans(for: services ?? [], slices: slices ?? [], on: options.node, family: options.family)
    }

    // MARK: Orders that mean nothing

    /// The recorded program goes through its Services in a random order, so the order of chains, and in a chain that Services share the
    /// order among them, means nothing. Within a Service's chains, and among one port's rules in a shared one, it does.
    static func canonicalIptables(_ lines: [String]) -> String {
        var table = ""
        let shared = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"]
        let keyed = lines.enumerated().map { index, line -> (key: [String], index: Int, line: String) in
            if line.hasPrefix("*") { table = line }
            let words = line.split(separator: " ").map(String.init)
            let isRule = words.first == "-A" && words.count > 1
            let kind = line.hasPrefix("*") ? "0" : line.hasPrefix(":") ? "1" : isRule ? "2" : "3"
            guard isRule else { return ([table, kind, line], index, line) }
            // The last rule of the chain of all Services is no Service's.
            let port = shared.contains(words[1]) && words.count > 5 && words[4].contains("comment") ? words[5] : ""
            return ([table, kind, words[1], port.filter { $0 != "\"" } == "kubernetes" ? "~" : port.filter { $0 != "\"" }], index, line)
        }
        return listText(sorted(keyed))
    }

    /// Elements of sets and maps have no order, and the chains are sorted already.
    static func canonicalNftables(_ lines: [String]) -> String {
        let keyed = lines.enumerated().map { index, line -> (key: [String], index: Int, line: String) in
            (line.hasPrefix("add element") ? ["1", line] : ["0"], index, line)
        }
        return listText(sorted(keyed))
    }

    private static func sorted(_ lines: [(key: [String], index: Int, line: String)]) -> [String] {
        lines.sorted { $0.key == $1.key ? $0.index < $1.index : $0.key.lexicographicallyPrecedes($1.key) }.map(\.line)
    }
}
