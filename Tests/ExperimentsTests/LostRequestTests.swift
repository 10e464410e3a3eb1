// Requests that a failure loses, Services that are deleted, and clients that are told apart.

import DiscreteEvents
import Foundation
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Requests lost in failures")
struct LostRequestTests {
    private static let quick = TrafficScenario.web.replacing(
        "      containers:",
        with:
            "      tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 0}]\n      containers:"
    ).replacing("whenUnsatisfiable: DoNotSchedule", with: "whenUnsatisfiable: ScheduleAnyway")

    private static let preferringZoneB = """
              affinity:
                nodeAffinity:
                  preferredDuringSchedulingIgnoredDuringExecution:
                  - {weight: 100, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}
              containers:
        """

    private func run(_ sources: String, timeout: String = "40s") throws -> (record: RunRecord, traffic: TrafficRecord) {
        let record = try TrafficScenario(
            manifests: [Self.quick, TrafficScenario.service(), TrafficScenario.service("empty").replacing("app: web", with: "app: nobody")]
                .joined(separator: "\n---\n"),
            traffic: "sources: [\(sources)]", rest: "faults: [{at: 1m, node: node-1}]", duration: "6m"
        ).run().record
        return (record, try #require(record.traffic))
    }

    @Test("Whatever was under way before the recovery and fails is lost, though it is told after it; other sources' failures are their own")
    func attribution() throws {
        let (record, traffic) = try run(
            "{name: users, service: web, constant: {rate: 20}, timeout: 40s, start: 30s, from: {zone: a}}, "
                + "{name: background, service: empty, constant: {rate: 20}, start: 30s}")
        let failure = try #require(record.recoveries.first)
        let recovered = try #require(failure.recovered)
        let lost = try #require(record.requestsLost(in: failure))
        let users = traffic.sources[0]
        // All its failures are the fault's, and many of them came after the recovery.
        #expect(traffic.sources[1].failures > 6000)
        #expect(users.failures > 150 && lost.requests == users.failures, "\(lost) of \(users.failures)")
        let toldLater = users.failed.dropFirst(Int(recovered.sinceStart.seconds) + 1).reduce(0) { $0 + UInt64($1) }
        #expect(toldLater > 50 && users.failed.prefix(60).allSatisfy { $0 == 0 })
        // Sent until the node was known to be lost.
        #expect((20...60).contains(lost.errorSeconds), "\(lost)")
    }

    @Test("Where no machine is to blame, a failure loses what was sent while it lasted; failures belong to the second of their sending")
    func bySending() throws {
        // The one pod is in zone b, and the policy lets nobody on another node reach it: every request is dropped, failure or not.
        let record = try TrafficScenario(
            manifests: [
                Self.quick.replacing("replicas: 4", with: "replicas: 1").replacing(
                    "      containers:", with: Self.preferringZoneB),
                TrafficScenario.service("web", "internalTrafficPolicy: Local"),
            ].joined(separator: "\n---\n"),
            traffic: "sources: [{name: users, service: web, constant: {rate: 10}, timeout: 50s, start: 30s, from: {node: node-0}}]",
            rest: """
                faults: [{at: 2m, zone: b}]
                expect:
                - {source: users, requests: {errorSeconds: {equals: 30s}}, from: 30s, until: 1m}
                - {source: users, requests: {errorSeconds: {equals: 0s}}, from: 0s, until: 30s}
                """, duration: "6m"
        ).run()
        #expect(record.expectations.map(\.holds) == [true, true])
        let failure = try #require(record.record.recoveries.first)
        let recovered = try #require(failure.recovered)
        let lost = try #require(record.record.requestsLost(in: failure))
        let expected = (recovered - failure.failed).seconds * 10
        // Not the 500 that were sent before and timed out after.
        #expect(abs(Double(lost.requests) - expected) <= 1, "\(lost), \(expected)")
        // At both ends a part of a second counts as one.
        #expect(abs(Double(lost.errorSeconds) - expected / 10) < 2)
        let traffic = try #require(record.record.traffic)
        #expect(traffic.worstMinute(of: 0)?.minute == 0)
        #expect(record.summary["requests_users_error_seconds"] == Double(traffic.sources[0].errorSeconds))
    }

    @Test(
        "A failure loses requests that failed at its machines, and others that needed these and were sent before it was over",
        arguments: [
            // Under way when the machine died, or sent to it before it was back.
            (source: 7, site: 3, sent: 90.0, ended: 100.0, isLost: true), (7, 3, 290, 420, true), (7, 3, 90, 99, false),
            (7, 3, 301, 420, false),
            // On another machine, whatever the source.
            (0, 4, 150, 160, false),
            // Nobody's fault.
            (0, -1, 150, 260, true), (0, -1, 90, 150, false), (0, -1, 201, 210, false), (7, -1, 150, 160, false),
        ] as [(source: Int32, site: Int32, sent: Double, ended: Double, isLost: Bool)])
    func cause(source: Int32, site: Int32, sent: Double, ended: Double, isLost: Bool) {
        func time(_ seconds: Double) -> SimulatedTime { SimulatedTime(seconds: seconds) }
        var failure = RecoveryRecord(
            subject: "node/a", effect: .crash, nodes: 1, failed: time(100), affectedPods: 0, otherPods: 0, evictedPods: 0,
            recovered: time(200), returned: time(300))
        failure.reach = FailureReach(nodes: [9, 3], sources: [0, 1])
        for end in [FailureSite(pod: site), FailureSite(pod: -1, client: site)] {
            let request = FailedRequest(source: source, started: time(sent), ended: time(ended), site: end)
            #expect(failure.loses(request) == isLost)
        }
    }

    @Test("A failure of nodes without endpoints and clients loses nothing")
    func elsewhere() throws {
        let (record, _) = try run("{name: background, service: empty, constant: {rate: 20}, start: 30s}")
        let failure = try #require(record.recoveries.first)
        #expect(record.requestsLost(in: failure)?.requests == 0)
    }

    @Test("Calls of the Service that is asked count")
    func calls() throws {
        let front = TrafficScenario.web.replacing("{name: web}", with: "{name: front}").replacing("app: web", with: "app: front")
            .replacing("replicas: 4", with: "replicas: 1")
        let record = try TrafficScenario(
            manifests: [
                Self.quick, TrafficScenario.service(),
                front.replacing("      containers:", with: "      nodeSelector: {kubernetes.io/hostname: node-0}\n      containers:"),
                TrafficScenario.service("front").replacing("app: web", with: "app: front"),
            ].joined(separator: "\n---\n"),
            traffic: """
                sources: [{name: users, service: front, constant: {rate: 20}, start: 30s}]
                services: [{service: front, serviceTime: 1ms, concurrency: 1000, calls: [[{service: web, timeout: 1s}]]}]
                """, rest: "faults: [{at: 1m, node: node-1}]", duration: "4m"
        ).run().record
        let failures = try #require(record.traffic).sources[0].failures
        let failure = try #require(record.recoveries.first)
        #expect(failures > 100 && record.requestsLost(in: failure)?.requests == failures)
    }
}

@Suite("Services that are deleted")
struct DeletedServiceTests {
    @Test("Who knows the address of a deleted Service hears nothing; of a headless one there is no address any more")
    func deleted() throws {
        func results(_ spec: String, mode: String = "iptables") throws -> TrafficRecord.Source {
            let record = try TrafficScenario(
                manifests: [TrafficScenario.web, TrafficScenario.service("web", spec)].joined(separator: "\n---\n"),
                traffic: """
                    sources: [{name: users, service: web, constant: {rate: 10}, start: 1m, timeout: 2s}]
                    dns: {ttl: 1s}
                    proxy: {mode: \(mode)}
                    """, rest: "timeline: [{at: 2m, delete: service/default/web}]"
            ).run().record
            return try #require(record.traffic).sources[0]
        }
        for mode in ["iptables", "nftables", "ipvs"] {
            let source = try results("type: ClusterIP", mode: mode)
            #expect(
                (560...600).contains(source.count(.timedOut)) && source.failures == source.count(.timedOut), "\(mode): \(source.results)")
        }
        let headless = try results("clusterIP: None")
        #expect((580...600).contains(headless.count(.refused)) && headless.count(.timedOut) == 0)
    }
}

