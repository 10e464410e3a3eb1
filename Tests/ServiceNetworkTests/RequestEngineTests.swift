// What becomes of requests: lines, time-outs, retries, hedges, calls, connections, endpoints that went away.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Requests")
struct RequestEngineTests {
    private func at(_ seconds: Double) -> SimulatedTime { SimulatedTime(seconds: seconds) }
    private func constant(_ milliseconds: Int) -> Distribution { .constant(.milliseconds(milliseconds)) }

    /// Requests at these instants, seconds.
    private func replay(_ times: [Double]) -> ArrivalProcess { .replay(times.map { SimulatedTime(seconds: $0) }) }

    private func ended(_ outcomes: [RequestOutcome]) -> [Double] { outcomes.map { $0.ended.seconds } }

    // MARK: Lines

    @Test("Requests wait in line for a worker, first come, first served")
    func line() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1000))
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([0, 0.1, 0.2, 5]))
        fixture.engine.run(through: at(10))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(ended(outcomes) == [1, 2, 3, 6])
        #expect(outcomes.map(\.number) == [0, 1, 2, 3])
    }

    @Test("A full line turns requests away at once")
    func fullLine() {
        var fixture = RequestFixture(pods: 1, capacity: PodCapacity(concurrency: 2, queueLimit: 1), serviceTime: constant(1000))
        let source = fixture.source(replay([0, 0, 0, 0, 0]))
        fixture.engine.run(through: at(10))
        let statistics = fixture.engine.statistics(of: source)
        #expect(statistics.count(.succeeded) == 3)
        #expect(statistics.count(.overloaded) == 2)
    }

    @Test("A raised limit lets those in line begin")
    func capacity() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(2000))
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay([0, 0, 0, 0]))
        fixture.engine.run(through: at(0.5))
        fixture.engine.setCapacity(PodCapacity(concurrency: 3), of: 0)
        #expect(fixture.engine.load(of: 0) == (3, 1))
        fixture.engine.run(through: at(10))
        #expect(ended(fixture.engine.takeOutcomes()) == [2, 2.5, 2.5, 4])
    }

    @Test("Latency is paid both ways, by where client and pod are")
    func latency() {
        var latencies = PodNetwork.Latencies()
        latencies.sameNode = .milliseconds(1)
        latencies.sameZone = .milliseconds(10)
        latencies.crossZone = .milliseconds(100)
        latencies.overlay = .milliseconds(3)
        latencies.fromOutside = .milliseconds(1000)
        func time(from node: NodeNumber, _ traffic: ServicePortPlan.Traffic = .toClusterIP) -> Double {
            // One pod, on node 0 in zone a; node 3 is in zone a, too.
            var fixture = RequestFixture(pods: 1, serviceTime: constant(0), nodes: 4, latencies: latencies)
            fixture.publish([0], isKnown: true) { $0.nodePort = 30_000 }
            let source = fixture.source(replay([0]), nodes: [node]) { $0.traffic = traffic }
            fixture.engine.run(through: at(10))
            return (fixture.engine.statistics(of: source).latency.mean * 1e6).rounded() / 1e6
        }
        #expect(time(from: 0) == 0.002)
        #expect(time(from: 3) == 0.026)
        #expect(time(from: 1) == 0.206)
        #expect(time(from: 0, .toExternalAddressFromOutside) == 2.002)
    }

    // MARK: Bad answers

    @Test("Without endpoints, requests are refused; with none on the node and a Local policy, they are lost")
    func noEndpoints() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1), nodes: 2)
        let near = fixture.source(replay([0]), name: "near") { $0.traffic = .toExternalAddressFromOutside }
        let far = fixture.source(replay([0]), name: "far", nodes: [1]) { $0.traffic = .toExternalAddressFromOutside }
        fixture.publish([0], isKnown: true) {
            $0.nodePort = 30_000
            $0.externalPolicyIsLocal = true
        }
        fixture.engine.run(through: at(126))
        #expect(fixture.engine.statistics(of: near).count(.succeeded) == 1)
        #expect(fixture.engine.statistics(of: far).count(.timedOut) == 0)
        fixture.engine.run(through: at(128))
        #expect(fixture.engine.statistics(of: far).count(.timedOut) == 1)
        fixture.publish([], at: at(128))
        let late = fixture.source(replay([140]), name: "late")
        fixture.engine.run(through: at(150))
        #expect(fixture.engine.statistics(of: late).count(.refused) == 1)
    }

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

    // MARK: Pods that go

    @Test("A pod that stops breaks its connections and refuses new ones; a node that dies leaves clients waiting")
    func death() {
        for (condition, result, seconds) in [(PodCondition.stopped, RequestResult.reset, 0.5), (.unreachable, .timedOut, 925.5)] {
            var fixture = RequestFixture(pods: 1, serviceTime: constant(1000))
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(replay([0, 0.1, 0.6]))
            fixture.engine.run(through: at(0.5))
            fixture.engine.setCondition(condition, of: 0)
            fixture.engine.run(through: at(2000))
            let outcomes = fixture.engine.takeOutcomes().sorted { $0.number < $1.number }
            #expect(outcomes.map(\.result) == [result, result, condition == .stopped ? .refused : .timedOut])
            #expect(ended(outcomes).first == seconds)
            #expect(fixture.engine.load(of: 0) == (0, 0))
        }
    }

    @Test("A node's partition loses packets until it heals")
    func partition() {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1), nodes: 2)
        let source = fixture.source(replay([0, 1, 2]), nodes: [1]) { $0.policy.timeout = .milliseconds(500) }
        fixture.engine.run(through: at(0.9))
        fixture.engine.partition([0, 1])
        fixture.engine.run(through: at(1.9))
        fixture.engine.partition(nil)
        fixture.engine.run(through: at(5))
        #expect(fixture.engine.statistics(of: source).count(.succeeded) == 2)
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == 1)
    }

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

    @Test("Affinity keeps a client with its pod")
    func affinity() {
        var fixture = RequestFixture(pods: 10, serviceTime: constant(1))
        fixture.publish(fixture.pods, isKnown: true) { $0.affinitySeconds = 60 }
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(replay((0..<50).map { Double($0) }))
        fixture.engine.run(through: at(100))
        #expect(Set(fixture.engine.takeOutcomes().map(\.pod)).count == 1)
    }

    // MARK: Calls

    @Test("Calls of a group run side by side, groups one after the other, and the worker is held until all are answered")
    func calls() {
        var fixture = RequestFixture(pods: 3, serviceTime: constant(1000), balancing: .roundRobin)
        fixture.engine.recordsOutcomes = true
        var ports: [PortNumber] = []
        for (pod, time) in [(PodNumber(1), 2000), (2, 3000)] {
            let port = fixture.engine.addPort(PortBehaviour(serviceTime: constant(time)))
            let name = ServicePortName(namespace: "shop", name: "back\(pod)", port: "", transport: .tcp)
            let info = ServicePortInfo(name: name, clusterIP: "10.96.0.2\(pod)", port: 80)
            fixture.engine.publish(info, endpoints: [fixture.endpoint(pod)], pods: [pod], for: port, at: .zero, isKnown: true)
            ports.append(port)
        }
        fixture.publish([0], isKnown: true)
        let calls = ports.map { port in
            fixture.engine.addSource(RequestSource(name: "call of \(port)", arrivals: .onDemand, port: port, nodes: [0]))
        }
        fixture.engine.setCalls(of: fixture.port, [calls, [calls[0]]])
        let users = fixture.source(replay([0]))
        fixture.engine.run(through: at(4.5))
        #expect(fixture.engine.load(of: 0).busy == 1)
        fixture.engine.run(through: at(100))
        // 1 of its own, 3 for the slower of two calls, 2 for the last one.
        #expect(fixture.engine.statistics(of: users).latency.maximum == .seconds(6))
        #expect(fixture.engine.statistics(of: calls[0]).sent == 2)
        fixture.engine.setCondition(.stopped, of: 2)
        let late = fixture.source(replay([200]), name: "late")
        fixture.engine.run(through: at(300))
        #expect(fixture.engine.statistics(of: late).count(.failed) == 1)
        #expect(fixture.engine.load(of: 0) == (0, 0))
    }

    // MARK: Recordings

    @Test("A recorded request takes what was recorded of it, and its row stays its own when earlier ones were not sent")
    func recordedWork() {
        var fixture = RequestFixture(pods: 1, capacity: PodCapacity(concurrency: 5), serviceTime: constant(100))
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay([1, 2, 3, 3, 4])) {
            $0.serviceTimes = [0.1, 0.2, 0.3, 0.4]
            $0.start = at(1.5)
        }
        fixture.engine.setClients([], of: source)
        fixture.engine.run(through: at(2.5))
        fixture.engine.setClients([RequestClient(node: 0, number: 0)], of: source)
        fixture.engine.run(through: at(10))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.map(\.number) == [2, 3, 4])
        // Of the last row nothing was recorded.
        #expect(ended(outcomes) == [3.3, 3.4, 4.1])
        #expect(fixture.engine.statistics(of: source).sent == 3)
    }

    // MARK: One value

    @Test("A fork goes on exactly as the original does, and independently of it")
    func forks() {
        var fixture = RequestFixture(
            pods: 5, serviceTime: .valid(try .exponential(mean: 0.01)), milliCPU: 1000, balancing: .powerOfTwoChoices)
        fixture.engine.recordsOutcomes = true
        _ = fixture.source(.poisson(rate: 300))
        fixture.engine.setProcessors(0.9, of: 1)
        fixture.engine.run(through: at(5))
        var fork = fixture.engine
        #expect(fork == fixture.engine)
        var changed = fixture.engine
        changed.setProcessors(0.3, of: 0)
        changed.run(through: at(10))
        fork.run(through: at(10))
        fixture.engine.run(through: at(10))
        #expect(fork == fixture.engine)
        #expect(changed != fixture.engine)
    }

    @Test("The n-th request of a source has the same arrival and service time under every way of balancing")
    func commonRandomNumbers() {
        func times(_ balancing: BalancingMethod) -> [[Double]] {
            var fixture = RequestFixture(
                pods: 50, capacity: PodCapacity(concurrency: 100), serviceTime: .valid(try .exponential(mean: 0.1)), balancing: balancing)
            fixture.engine.recordsOutcomes = true
            _ = fixture.source(.poisson(rate: 100))
            fixture.engine.run(through: at(10))
            // Nobody waits: a request's time is its service time.
            return fixture.engine.takeOutcomes().sorted { $0.number < $1.number }.map { [$0.started.seconds, $0.ended.seconds] }
        }
        let expected = times(.iptables)
        #expect(expected.count > 900)
        #expect(times(.nftables) == expected)
        #expect(times(.leastConnections) == expected)
    }
}
