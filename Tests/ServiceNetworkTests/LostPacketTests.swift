// Packets that are lost, and when they are sent again; Services that are gone; clients with addresses.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Lost packets")
struct LostPacketTests {
    @Test(
        "A connection attempt that is lost in a partition is made again after 1, 3, 7, 15 s, until the way is free",
        arguments: [(0.5, 1), (2.9, 3), (3.5, 7), (9, 15)])
    func connectionAfterPartition(healed: Double, connected: Double) {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(100), nodes: 2)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([10]), nodes: [1])
        fixture.engine.partition([0, 1])
        fixture.engine.run(through: at(10 + healed))
        fixture.engine.partition(nil)
        fixture.engine.run(through: at(300))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.map { ($0.ended.seconds * 1e6).rounded() / 1e6 } == [10.1 + connected] && outcomes.first?.result == .succeeded)
        #expect(fixture.engine.attempts.allSatisfy { $0.pod == -1 })
    }

    @Test("After the kernel's seventh attempt, or its client's time-out, a lost connection is not made any more", arguments: [nil, 2.0])
    func connectionGivenUp(timeout: Double?) {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(100), nodes: 2)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([10]), nodes: [1]) { $0.policy.timeout = timeout.map { SimulatedDuration(seconds: $0) } }
        fixture.engine.partition([0, 1])
        fixture.engine.run(through: at(timeout == nil ? 10 + 63.5 : 11.5))
        // The next one would be later.
        fixture.engine.partition(nil)
        fixture.engine.run(through: at(300))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(ended(outcomes) == [10 + (timeout ?? 127)] && outcomes.first?.result == .timedOut)
        #expect(fixture.engine.received(by: 0).attempts == 0)
    }

    @Test("A partition that comes back before the packet is sent again loses that, too")
    func partitionAgain() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(0), nodes: 2)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([10]), nodes: [1])
        for (time, sides) in [(0, [0, 1]), (10.5, nil), (10.8, [0, 1]), (12, nil)] as [(Double, [Int32]?)] {
            fixture.engine.run(through: at(time))
            fixture.engine.partition(sides)
        }
        fixture.engine.run(through: at(300))
        #expect(ended(fixture.engine.takeOutcomes()) == [13])
    }

    @Test(
        "An answer that is lost in a partition is sent again after 0.2, 0.6, 1.4 s, ...",
        arguments: [(0.1, 0.2), (0.5, 0.6), (0.7, 1.4), (100, 102.2)])
    func answerAfterPartition(healed: Double, heard: Double) {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1000), nodes: 2)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([10]), nodes: [1])
        fixture.engine.run(through: at(10.5))
        fixture.engine.partition([0, 1])
        fixture.engine.run(through: at(11 + healed))
        // Served, but nobody has heard of it.
        #expect(fixture.engine.load(of: 0) == (0, 0) && fixture.engine.statistics(of: source).count(.succeeded) == 0)
        fixture.engine.partition(nil)
        fixture.engine.run(through: at(2000))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.map { ($0.ended.seconds * 1e6).rounded() / 1e6 } == [11 + heard] && outcomes.first?.result == .succeeded)
    }

    @Test("A request over a connection that stands is sent again as data, and for 15 minutes")
    func dataAfterPartition() {
        for (healed, expected, result) in [(0.3, 10.6, RequestResult.succeeded), (2000, 935, .timedOut)] {
            var fixture = RequestFixture(pods: 1, serviceTime: constant(0), nodes: 2)
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(replay([5, 10]), nodes: [1]) { $0.connections = .keepAlive(idle: .seconds(60)) }
            fixture.engine.run(through: at(6))
            fixture.engine.partition([0, 1])
            fixture.engine.run(through: at(10 + healed))
            fixture.engine.partition(nil)
            fixture.engine.run(through: at(3000))
            let last = fixture.engine.takeOutcomes().last
            #expect(last?.result == result && abs((last?.ended.seconds ?? 0) - expected) < 1e-6, "\(String(describing: last))")
        }
    }

    @Test("Connection attempts to a machine that was away are made again when it is back, or a policy goes")
    func otherWays() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(0), balancing: .roundRobin)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([10, 10]))
        for pod in fixture.pods { fixture.engine.setPolicyEnds(sending: 10 + pod, receiving: pod, of: pod) }
        fixture.engine.setClients([RequestClient(node: 0, number: 0, policyEnd: 5)], of: source)
        fixture.engine.deny([DeniedFlow(from: 5, to: 0)])
        fixture.engine.setCondition(.unreachable, of: 1)
        fixture.engine.run(through: at(12))
        fixture.engine.setCondition(.serving, of: 1)
        fixture.engine.run(through: at(16))
        fixture.engine.deny([])
        fixture.engine.run(through: at(300))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(ended(outcomes) == [13, 17] && outcomes.map(\.pod) == [1, 0])
    }

    @Test("What is for a Service that is gone is lost")
    func withdrawn() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(0))
        let inside = fixture.source(replay([10]), name: "inside") { $0.policy.timeout = .seconds(2) }
        let outside = fixture.source(replay([10]), name: "outside") { $0.traffic = .toExternalAddressFromOutside }
        fixture.engine.withdraw(fixture.port, at: at(5))
        fixture.engine.run(through: at(20))
        #expect(fixture.engine.statistics(of: inside).count(.timedOut) == 1)
        #expect(fixture.engine.statistics(of: outside).count(.refused) == 1)
    }

    @Test("Clients of a population have addresses of their own, which affinity goes by")
    func population() {
        func pods(_ count: Int) -> [Set<PodNumber>] {
            var fixture = RequestFixture(pods: 8, serviceTime: constant(0), balancing: .nftables)
            fixture.publish(fixture.pods, isKnown: true) { $0.affinitySeconds = 10_800 }
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(.deterministic(interval: .seconds(1))) {
                $0.population = RequestSource.Population(count: count, firstAddress: 1)
            }
            fixture.engine.run(through: at(1000))
            let outcomes = fixture.engine.takeOutcomes()
            return [Set(outcomes.map(\.pod)), Set(outcomes.suffix(100).map(\.pod))]
        }
        #expect(pods(1).map(\.count) == [1, 1])
        #expect(pods(60).map(\.count) == [8, 8])
    }
}
