// The cluster is a value: equal runs are equal, copies are independent, and looking on changes nothing.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite("A run is a function of its configuration")
struct DeterminismTests {
    /// A busy quarter of an hour: a rollout, a scale-up beyond what fits, crash loops, two failures, a drain, new nodes.
    static func busy(seed: UInt64 = 7, _ change: (inout ClusterConfiguration) -> Void = { _ in }) throws -> Cluster {
        try shop(seed: seed, nodesPerZone: 3, replicas: 12) { configuration in
            configuration.objects += [deployment("flaky", replicas: 4, cpu: 250), deployment("big", replicas: 5, cpu: 3000)]
            var flaky = WorkloadBehaviour()
            flaky.crash = try? .exponential(mean: 20)
            configuration.behaviours = [BehaviourRule(selector: LabelSelector(matchLabels: ["app": "flaky"]), behaviour: flaky)]
            if let start = try? Distribution.lognormal(mean: 3, quantile: 12, at: 0.99) { configuration.defaultBehaviour.start = start }
            configuration.timeline = [
                TimelineEntry(at: at(20), action: .setImage(ObjectKey(.deployment, name("web")), container: "main", image: "web:2")),
                TimelineEntry(at: at(24), action: .scale(ObjectKey(.deployment, name("big")), replicas: 9)),
                TimelineEntry(at: at(200), action: .drain(.node("c-1"))),
                TimelineEntry(at: at(400), action: .addNodes([machine("d-0", zone: "d"), machine("d-1", zone: "d")])),
                TimelineEntry(at: at(600), action: .rolloutUndo(ObjectKey(.deployment, name("web")), toRevision: nil)),
            ]
            configuration.faults = [
                Fault(nodes: .zone("b"), schedule: .once(at: at(60), down: .seconds(500))),
                Fault(nodes: .node("a-0"), effect: .kubeletStop, schedule: .once(at: at(100), down: .seconds(120))),
            ]
            change(&configuration)
        }
    }

    @Test("Events are plain values: the queue counts no references")
    func plainEvents() { #expect(_isPOD(ClusterEvent.self)) }

    static func finished(_ cluster: Cluster) -> RunRecord {
        var cluster = cluster
        cluster.run(until: at(900))
        return cluster.finish()
    }

    @Test("The same configuration twice gives the same record, another seed another one")
    func repeats() throws {
        let first = DeterminismTests.finished(try DeterminismTests.busy())
        let second = DeterminismTests.finished(try DeterminismTests.busy())
        #expect(first.lines == second.lines)
        #expect(first.watchedTheSame(as: second))
        #expect(first.watchLog.count > 500)
        let other = DeterminismTests.finished(try DeterminismTests.busy(seed: 8))
        #expect(other.lines != first.lines)
    }

    @Test("Recording less changes nothing but the record")
    func recordingIsPassive() throws {
        let full = DeterminismTests.finished(try DeterminismTests.busy())
        let lean = DeterminismTests.finished(
            try DeterminismTests.busy {
                $0.recording.watchLog = false
                $0.recording.events = false
                $0.recording.schedulingAttempts = false
                $0.recording.interval = nil
            })
        #expect(lean.watchLog.isEmpty && lean.events.isEmpty && lean.attempts.isEmpty && lean.samples.count <= 2)
        #expect(full.pods.map { "\($0)" } == lean.pods.map { "\($0)" })
        #expect(full.recoveries.map { "\($0)" } == lean.recoveries.map { "\($0)" })
        #expect(full.availability.map { "\($0)" } == lean.availability.map { "\($0)" })
    }

    @Test("A fork goes on exactly as the original", arguments: [0.005, 1.5, 20.03, 61, 117.5, 200.3, 415, 601.1])
    func forks(seconds: Double) throws {
        var original = try DeterminismTests.busy()
        original.run(until: at(seconds))
        var fork = original
        // One after the other, so that the second begins when the first has changed all it wants.
        fork.run(until: at(900))
        original.run(until: at(900))
        let (one, other) = (original.finish(), fork.finish())
        #expect(one.watchedTheSame(as: other))
        #expect(one.lines == other.lines)
    }

    @Test("What is done to a fork leaves the original alone", arguments: [1.5, 61, 250])
    func forksAreIndependent(seconds: Double) throws {
        let expected = DeterminismTests.finished(try DeterminismTests.busy())
        var original = try DeterminismTests.busy()
        original.run(until: at(seconds))
        var fork = original
        fork.ask(.operate(ObjectKey(.deployment, name("web")), .scale(2)))
        fork.ask(.delete(ObjectKey(.deployment, name("big")), .init()))
        fork.run(until: at(900))
        #expect(fork.deployment("web")?.spec.replicas == 2)
        #expect(fork.deployment("big") == nil)
        original.run(until: at(900))
        #expect(original.finish().lines == expected.lines)
    }

    @Test("Stopping in between makes no difference")
    func steps() throws {
        let whole = DeterminismTests.finished(try DeterminismTests.busy())
        var cluster = try DeterminismTests.busy()
        for step in 1...300 { cluster.run(until: at(Double(step) * 3)) }
        #expect(cluster.finish().lines == whole.lines)
    }
}
