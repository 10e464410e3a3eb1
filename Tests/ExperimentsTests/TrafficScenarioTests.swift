// Requests as scenarios ask for them: from the file to the record of the run.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments

/// A small cluster of four nodes in two zones, with a Deployment `web` of four pods, that runs for some minutes.
struct TrafficScenario {
    var manifests: String
    /// What stands under `spec.traffic`.
    var traffic: String
    /// What stands under `spec` besides.
    var rest = ""
    var duration = "3m"
    var seed = 1
    var nodes = 4
    /// Files that it names besides.
    var files: [String: String] = [:]

    static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 4
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers: [{name: web, image: web, ports: [{containerPort: 80}], resources: {requests: {cpu: 100m}}}]
              topologySpreadConstraints:
                - {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
        """

    func run() throws -> RunOutcome { try load().run() }

    func load() throws -> Scenario {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: traffic}
            spec:
              duration: \(duration)
              seed: \(seed)
              cluster:
                nodePools: [{name: node, count: \(nodes), zones: [a, b], resources: {cpu: 4, memory: 8Gi, pods: 20}}]
                objects: [objects.yaml]
              workloads: [{selector: {}, start: 1s}]
            \(TrafficScenario.indented(rest, by: 2))
              traffic:
            \(TrafficScenario.indented(traffic, by: 4))
            """
        let folder = try TemporaryFolder(["scenario.yaml": scenario, "objects.yaml": manifests].merging(files) { own, _ in own })
        return try ScenarioFile.load(folder["scenario.yaml"])
    }

