// Requests through the Services of a cluster that heals.

import APIServer
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation

@Suite("Traffic")
struct TrafficTests {
    private static let service: APIObject = {
        var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"), selector: ["app": "web"])
        service.ports = [ServicePort(port: 80)]
        return APIObject(service)
    }()

    /// Six pods behind a Service, one hundred requests a second from the nodes of zone a.
    private func cluster(
        rate: Double = 100, timeout: SimulatedDuration? = .seconds(1), _ change: (inout ClusterConfiguration) -> Void = { _ in }
    )
        throws -> Cluster
    {
        try shop {
            $0.objects.append(TrafficTests.service)
            let target = TrafficTarget(service: name("web"))
            var source = TrafficSource(name: "users", target: target, arrivals: .poisson(rate: rate))
            source.origin = .nodes(.zone("a"))
            source.policy.timeout = timeout
            source.start = at(30)
            var behaviour = ServiceBehaviour(target, serviceTime: .constant(.milliseconds(10)))
            behaviour.capacity = PodCapacity(concurrency: 8)
            var traffic = TrafficConfiguration()
            traffic.sources = [source]
            traffic.services = [behaviour]
            $0.traffic = traffic
            change(&$0)
        }
    }

    private func failures(_ record: TrafficRecord, _ from: Int, _ until: Int) -> UInt64 {
        record.failures(from: at(Double(from)), until: at(Double(until))).requests
    }

    @Test("A kube-proxy that hears nothing although its node is in reach is found out at the next change of endpoints")
    func deafProxy() throws {
        var cluster = try cluster { $0.checksInvariants = true }
        cluster.run(until: at(60))
        let now = cluster.now
        cluster.traffic?.cutProxy(of: 1, at: now)
        cluster.run(until: at(100))
        #expect(cluster.violation == nil)
        cluster.ask(.delete(ObjectKey(.pod, cluster.pods[0].metadata.key), DeleteOptions()))
        cluster.run(until: at(200))
        #expect(cluster.violation?.invariant == .cachesCurrent && cluster.violation?.detail.hasPrefix("the kube-proxy of") == true)
    }

    @Test("in a healthy cluster every request is answered, by every pod alike, after the way there and back and the service")
    func healthy() throws {
        var cluster = try cluster()
        cluster.run(until: at(330))
        let record = try #require(cluster.finish().traffic)
        let source = record.sources[0]
        #expect((28_000...32_000).contains(source.count(.succeeded)) && source.failures == 0)
        #expect(record.pods.count == 6)
        let mean = Double(source.sent) / 6
        #expect(record.pods.allSatisfy { abs(Double($0.received) - mean) < 5 * mean.squareRoot() })
        // 10 ms of service; at least 50 us each way, at most 750 us.
        let quantiles = [0.01, 0.99].map { source.latency.quantile(at: $0) }
        #expect(quantiles[0] >= 0.0100 && quantiles[1] <= 0.0118, "\(quantiles)")
        #expect(record.intervals.filter { $0.begin >= at(40) }.allSatisfy { $0.readyEndpoints == 6 && $0.terminatingEndpoints == 0 })
    }

    @Test("a Service without endpoints refuses at once")
    func noEndpoints() throws {
        var cluster = try cluster { $0.objects.removeFirst() }
        cluster.run(until: at(60))
        let record = try #require(cluster.finish().traffic)
        #expect(record.sources[0].count(.refused) > 2_000 && record.sources[0].count(.succeeded) == 0)
    }

    @Test("requests to a dead machine's pods time out until the node is known to be lost, and no longer")
    func machineDies() throws {
        var cluster = try cluster { $0.faults = [Fault(nodes: .node("b-0"), schedule: .once(at: at(120), down: nil))] }
        cluster.run(until: at(119))
        let lost = Double(cluster.pods(onNode: "b-0").count) / 6
        #expect(lost > 0)
        cluster.run(until: at(400))
        let record = try #require(cluster.finish().traffic)
        let notReady = try #require(cluster.time(Node.self) { $0.metadata.name == "b-0" && !$0.isReady })
        #expect((160...176).contains(notReady.seconds))
        #expect(failures(record, 30, 120) == 0)
        let during = failures(record, 120, Int(notReady.seconds))
        let expected = 100 * (notReady.seconds - 120) * lost
        #expect(abs(Double(during) - expected) < 6 * expected.squareRoot(), "\(during) of \(expected)")
        #expect(record.sources[0].count(.timedOut) == record.sources[0].failures)
        // The endpoints go when the pods are marked, kube-proxy writes rules once a second, and a request waits for a second.
        #expect(failures(record, Int(notReady.seconds) + 4, 400) == 0)
        let row = try #require(cluster.record.recoveries.first)
        #expect(cluster.finish().requestsLost(in: row)?.requests ?? 0 >= during)
    }

    @Test("a pod that stops refuses those who have not heard of it; one that waits before it stops loses none")
    func rollout() throws {
        func lost(waiting: Bool) throws -> UInt64 {
            var cluster = try cluster(rate: 400) {
                $0.objects[0] = deployment("web", replicas: 6) { spec in
                    guard waiting else { return }
                    spec.containers[0].lifecycle = Lifecycle(preStop: .sleep(seconds: 5))
                }
                $0.defaultBehaviour.stop = .constant(.milliseconds(500))
                let image = OperatorAction.setImage(ObjectKey(.deployment, name("web")), container: "main", image: "web:2")
                $0.timeline = [TimelineEntry(at: at(120), action: image)]
            }
            cluster.run(until: at(300))
            let record = try #require(cluster.finish().traffic)
            #expect(failures(record, 30, 120) == 0 && failures(record, 240, 300) == 0)
            #expect(record.pods.count == 12)
            return failures(record, 120, 240)
        }
        #expect(try lost(waiting: false) > 20)
        #expect(try lost(waiting: true) == 0)
    }

    @Test("clients whose machines are all down send nothing, and go on when they are back")
    func clientsDie() throws {
        var cluster = try cluster { $0.faults = [Fault(nodes: .zone("a"), schedule: .once(at: at(120), down: .seconds(60)))] }
        cluster.run(until: at(300))
        let ended = try #require(cluster.finish().traffic).sources[0].ended
        #expect(ended[100..<118].allSatisfy { $0 > 50 })
        // What was under way has ended after the time-out of a second.
        #expect(ended[122..<179].allSatisfy { $0 == 0 })
        #expect(ended[181..<299].allSatisfy { $0 > 50 })
    }

    @Test("a fork's requests go on as those of the original, and a run's are those of the run before")
    func forks() throws {
        func totals(_ cluster: Cluster) -> [UInt64] {
            var cluster = cluster
            return cluster.finish().traffic.map { $0.sources[0].results + $0.pods.map(\.received) } ?? []
        }
        func make() throws -> Cluster {
            try cluster { $0.faults = [Fault(nodes: .node("b-0"), schedule: .once(at: at(120), down: .seconds(100)))] }
        }
        var one = try make()
        one.run(until: at(150))
        var fork = one
        one.run(until: at(300))
        fork.run(until: at(300))
        var other = try make()
        other.run(until: at(300))
        #expect(totals(one) == totals(fork) && totals(one) == totals(other) && totals(one).contains { $0 > 1000 })
    }
}
