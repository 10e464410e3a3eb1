// Services that share pods, ports under several names, and aliases: whose behaviour a request meets.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation
@testable import Experiments

/// Runs with a Deployment of four pods that listen at port 80.
private func run(_ services: [String], _ traffic: String, rest: String = "") throws -> TrafficRecord {
    let scenario = TrafficScenario(
        manifests: ([TrafficScenario.web] + services).joined(separator: "\n---\n"), traffic: traffic, rest: rest, duration: "90s")
    return try #require(try scenario.run().record.traffic)
}

extension TrafficRecord {
    fileprivate func source(_ name: String) throws -> Source { try #require(sources.first { $0.name == name }) }
}

@Suite("Services that share pods")
struct SharedPodScenarioTests {
    private static let orders = [["busy", "other"], ["other", "busy"]]

    @Test("A Service without an entry is answered at once, past the line of another one to the same pods", arguments: orders)
    func undescribed(order: [String]) throws {
        let traffic = try run(
            order.map { TrafficScenario.service($0) },
            """
            sources:
            - {name: busy, service: busy, constant: {rate: 40}, start: 30s}
            - {name: other, service: other, constant: {rate: 400}, start: 30s}
            services: [{service: busy, serviceTime: 1s, queue: 0}]
            """)
        let (busy, other) = (try traffic.source("busy"), try traffic.source("other"))
        // Four pods do four a second.
        #expect((200...250).contains(busy.count(.succeeded)) && busy.count(.overloaded) > 2100)
        #expect(other.failures == 0 && other.count(.succeeded) > 23_900 && other.latency.quantile(at: 1) < 0.005)
    }

    @Test("Services that lead to one port share its workers: as many as the first entry says, whichever came first", arguments: orders)
    func sharedWorkers(order: [String]) throws {
        let traffic = try run(
            order.map { TrafficScenario.service($0) },
            """
            sources:
            - {name: busy, service: busy, constant: {rate: 20}, start: 30s}
            - {name: other, service: other, constant: {rate: 20}, start: 30s}
            services:
            - {service: busy, serviceTime: 1s, concurrency: 2, queue: 0}
            - {service: other, serviceTime: 1s, concurrency: 100}
            """)
        let served = try traffic.source("busy").count(.succeeded) + traffic.source("other").count(.succeeded)
        #expect((430...490).contains(served), "\(served) by eight workers in a minute")
    }

    @Test("Services that lead to other ports of the pods have workers of their own there")
    func ownWorkers() throws {
        let services = ["busy", "other"].map { TrafficScenario.service($0) }
        let traffic = try run(
            [services[0], services[1].replacing("{port: 80}", with: "{port: 80, targetPort: 81}")],
            """
            sources:
            - {name: busy, service: busy, constant: {rate: 20}, start: 30s}
            - {name: other, service: other, constant: {rate: 20}, start: 30s}
            services:
            - {service: busy, serviceTime: 1s, queue: 0}
            - {service: other, serviceTime: 1s, concurrency: 100}
            """)
        #expect((200...250).contains(try traffic.source("busy").count(.succeeded)))
        let other = try traffic.source("other")
        #expect(other.failures == 0 && other.latency.quantile(at: 1) < 1.01)
    }

