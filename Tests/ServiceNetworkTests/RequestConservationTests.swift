// Random networks with everything that can go wrong: no request may be lost or counted twice, and nothing may be left behind.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

extension RandomPurpose {
    static let testChaos = RandomPurpose("test of requests in chaos")
}

@Suite("Conservation of requests")
struct RequestConservationTests {
    private static let methods: [BalancingMethod] =
        [.iptables, .nftables, .roundRobin, .leastConnections, .powerOfTwoChoices, .ewma] + IPVSScheduler.allCases.map { .ipvs($0) }

    /// Two Services, the first of which calls the second, clients of every kind.
    private func fixture(_ random: inout RandomStream, seed: UInt64) -> (RequestFixture, [SourceNumber]) {
        var latencies = PodNetwork.Latencies()
        if random.bernoulli(0.5) {
            latencies.sameZone = .milliseconds(1)
            latencies.crossZone = .milliseconds(3)
        }
        var timing = ProxyTiming()
        timing.propagation = .valid(try .exponential(mean: 0.3))
        let method = Self.methods[random.uniform(below: Self.methods.count)]
        var fixture = RequestFixture(
            pods: 6, capacity: PodCapacity(concurrency: 2, queueLimit: random.bernoulli(0.5) ? 3 : nil),
            serviceTime: .valid(try .exponential(mean: 0.05)), milliCPU: random.bernoulli(0.7) ? 800 : 0, balancing: method, nodes: 3,
            latencies: latencies, timing: timing, seed: seed)
        fixture.publish([0, 1, 2, 3], isKnown: true) { $0.affinitySeconds = random.bernoulli(0.3) ? 5 : nil }
        let back = fixture.engine.addPort(
            PortBehaviour(serviceTime: .valid(try .exponential(mean: 0.02)), balancing: method, milliCPU: 300))
        let name = ServicePortName(namespace: "shop", name: "back", port: "", transport: .tcp)
        fixture.engine.publish(
            ServicePortInfo(name: name, clusterIP: "10.96.0.11", port: 80), endpoints: [4, 5].map { fixture.endpoint($0) }, pods: [4, 5],
            for: back, at: .zero, isKnown: true)
        func policy(_ source: inout RequestSource) {
            if random.bernoulli(0.7) { source.policy.timeout = .milliseconds(50 + random.uniform(below: 300)) }
            source.policy.maximumAttempts = 1 + random.uniform(below: 4)
            if random.bernoulli(0.5) { source.policy.backoff.initial = .milliseconds(20) }
            if random.bernoulli(0.3) { source.policy.hedgeDelay = .milliseconds(80) }
            if random.bernoulli(0.3) { source.policy.budget = RequestPolicy.RetryBudget(ratio: 0.2, reserve: 10) }
            if random.bernoulli(0.4) { source.connections = .keepAlive(idle: .seconds(2)) }
            if random.bernoulli(0.2) { source.discovery = .dns(timeToLive: .seconds(1)) }
            if random.bernoulli(0.2) { source.discovery = .watching(method) }
            if random.bernoulli(0.3) { source.policy.connectionTimeout = .milliseconds(40) }
            if random.bernoulli(0.2), source.arrivals != .onDemand { source.traffic = .toExternalAddressFromOutside }
        }
        var call = RequestSource(name: "calls", arrivals: .onDemand, port: back, nodes: [0])
        policy(&call)
        let calls = fixture.engine.addSource(call)
        fixture.engine.setCalls(of: fixture.port, [[calls, calls], [calls]])
        let open = fixture.source(.poisson(rate: 60), name: "open", nodes: [0, 1, 2]) { policy(&$0) }
        let closed = fixture.source(
            .closed(users: 10, thinkTime: .valid(try .exponential(mean: 0.5))), name: "closed", nodes: [0, 1, 2]
        ) { policy(&$0) }
        return (fixture, [calls, open, closed])
    }

