// What happens between a question to the DNS and its answer: the client connects only then, to what there is then.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Look-ups under way")
struct LookupTests {
    /// A client sends one request to a Service's address and waits a second for the DNS; half a second later the first pod leaves the Service.
    private func outcome(_ change: (inout RequestFixture) -> Void) throws -> RequestOutcome {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1))
        fixture.publish([0], isKnown: true)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([0])) {
            $0.discovery = .asPublished(timeToLive: .seconds(5))
            $0.lookupTime = constant(1_000)
        }
        fixture.engine.run(through: at(0.5))
        change(&fixture)
        fixture.engine.run(through: at(10))
        return try #require(fixture.engine.takeOutcomes().first)
    }

    @Test("A connection goes to a pod that is an endpoint when the DNS has answered, not when it was asked")
    func choice() throws {
        let moved = try outcome { $0.publish([1], at: at(0.5)) }
        #expect(moved.pod == 1 && moved.result == .succeeded && moved.ended == at(1.001))
        let gone = try outcome { $0.publish([], at: at(0.5)) }
        #expect(gone.result == .refused && gone.ended == at(1))
    }

    @Test("A pod that started anew meanwhile is connected to as it is then")
    func restart() throws {
        let restarted = try outcome {
            $0.engine.setCondition(.stopped, of: 0)
            $0.engine.setCondition(.serving, of: 0)
        }
        #expect(restarted.result == .succeeded && restarted.pod == 0)
    }

    @Test("A client that gives up in the moment of the answer opens no connection that somebody would go on to count")
    func givenUpThen() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .leastConnections)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([0, 1])) {
            $0.discovery = .asPublished(timeToLive: .milliseconds(500))
            $0.lookupTime = constant(20)
            $0.policy.timeout = .milliseconds(20)
        }
        fixture.engine.run(through: at(10))
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == 2)
        #expect((0..<2).allSatisfy { fixture.engine.received(by: $0).attempts == 0 })
        #expect(fixture.engine.freeAttempts.count == fixture.engine.attempts.count)
        #expect(fixture.engine.freeRequests.count == fixture.engine.requests.count)
    }
}