@Suite("Clients outside")
struct OutsideClientTests {
    @Test(
        "Each has an address of its own, by which affinity and source hashing know it",
        arguments: ["mode: iptables", "{mode: ipvs, scheduler: sh}"])
    func affinity(proxy: String) throws {
        func pods(_ clients: Int) throws -> [UInt64] {
            let record = try TrafficScenario(
                manifests: [
                    TrafficScenario.web,
                    TrafficScenario.service("web", "type: NodePort" + (proxy.contains("sh") ? "" : ", sessionAffinity: ClientIP")),
                ].joined(separator: "\n---\n"),
                traffic: """
                    sources: [{name: users, service: web, from: outside, clients: \(clients), constant: {rate: 50}, start: 1m}]
                    proxy: {\(proxy.trimmingCharacters(in: CharacterSet(charactersIn: "{}")))}
                    """
            ).run().record
            let traffic = try #require(record.traffic)
            #expect(traffic.sources[0].failures == 0)
            return traffic.pods.map(\.received).filter { $0 > 0 }.sorted()
        }
        // Hashed alike on all nodes, or remembered by each of the four nodes where the client comes in.
        let one = try pods(1)
        #expect(proxy.contains("sh") ? one.count == 1 : one.count <= 4)
        let many = try pods(500)
        #expect(many.count == 4 && (many.first ?? 0) > 500, "\(many)")
    }
}

