// The versioned table of endpoints: every node at its own lag, policies and hints by node.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Endpoints as nodes know them")
struct EndpointTableTests {
    private let nodes = (0..<4).map { ProxyNode(name: "n\($0)", zone: $0 < 2 ? "a" : "b") }
    private let name = ServicePortName(namespace: "shop", name: "web", port: "", transport: .tcp)
    private var info: ServicePortInfo { ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80) }

    /// One endpoint on each of these nodes; pod numbers are the nodes'.
    private func endpoints(_ on: [Int], _ change: (inout ProxyEndpoint) -> Void = { _ in }) -> [ProxyEndpoint] {
        on.map { node in
            var endpoint = ProxyEndpoint(address: "10.1.0.\(node)", port: 80, nodeName: "n\(node)")
            change(&endpoint)
            return endpoint
        }
    }

    @Test("A change is in a node's rules after the lag, and rules are written once a second at most")
    func minimumSyncPeriod() {
        var timing = ProxyTiming()
        timing.propagation = .constant(.milliseconds(100))
        timing.syncDuration = .milliseconds(50)
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        func known(_ seconds: Double) -> EndpointTable.Route { table.route(to: port, on: 0, .toClusterIP, from: 0, at: at(seconds)).0 }
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(-10), isKnown: true)
        // Heard at 1.1 and written until 1.15; heard at 1.3 and 1.5, and written from 2.15 on together.
        for (seconds, node) in [(1.0, 1), (1.2, 2), (1.4, 3)] {
            table.publish(info, endpoints: endpoints([node]), pods: [PodNumber(node)], for: port, at: at(seconds))
        }
        #expect(known(0) == .balance([0]))
        #expect(known(1.149) == .balance([0]))
        #expect(known(1.15) == .balance([1]))
        #expect(known(2.199) == .balance([1]))
        #expect(known(2.2) == .balance([3]))
    }

    @Test("A kube-proxy that takes long to write its rules writes them one time after the other")
    func serialSyncs() {
        var timing = ProxyTiming()
        timing.syncDuration = .seconds(30)
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        func known(_ seconds: Double) -> EndpointTable.Route { table.route(to: port, on: 0, .toClusterIP, from: 0, at: at(seconds)).0 }
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(-100), isKnown: true)
        for (seconds, node) in [(1.0, 1), (2.05, 2), (3.08, 3)] {
            table.publish(info, endpoints: endpoints([node]), pods: [PodNumber(node)], for: port, at: at(seconds))
        }
        // Written from 1 to 31; then from 32 to 62, what came meanwhile.
        #expect(known(30.9) == .balance([0]))
        #expect(known(31) == .balance([1]))
        #expect(known(61.9) == .balance([1]))
        #expect(known(62) == .balance([3]))
    }

    @Test("Nodes learn of a change at different times, the same whether or not they are asked in between")
    func ownLag() {
        var timing = ProxyTiming()
        timing.propagation = .valid(try .uniform(low: 0.5, high: 5))
        timing.minimumSyncPeriod = .zero
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 3)
        let port = table.addPort()
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(-10), isKnown: true)
        table.publish(info, endpoints: endpoints([1]), pods: [1], for: port, at: at(10))
        table.publish(info, endpoints: endpoints([2]), pods: [2], for: port, at: at(11))
        /// What every node knows at each tenth of a second, asked only at every n-th.
        func histories(_ step: Int) -> [[EndpointTable.Route]] {
            var table = table
            return nodes.indices.map { node in
                stride(from: 0, to: 200, by: step).map {
                    table.route(to: port, on: NodeNumber(node), .toClusterIP, from: 0, at: at(Double($0) / 10)).0
                }
            }
        }
        let often = histories(1)
        let seldom = histories(5)
        for node in nodes.indices {
            #expect(stride(from: 0, to: 200, by: 5).map { often[node][$0] } == seldom[node])
            #expect(often[node][100] == .balance([0]) && often[node][199] == .balance([2]))
        }
        let firstKnown = often.map { $0.firstIndex(of: .balance([2])) }
        #expect(Set(firstKnown).count > 1)
    }

    @Test("A node that is cut off goes by what it knew, asked or not, and hears of everything at the end")
    func silence() {
        var timing = ProxyTiming()
        timing.propagation = .constant(.milliseconds(100))
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        func known(_ node: NodeNumber, _ seconds: Double) -> EndpointTable.Route {
            table.route(to: port, on: node, .toClusterIP, from: 0, at: at(seconds)).0
        }
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(-10), isKnown: true)
        // Heard at 1.1, before the way is cut at 2.
        table.publish(info, endpoints: endpoints([1]), pods: [1], for: port, at: at(1))
        table.silence(0, from: at(2))
        table.silence(1, from: at(2))
        table.publish(info, endpoints: endpoints([2]), pods: [2], for: port, at: at(3))
        #expect(known(0, 10) == .balance([1]) && known(2, 10) == .balance([2]))
        table.publish(info, endpoints: endpoints([3]), pods: [3], for: port, at: at(11))
        table.endSilence(0, at: at(20))
        table.endSilence(1, at: at(20))
        #expect(known(0, 19.9) == .balance([1]) && known(0, 20) == .balance([3]))
        // Node 1 was never asked before.
        #expect(known(1, 20) == .balance([3]))
        table.silence(0, from: at(30))
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(31))
        #expect(known(0, 1000) == .balance([3]))
    }

    @Test("A node that joins begins with all there is; who writes no rules hears without waiting for a sync")
    func joining() {
        var timing = ProxyTiming()
        timing.propagation = .constant(.milliseconds(100))
        timing.minimumSyncPeriod = .seconds(30)
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(1))
        let (early, due) = (table.recordedVersion(of: port, at: at(1.09)), table.recordedVersion(of: port, at: at(1.1)))
        #expect(early == -1 && table.recordedPods(of: port, version: due) == [0])
        table.publish(info, endpoints: endpoints([1]), pods: [1], for: port, at: at(2))
        let next = table.recordedVersion(of: port, at: at(2.1))
        #expect(table.recordedPods(of: port, version: next) == [1])
        let joined = table.addNode(ProxyNode(name: "n4", zone: "a"))
        let route = table.route(to: port, on: joined, .toClusterIP, from: 0, at: at(2)).0
        #expect(joined == 4 && route == .balance([1]))
    }

    @Test("Nobody knows a Service before its first change arrives")
    func unknown() {
        var timing = ProxyTiming()
        timing.propagation = .constant(.seconds(3))
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(1))
        #expect(table.route(to: port, on: 0, .toClusterIP, from: 0, at: at(3.9)).0 == .reject)
        #expect(table.route(to: port, on: 0, .toClusterIP, from: 0, at: at(4)).0 == .balance([0]))
    }

    @Test("A Local policy and hints are each node's own matter")
    func byNode() {
        func routes(_ endpoints: [ProxyEndpoint], _ change: (inout ServicePortInfo) -> Void) -> [EndpointTable.Route] {
            var table = EndpointTable(nodes: nodes, seed: 1)
            let port = table.addPort()
            var info = info
            change(&info)
            let pods = endpoints.map { PodNumber($0.nodeName?.dropFirst() ?? "") ?? -1 }
            table.publish(info, endpoints: endpoints, pods: pods, for: port, at: .zero, isKnown: true)
            return nodes.indices.map { table.route(to: port, on: NodeNumber($0), .toClusterIP, from: 0, at: .zero).0 }
        }
        #expect(
            routes(endpoints([0, 2])) { $0.internalPolicyIsLocal = true }
                == [.balance([0]), .drop, .balance([2]), .drop])
        let hinted = endpoints([0, 1, 2]) { $0.zoneHints = [$0.nodeName == "n2" ? "b" : "a"] }
        #expect(routes(hinted) { _ in } == [.balance([0, 1]), .balance([0, 1]), .balance([2]), .balance([2])])
    }

    @Test("Source ranges of a load balancer keep clients outside of the cluster out, and nobody else, as soon as a node knows them")
    func sourceRanges() {
        var timing = ProxyTiming()
        timing.propagation = .constant(.seconds(3))
        var table = EndpointTable(nodes: nodes, timing: timing, seed: 1)
        let port = table.addPort()
        var info = info
        info.nodePort = 30_080
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(-10), isKnown: true)
        info.loadBalancerSourceRanges = ["10.0.0.0/8", "192.168.1.0/24"]
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(1))
        func route(_ client: String, _ traffic: ServicePortPlan.Traffic, _ seconds: Double) -> EndpointTable.Route {
            table.route(to: port, on: 0, traffic, from: AddressRange.address(client) ?? 0, at: at(seconds)).0
        }
        #expect(route("192.168.2.1", .toExternalAddressFromOutside, 3.9) == .balance([0]))
        #expect(route("192.168.2.1", .toExternalAddressFromOutside, 4) == .drop)
        #expect(route("192.168.1.255", .toExternalAddressFromOutside, 4) == .balance([0]))
        #expect(route("192.168.2.1", .toClusterIP, 4) == .balance([0]))
    }

    @Test(
        "Without endpoints iptables refuses everybody; IPVS and nftables still drop what the source ranges keep out",
        arguments: [.iptables, .nftables, .ipvs(.roundRobin)] as [BalancingMethod])
    func sourceRangesOfIdlePort(mode: BalancingMethod) {
        var table = EndpointTable(nodes: nodes, seed: 1)
        let port = table.addPort(mode)
        var info = info
        info.nodePort = 30_080
        info.loadBalancerSourceRanges = ["10.0.0.0/8"]
        table.publish(info, endpoints: [], pods: [], for: port, at: at(0), isKnown: true)
        func route(_ client: String) -> EndpointTable.Route {
            table.route(to: port, on: 0, .toExternalAddressFromOutside, from: AddressRange.address(client) ?? 0, at: at(1)).0
        }
        #expect(route("10.1.2.3") == .reject)
        #expect(route("192.168.2.1") == (mode == .iptables ? .reject : .drop))
        // As soon as there is an endpoint, the mode makes no difference.
        table.publish(info, endpoints: endpoints([0]), pods: [0], for: port, at: at(2), isKnown: true)
        #expect(route("10.1.2.3") == .balance([0]) && route("192.168.2.1") == .drop)
    }

    @Test("Whether a load balancer lets any of many clients in")
    func anyClient() {
        let firewall = LoadBalancerFirewall(sourceRanges: ["10.0.1.0/24", "fd00::/8"])
        func admits(_ first: String, _ count: Int) -> Bool {
            firewall.admitsAny(of: RequestSource.Population(count: count, firstAddress: AddressRange.address(first) ?? 0))
        }
        #expect(admits("10.0.1.255", 1) && admits("10.0.0.0", 257) && !admits("10.0.0.0", 256) && !admits("10.0.2.0", 1000))
        #expect(LoadBalancerFirewall(sourceRanges: []).admits(1))
    }

    @Test("When nothing is ready, endpoints that terminate but serve take the traffic")
    func terminating() {
        var table = EndpointTable(nodes: nodes, seed: 1)
        let port = table.addPort()
        let leaving = endpoints([0, 1]) {
            $0.isReady = false
            $0.isTerminating = true
            $0.isServing = $0.nodeName == "n1"
        }
        table.publish(info, endpoints: leaving, pods: [0, 1], for: port, at: .zero, isKnown: true)
        #expect(table.route(to: port, on: 0, .toClusterIP, from: 0, at: .zero).0 == .balance([1]))
    }
}
