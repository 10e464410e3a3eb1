// What becomes of requests: lines, latencies, deaths of pods and nodes, calls, forks.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Requests")
struct RequestEngineTests {
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
