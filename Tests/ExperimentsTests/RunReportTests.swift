// The report says what a person needs, in words that hold for the case at hand.

import APIServer
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments

private func report(_ record: RunRecord) -> String {
    let end = SimulatedTime.zero + .seconds(30)
    return RunReport(
        RunOutcome(scenario: scenario(), end: end, record: record, summary: RunSummary(record, end: end), expectations: [])
    ).description
}

@Suite("Run report")
struct RunReportTests {
    @Test("The first and the last node noticed are told apart, where they differ")
    func detection() {
        let text = report(awkwardRecord())
        #expect(text.contains("zone/b: the first node is NotReady (+46s)"), "\(text)")
        #expect(text.contains("zone/b: all 2 nodes are NotReady (+48s)"))
        #expect(text.contains("+46s..48s"))
        var record = awkwardRecord()
        record.recoveries[0].firstDetected = record.recoveries[0].detected
        #expect(!report(record).contains("the first node"))
        #expect(!report(record).contains(".."))
    }

    @Test("One node loses its kubelet, and one restart is one restart")
    func one() {
        var record = awkwardRecord()
        record.recoveries[0].nodes = 1
        record.recoveries[0].nodesHit = 1
        record.recoveries[0].effect = .kubeletStop
        record.pods[0].restarts = 1
        let text = report(record)
        #expect(text.contains("1 node loses its kubelet"), "\(text)")
        #expect(text.contains("1 restart\n"))
    }

    @Test("What hits nodes that are down already, or none, says so")
    func downAlready() {
        var record = awkwardRecord()
        record.recoveries[0].nodesHit = 3
        #expect(report(record).contains("FAULT zone/b: 2 nodes fail, 3 pods to be replaced on them (and 1 that nobody replaces); 1 more"))
        (record.recoveries[0].nodes, record.recoveries[0].affectedPods) = (0, 0)
        #expect(report(record).contains("FAULT zone/b: 3 nodes fail, and were down already"), "\(report(record))")
        record.recoveries[0].returned = .zero + .seconds(20)
        #expect(!report(record).contains("come back"))
        record.recoveries[0].nodesHit = 0
        #expect(report(record).contains("FAULT zone/b: hits no node"))
    }

    @Test("Nodes come back all or in part, noticed or not")
    func homecoming() {
        var record = awkwardRecord()
        record.recoveries[0].returned = .zero + .seconds(20)
        record.recoveries[0].nodesBack = 1
        #expect(report(record).contains("zone/b: 1 of its 2 nodes is back, the rest is gone for good (+16s)"), "\(report(record))")
        record.recoveries[0].nodesBack = 2
        #expect(report(record).contains("zone/b: the nodes come back (+16s)"))
        (record.recoveries[0].firstDetected, record.recoveries[0].detected) = (nil, nil)
        record.recoveries[0].unnoticedNodes = 2
        #expect(report(record).contains("zone/b: the nodes come back before anybody noticed (+16s)"))
        #expect(report(record).contains("  never  "))
    }

    @Test("Where nothing became ready there are no figures about it")
    func nothingStarted() {
        var record = awkwardRecord()
        for index in record.pods.indices { record.pods[index].ready = nil }
        #expect(report(record).contains("no pod became ready"))
    }

    @Test("Failed pods that were deleted for their controller to replace are told from damage")
    func failed() {
        var record = awkwardRecord()
        record.pods[0].phase = .failed
        record.pods[0].deletionRequested = .zero + .seconds(10)
        #expect(report(record).contains("1 failed (1 of them"))
    }

