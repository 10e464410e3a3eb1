// Clients outside and what decides whether and where they come in: their addresses, source ranges, nodes with endpoints.

import Foundation
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Source ranges of load balancers in scenarios")
struct LoadBalancerSourceTests {
    private func run(
        _ ranges: String, _ clients: String, mode: String = "iptables"
    ) throws -> (source: TrafficRecord.Source, warnings: [String]) {
        let scenario = try TrafficScenario(
            manifests: [
                TrafficScenario.web, TrafficScenario.service("web", "type: LoadBalancer, loadBalancerSourceRanges: [\(ranges)]"),
            ].joined(separator: "\n---\n"),
            traffic: """
                sources: [{name: users, service: web, from: outside, \(clients), timeout: 500ms, start: 1m}]
                proxy: {mode: \(mode)}
                """
        ).load()
        return (try #require(scenario.run().record.traffic).sources[0], scenario.warnings)
    }

    private static let rate = "constant: {rate: 10}"

    @Test("Packets of clients outside the ranges are dropped, in every mode", arguments: ["iptables", "nftables", "ipvs"])
    func dropped(mode: String) throws {
        let inside = try run("198.51.100.0/24", "addresses: 198.51.100.0/24, \(Self.rate)", mode: mode)
        #expect(inside.source.failures == 0 && inside.source.count(.succeeded) > 1190 && inside.warnings == [])
        let outside = try run("198.51.100.0/24", "addresses: 192.0.2.0/24, \(Self.rate)", mode: mode)
        #expect(outside.source.count(.timedOut) > 1185 && outside.source.count(.succeeded) == 0)
    }

    @Test("Each client is judged by its own address")
    func each() throws {
        // Half of the 256 clients are let in, and any of them may send the next request.
        let half = try run("192.0.2.0/25, 10.0.0.0/8", "addresses: 192.0.2.0/24, \(Self.rate)").source
        #expect((500...700).contains(half.count(.succeeded)) && half.failures == half.count(.timedOut), "\(half.results)")
        // Of two users one gets answers; the other one tries again every time.
        let users = try run("192.0.2.1/32", "addresses: 192.0.2.0/31, users: {count: 2, think: 500ms}").source
        #expect(users.count(.succeeded) > 200 && (115...121).contains(users.count(.timedOut)), "\(users.results)")
    }

    @Test("Without addresses of their own, clients have those from 203.0.113.1 on")
    func defaultAddresses() throws {
        #expect(try run("203.0.113.0/24", "clients: 200, \(Self.rate)").source.failures == 0)
        let strangers = try run("198.51.100.0/24", "clients: 200, \(Self.rate)")
        #expect(strangers.source.count(.succeeded) == 0 && strangers.warnings.count == 1)
        #expect(strangers.warnings.first?.contains("let none of 203.0.113.1 to 203.0.113.200 in") == true, "\(strangers.warnings)")
    }
}

@Suite("Load balancers and nodes")
struct BalancedNodeTests {
    @Test("Nodes that are excluded from load balancers get nothing from outside, be they the last that run")
    func excluded() throws {
        let outcome = try TrafficScenario(
            manifests: manifests(
                TrafficScenario.web, TrafficScenario.service("web", "type: LoadBalancer"),
                """
                apiVersion: v1
                kind: Node
                metadata: {name: apart, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ""}}
                status: {capacity: {cpu: 4, memory: 8Gi, pods: 20}, allocatable: {cpu: 4, memory: 8Gi, pods: 20}}
                """),
            traffic: "sources: [{name: users, service: web, from: outside, constant: {rate: 20}, timeout: 500ms, start: 1m}]",
            rest: """
                measure: {requests: 1}
                faults: [{at: 2m, node: node-0}, {at: 2m, node: node-1}]
                """, nodes: 2
        ).run()
        let requests = try #require(outcome.record.traffic).requests
        #expect(Set(requests.filter { $0.started.seconds < 120 }.compactMap(\.client)) == ["node-0", "node-1"])
        #expect(requests.filter { $0.started.seconds > 121 }.allSatisfy { $0.client != "apart" && $0.result != .succeeded })
    }
}

extension BalancedNodeTests {
    @Test("A label that comes later counts from then on")
    func excludedLater() throws {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", "type: LoadBalancer")),
            traffic: "sources: [{name: users, service: web, from: outside, constant: {rate: 20}, timeout: 500ms, start: 1m}]",
            rest: """
                measure: {requests: 1}
                timeline: [{at: 2m, apply: [node.yaml]}]
                """,
            files: [
                "node.yaml": """
                apiVersion: v1
                kind: Node
                metadata: {name: node-0, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ""}}
                """
            ]
        ).run()
        let requests = try #require(outcome.record.traffic).requests
        #expect(requests.contains { $0.client == "node-0" && $0.started.seconds < 119 })
        #expect(!requests.contains { $0.client == "node-0" && $0.started.seconds > 121 })
    }
}

@Suite("Load balancers under a Local policy")
struct LocalEntryTests {
    @Test("Clients follow the endpoints to other nodes, whatever else changes in the cluster")
    func follow() throws {
        let other = TrafficScenario.web.replacing("{name: web}", with: "{name: other}").replacing("app: web", with: "app: other")
        let outcome = try TrafficScenario(
            manifests: [
                TrafficScenario.web.replacing("replicas: 4", with: "replicas: 1"),
                TrafficScenario.service("web", "type: LoadBalancer, externalTrafficPolicy: Local"), other,
                TrafficScenario.service("other").replacing("app: web", with: "app: other"),
            ].joined(separator: "\n---\n"),
            traffic: """
                sources: [{name: users, service: web, from: outside, constant: {rate: 20}, timeout: 500ms, start: 1m}]
                loadBalancer: {interval: 1s, timeout: 100ms, unhealthyThreshold: 1}
                """,
            rest: """
                measure: {requests: 1}
                timeline:
                - {at: 90s, scale: {deployment: web, replicas: 4}}
                - {at: 100s, rolloutRestart: {deployment: other}}
                - {at: 120s, scale: {deployment: web, replicas: 1}}
                """
        ).run()
        let traffic = try #require(outcome.record.traffic)
        func entries(_ from: Double, _ until: Double) -> Set<String> {
            Set(traffic.requests.filter { $0.started.seconds >= from && $0.started.seconds < until }.compactMap(\.client))
        }
        #expect(entries(62, 90).count == 1 && entries(95, 120).count == 4 && entries(125, 180).count == 1)
        #expect(traffic.requests.filter { $0.started.seconds >= 62 && $0.started.seconds < 120 }.allSatisfy { $0.result == .succeeded })
        #expect(traffic.requests.filter { $0.started.seconds >= 125 }.allSatisfy { $0.result == .succeeded })
    }
}
