// Services that change while requests are sent: their type, their ports, how long clients stay with an endpoint; and recordings from their first row on.

import DiscreteEvents
import Foundation
import ServiceNetwork
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Services that change under load")
struct ServiceChangeTests {
    /// A run in which the Service is another one from 2m on.
    private func run(
        from first: String, to second: String, source: String, proxy: String = "iptables"
    ) throws -> (traffic: TrafficRecord, warnings: [String]) {
        let scenario = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, first),
            traffic: """
                sources: [{name: users, service: web, constant: {rate: 10}, timeout: 500ms, start: 1m, \(source)}]
                proxy: {mode: \(proxy)}
                """,
            rest: "timeline: [{at: 2m, apply: [other.yaml]}]", files: ["other.yaml": second]
        ).load()
        return (try #require(scenario.run().record.traffic), scenario.warnings)
    }

    @Test("Clients outside are refused while nothing but the cluster IP leads to the Service", arguments: ["iptables", "nftables", "ipvs"])
    func type(proxy: String) throws {
        let balanced = TrafficScenario.service("web", "type: LoadBalancer")
        let internal_ = TrafficScenario.service("web", "type: ClusterIP")
        let opened = try run(from: internal_, to: balanced, source: "from: outside", proxy: proxy).traffic
        #expect((598...602).contains(opened.failures(from: 0, until: 120)) && opened.failures(from: 122, until: 180) == 0)
        let closed = try run(from: balanced, to: internal_, source: "from: outside", proxy: proxy).traffic
        #expect(closed.failures(from: 0, until: 120) == 0 && closed.failures(from: 122, until: 179) == 570)
        #expect(closed.sources[0].count(.refused) == closed.sources[0].failures)
    }

    @Test("A load balancer without node ports lets clients in, under either policy", arguments: ["Cluster", "Local"])
    func withoutNodePorts(policy: String) throws {
        let service = TrafficScenario.service(
            "web", "type: LoadBalancer, allocateLoadBalancerNodePorts: false, externalTrafficPolicy: \(policy)")
        #expect(try run(from: service, to: service, source: "from: outside").traffic.sources[0].failures == 0)
    }

    @Test("Clients that dial a number get nothing while the Service has another one; those that do not name it follow")
    func numbers() throws {
        let other = TrafficScenario.service().replacing("port: 80", with: "port: 81, targetPort: 80")
        let gone = try run(from: TrafficScenario.service(), to: other, source: "port: 80")
        #expect(gone.warnings == [])
        #expect(gone.traffic.failures(from: 0, until: 120) == 0 && (565...570).contains(gone.traffic.failures(from: 122, until: 179)))
        let late = try run(from: other, to: TrafficScenario.service(), source: "port: 80").traffic
        #expect((596...600).contains(late.failures(from: 0, until: 120)) && late.failures(from: 122, until: 180) == 0)
        #expect(try run(from: TrafficScenario.service(), to: other, source: "").traffic.sources[0].failures == 0)
    }

    @Test("Who names a port follows the name, wherever it stands among the ports", arguments: ["metrics", "9090"])
    func names(port: String) throws {
        let both = TrafficScenario.service().replacing(
            "[{port: 80}]", with: "[{name: web, port: 80}, {name: metrics, port: 9090, targetPort: 80}]")
        let one = TrafficScenario.service().replacing("[{port: 80}]", with: "[{name: metrics, port: 9090, targetPort: 80}]")
        let scenario = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, both),
            traffic: """
                sources: [{name: users, service: web, port: \(port), constant: {rate: 10}, start: 1m}]
                services: [{service: web, port: web, serviceTime: 500ms}, {service: web, port: metrics, serviceTime: 1ms}]
                """,
            rest: "timeline: [{at: 2m, apply: [other.yaml]}]", files: ["other.yaml": one]
        ).load()
        let source = try #require(scenario.run().record.traffic).sources[0]
        #expect(source.failures == 0 && source.latency.quantile(at: 0.999) < 0.1)
    }

    @Test("Kube-proxies leave a Service to another proxy if its label says so: nobody is there")
    func otherProxy() throws {
        let other = TrafficScenario.service().replacing(
            "{name: web}", with: "{name: web, labels: {service.kubernetes.io/service-proxy-name: mesh}}")
        let left = try run(from: TrafficScenario.service(), to: other, source: "").traffic
        #expect(left.failures(from: 0, until: 120) == 0 && left.sources[0].count(.timedOut) > 560)
    }

    @Test("An Ingress' controller finds the pods of such a Service by itself")
    func otherProxyBehindIngress() throws {
        let ingress = """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop}
            spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
            """
        let service = TrafficScenario.service()
            .replacing("{name: web}", with: "{name: web, labels: {service.kubernetes.io/service-proxy-name: mesh}}")
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, service, ingress),
            traffic: "sources: [{name: users, ingress: {host: shop.example.com}, constant: {rate: 10}, timeout: 500ms, start: 1m}]"
        ).run()
        #expect(try #require(outcome.record.traffic).sources[0].failures == 0)
    }

    @Test("Families of addresses and hints that are not modelled are told of")
    func warnings() throws {
        func warnings(_ spec: String, _ metadata: String = "name: web") throws -> [String] {
            let service = TrafficScenario.service("web", spec).replacing("{name: web}", with: "{\(metadata)}")
            return try run(from: service, to: service, source: "").warnings
        }
        #expect(try warnings("ipFamilies: [IPv4]") == [])
        #expect(try warnings("ipFamilyPolicy: RequireDualStack").contains { $0.contains("over IPv4 alone") })
        #expect(try warnings("ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]").contains { $0.contains("over IPv4 alone") })
        let hints = try warnings("", "name: web, annotations: {service.kubernetes.io/topology-mode: Auto}")
        #expect(hints.contains { $0.contains("trafficDistribution") })
    }

    @Test("A shorter affinity time-out holds for clients that are remembered already", arguments: ["iptables", "nftables"])
    func affinity(proxy: String) throws {
        func service(_ seconds: Int) -> String {
            TrafficScenario.service(
                "web", "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: \(seconds)}}")
        }
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, service(10_800)),
            traffic: """
                sources: [{name: user, service: web, from: {node: node-0}, constant: {rate: 0.2}, start: 1m}]
                proxy: {mode: \(proxy)}
                """,
            rest: "measure: {requests: 1}\ntimeline: [{at: 3m, apply: [short.yaml]}]", duration: "6m", files: ["short.yaml": service(2)]
        ).run()
        let requests = try #require(outcome.record.traffic).requests
        #expect(Set(requests.filter { $0.started.seconds < 180 }.map(\.pod)).count == 1)
        #expect(Set(requests.filter { $0.started.seconds > 182 }.map(\.pod)).count == 4)
    }
}

