// Failed requests are booked to failures in between: a run keeps few of them, and what each failure lost is the same however often that is done.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation

@Suite("Booking of lost requests")
struct LostRequestBookingTests {
    /// Users of the Deployment `web` in two zones, one of which fails, and of a Service that has no endpoints.
    private func cluster(interval: SimulatedDuration?) throws -> Cluster {
        try shop {
            for (service, app) in [("web", "web"), ("empty", "nobody")] {
                var object = Service(metadata: ObjectMeta(name: service, namespace: "shop"))
                object.selector = ["app": app]
                object.ports = [ServicePort(port: 80)]
                $0.objects.append(APIObject(object))
            }
            $0.recording.interval = interval
            $0.faults = [Fault(nodes: .zone("b"), schedule: .once(at: at(100), down: .minutes(2)))]
            var traffic = TrafficConfiguration()
            traffic.sources = [("web", 50.0), ("empty", 200)].map { service, rate in
                var source = TrafficSource(name: service, target: TrafficTarget(service: name(service)), arrivals: .poisson(rate: rate))
                source.policy.timeout = .seconds(1)
                source.start = at(60)
                return source
            }
            $0.traffic = traffic
        }
    }

    @Test("A run without samples does not keep all failed requests until its end, and tells what one with samples does")
    func withoutSamples() throws {
        var (plain, sampled) = (try cluster(interval: nil), try cluster(interval: .seconds(5)))
        var kept = 0
        for second in 1...300 {
            plain.run(until: at(Double(second)))
            kept = max(kept, plain.traffic?.engine.failureCount ?? 0)
        }
        sampled.run(until: at(300))
        let (record, other) = (plain.finish(), sampled.finish())
        let failures = try #require(record.traffic).sources[1].failures
        // They are booked at events of the cluster, which are more than a minute apart when all is quiet.
        #expect(failures > 40_000 && kept < Int(failures) / 2, "\(kept) of \(failures)")
        #expect(record.recoveries.count == 1)
        #expect(record.recoveries.map(\.lost) == other.recoveries.map(\.lost) && record.recoveries[0].lost.requests > 100)
    }

    @Test("Whatever is booked together: machines that never return lose what fails at them for ever, others until all is well")
    func together() {
        func failure(_ node: NodeNumber, recovered: Double?, returned: Double?) -> RecoveryRecord {
            var row = RecoveryRecord(
                subject: "node", effect: .crash, nodes: 1, failed: at(100), affectedPods: 0, otherPods: 0, evictedPods: 0,
                recovered: recovered.map { at($0) }, returned: returned.map { at($0) })
            row.reach = FailureReach(nodes: [node], sources: [0])
            return row
        }
        let rows = [
            failure(1, recovered: 200, returned: 300), failure(2, recovered: 200, returned: nil), failure(3, recovered: nil, returned: nil),
        ]
        let requests = [90.0, 150, 250, 400].flatMap { sent in
            [-1, 1, 2, 3, 4].map { (node: NodeNumber) in
                FailedRequest(source: 0, started: at(sent), ended: at(sent + 5), site: FailureSite(pod: node))
            }
        }
        var (one, all) = (rows, rows)
        for request in requests { one.book([request]) }
        all.book(requests)
        // Nobody's at 150, at its machine at 150 and 250; the same and at 400; and nobody's at 250 and 400.
        #expect(all.map(\.lost.requests) == [3, 4, 6])
        #expect(one.map(\.lost) == all.map(\.lost))
    }
}
