// Endpoints that leave a Service: what kube-proxies do with the connections to them, in every mode.
//
// IPVS gives the real server of an endpoint that leaves the weight 0, and removes it when its connections are over; UDP ones it removes at once. iptables and
// nftables track connections instead. For a client it comes to the same.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

private let modes: [BalancingMethod] = [
    .iptables, .nftables, .ipvs(.roundRobin), .ipvs(.leastConnection), .ipvs(.weightedLeastConnection), .ipvs(.sourceHashing),
]

@Suite("Graceful termination")
struct GracefulTerminationTests {
    @Test("A connection that stands goes on after its endpoint left, and no new one is made to it", arguments: modes)
    func established(mode: BalancingMethod) throws {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: mode)
        fixture.publish([0], isKnown: true)
        fixture.engine.recordsOutcomes = true
        let keeping = fixture.source(replay([0, 3, 6]), name: "keeping") { $0.connections = .keepAlive(idle: .seconds(10)) }
        _ = fixture.source(replay([4, 5, 7]), name: "others")
        fixture.engine.run(through: at(1))
        fixture.publish([1], at: at(1))
        fixture.engine.run(through: at(20))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.filter { $0.source == keeping }.map(\.pod) == [0, 0, 0])
        #expect(outcomes.filter { $0.source != keeping }.map(\.pod) == [1, 1, 1])
        #expect(outcomes.allSatisfy { $0.result == .succeeded })
    }

    @Test("A request under way is finished, and a request over UDP to an endpoint that left is not", arguments: modes)
    func datagrams(mode: BalancingMethod) throws {
        func pods(_ transport: TransportProtocol) -> [PodNumber] {
            var fixture = RequestFixture(pods: 2, serviceTime: constant(2_000), balancing: mode)
            fixture.publish([0], isKnown: true) {
                $0.name = ServicePortName(namespace: "shop", name: "web", port: "http", transport: transport)
            }
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(replay([0, 4])) {
                $0.connections = .keepAlive(idle: .seconds(10))
                $0.policy.timeout = .seconds(5)
            }
            fixture.engine.run(through: at(1))
            fixture.publish([1], at: at(1))
            fixture.engine.run(through: at(20))
            let outcomes = fixture.engine.takeOutcomes()
            #expect(outcomes.allSatisfy { $0.result == .succeeded })
            return outcomes.map(\.pod)
        }
        #expect(pods(.tcp) == [0, 0])
        #expect(pods(.udp) == [0, 1])
    }

    @Test(
        "An endpoint that comes back before its connections are over comes back with them: IPVS goes on counting",
        arguments: [false, true])
    func comesBack(isGone: Bool) {
        var fixture = RequestFixture(
            pods: 2, capacity: PodCapacity(concurrency: 100), serviceTime: constant(60_000), balancing: .ipvs(.leastConnection))
        fixture.publish([0], isKnown: true)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([0, 0.1, 0.2] + [10, 10.1, 10.2]))
        fixture.engine.run(through: at(1))
        fixture.publish([1], at: at(1))
        fixture.engine.run(through: at(5))
        // Its pod died meanwhile, and with that its connections.
        if isGone { fixture.engine.setCondition(.stopped, of: 0) }
        fixture.engine.run(through: at(6))
        if isGone { fixture.engine.setCondition(.serving, of: 0) }
        fixture.publish([0, 1], at: at(6))
        fixture.engine.run(through: at(200))
        let later = fixture.engine.takeOutcomes().filter { $0.started >= at(10) }.map(\.pod)
        // Three connections stand to pod 0 as long as it lives; connections that broke count for two minutes, as inactive ones: far less.
        #expect(later == (isGone ? [1, 0, 1] : [1, 1, 1]))
    }
}