    private static func indented(_ text: String, by columns: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: columns) + $0 }.joined(separator: "\n")
    }

    static func service(_ name: String = "web", _ spec: String = "") -> String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: \(name)}
        spec: {selector: {app: web}, ports: [{port: 80}]\(spec.isEmpty ? "" : ", " + spec)}
        """
    }
}

@Suite("Traffic in scenarios")
struct TrafficScenarioTests {
    @Test("Error seconds are the seconds in which a request failed")
    func errorSeconds() throws {
        // Nobody is behind the Service: every request is refused.
        let outcome = try TrafficScenario(
            manifests: TrafficScenario.service(),
            traffic: "sources: [{name: slow, service: web, constant: {rate: 0.5}}, {name: fast, service: web, constant: {rate: 5}}]",
            rest: """
                expect:
                  - {source: slow, requests: {errorSeconds: {equals: 30s}, failed: {equals: 30}}, from: 1m, until: 2m}
                  - {source: fast, requests: {errorSeconds: {equals: 1m}, failed: {equals: 300}}, from: 1m, until: 2m}
                  - {requests: {errorSeconds: {equals: 1m}}, from: 1m, until: 2m}
                  - {source: slow, requests: {errorSeconds: {atMost: 29s}}, from: 1m, until: 2m}
                """
        ).run()
        #expect(outcome.expectations.map(\.holds) == [true, true, true, true, true, false])
        #expect(outcome.expectations.last?.observed == "30s")
    }

    @Test("A pod that is ready before it listens refuses requests meanwhile")
    func listensAfter() throws {
        func failures(_ field: String) throws -> TrafficRecord.Source {
            let outcome = try TrafficScenario(
                manifests: TrafficScenario.web + "\n---\n" + TrafficScenario.service(),
                traffic: """
                    sources: [{name: users, service: web, constant: {rate: 40}, start: 1m}]
                    services: [{service: web, serviceTime: 1ms, \(field)}]
                    """, rest: "timeline: [{at: 90s, scale: {deployment: web, replicas: 8}}]"
            ).run()
            return try #require(outcome.record.traffic).sources[0]
        }
        #expect(try failures("concurrency: 1").failures == 0)
        // Half of 40 a second for ten seconds, but for the time that the news takes.
        let late = try failures("listensAfter: 10s")
        #expect((160...230).contains(late.count(.refused)) && late.failures == late.count(.refused), "\(late.results)")
    }

    // MARK: Names

    @Test("Who calls a Service several times at once waits for the slowest answer: each call takes its own time")
    func fanOut() throws {
        func median(calls: Int) throws -> Double {
            let fan = Array(repeating: "{service: default/back}", count: calls).joined(separator: ", ")
            let scenario = TrafficScenario(
                manifests: [TrafficScenario.web, TrafficScenario.service(), TrafficScenario.service("back")].joined(separator: "\n---\n"),
                traffic: """
                    sources: [{name: users, service: default/web, poisson: {rate: 20}, start: 30s}]
                    services:
                      - {service: default/web, serviceTime: 0s, concurrency: 1000, calls: [[\(fan)]]}
                      - {service: default/back, serviceTime: {exponential: {mean: 100ms}}, concurrency: 1000}
                    """)
            let traffic = try #require(try scenario.run().record.traffic)
            #expect(Set(traffic.sources.map(\.name)).count == 1 + calls)
            return traffic.sources[0].latency.quantile(at: 0.5)
        }
        // The median of an exponential time is 69 ms, that of the longest of four 184 ms.
        let (one, four) = (try median(calls: 1), try median(calls: 4))
        #expect((0.06...0.085).contains(one))
        #expect((0.165...0.205).contains(four))
    }

    @Test("Clients of a headless Service go on with pods that are gone until their answer expires")
    func headless() throws {
        func failures(ttl: String) throws -> UInt64 {
            let outcome = try TrafficScenario(
                manifests: TrafficScenario.web + "\n---\n" + TrafficScenario.service("web", "clusterIP: None"),
                traffic: """
                    sources: [{name: users, service: web, poisson: {rate: 100}, timeout: 1s, start: 30s}]
                    dns: {ttl: \(ttl)}
                    """, rest: "timeline: [{at: 1m, rolloutRestart: {deployment: web}}]"
            ).run()
            let traffic = try #require(outcome.record.traffic)
            #expect(traffic.pods.count == 8 && traffic.sources[0].count(.succeeded) > 10_000)
            #expect(traffic.failures(from: .zero, until: .zero + .seconds(60)).requests == 0)
            return traffic.sources[0].failures
        }
        let (kept, asked) = (try failures(ttl: "30s"), try failures(ttl: "0s"))
        // A quarter of the clients' pods is gone at a time, for half of the time to live on average.
        #expect(kept > 500 && asked < kept / 10, "\(kept), \(asked)")
    }

    @Test("A pod behind a headless Service is found by its name, through its replacement")
    func podName() throws {
        let set = TrafficScenario.web.replacing("kind: Deployment", with: "kind: StatefulSet")
            .replacing("replicas: 4", with: "replicas: 3\n  serviceName: web")
        let outcome = try TrafficScenario(
            manifests: set + "\n---\n" + TrafficScenario.service("web", "clusterIP: None"),
            traffic: """
                sources: [{name: users, service: web, pod: web-1, constant: {rate: 10}, timeout: 1s, start: 1m}]
                dns: {ttl: 1s}
                """, rest: "timeline: [{at: 90s, delete: pod/default/web-1}]"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.pods.map(\.pod.name) == ["web-1", "web-1"])
        #expect(traffic.pods[0].received >= 290 && traffic.pods[1].received > 700)
    }

    @Test("An ExternalName leads to the Service it names, as long as it does")
    func alias() throws {
        let alias = """
            apiVersion: v1
            kind: Service
            metadata: {name: alias}
            spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
            """
        let outcome = try TrafficScenario(
            manifests: [TrafficScenario.web, TrafficScenario.service(), alias].joined(separator: "\n---\n"),
            traffic: "sources: [{name: users, service: alias, constant: {rate: 10}, start: 1m}]",
            rest: "timeline: [{at: 2m, delete: service/default/alias}]"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.pods.count == 4 && traffic.pods.allSatisfy { $0.received > 100 })
        #expect(traffic.failures(from: .zero, until: .zero + .seconds(120)).requests == 0)
        // kube-proxies write their rules within a second.
        #expect((580...600).contains(traffic.sources[0].count(.refused)))
    }

    @Test("A host outside of the cluster serves what is sent to an ExternalName")
    func host() throws {
        let outcome = try TrafficScenario(
            manifests: """
                apiVersion: v1
                kind: Service
                metadata: {name: mail}
                spec: {type: ExternalName, externalName: smtp.example.com}
                """,
            traffic: """
                sources: [{name: users, service: mail, constant: {rate: 10}}]
                services: [{service: mail, serviceTime: 50ms}]
                network: {fromOutside: 20ms}
                """
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0 && traffic.sources[0].count(.succeeded) > 1790)
        #expect(abs(traffic.sources[0].latency.quantile(at: 0.5) - 0.09) < 0.001)
        #expect(traffic.pods.map(\.pod) == [NamespacedName(namespace: "", name: "smtp.example.com")])
    }

    // MARK: Outputs

    @Test("Every n-th request of each source is sampled, with what became of it")
    func samples() throws {
        let outcome = try TrafficScenario(
            manifests: TrafficScenario.web + "\n---\n" + TrafficScenario.service(),
            traffic: """
                sources:
                - {name: one, service: web, constant: {rate: 10}, from: {node: node-2}}
                - {name: two, service: web, poisson: {rate: 5}, start: 1m}
                services: [{service: web, serviceTime: 5ms}]
                """, rest: "measure: {requests: 20}"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        let first = traffic.requests.filter { $0.source == 0 }
        #expect(first.map(\.number) == (0..<UInt64(first.count)).map { $0 * 20 } && first.count == 90)
        #expect(first.allSatisfy { $0.client == "node-2" && $0.attempts == 1 })
        // Nobody is there yet at the start; later the pods answer, each on its node.
        #expect(first[0].result == .refused && first[0].pod == nil)
        let good = traffic.requests.filter { $0.result == .succeeded }
        #expect(good.count > 110 && good.allSatisfy { ($0.ended - $0.started).seconds >= 0.005 })
        #expect(Set(good.compactMap(\.pod)).count == 4 && Set(good.compactMap(\.node)).count == 4)
        #expect(Set(traffic.requests.filter { $0.source == 1 }.compactMap(\.client)).count == 4)
        #expect(zip(traffic.requests, traffic.requests.dropFirst()).allSatisfy { $0.ended <= $1.ended })

        let folder = try TemporaryFolder()
        try outcome.write(to: folder["run"])
        let table = try CSVTable(InputFiles.read(folder["run/requests.csv"]), file: "requests.csv")
        #expect(table.rows.count == traffic.requests.count)
        let result = try table.column("result")
        #expect(table.rows.filter { table.text($0, result) == "succeeded" }.count == good.count)
    }

    @Test("A pod's imbalance is its share of the attempts over that of an even split")
    func imbalance() throws {
        // The one client stays with its pod.
        let outcome = try TrafficScenario(
            manifests: TrafficScenario.web + "\n---\n" + TrafficScenario.service("web", "sessionAffinity: ClientIP"),
            traffic: "sources: [{name: users, service: web, constant: {rate: 10}, from: {node: node-0}, start: 1m}]"
        ).run()
        let folder = try TemporaryFolder()
        try outcome.write(to: folder["run"])
        let table = try CSVTable(InputFiles.read(folder["run/endpoints.csv"]), file: "endpoints.csv")
        func values(_ column: String) throws -> [Double?] {
            let column = try table.column(column)
            return table.rows.map { Double(table.text($0, column)) }
        }
        #expect(try values("imbalance").map { $0 ?? -1 }.sorted() == [0, 0, 0, 4])
        #expect(try values("share").map { $0 ?? -1 }.sorted() == [0, 0, 0, 1])
        #expect(try values("even_share") == [0.25, 0.25, 0.25, 0.25])
    }
}
