// Kept connections in scenarios: what the cluster tells the requests of clients and machines.

import DiscreteEvents
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Kept connections in scenarios")
struct KeptConnectionScenarioTests {
    /// Two pods on each of node-0 and node-2.
    private static let web = TrafficScenario.web.replacing(
        "containers:", with: "nodeSelector: {topology.kubernetes.io/zone: a}\n      containers:")

    @Test("When a node through which clients come in dies, their connections there break once")
    func entryDies() throws {
        let outcome = try TrafficScenario(
            manifests: manifests(Self.web, TrafficScenario.service("web", "type: LoadBalancer")),
            traffic: """
                sources:
                - {name: users, service: web, from: outside, users: {count: 100, think: {exponential: {mean: 1s}}}, keepAlive: 15m, timeout: 1s, start: 30s}
                """, rest: "faults: [{at: 2m, node: node-1}]", duration: "5m"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.failures(from: 30, until: 119) == 0)
        // A quarter of 100, and of those that come again a quarter as long as the load balancer has not noticed.
        #expect((15...60).contains(traffic.sources[0].failures), "\(traffic.sources[0].failures)")
    }

    @Test("Pods that call keep their connections, if the scenario says so: a pod that comes later gets nothing", arguments: [true, false])
    func calls(isKept: Bool) throws {
        let back = TrafficScenario.web.replacing("{name: web}", with: "{name: back}").replacing("app: web", with: "app: back")
        let outcome = try TrafficScenario(
            manifests: manifests(
                TrafficScenario.web, TrafficScenario.service(), back.replacing("replicas: 4", with: "replicas: 2"),
                TrafficScenario.service("back").replacing("app: web", with: "app: back")),
            traffic: """
                sources: [{name: users, service: web, constant: {rate: 50}, start: 30s}]
                services: [{service: web, serviceTime: 0s, concurrency: 100, calls: [[{service: back\(isKept ? ", keepAlive: 10m" : "")}]]}]
                """, rest: "timeline: [{at: 1m, scale: {deployment: back, replicas: 4}}]"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0)
        let received = traffic.pods.filter { $0.service.name == "back" }.map(\.received)
        // Requests are 20 ms apart, so that no pod has two calls under way at once: one connection is enough for each.
        let (used, busy) = (received.count { $0 > 0 }, received.count { $0 > 500 })
        #expect(isKept ? used <= 2 && busy > 0 : busy == 4, "\(received)")
    }

    @Test("Client pods that take the place of others connect anew")
    func clientsReplaced() throws {
        let clients = TrafficScenario.web.replacing("{name: web}", with: "{name: client}").replacing("app: web", with: "app: client")
        let outcome = try TrafficScenario(
            manifests: manifests(Self.web.replacing("replicas: 4", with: "replicas: 2"), TrafficScenario.service(), clients),
            traffic: """
                sources:
                - {name: users, service: web, fromPods: {selector: {matchLabels: {app: client}}}, users: {count: 100, think: 1s}, keepAlive: 1h, start: 30s}
                """,
            rest: """
                measure: {requests: 1}
                timeline:
                - {at: 1m, scale: {deployment: web, replicas: 4}}
                - {at: 2m, rolloutRestart: {deployment: client}}
                """, duration: "4m"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0)
        func pods(from begin: Double, until end: Double) -> Int {
            Set(traffic.requests.filter { $0.started.seconds > begin && $0.started.seconds < end }.map(\.pod)).count
        }
        #expect(pods(from: 90, until: 119) == 2 && pods(from: 200, until: 230) == 4)
    }
}
