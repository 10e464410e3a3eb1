// Failures that are short, and failures that overlap: what recoveries.csv says of each.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("Short and overlapping failures")
struct OverlapTests {
    /// A shop whose containers take 20 s to start, with these faults; run to 900 s.
    private func recoveries(
        _ faults: [Fault], nodesPerZone: Int = 2, _ change: (inout ClusterConfiguration) -> Void = { _ in }
    ) throws -> [RecoveryRecord] {
        var cluster = try shop(nodesPerZone: nodesPerZone) {
            $0.defaultBehaviour.start = .constant(.seconds(20))
            $0.faults = faults
            change(&$0)
        }
        cluster.run(until: at(900))
        return cluster.finish().recoveries
    }

    private func fault(_ node: String, _ effect: Fault.Effect = .crash, at time: Double, down: Double?) -> Fault {
        Fault(nodes: .node(node), effect: effect, schedule: .once(at: at(time), down: down.map { SimulatedDuration(seconds: $0) }))
    }

    @Test("A crash that nobody notices is over when the containers run again, not when the node does")
    func shortCrash() throws {
        let failure = try #require(try recoveries([fault("b-0", at: 60, down: 20)]).first)
        #expect(failure.affectedPods == 1 && failure.evictedPods == 0)
        #expect(failure.returned == at(80) && failure.detected == nil && failure.firstDetected == nil && failure.unnoticedNodes == 1)
        let recovered = try #require(failure.recovered)
        #expect(recovered > at(100) && recovered < at(105), "\(recovered)")
    }

    @Test("A kubelet that stops and comes back takes nothing: its containers ran on")
    func shortStop() throws {
        let failure = try #require(try recoveries([fault("b-0", .kubeletStop, at: 60, down: 20)]).first)
        #expect(failure.recovered == at(80) && failure.returned == at(80))
    }

    @Test("What an earlier failure left unnoticed is not noticed by what a later one does")
    func unnoticed() throws {
        let failures = try recoveries([fault("b-0", at: 60, down: 10), fault("b-0", at: 75, down: 100)])
        #expect(failures[0].detected == nil && failures[0].returned == at(70))
        #expect(try #require(failures[1].timeToDetection) > .seconds(30))
    }

    @Test("A node is back when the last failure that holds it is over, for all of them")
    func held() throws {
        let failures = try recoveries([fault("b-0", at: 60, down: 100), fault("b-0", .partition, at: 90, down: 300)])
        #expect(failures.map(\.nodes) == [1, 0] && failures.map(\.nodesHit) == [1, 1])
        #expect(failures.map(\.returned) == [at(390), at(390)])
        #expect(failures[1].affectedPods == 0 && failures[1].detected == nil && failures[1].recovered == at(90))
    }

    @Test("Of nodes that are taken back for good while they are down, none is waited for")
    func takenBack() throws {
        let taken = Reclamation(notice: .seconds(30))
        let zone = Fault(nodes: .zone("b"), schedule: .once(at: at(60), down: .seconds(300)))
        let failures = try recoveries([zone, fault("b-0", .reclamation(taken), at: 100, down: nil)])
        #expect(failures[0].nodes == 2 && failures[0].nodesBack == 1 && failures[0].returned == at(360))
        // The machine was lost before: the crash has the harm.
        #expect(failures[1].nodes == 0 && failures[1].affectedPods == 0 && failures[1].evictedPods == 0)
        #expect(failures[0].affectedPods == 2 && failures[0].evictedPods == 1)
    }

    @Test("A machine that dies between its notice and its end takes its pods then, and the end takes nothing more")
    func diesAfterNotice() throws {
        let taken = Reclamation(notice: .minutes(2), isHandled: false)
        let failures = try recoveries([fault("b-0", .reclamation(taken), at: 60, down: nil), fault("b-0", at: 90, down: nil)])
        #expect(failures.map(\.affectedPods) == [0, 1] && failures.map(\.nodes) == [0, 1])
        #expect(failures.map(\.evictedPods) == [0, 1] && failures[0].detected == nil)
        #expect(try #require(failures[1].timeToDetection) > .zero)
    }

    @Test("A pod that comes to a machine after its notice goes with it")
    func comesAfterNotice() throws {
        let taken = Reclamation(notice: .minutes(2), isHandled: false)
        let failures = try recoveries([fault("b-0", .reclamation(taken), at: 60, down: nil)], nodesPerZone: 1) {
            $0.timeline = [TimelineEntry(at: at(70), action: .scale(ObjectKey(.deployment, name("web")), replicas: 12))]
        }
        #expect(failures[0].affectedPods == 4 && failures[0].evictedPods == 4)
        #expect(try #require(failures[0].recovered) > at(180))
    }

    @Test("A node that reboots for maintenance is down already")
    func inMaintenance() throws {
        let failures = try recoveries([fault("b-0", at: 150, down: 10)]) {
            $0.timeline = [TimelineEntry(at: at(60), action: .maintain(MaintenancePlan(nodes: .node("b-0"), reboot: .minutes(3))))]
        }
        #expect(failures[0].nodes == 0 && failures[0].nodesHit == 1 && failures[0].affectedPods == 0 && failures[0].detected == nil)
        #expect(try #require(failures[0].returned) > at(240))
    }

    @Test("A crash in an outage of the API server is one of a node that was up")
    func inOutage() throws {
        let failures = try recoveries([fault("b-0", at: 70, down: 5)]) {
            $0.apiServerFaults = [APIServerFault(.outage, at: at(60), down: .seconds(30))]
        }
        #expect(failures[0].nodes == 1 && failures[0].affectedPods == 1)
        // The kubelet hears of its pods, and starts them, when the server is back.
        #expect(try #require(failures[0].recovered) > at(110))
    }

    @Test("Each of two failures is over when what it took is replaced, whatever the other one takes meanwhile")
    func apart() throws {
        let failures = try recoveries([fault("b-0", at: 60, down: nil), fault("c-0", at: 300, down: nil)])
        let alone = try #require(try recoveries([fault("b-0", at: 60, down: nil)]).first)
        #expect(failures.map(\.evictedPods) == [1, 1])
        #expect(failures[0].recovered == alone.recovered && failures[0].replaced == alone.replaced)
        #expect(try #require(failures[1].recovered) > at(600))
    }
}