@Suite("Recordings in scenarios")
struct RecordingTests {
    @Test("A recording plays from its first row on, from the source's start", arguments: ["0s", "90s"])
    func whole(start: String) throws {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service()),
            traffic: "sources: [{name: users, service: web, start: \(start), recorded: {file: times.csv, column: time}}]",
            rest: "measure: {requests: 1}", files: ["times.csv": "time\n0\n0\n0.5\n60\n61\n"]
        ).run()
        let offset = start == "0s" ? 0.0 : 90
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.requests.map { $0.started.seconds - offset }.sorted() == [0, 0, 0.5, 60, 61])
        #expect(traffic.sources[0].sent == 5)
    }

    @Test("A back-off grows to its limit, which is 10s or the first wait where that is longer")
    func backoff() throws {
        func policy(_ retries: String) throws -> RequestPolicy.Backoff {
            let scenario = try TrafficScenario(
                manifests: manifests(TrafficScenario.web, TrafficScenario.service()),
                traffic: "sources: [{name: users, service: web, constant: {rate: 1}, retries: {\(retries)}}]"
            ).load()
            return try #require(scenario.configuration.traffic).sources[0].policy.backoff
        }
        #expect(try policy("attempts: 3, backoff: 1s").maximum == .seconds(10))
        #expect(try policy("attempts: 3, backoff: 1m").maximum == .minutes(1))
        #expect(try policy("attempts: 3, backoff: 1s, maxBackoff: 2m").maximum == .minutes(2))
        #expect(throws: (any Error).self) { try policy("attempts: 3, backoff: 1m, maxBackoff: 2s") }
    }
}