    @Test("Warnings are listed by reason with an example, but for nodes that are not ready")
    func problems() {
        var record = awkwardRecord()
        func warn(_ reason: String, _ message: String) {
            let event = KubernetesEvent(
                about: "ReplicaSet", NamespacedName(namespace: "shop", name: "web-1"), uid: UID("u"), reason: reason, message: message,
                severity: .warning, source: "replicaset-controller")
            record.events.append((.zero + .seconds(9), Shared(event)))
        }
        #expect(report(record).contains("Problems\n  1 x FailedScheduling, for example Pod shop/c: no, \"none\""))
        for _ in 1...3 { warn("FailedCreate", "no PriorityClass with name gold was found") }
        warn("NodeNotReady", "Node is not ready")
        let text = report(record)
        #expect(
            text.contains("  3 x FailedCreate, for example ReplicaSet shop/web-1: no PriorityClass with name gold was found\n"), "\(text)")
        #expect(!text.contains("NodeNotReady"))
    }

    @Test(
        "Numbers have four significant digits at most, and none that say nothing",
        arguments: [
            (0.0062, "0.0062"), (0.0000065, "0.0000065"), (0.000148, "0.000148"), (12.5, "12.5"), (0.45, "0.45"), (98765.4, "98765"),
            (3, "3"), (-0.12344, "-0.1234"), (1.3e-10, "1.300e-10"), (0.99999, "1"),
        ])
    func numbers(value: Double, text: String) { #expect(Presentation.number(value) == text) }
}

@Suite("Runs from a snapshot")
struct SnapshotRunTests {
    private static let dump = """
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: Node
          metadata: {name: n-0, labels: {kubernetes.io/hostname: n-0}}
          status:
            allocatable: {cpu: "4", memory: 8Gi, pods: "110"}
            conditions: [{type: Ready, status: "True", lastHeartbeatTime: "2026-03-01T10:00:00Z", lastTransitionTime: "2026-03-01T08:00:00Z"}]
        - apiVersion: v1
          kind: Pod
          metadata: {name: told, namespace: default, uid: a, creationTimestamp: "2026-03-01T09:00:00Z"}
          spec: {nodeName: n-0, containers: [{name: c, image: i}]}
          status:
            phase: Running
            startTime: "2026-03-01T09:00:10Z"
            conditions:
            - {type: PodScheduled, status: "True", lastTransitionTime: "2026-03-01T09:00:10Z"}
            - {type: Ready, status: "True", lastTransitionTime: "2026-03-01T09:00:30Z"}
            containerStatuses:
            - {name: c, image: i, imageID: i, ready: true, restartCount: 0, state: {running: {startedAt: "2026-03-01T09:00:20Z"}}}
        - apiVersion: v1
          kind: Pod
          metadata: {name: waiting, namespace: default, uid: b, creationTimestamp: "2026-03-01T10:00:00Z"}
          spec: {schedulerName: default-scheduler, containers: [{name: c, image: i}]}
          status: {phase: Pending}

        """

    @Test("Pods that came with the dump have the times of their status, and are counted apart")
    func times() throws {
        let folder = try TemporaryFolder(["dump.yaml": SnapshotRunTests.dump])
        try folder.write(
            "scenario.yaml",
            "apiVersion: seatrial.dev/v1alpha1\nkind: Scenario\nmetadata: {name: test}\nspec: {duration: 1m, cluster: {snapshot: dump.yaml}}\n"
        )
        let outcome = try ScenarioFile.load(folder["scenario.yaml"]).run()
        let told = try #require(outcome.record.pods.first { $0.name.name == "told" })
        #expect(told.isFromSnapshot)
        #expect(told.created == .zero - .hours(1))
        #expect(told.scheduled == told.created + .seconds(10))
        #expect(told.started == told.created + .seconds(20))
        #expect(told.ready == told.created + .seconds(30))
        let waiting = try #require(outcome.record.pods.first { $0.name.name == "waiting" })
        #expect(waiting.isFromSnapshot && waiting.scheduled.map { $0 > .zero } == true && waiting.ready != nil)
        #expect(outcome.summary["pods_from_snapshot"] == 2)
        #expect(outcome.summary["pods_created"] == 0)
        #expect(outcome.summary["pods_scheduled"] == 1)
        #expect(outcome.summary["pods_unscheduled_peak"] == 1)
        #expect(RunReport(outcome).description.contains("2 from the snapshot, 0 created, 1 scheduled"))
    }
}
