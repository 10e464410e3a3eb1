// Which endpoints requests reach, over the whole way from the scenario to the record, in each mode of kube-proxy.

import DiscreteEvents
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Endpoints chosen in scenarios")
struct BalancingScenarioTests {
    private static let nodes = 4

    /// How often requests from each node reached each of six pods.
    private func chosen(_ proxy: String, seed: Int = 1) throws -> [[Double]] {
        let outcome = try TrafficScenario(
            manifests: [
                TrafficScenario.web.replacing("replicas: 4", with: "replicas: 6"), TrafficScenario.service(),
            ].joined(separator: "\n---\n"),
            traffic: """
                sources: [{name: users, service: web, poisson: {rate: 100}, start: 1m}]
                proxy: {\(proxy)}
                """, rest: "measure: {requests: 1}", seed: seed, nodes: Self.nodes
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0 && traffic.pods.count == 6)
        return (0..<Self.nodes).map { node in
            let own = traffic.requests.filter { $0.client == "node-\(node)" }
            return traffic.pods.map { pod in Double(own.count { $0.pod == pod.pod }) }
        }
    }

    private func chiSquared(_ counts: [Double]) -> Double {
        let expected: Double = counts.reduce(0, +) / Double(counts.count)
        var sum = 0.0
        for count in counts { sum += (count - expected) * (count - expected) / expected }
        return sum
    }

    /// Critical values at a level of 0.001, with 5 degrees of freedom (a node's pods) and 15 (whether the choice depends on the node).
    @Test(
        "iptables and nftables choose each endpoint as often as the others, on every node",
        arguments: ["mode: iptables", "mode: nftables"])
    func random(proxy: String) throws {
        let counts = try chosen(proxy)
        for own in counts {
            #expect(own.reduce(0, +) > 2_500)
            #expect(chiSquared(own) < 20.52, "\(own)")
        }
        let pods: [Double] = (0..<6).map { pod in counts.map { own in own[pod] }.reduce(0, +) }
        #expect(chiSquared(pods) < 20.52, "\(pods)")
        let total: Double = pods.reduce(0, +)
        var independence = 0.0
        for own in counts {
            let size: Double = own.reduce(0, +)
            for (count, all) in zip(own, pods) {
                let expected = size * all / total
                independence += (count - expected) * (count - expected) / expected
            }
        }
        #expect(independence < 37.70, "\(independence)")
    }

    @Test("IPVS goes round on every node by itself: no pod is more than one ahead there", arguments: ["rr", "wrr"])
    func inTurn(scheduler: String) throws {
        for own in try chosen("mode: ipvs, scheduler: \(scheduler)") {
            #expect(own.reduce(0, +) > 2_500 && (own.max() ?? 0) - (own.min() ?? 0) <= 1, "\(own)")
        }
    }

    /// Requests are short: at nearly every choice no pod has a connection.
    @Test(
        "Of idle pods, lc and wlc take the one with the fewest closed connections, sed and nq the first",
        arguments: ["lc", "wlc", "sed", "nq"])
    func byConnections(scheduler: String) throws {
        let remembersClosed = scheduler.hasSuffix("lc")
        for own in try chosen("mode: ipvs, scheduler: \(scheduler)") {
            let (least, most, total) = (own.min() ?? 0, own.max() ?? 0, own.reduce(0, +))
            #expect(remembersClosed ? most - least < total / 6 * 0.05 : most > total * 0.95, "\(own)")
        }
    }

    @Test("IPVS' hashing schedulers send what has one address to one pod", arguments: ["sh", "dh"])
    func hashed(scheduler: String) throws {
        // The clients on a node are one; a Service has one address.
        let counts = try chosen("mode: ipvs, scheduler: \(scheduler)")
        #expect(counts.allSatisfy { own in own.count { $0 > 0 } == 1 })
        if scheduler == "dh" { #expect(Set(counts.map { own in own.firstIndex { $0 > 0 } }).count == 1) }
    }
}
