// Requests over UDP, beside the same over TCP.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Requests over UDP")
struct DatagramTests {
    private func make(
        _ transport: TransportProtocol, pods: Int, _ times: [Double], timeout: SimulatedDuration = .seconds(2), _ serviceTime: Int = 1
    ) -> (RequestFixture, SourceNumber) {
        var fixture = RequestFixture(pods: pods, serviceTime: constant(serviceTime), balancing: .roundRobin)
        fixture.publish(fixture.pods, isKnown: true) {
            $0.name = ServicePortName(namespace: "shop", name: "web", port: "http", transport: transport)
        }
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay(times)) {
            $0.connections = .keepAlive(idle: .seconds(60))
            $0.policy.timeout = timeout
        }
        return (fixture, source)
    }

    @Test("kube-proxy forgets flows to endpoints that are gone; connections go on", arguments: [TransportProtocol.udp, .tcp])
    func tracking(transport: TransportProtocol) {
        var (fixture, _) = make(transport, pods: 2, [0, 1, 2, 3])
        fixture.engine.run(through: at(1.5))
        fixture.publish([1], at: at(1.5))
        fixture.engine.run(through: at(10))
        #expect(fixture.engine.takeOutcomes().map(\.pod) == (transport == .udp ? [0, 0, 1, 1] : [0, 0, 0, 0]))
    }

    @Test("Nobody tells the client that a pod died with its request", arguments: [TransportProtocol.udp, .tcp])
    func death(transport: TransportProtocol) {
        var (fixture, _) = make(transport, pods: 1, [0, 5], 1000)
        fixture.engine.run(through: at(0.5))
        fixture.engine.setCondition(.stopped, of: 0)
        fixture.engine.run(through: at(10))
        let outcomes = fixture.engine.takeOutcomes()
        // A host says that nobody listens at a port of its.
        #expect(outcomes.map(\.result) == [transport == .udp ? .timedOut : .reset, .refused])
        #expect(outcomes[0].ended == at(transport == .udp ? 2 : 0.5))
    }

    @Test("What is lost is not sent again", arguments: [TransportProtocol.udp, .tcp])
    func lost(transport: TransportProtocol) {
        var (fixture, source) = make(transport, pods: 1, [0], timeout: .seconds(500))
        fixture.engine.setCondition(.unreachable, of: 0)
        fixture.engine.run(through: at(2))
        fixture.engine.setCondition(.serving, of: 0)
        fixture.engine.run(through: at(400))
        #expect(fixture.engine.statistics(of: source).count(.succeeded) == (transport == .udp ? 0 : 1))
        fixture.engine.run(through: at(501))
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == (transport == .udp ? 1 : 0))
    }
}