    private func disturb(_ fixture: inout RequestFixture, _ random: inout RandomStream, at now: SimulatedTime) {
        let pod = PodNumber(random.uniform(below: 6))
        switch random.uniform(below: 11) {
        case 0:
            let conditions: [PodCondition] = [.serving, .draining, .stopped, .unreachable]
            fixture.engine.setCondition(conditions[random.uniform(below: 4)], of: pod)
        case 1: fixture.publish((0..<4).filter { _ in random.bernoulli(0.7) }, at: now)
        case 2: fixture.engine.partition(random.bernoulli(0.5) ? [0, 0, 1] : nil)
        case 3: fixture.engine.setProcessors(random.uniform() * 3, others: random.uniform(), of: pod)
        case 6:
            let flows = (0..<6).filter { _ in random.bernoulli(0.3) }.map { DeniedFlow(from: 0, to: Int32($0)) }
            fixture.engine.setPolicyEnds(sending: 0, receiving: pod, of: pod)
            fixture.engine.deny(Set(flows))
        case 7:
            let clients = (0..<random.uniform(below: 3)).map { RequestClient(node: NodeNumber($0), number: Int32($0), isDead: $0 == 1) }
            fixture.engine.setClients(clients, of: 1)
        case 8: fixture.engine.cutProxy(of: NodeNumber(random.uniform(below: 3)), at: now)
        case 9: fixture.engine.reconnectProxy(of: NodeNumber(random.uniform(below: 3)), at: now)
        case 10: fixture.engine.setMachines([(NodeNumber(random.uniform(below: 3)), random.bernoulli(0.5))])
        case 4: fixture.engine.setCapacity(PodCapacity(concurrency: 1 + Int32(random.uniform(below: 4)), queueLimit: 3), of: pod)
        default: fixture.engine.setCondition(.serving, of: pod)
        }
    }

    @Test("Whatever happens, every request ends once, and every place is free in the end", arguments: Array(1...40 as ClosedRange<UInt64>))
    func conservation(seed: UInt64) {
        var random = RandomStream(seed: seed, purpose: .testChaos, owner: 0)
        var (fixture, sources) = fixture(&random, seed: seed)
        fixture.engine.recordsOutcomes = true
        var outcomes: [RequestOutcome] = []
        for step in 1...100 {
            let now = SimulatedTime(seconds: Double(step) / 5)
            fixture.engine.run(through: now)
            outcomes += fixture.engine.takeOutcomes()
            disturb(&fixture, &random, at: now)
            for pod in fixture.pods { #expect(fixture.engine.load(of: pod).busy >= 0 && fixture.engine.load(of: pod).waiting >= 0) }
        }
        // No more requests. Lines of hundreds, whose heads wait two minutes for each of several dead connections, take weeks to empty.
        fixture.engine.stopSources()
        fixture.engine.run(through: SimulatedTime(seconds: 10_000_000))
        outcomes += fixture.engine.takeOutcomes()
        for source in sources {
            let statistics = fixture.engine.statistics(of: source)
            let ended = RequestResult.allCases.reduce(0) { $0 + statistics.count($1) }
            #expect(statistics.sent == ended)
            let numbers = outcomes.filter { $0.source == source }.map(\.number).sorted()
            // Not compared in the expectation: it would print thousands of numbers.
            let isComplete = numbers == Array(0..<statistics.sent)
            #expect(isComplete)
        }
        #expect(fixture.engine.freeRequests.count == fixture.engine.requests.count)
        #expect(Set(fixture.engine.freeRequests.map(\.index)).count == fixture.engine.requests.count)
        #expect(fixture.engine.freeAttempts.count == fixture.engine.attempts.count)
        #expect(Set(fixture.engine.freeAttempts.map(\.index)).count == fixture.engine.attempts.count)
        for pod in fixture.pods { #expect(fixture.engine.load(of: pod) == (0, 0)) }
        let balancers = fixture.engine.ports.flatMap(\.balancers) + fixture.engine.sources.flatMap(\.balancers)
        #expect(balancers.allSatisfy { $0.countsNothing })
        #expect(outcomes.contains { $0.result == .succeeded })
    }
}
