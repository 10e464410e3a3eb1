// Connections that are kept for later requests: to whom they belong, what ends them, and who counts them.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Kept connections")
struct KeptConnectionTests {
    /// Requests at these instants over kept connections, to two pods in turn: the same pod again is the same connection.
    private func pods(
        _ times: [Double], fromOutside: Bool = false, meanwhile: (inout RequestEngine, SourceNumber) -> Void
    ) -> [PodNumber] {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .roundRobin, nodes: 3)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(replay(times), nodes: [2]) {
            $0.connections = .keepAlive(idle: .minutes(10))
            if fromOutside { $0.traffic = .toExternalAddressFromOutside }
        }
        meanwhile(&fixture.engine, source)
        fixture.engine.run(through: at(1000))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(outcomes.allSatisfy { $0.result == .succeeded })
        return outcomes.map(\.pod)
    }

    @Test("A connection ends with its client: with the pod that it was in, though another comes in its place, and if it comes back itself")
    func clientGone() {
        let same = pods([0, 1, 10]) { engine, _ in engine.run(through: at(5)) }
        #expect(same == [0, 0, 0])
        let another = pods([0, 1, 10, 11]) { engine, source in
            engine.run(through: at(5))
            engine.setClients([RequestClient(node: 2, number: 1)], of: source)
        }
        #expect(another == [0, 0, 1, 1])
        let again = pods([0, 1, 10, 11]) { engine, source in
            engine.run(through: at(5))
            engine.replaceClients(0..<1, with: [], of: source)
            engine.run(through: at(6))
            engine.setClients([RequestClient(node: 2, number: 0)], of: source)
        }
        #expect(again == [0, 0, 1, 1])
    }

    @Test("A user that goes on from another pod or node leaves its connections behind, and finds them when it is back")
    func userMoved() {
        let (here, there) = (RequestClient(node: 1, number: 1), RequestClient(node: 2, number: 2))
        var fixture = RequestFixture(pods: 3, serviceTime: constant(1), balancing: .roundRobin, nodes: 3)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(.closed(users: 1, thinkTime: constant(1000)), nodes: [2]) {
            $0.connections = .keepAlive(idle: .minutes(10))
        }
        fixture.engine.setClients([here], of: source)
        // The only user is with the first.
        for (second, clients) in [(3.5, [there, here]), (6.5, [here, there])] {
            fixture.engine.run(through: at(second))
            fixture.engine.setClients(clients, of: source)
        }
        fixture.engine.run(through: at(12))
        let outcomes = fixture.engine.takeOutcomes()
        let pods = [(0.0, 3.5), (3.5, 6.5), (6.5, 12)].map { from, until in
            Set(outcomes.filter { $0.started > at(from) && $0.started < at(until) }.map(\.pod))
        }
        #expect(pods == [[0], [1], [0]] && outcomes.count > 9, "\(pods)")
    }

    @Test("A connection through a node ends when that goes down, and is not there when it is back", arguments: [false, true])
    func reboot(isOutside: Bool) {
        let rebooted = pods([0, 1, 50, 51], fromOutside: isOutside) { engine, _ in
            engine.run(through: at(5))
            engine.setMachines([(2, false)])
            engine.run(through: at(40))
            engine.setMachines([(2, true)])
        }
        #expect(rebooted == [0, 0, 1, 1])
    }

    @Test("Users outside stay with the node where their connections come in; when it dies each breaks once, and comes in elsewhere")
    func entryDies() {
        var fixture = RequestFixture(pods: 1, capacity: PodCapacity(concurrency: 100), serviceTime: constant(1), nodes: 3)
        fixture.engine.recordsOutcomes = true
        let source = fixture.source(.closed(users: 100, thinkTime: constant(1000)), nodes: [1, 2]) {
            $0.connections = .keepAlive(idle: .minutes(10))
            $0.traffic = .toExternalAddressFromOutside
            $0.policy.timeout = .seconds(1)
        }
        fixture.engine.run(through: at(10.5))
        let before = fixture.engine.takeOutcomes()
        let through = before.suffix(100).count { $0.client == 2 }
        // As many at each of the two in each second: nobody changes.
        #expect(before.count == 1000 && before.count { $0.client == 2 } == 10 * through && (25...75).contains(through), "\(through)")
        fixture.engine.setMachines([(2, false)])
        fixture.engine.setClients([RequestClient(node: 1, number: 0)], of: source)
        fixture.engine.run(through: at(100))
        let after = fixture.engine.takeOutcomes()
        #expect(after.count { $0.result == .timedOut } == through)
        #expect(after.allSatisfy { $0.client == ($0.result == .succeeded ? 1 : 2) })
    }

    @Test("An answer is lost whose way out dies while it is awaited", arguments: [false, true])
    func answerLost(isLost: Bool) {
        var fixture = RequestFixture(pods: 1, serviceTime: constant(5000), nodes: 3)
        fixture.engine.recordsFailures = true
        let source = fixture.source(replay([1]), nodes: [2]) {
            $0.traffic = .toExternalAddressFromOutside
            $0.policy.timeout = .seconds(10)
        }
        fixture.engine.run(through: at(3))
        fixture.engine.setMachines([(isLost ? 2 : 1, false)])
        fixture.engine.run(through: at(100))
        #expect(fixture.engine.statistics(of: source).count(.succeeded) == (isLost ? 0 : 1))
        let failures = fixture.engine.takeFailures()
        #expect(failures.map(\.ended) == (isLost ? [at(11)] : []) && failures.allSatisfy { $0.site == FailureSite(pod: -1, client: 2) })
    }

    @Test("So is one that is on its way already, and the connection with it: the node does not know it when it is back")
    func answerOnItsWay() {
        var latencies = PodNetwork.Latencies()
        latencies.fromOutside = .milliseconds(20)
        var fixture = RequestFixture(pods: 1, serviceTime: constant(1), nodes: 3, latencies: latencies)
        let source = fixture.source(replay([1, 90]), nodes: [2]) {
            $0.connections = .keepAlive(idle: .minutes(10))
            $0.traffic = .toExternalAddressFromOutside
            $0.policy.timeout = .seconds(1)
        }
        fixture.engine.run(through: at(1.03))
        fixture.engine.setMachines([(2, false)])
        fixture.engine.run(through: at(60))
        fixture.engine.setMachines([(2, true)])
        fixture.engine.run(through: at(89))
        #expect(fixture.engine.statistics(of: source).count(.timedOut) == 1)
        #expect(fixture.engine.sources[Int(source)].kept.allSatisfy { $0.connections.isEmpty })
        fixture.engine.run(through: at(100))
        #expect(fixture.engine.statistics(of: source).count(.succeeded) == 1)
    }

    @Test("Pods keep the connections over which they call others, until they die", arguments: [false, true])
    func calls(dies: Bool) {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .roundRobin)
        let caller = fixture.engine.addPod(on: 0, capacity: PodCapacity())
        let front = fixture.engine.addPort(PortBehaviour(serviceTime: constant(1)))
        let name = ServicePortName(namespace: "shop", name: "front", port: "", transport: .tcp)
        let info = ServicePortInfo(name: name, clusterIP: "10.96.0.11", port: 80)
        fixture.engine.publish(info, endpoints: [fixture.endpoint(caller)], pods: [caller], for: front, at: .zero, isKnown: true)
        let call = fixture.source(.onDemand, name: "call", nodes: []) { $0.connections = .keepAlive(idle: .minutes(10)) }
        fixture.engine.setCalls(of: front, [[call]])
        let users = fixture.source(replay([0, 1, 2, 10, 11]), name: "users") { $0.port = front }
        fixture.engine.run(through: at(5))
        if dies {
            fixture.engine.setCondition(.stopped, of: caller)
            fixture.engine.setCondition(.serving, of: caller)
        }
        fixture.engine.run(through: at(100))
        #expect(fixture.engine.statistics(of: users).count(.succeeded) == 5)
        #expect(fixture.pods.map { fixture.engine.received(by: $0).attempts } == (dies ? [3, 2] : [5, 0]))
    }

    // MARK: IPVS counts them

    @Test(
        "IPVS' schedulers that count connections count those that are kept: new ones go where there are none",
        arguments: [IPVSScheduler.leastConnection, .weightedLeastConnection, .shortestExpectedDelay, .neverQueue])
    func counted(scheduler: IPVSScheduler) {
        var fixture = RequestFixture(
            pods: 8, capacity: PodCapacity(concurrency: 100), serviceTime: constant(1), balancing: .ipvs(scheduler))
        fixture.publish([0, 1, 2, 3], isKnown: true)
        fixture.engine.recordsOutcomes = true
        for (name, start) in [("old", 0.0), ("new", 60)] {
            _ = fixture.source(.closed(users: 40, thinkTime: .valid(try .exponential(mean: 1))), name: name) {
                $0.connections = .keepAlive(idle: .minutes(30))
                $0.start = at(start)
            }
        }
        fixture.engine.run(through: at(50))
        fixture.publish(Array(0..<8), at: at(50))
        fixture.engine.run(through: at(120))
        let outcomes = fixture.engine.takeOutcomes()
        #expect(Set(outcomes.filter { $0.source == 0 }.map(\.pod)) == [0, 1, 2, 3])
        #expect(Set(outcomes.filter { $0.source == 1 }.map(\.pod)) == [4, 5, 6, 7])
        #expect(outcomes.count > 3000 && outcomes.allSatisfy { $0.result == .succeeded })
    }

    @Test("A kept connection counts until it ends: at its time, with its pod, its client or the client's machine", arguments: 0..<5)
    func countsNoMore(end: Int) {
        var fixture = RequestFixture(pods: 2, serviceTime: constant(1), balancing: .ipvs(.shortestExpectedDelay), nodes: 2)
        fixture.engine.recordsOutcomes = true
        let keeping = fixture.source(replay([0]), name: "keeping") {
            $0.connections = .keepAlive(idle: end == 1 ? .seconds(5) : .minutes(10))
        }
        _ = fixture.source(replay([2, 20]), name: "others")
        fixture.engine.run(through: at(10))
        switch end {
        case 2:
            fixture.engine.setCondition(.stopped, of: 0)
            fixture.engine.setCondition(.serving, of: 0)
        case 3: fixture.engine.setClients([], of: keeping)
        case 4:
            fixture.engine.setMachines([(0, false)])
            fixture.engine.setMachines([(0, true)])
        default: break
        }
        fixture.engine.run(through: at(100))
        #expect(fixture.engine.takeOutcomes().map(\.pod) == [0, 1, end == 0 ? 1 : 0])
    }
}
