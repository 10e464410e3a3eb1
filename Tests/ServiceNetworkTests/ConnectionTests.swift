// Which pod a connection leads to: kept ones, DNS answers, affinity, policies, entries from outside.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Connections")
struct ConnectionTests {
    @Test("Kept connections stay with their pod after it left the endpoints, until it drains")
    func keepAlive() {
        func pods(keeping: Bool) -> [PodNumber] {
            var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .roundRobin)
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(replay([0, 1, 2, 3, 20])) { $0.connections = keeping ? .keepAlive(idle: .seconds(10)) : .none }
            fixture.engine.run(through: at(1.5))
            fixture.publish([1], at: at(1.5))
            fixture.engine.run(through: at(2.5))
            fixture.engine.setCondition(.draining, of: 0)
            fixture.engine.run(through: at(30))
            return fixture.engine.takeOutcomes().map(\.pod)
        }
        #expect(pods(keeping: false) == [0, 1, 1, 1, 1])
        #expect(pods(keeping: true) == [0, 0, 0, 1, 1])
    }

    @Test("A client of a headless Service goes on with the pods it once looked up until the answer expires")
    func dnsDiscovery() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1))
        fixture.publish([0], isKnown: true)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([0, 3, 6, 8, 12])) { $0.discovery = .dns(timeToLive: .seconds(5)) }
        fixture.engine.run(through: at(1))
        fixture.publish([1], at: at(1))
        fixture.engine.run(through: at(7))
        fixture.publish([], at: at(7))
        fixture.engine.run(through: at(20))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.map(\.pod) == [0, 0, 1, 1, -1])
        #expect(outcomes.last?.result == .refused)
    }

    @Test("Who has no answer of the DNS that it still keeps waits for one, each client for itself", arguments: ["10.96.0.10", "None"])
    func lookup(clusterIP: String) {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(100), nodes: 2)
        fixture.publish([0], isKnown: true) { $0.clusterIP = clusterIP }
        fixture.engine.recordsOutcomes = true
        for (node, times) in [[0, 3, 6, 12], [1.0]].enumerated() {
            _ = fixture.source(replay(times), name: "node \(node)", nodes: [NodeNumber(node)]) {
                $0.discovery = .asPublished(timeToLive: .seconds(5))
                $0.lookupTime = constant(20)
            }
        }
        fixture.engine.run(through: at(20))
        // Asked for at 0, 6 and 12, and by the other client at 1.
        let times = fixture.engine.takeOutcomes().map { (($0.ended - $0.started).seconds * 1e3).rounded() }
        #expect(times == [120, 120, 100, 120, 120])
    }

    private static let exponential = Distribution.valid(try .exponential(mean: 0.02))

    /// How long requests to a headless Service take whose clients ask the DNS; milliseconds. There are no delays besides.
    private func times(
        _ sent: [Double], timeToLive: SimulatedDuration, lookup: Distribution = constant(20), pods: [PodNumber] = [0],
        _ change: (inout RequestSource) -> Void = { _ in }
    ) -> [Double] {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(0))
        fixture.publish(pods, isKnown: true) { $0.clusterIP = "None" }
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay(sent)) {
            $0.discovery = .dns(timeToLive: timeToLive)
            $0.lookupTime = lookup
            change(&$0)
        }
        fixture.engine.run(through: at(20))
        return fixture.engine.takeOutcomes().map { ($0.ended - $0.started).seconds * 1e3 }
    }

    @Test("Who asks for what the DNS was asked a moment ago waits for that answer; one without a time to live is for one connection")
    func lookupUnderWay() {
        let sent = [0, 0.001, 0.021, 5.019, 5.0205]
        #expect(times(sent, timeToLive: .seconds(5)).map { $0.rounded() } == [20, 19, 0, 0, 20])
        #expect(times(sent, timeToLive: .zero).map { $0.rounded() } == [20, 20, 20, 20, 20])
    }

    @Test("Each attempt that has to ask waits a time of its own")
    func lookupOfRetries() throws {
        func refused(attempts: Int) -> [Double] {
            times([0], timeToLive: .zero, lookup: Self.exponential, pods: []) { $0.policy.maximumAttempts = attempts }
        }
        let (once, twice) = (try #require(refused(attempts: 1).first), try #require(refused(attempts: 2).first))
        #expect(twice > once && abs(twice - 2 * once) > 0.01, "\(once), \(twice)")
    }

    @Test("What is lost was sent when the DNS had answered, and goes then if its way is free by that time")
    func lookupOfLost() throws {
        func end(freedAt time: Double?) throws -> RequestOutcome {
            var fixture = RequestFixture(pods: 1, serviceTime: constant(1))
            fixture.engine.recordsOutcomes = true
            let source = fixture.source(replay([0])) {
                $0.discovery = .asPublished(timeToLive: .seconds(5))
                $0.lookupTime = constant(20)
                $0.policy.connectionTimeout = .milliseconds(100)
            }
            fixture.engine.setClients([RequestClient(node: 0, number: 0, policyEnd: 3)], of: source)
            fixture.engine.setPolicyEnds(sending: 10, receiving: 1, of: 0)
            fixture.engine.deny([DeniedFlow(from: 3, to: 1)])
            if let time {
                fixture.engine.run(through: at(time))
                fixture.engine.deny([])
            }
            fixture.engine.run(through: at(10))
            return try #require(fixture.engine.takeOutcomes().first)
        }
        #expect(try end(freedAt: nil).ended == at(0.12))
        let freed = try end(freedAt: 0.01)
        #expect(freed.result == .succeeded && freed.ended == at(0.021), "\(freed)")
    }

    @Test("A client that gives up while it waits for the DNS sends nothing")
    func lookupGivenUp() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1))
        let source = fixture.source(replay([0])) {
            $0.discovery = .asPublished(timeToLive: .seconds(5))
            $0.lookupTime = constant(20)
            $0.policy.timeout = .milliseconds(10)
        }
        fixture.engine.run(through: at(10))
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == 1)
        #expect(fixture.engine.received(by: 0).attempts == 0)
    }

    @Test("Packets that a policy denies are lost")
    func deniedByPolicy() {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .roundRobin)
        let source = fixture.source(replay([0, 1, 2, 3])) { $0.policy.timeout = .milliseconds(500) }
        fixture.engine.setClients([RequestClient(node: 0, number: 0, policyEnd: 3)], of: source)
        for pod in fixture.pods { fixture.engine.setPolicyEnds(sending: 10 + pod, receiving: pod, of: pod) }
        fixture.engine.deny([DeniedFlow(from: 3, to: 1), DeniedFlow(from: 2, to: 0)])
        fixture.engine.run(through: at(10))
        #expect(fixture.engine.statistics(of: source).count(.succeeded) == 2)
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == 2)
    }

    @Test("A client that watches balances by itself, each for itself, over the ready endpoints")
    func watching() {
        var fixture = RequestFixture(pods: 3, serviceTime: constant(1), nodes: 2)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay((0..<12).map { Double($0) }), nodes: [0, 1]) { $0.discovery = .watching(.roundRobin) }
        fixture.engine.run(through: at(5.5))
        fixture.publish([0, 1], at: at(5.5))
        fixture.engine.run(through: at(20))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.count == 12 && outcomes.allSatisfy { $0.result == .succeeded })
        for client in [NodeNumber(0), 1] {
            let pods = outcomes.filter { $0.client == client }.map(\.pod)
            #expect(zip(pods, pods.dropFirst()).allSatisfy { $0 != $1 }, "\(pods)")
        }
        #expect(outcomes.suffix(6).allSatisfy { $0.pod < 2 })
    }

    @Test("What comes in at a dead node is lost; a further attempt may come in elsewhere")
    func deadEntry() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1), nodes: 2)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay((0..<100).map { Double($0) * 10 })) {
            $0.traffic = .toExternalAddressFromOutside
            $0.policy.timeout = .seconds(1)
            $0.policy.maximumAttempts = 2
        }
        let clients = [RequestClient(node: 0, number: 0), RequestClient(node: 1, number: 1, isDead: true)]
        fixture.engine.setClients(clients, of: source)
        fixture.engine.run(through: at(2000))
        // One of four has bad luck twice, one of four once.
        let outcomes = fixture.engine.takeOutcomes()
        #expect((10...42).contains(outcomes.count { $0.result == .timedOut }))
        #expect((10...42).contains(outcomes.count { $0.result == .succeeded && $0.attempts == 2 }))
    }

    @Test("A hedge from outside comes in at a node of its own, and leaves the way of the attempt under way as it is")
    func hedgedFromOutside() {
        var fixture = RequestFixture(pods: 1, capacity: PodCapacity(concurrency: 1000), serviceTime: constant(200), nodes: 2)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay((0..<400).map { Double($0) }), nodes: [0, 1]) {
            $0.traffic = .toExternalAddressFromOutside
            $0.policy.timeout = .milliseconds(900)
            $0.policy.maximumAttempts = 2
            $0.policy.hedgeDelay = .milliseconds(100)
        }
        // The pod is on node 0: what comes in at node 1 does not reach it.
        fixture.engine.partition([0, 1])
        fixture.engine.run(through: at(1000))
        let outcomes = fixture.engine.takeOutcomes()
        func share(after seconds: Double?) -> Double {
            let these = outcomes.filter { outcome in
                guard let seconds else { return outcome.result == .timedOut }
                return outcome.result == .succeeded && abs((outcome.ended - outcome.started).seconds - seconds) < 1e-6
            }
            return Double(these.count) / Double(outcomes.count)
        }
        #expect(outcomes.count == 400)
        // Half of the first attempts get through, half of the others' hedges; four standard deviations.
        #expect(abs(share(after: 0.2) - 0.5) < 0.1 && abs(share(after: 0.3) - 0.25) < 0.09 && abs(share(after: nil) - 0.25) < 0.09)
        #expect(outcomes.filter { $0.result == .succeeded }.allSatisfy { $0.client == 0 })
    }

    @Test("Affinity keeps a client with its pod")
    func affinity() {
        var fixture = RequestFixture(pods: 10, serviceTime: constant(1))
        fixture.publish(fixture.pods, isKnown: true) { $0.affinitySeconds = 60 }
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay((0..<50).map { Double($0) }))
        fixture.engine.run(through: at(100))
        #expect(Set(fixture.engine.takeOutcomes().map(\.pod)).count == 1)
    }
}