    @Test("A pod has a row for each of its Services, with what came through that")
    func rows() throws {
        let traffic = try run(
            ["busy", "other"].map { TrafficScenario.service($0) },
            """
            sources:
            - {name: busy, service: busy, constant: {rate: 40}, start: 30s}
            - {name: other, service: other, constant: {rate: 10}, start: 30s}
            """)
        for (service, sent) in [("busy", 2400.0), ("other", 600.0)] {
            let rows = traffic.pods.filter { $0.service.name == service }
            #expect(Set(rows.map(\.pod)).count == 4 && rows.count == 4)
            #expect(abs(Double(rows.reduce(0) { $0 + $1.received }) - sent) < 45)
            for row in rows { #expect(abs(row.evenShare - sent / 4) < 12 && row.received > 0) }
        }
    }

    // MARK: Ports

    private static let twoPorts = TrafficScenario.service()
        .replacing("{port: 80}", with: "{name: http, port: 80}, {name: admin, port: 9090, targetPort: 81}")

    @Test(
        "A port is the same one by its name, its number, and as the Service's first",
        arguments: ["", "port: http,", "port: 80,", "port: \"80\","], ["", "port: http,", "port: 80,"])
    func names(ofEntry: String, ofSource: String) throws {
        let traffic = try run(
            [Self.twoPorts],
            """
            sources:
            - {name: users, service: web, \(ofSource) constant: {rate: 10}, start: 30s}
            - {name: admins, service: web, port: 9090, constant: {rate: 10}, start: 30s}
            services: [{service: web, \(ofEntry) serviceTime: 100ms, concurrency: 10}]
            """)
        #expect(abs(try traffic.source("users").latency.quantile(at: 0.5) - 0.1) < 0.002)
        // Nothing is said of the other port.
        let admins = try traffic.source("admins")
        #expect(admins.failures == 0 && admins.latency.quantile(at: 0.5) < 0.002)
    }

    // MARK: Aliases

    private static func alias(_ name: String, of host: String) -> String {
        "apiVersion: v1\nkind: Service\nmetadata: {name: \(name)}\nspec: {type: ExternalName, externalName: \(host)}"
    }

    @Test("An alias does as the Service at its end, through its workers, unless it has an entry of its own")
    func alias() throws {
        let traffic = try run(
            [
                TrafficScenario.service(), Self.alias("near", of: "web.default.svc.cluster.local"),
                Self.alias("far", of: "near.default.svc.cluster.local"), Self.alias("own", of: "web.default.svc.cluster.local"),
            ],
            """
            sources:
            - {name: near, service: near, constant: {rate: 10}, start: 30s}
            - {name: far, service: far, constant: {rate: 10}, start: 30s}
            - {name: own, service: own, constant: {rate: 10}, start: 30s}
            services:
            - {service: web, serviceTime: 200ms, concurrency: 100}
            - {service: own, serviceTime: 50ms}
            """)
        for (name, time) in [("near", 0.2), ("far", 0.2), ("own", 0.05)] {
            let source = try traffic.source(name)
            #expect(source.failures == 0 && abs(source.latency.quantile(at: 0.5) - time) < 0.002, "\(name)")
        }
    }
}

@Suite("Network policies and pods that nobody publishes any more")
struct StalePodPolicyTests {
    @Test("A policy holds for pods that are reached through a kept answer of the DNS")
    func kept() throws {
        // The pods serve on for twenty seconds after the DNS has ceased to tell of them.
        let web = TrafficScenario.web.replacing(
            "image: web,", with: "image: web, lifecycle: {preStop: {sleep: {seconds: 20}}},")
        let client = TrafficScenario.web.replacing("{name: web}", with: "{name: client}").replacing("app: web", with: "app: client")
        func run(_ policy: String) throws -> TrafficRecord.Source {
            let outcome = try TrafficScenario(
                manifests: manifests(web, client, TrafficScenario.service("web", "clusterIP: None"), policy),
                traffic: """
                    sources:
                    - name: users
                      service: web
                      fromPods: {selector: {matchLabels: {app: client}}}
                      constant: {rate: 20}
                      timeout: 500ms
                      start: 1m
                    dns: {ttl: 60s}
                    """,
                rest: """
                    timeline:
                    - {at: 70s, scale: {deployment: web, replicas: 0}}
                    """, duration: "100s"
            ).run()
            return try #require(outcome.record.traffic).sources[0]
        }
        let policy =
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: policy}\nspec: {podSelector: {matchLabels: {app: web}}, policyTypes: [\(0)]}"
        let free = try run(policy.replacing("\(0)", with: "Egress"))
        let denied = try run(policy.replacing("\(0)", with: "Ingress"))
        #expect(free.count(.succeeded) > 500)
        #expect(denied.count(.succeeded) == 0 && denied.count(.timedOut) > 700, "\(denied.results)")
    }

    @Test("Pods that no policy tells apart are one kind, whatever their addresses and other labels")
    func classes() {
        var policy = NetworkPolicy(metadata: ObjectMeta(name: "policy", namespace: "shop"))
        policy.podSelector = LabelSelector(matchLabels: ["app": "web"])
        policy.restrictsIngress = true
        policy.ingress = [NetworkPolicy.Rule(peers: [NetworkPolicy.Peer(pods: LabelSelector(matchLabels: ["app": "client"]))])]
        var book = PolicyBook()
        func pod(_ app: String, _ number: UInt32) -> PolicyPeer {
            let identity = PolicyPeer.PodIdentity(namespace: "shop", labels: ["app": app, "pod": "\(number)"], namespaceLabels: [:])
            return PolicyPeer(pod: identity, address: number)
        }
        var ends: [String: [Int32]] = [:]
        for number in 1...200 as ClosedRange<UInt32> {
            for app in ["web", "client", "other"] {
                let end = app == "web" ? book.receiver(pod(app, number), port: 80, .tcp) : book.sender(pod(app, number))
                ends[app, default: []].append(end)
            }
        }
        // Who takes connections, and who makes some.
        #expect(Set(book.classes).count == 2 && book.denied.isEmpty)
        func isDenied(_ app: String, _ number: Int) -> Bool {
            guard let from = ends[app]?[number], let to = ends["web"]?[199 - number] else { return false }
            return book.denied.contains(DeniedFlow(from: book.classes[Int(from)], to: book.classes[Int(to)]))
        }
        book.set(Shared(policy), isGone: false)
        #expect(Set(book.classes).count == 3)
        #expect((0..<200).allSatisfy { !isDenied("client", $0) && isDenied("other", $0) })
        // A range of addresses divides them.
        policy.ingress.append(NetworkPolicy.Rule(peers: [NetworkPolicy.Peer(block: NetworkPolicy.Block("0.0.0.0/25"))]))
        book.set(Shared(policy), isGone: false)
        #expect(Set(book.classes).count == 6)
        #expect((0..<200).allSatisfy { isDenied("other", $0) == ($0 + 1 >= 128) })
        book.set(Shared(policy), isGone: true)
        #expect(book.denied.isEmpty)
    }
}