@Suite("Figures of requests")
struct RequestFigureTests {
    private static func scenario(concurrency: Int) -> TrafficScenario {
        TrafficScenario(
            manifests: [
                TrafficScenario.web, TrafficScenario.service(), TrafficScenario.service("empty").replacing("app: web", with: "app: nobody"),
            ]
            .joined(separator: "\n---\n"),
            traffic: """
                sources:
                - {name: users, service: web, constant: {rate: 20}, start: 1m}
                - {name: lost, service: empty, constant: {rate: 2}, start: 1m}
                services: [{service: web, serviceTime: {lognormal: {mean: 50ms, p99: 200ms}}, concurrency: \(concurrency)}]
                """,
            rest: """
                expect:
                - {source: users, requests: {p999: {atMost: 1s}}, from: 1m}
                - {source: users, requests: {p999: {atMost: 60ms}}, from: 1m}
                """)
    }

    @Test("The summary has each source's requests, failures and latencies, which comparisons compare")
    func summary() throws {
        let outcome = try Self.scenario(concurrency: 10).run()
        let users = try #require(outcome.record.traffic).sources[0]
        let summary = outcome.summary
        #expect(summary["requests_users"] == Double(users.results.reduce(0, +)) && (summary["requests_users"] ?? 0) > 2390)
        #expect(summary["requests_users_failed"] == 0 && summary["requests_users_availability"] == 1)
        #expect(summary["requests_users_error_seconds"] == 0)
        let quantiles = ["p50", "p90", "p99", "p999", "maximum"].compactMap { summary["requests_users_latency_" + $0] }
        #expect(
            quantiles.count == 5 && quantiles == quantiles.sorted() && abs((summary["requests_users_latency_mean"] ?? 0) - 0.05) < 0.003)
        #expect(abs(quantiles[2] - 0.2) < 0.03)
        #expect((summary["requests_lost_failed"] ?? 0) > 230 && summary["requests_lost_availability"] == 0)
        #expect(summary["requests_lost_error_seconds"] == 120 && summary["requests_lost_latency_p99"] == nil)
        let policies = Comparison(
            policies: ["one", "two"], Replicates([1]),
            runs: [
                ComparedRun(policy: 0, seed: 1, summary: summary, failed: []),
                ComparedRun(policy: 1, seed: 1, summary: try Self.scenario(concurrency: 1).run().summary, failed: []),
            ])
        let row = try #require(policies.metrics.first { $0.metric == "requests_users_latency_p99" && $0.policy == "two" })
        #expect((row.difference ?? 0) > 0)
    }

    @Test("99.9 % of the answers within a bound is an expectation")
    func p999() throws {
        #expect(try Self.scenario(concurrency: 10).run().expectations.map(\.holds) == [true, false])
    }
}
