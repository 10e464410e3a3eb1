// Ingresses, as scenarios ask for them.

import DiscreteEvents
import Foundation
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Ingresses in scenarios")
struct IngressScenarioTests {
    private static let other = TrafficScenario.web.replacing("{name: web}", with: "{name: other}")
        .replacing("app: web", with: "app: other")
    private static let otherService = TrafficScenario.service("other").replacing("app: web", with: "app: other")
    private static let controller = TrafficScenario.web.replacing("{name: web}", with: "{name: edge}")
        .replacing("app: web", with: "app: edge").replacing("replicas: 4", with: "replicas: 2")
    private static let controllerService = TrafficScenario.service("edge", "type: LoadBalancer").replacing("app: web", with: "app: edge")

    private static func ingress(_ path: String, _ service: String, name: String = "shop") -> String {
        """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: \(name)}
        spec:
          ingressClassName: \(name)
          rules:
          - {host: shop.example.com, http: {paths: [{path: \(path), pathType: Prefix, backend: {service: {name: \(service), port: {number: 80}}}}]}}
        """
    }

    @Test("Host and path lead to Services, through the controller's pods or a controller somewhere", arguments: [true, false])
    func routes(hasController: Bool) throws {
        let outcome = try TrafficScenario(
            manifests: manifests(
                TrafficScenario.web, TrafficScenario.service(), Self.other, Self.otherService, Self.controller, Self.controllerService,
                Self.ingress("/", "web"), Self.ingress("/cart", "other", name: "cart")),
            traffic: """
                sources:
                - {name: home, ingress: {host: shop.example.com}, from: outside, poisson: {rate: 40}, start: 1m}
                - {name: cart, ingress: {host: shop.example.com, path: /cart/1}, from: outside, poisson: {rate: 20}, start: 1m}
                services:
                - {service: web, serviceTime: 30ms, concurrency: 50}
                - {service: edge, serviceTime: 2ms, concurrency: 50}
                ingress: {\(hasController ? "controller: edge" : "balancing: roundRobin")}
                network: {fromOutside: 10ms, sameNode: 0s, sameZone: 0s, crossZone: 0s}
                """
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0 && traffic.sources[0].count(.succeeded) > 4000)
        #expect(traffic.sources[1].failures == 0)
        func received(_ service: String) -> UInt64 { traffic.pods.filter { $0.service.name == service }.reduce(0) { $0 + $1.received } }
        // But for what is on its way at the end.
        let (home, cart) = (traffic.sources[0].sent, traffic.sources[1].sent)
        #expect(home - received("web") < 5 && cart - received("other") < 5)
        #expect(hasController ? home + cart - received("edge") < 5 : received("edge") == 0)
        // There and back from outside, the controller's work, the pod's.
        let latency = 0.020 + 0.030 + (hasController ? 0.002 : 0)
        #expect(abs(traffic.sources[0].latency.quantile(at: 0.5) - latency) < 0.001)
        let calls = traffic.sources.dropFirst(2).filter { $0.sent > 0 }.map(\.name).sorted()
        #expect(calls == ["cart -> default/other", "home -> default/web"])
    }

    @Test("Requests without a rule fail, and rules count from the moment in which they are there")
    func noRule() throws {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service(), Self.ingress("/", "web")),
            traffic: "sources: [{name: home, ingress: {host: shop.example.com}, constant: {rate: 10}, start: 30s}]",
            rest: "timeline: [{at: 1m, delete: ingress/default/shop}]"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.failures(from: 30, until: 60) == 0 && traffic.ended(from: 31, until: 60) == 290)
        #expect(traffic.failures(from: 61, until: 180) == 1190 && traffic.sources[0].count(.failed) == traffic.sources[0].failures)
    }

    @Test("The controller tries another pod when one does not answer, but passes bad answers on")
    func retries() throws {
        func failures(attempts: Int) throws -> UInt64 {
            let outcome = try TrafficScenario(
                manifests: manifests(TrafficScenario.web, TrafficScenario.service(), Self.ingress("/", "web")),
                traffic: """
                    sources: [{name: home, ingress: {host: shop.example.com}, poisson: {rate: 20}, start: 30s, from: {zone: a}}]
                    ingress: {connectTimeout: 100ms, attempts: \(attempts)}
                    """, rest: "faults: [{at: 1m, node: node-1}]"
            ).run()
            let source = try #require(outcome.record.traffic).sources[0]
            #expect(source.latency.maximum >= .milliseconds(attempts > 1 ? 100 : 0))
            return source.failures
        }
        // A quarter of 20 a second for 45 s or so; of these only those fail that meet the dead pod three times.
        let (once, thrice) = (try failures(attempts: 1), try failures(attempts: 3))
        #expect((140...320).contains(once) && thrice < once / 4, "\(once), \(thrice)")
        let overload = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service(), Self.ingress("/", "web")),
            traffic: """
                sources: [{name: home, ingress: {host: shop.example.com}, poisson: {rate: 20}, start: 30s}]
                services: [{service: web, serviceTime: 10s, queue: 0}]
                """
        ).run()
        let overloaded = try #require(overload.record.traffic)
        let received = overloaded.pods.reduce(0) { $0 + $1.received }
        #expect(overloaded.sources[0].count(.failed) > 1000 && overloaded.sources[0].sent - received < 5)
    }

    @Test("An ExternalName behind an Ingress needs no ports: the number is that of the host or the Service that it leads to")
    func externalName() throws {
        func run(_ name: String, port: String, ports: String = "") throws -> TrafficRecord {
            let alias = "apiVersion: v1\nkind: Service\nmetadata: {name: alias}\nspec: {type: ExternalName, externalName: \(name)\(ports)}"
            let outcome = try TrafficScenario(
                manifests: manifests(
                    TrafficScenario.web, TrafficScenario.service(), alias,
                    Self.ingress("/", "alias").replacing("{number: 80}", with: "{\(port)}")),
                traffic: """
                    sources: [{name: home, ingress: {host: shop.example.com}, constant: {rate: 10}, start: 1m}]
                    services: [{service: alias, serviceTime: 50ms, concurrency: 10}]
                    """
            ).run()
            return try #require(outcome.record.traffic)
        }
        let host = try run("smtp.example.com", port: "number: 8025")
        #expect(host.sources[0].failures == 0 && host.sources[0].count(.succeeded) > 1190)
        // Out and back, 10 ms each, 0.25 ms each within the cluster, and the time of the entry without a port.
        #expect(abs(host.sources[0].latency.quantile(at: 0.5) - 0.0705) < 0.001)
        let service = try run("web.default.svc.cluster.local", port: "name: smtp", ports: ", ports: [{name: smtp, port: 80}]")
        #expect(service.sources[0].failures == 0 && service.pods.count { $0.received > 250 } == 4)
    }

    @Test("A controller balances by itself: in turn, every pod gets as many as the others")
    func balancing() throws {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service(), Self.ingress("/", "web")),
            traffic: "sources: [{name: home, ingress: {host: shop.example.com}, poisson: {rate: 40}, start: 1m}]"
        ).run()
        let received = try #require(outcome.record.traffic).pods.filter { $0.service.name == "web" }.map(\.received)
        #expect(received.count == 4 && (received.max() ?? 0) - (received.min() ?? 0) <= 1, "\(received)")
    }
}
