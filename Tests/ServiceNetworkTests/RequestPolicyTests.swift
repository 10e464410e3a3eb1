// Time-outs, retries and hedges: what clients do about answers that are late or bad.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("What clients do about late and bad answers")
struct RequestPolicyTests {
    @Test("A late answer does not count, and the pod's work for it is done all the same")
    func timeout() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1000))
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([0, 0.1, 0.2])) { $0.policy.timeout = .milliseconds(1500) }
        fixture.engine.run(through: at(10))
        let statistics = fixture.engine.statistics(of: source)
        #expect(statistics.count(.succeeded) == 1)
        #expect(statistics.count(.timedOut) == 2)
        #expect(ended(fixture.engine.takeOutcomes()) == [1, 1.6, 1.7])
        #expect(fixture.engine.load(of: 0) == (0, 0))
    }

    @Test("Retries wait longer each time, and a good answer ends them")
    func retries() {
        var fixture = RequestFixture(pods: 1, capacity: PodCapacity(concurrency: 1, queueLimit: 0), serviceTime: constant(1000))
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([0, 0])) {
            $0.policy.maximumAttempts = 5
            $0.policy.backoff.initial = .milliseconds(200)
            $0.policy.backoff.jitter = 0
        }
        fixture.engine.run(through: at(10))
        // The second is turned away at 0, 0.2 and 0.6, and finds the worker free at 1.4.
        let outcomes = fixture.engine.takeOutcomes()
        #expect(ended(outcomes) == [1, 2.4])
        #expect(outcomes.map(\.attempts) == [1, 4])
        #expect(fixture.engine.statistics(of: source).retries == 3)
    }

    @Test("A budget lets only a share of failing requests be tried again")
    func retryBudget() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1))
        fixture.publish([], isKnown: true)
        let source = fixture.source(.deterministic(interval: .milliseconds(10))) {
            $0.policy.maximumAttempts = 3
            $0.policy.budget = RequestPolicy.RetryBudget(ratio: 0.2, reserve: 5)
        }
        fixture.engine.run(through: at(100))
        let statistics = fixture.engine.statistics(of: source)
        #expect(statistics.count(.refused) == 10_000)
        #expect(abs(Double(statistics.retries) - 2_000) < 10)
    }

    @Test("A hedge is sent while the first attempt is late, and the first answer counts")
    func hedging() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1000), milliCPU: 1000, balancing: .roundRobin)
        fixture.engine.recordsOutcomes = true
        fixture.engine.setProcessors(0.1, of: 0)
        let source = fixture.source(replay([0])) {
            $0.policy.maximumAttempts = 2
            $0.policy.hedgeDelay = .milliseconds(1500)
        }
        fixture.engine.run(through: at(20))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(ended(outcomes) == [2.5])
        #expect(outcomes.map(\.pod) == [1])
        #expect(fixture.engine.statistics(of: source).hedges == 1)
        #expect(fixture.engine.load(of: 0) == (0, 0))
    }

    @Test("Quick answers need no hedge and no time-out, and leave nothing behind")
    func quickAnswers() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1))
        let source = fixture.source(.poisson(rate: 200)) {
            $0.policy.maximumAttempts = 3
            $0.policy.hedgeDelay = .seconds(1)
            $0.policy.timeout = .seconds(2)
        }
        fixture.engine.run(through: at(100))
        let statistics = fixture.engine.statistics(of: source)
        #expect(statistics.hedges == 0 && statistics.count(.timedOut) == 0)
        // Arrivals and completions, and few timers.
        #expect(fixture.engine.eventCount < 2 * Int(statistics.sent) + 400)
        #expect(fixture.engine.requests.count < 50 && fixture.engine.attempts.count < 50)
    }

    @Test("Connections that are not made end after their own time-out, and bad answers need not be tried again")
    func proxyPolicy() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .roundRobin)
        fixture.engine.recordsOutcomes = true
        fixture.engine.setCondition(.unreachable, of: 0)
        _ = fixture.source(replay([0])) {
            $0.policy.connectionTimeout = .seconds(5)
            $0.policy.timeout = .seconds(60)
            $0.policy.maximumAttempts = 3
            $0.policy.retriesBadAnswers = false
        }
        fixture.engine.run(through: at(100))
        let first = fixture.engine.takeOutcomes()
        #expect(first.map(\.result) == [.succeeded] && first.map(\.attempts) == [2])
        #expect(abs(first[0].ended.seconds - 5.001) < 1e-9)
        fixture.engine.setFailing(true, at: fixture.port)
        fixture.engine.setCondition(.serving, of: 0)
        let users = fixture.source(replay([200]), name: "others") {
            $0.policy.maximumAttempts = 3
            $0.policy.retriesBadAnswers = false
        }
        fixture.engine.run(through: at(300))
        #expect(fixture.engine.statistics(of: users).count(.failed) == 1 && fixture.engine.statistics(of: users).retries == 0)
    }
}
