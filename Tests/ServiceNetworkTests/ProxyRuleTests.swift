// What the recordings of kube-proxy's rules do not show: IPv6, SCTP, many endpoints, source ranges with the node in them.

import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Rules of kube-proxy")
struct ProxyRuleTests {
    private let options = ProxyOptions(node: ProxyNode(name: "n1"), nodeIP: "192.168.0.2", podRange: "10.0.0.0/8")

    private func plan(
        endpoints count: Int, transport: TransportProtocol = .tcp, _ change: (inout ServicePortInfo) -> Void = { _ in }
    ) -> ServicePortPlan {
        let name = ServicePortName(namespace: "shop", name: "web", port: "http", transport: transport)
        var info = ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80)
        change(&info)
        let endpoints = (0..<count).map { ProxyEndpoint(address: "10.1.\($0 / 250).\($0 % 250 + 1)", port: 8080, nodeName: "n\($0 % 3)") }
        return ServicePortPlan(info, endpoints: endpoints, on: options.node)
    }

    @Test("Above 1,000 endpoints, iptables mode leaves the endpoints' comments out", arguments: [(1000, true), (1001, false)])
    func largeCluster(count: Int, hasComments: Bool) {
        let lines = IptablesRules.lines(for: [plan(endpoints: count)], options: options)
        #expect(lines.contains { $0.contains("-> 10.1.0.1:8080") } == hasComments)
        #expect(lines.filter { $0.contains("--probability") }.count == count - 1)
        // Service chains keep theirs.
        #expect(lines.contains { $0.contains("shop/web:http cluster IP") })
    }

    @Test("A source range that admits the node admits the balancer's own address, which the node may have")
    func sourceRangeWithNode() {
        let plan = plan(endpoints: 1) {
            $0.loadBalancerIPs = ["1.2.3.4"]
            $0.loadBalancerSourceRanges = ["192.168.0.0/24", "203.0.113.0/25"]
        }
        let iptables = IptablesRules.lines(for: [plan], options: options).filter { $0.hasPrefix("-A KUBE-FW-") }
        #expect(iptables.count == 4)
        #expect(iptables[2].contains("-s 1.2.3.4 -j KUBE-EXT-"))
        let nftables = NftablesRules.lines(for: [plan], options: options)
        #expect(nftables.contains { $0.contains("ip saddr != { 192.168.0.0/24 , 203.0.113.0/25 , 1.2.3.4 } drop") })
    }

    @Test("SCTP ports are matched as SCTP")
    func sctp() {
        let plan = plan(endpoints: 1, transport: .sctp)
        #expect(IptablesRules.lines(for: [plan], options: options).contains { $0.contains("-m sctp -p sctp -d 10.96.0.10 --dport 80") })
        #expect(NftablesRules.lines(for: [plan], options: options).contains { $0.contains("10.96.0.10 . sctp . 80 : goto service-") })
    }

    @Test("A proxy of one family serves that family's addresses only")
    func families() {
        var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"))
        service.clusterIP = "10.96.0.10"
        service.clusterIPs = ["10.96.0.10", "fd00::a"]
        service.ports = [ServicePort(port: 80)]
        var slices: [EndpointSlice] = []
        for (type, address) in [(EndpointSlice.AddressType.ipv4, "10.1.0.1"), (.ipv6, "fd01::1")] {
            var metadata = ObjectMeta(name: "web-\(type)", namespace: "shop")
            metadata.labels["kubernetes.io/service-name"] = "web"
            slices.append(
                EndpointSlice(
                    metadata: metadata, addressType: type, endpoints: [Endpoint(addresses: [address])], ports: [EndpointPort(port: 8080)]))
        }
        var six = options
        six.family = .ipv6
        six.nodeIP = "fd02::2"
        six.podRange = "fd01::/64"
        let plans = ServicePortPlan.plans(for: [(service, [])], slices: slices, on: six.node, family: .ipv6)
        #expect(plans.map(\.endpoints.count) == [1])
        let iptables = IptablesRules.lines(for: plans, options: six)
        #expect(iptables.contains { $0.hasSuffix("-j DNAT --to-destination [fd01::1]:8080") })
        #expect(!iptables.contains { $0.contains("127.0.0.0") || $0.contains("10.") })
        let nftables = NftablesRules.lines(for: plans, options: six)
        #expect(nftables.allSatisfy { $0.contains(" ip6 kube-proxy") })
        #expect(nftables.contains { $0.contains("dnat ip6 addr . port to numgen random mod 1 map { 0 : fd01::1 . 8080 }") })
    }

    @Test("A name that is too long for nftables is cut, and still told from others by its digest")
    func longNames() {
        func chains(_ suffix: String) -> [String] {
            let name = ServicePortName(
                namespace: String(repeating: "n", count: 63), name: String(repeating: "s", count: 62) + suffix, port: "p", transport: .tcp)
            let info = ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80)
            let plan = ServicePortPlan(info, endpoints: [ProxyEndpoint(address: "10.1.0.1", port: 80)], on: options.node)
            return NftablesRules.lines(for: [plan], options: options).filter {
                $0.hasPrefix("add chain ip kube-proxy service-") && $0.contains("nnn")
            }
        }
        let (a, b) = (chains("a"), chains("b"))
        #expect(a.count == 1 && b.count == 1 && a != b)
        #expect(a[0].hasSuffix("..."))
    }

    @Test("Headless and ExternalName Services have no rules")
    func notProxied() {
        var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"))
        service.ports = [ServicePort(port: 80)]
        service.clusterIP = Service.headless
        #expect(ServicePortInfo.ports(of: service).isEmpty)
        service.clusterIP = ""
        service.type = .externalName
        #expect(ServicePortInfo.ports(of: service).isEmpty)
    }

    @Test("Traffic is balanced, refused or dropped by where it comes from and where endpoints are")
    func verdicts() {
        func verdicts(_ nodes: [String], _ change: (inout ServicePortInfo) -> Void) -> [ServicePortPlan.Verdict] {
            var info = plan(endpoints: 0).info
            change(&info)
            let endpoints = nodes.enumerated().map { ProxyEndpoint(address: "10.1.0.\($0.offset)", port: 80, nodeName: $0.element) }
            let plan = ServicePortPlan(info, endpoints: endpoints, on: options.node)
            return [.toClusterIP, .toExternalAddressFromInside, .toExternalAddressFromOutside].map { plan.verdict(for: $0) }
        }
        #expect(verdicts([]) { $0.nodePort = 30_000 } == [.reject, .reject, .reject])
        #expect(verdicts(["n2", "n1"]) { $0.nodePort = 30_000 } == [.balance([0, 1]), .balance([0, 1]), .balance([0, 1])])
        #expect(
            verdicts(["n2"]) {
                $0.nodePort = 30_000
                $0.externalPolicyIsLocal = true
            } == [.balance([0]), .balance([0]), .drop])
        #expect(
            verdicts(["n2", "n1"]) {
                $0.nodePort = 30_000
                $0.internalPolicyIsLocal = true
                $0.externalPolicyIsLocal = true
            } == [.balance([1]), .balance([0, 1]), .balance([1])])
        // Nothing but the cluster IP leads there.
        #expect(verdicts(["n1"]) { _ in } == [.balance([0]), .reject, .reject])
    }

    @Test("IPVS refuses where no destination is left, and falls back to other nodes' where a Local policy finds none")
    func virtualServers() {
        func verdicts(_ nodes: [String], _ change: (inout ServicePortInfo) -> Void) -> [ServicePortPlan.Verdict] {
            var info = plan(endpoints: 0).info
            change(&info)
            let endpoints = nodes.enumerated().map { ProxyEndpoint(address: "10.1.0.\($0.offset)", port: 80, nodeName: $0.element) }
            let plan = ServicePortPlan(info, endpoints: endpoints, on: options.node)
            return [.toClusterIP, .toExternalAddressFromInside, .toExternalAddressFromOutside].map { plan.verdict(for: $0, inIPVS: true) }
        }
        #expect(verdicts(["n2"]) { $0.internalPolicyIsLocal = true } == [.reject, .reject, .reject])
        #expect(
            verdicts(["n2"]) {
                $0.nodePort = 30_000
                $0.internalPolicyIsLocal = true
                $0.externalPolicyIsLocal = true
            } == [.balance([0]), .balance([0]), .drop])
        #expect(
            verdicts(["n2", "n1"]) {
                $0.nodePort = 30_000
                $0.externalPolicyIsLocal = true
            } == [.balance([0, 1]), .balance([1]), .balance([1])])
        #expect(verdicts([]) { $0.nodePort = 30_000 } == [.reject, .reject, .reject])
    }
}
