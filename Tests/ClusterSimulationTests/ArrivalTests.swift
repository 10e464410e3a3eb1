// Pods of a trace that arrive one after the other and stay: order, clones, impatience, and how much of them a cluster holds.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Arrivals")
struct ArrivalTests {
    /// Ten pods of one core each.
    private static let trace = (0..<10).map {
        TraceEntry(createAt: at(Double($0) * 100), deleteAt: at(5000), object: barePod("p-\($0)", cpu: 1000))
    }

    private static func entries(_ plan: ArrivalPlan, seed: UInt64 = 1, cores: Double = 20) -> [TraceEntry] {
        plan.entries(of: trace, capacity: { _ in cores }, seed: seed)
    }

    @Test("come at equal intervals in the order of the trace, and never leave")
    func inOrder() {
        let entries = ArrivalTests.entries(ArrivalPlan(interval: .seconds(2)))
        #expect(entries.map(\.createAt) == (1...10).map { at(Double($0) * 2) })
        #expect(entries.map(\.object.metadata.name) == ArrivalTests.trace.map(\.object.metadata.name))
        #expect(entries.allSatisfy { $0.deleteAt == nil && $0.giveUpAt == nil })
    }

    @Test("come in an order of the seed's own")
    func shuffled() {
        let plan = ArrivalPlan(interval: .seconds(1), isShuffled: true)
        func names(_ seed: UInt64) -> [String] { ArrivalTests.entries(plan, seed: seed).map(\.object.metadata.name) }
        #expect(names(1) == names(1))
        #expect(names(1) != names(2))
        #expect(names(1).sorted() == ArrivalTests.trace.map(\.object.metadata.name).sorted())
    }

    @Test("clones come last, until the demand exceeds its limit, under names of their own")
    func clones() {
        let plan = ArrivalPlan(interval: .seconds(1), clones: .init(resource: .cpu, upTo: 1.3))
        let entries = ArrivalTests.entries(plan)
        // 20 cores x 1.3 = 26: the 27th pod exceeds it.
        #expect(entries.count == 27)
        #expect(entries.prefix(10).map(\.object.metadata.name) == ArrivalTests.trace.map(\.object.metadata.name))
        #expect(entries.dropFirst(10).allSatisfy { $0.object.metadata.name.contains("-clone-") })
        #expect(Set(entries.map(\.object.metadata.name)).count == 27)
        #expect(ArrivalTests.entries(plan, cores: 5).count == 10)
    }

    /// Two nodes of four cores, to which pods of three, three and two cores come: the last finds no room.
    private static func cluster(patience: SimulatedDuration?) throws -> Cluster {
        var configuration = ClusterConfiguration()
        configuration.nodes = [machine("a"), machine("b")]
        configuration.trace = [("p", 3000), ("q", 3000), ("r", 2000), ("s", 1000)].map { name, cpu in
            TraceEntry(createAt: .zero, deleteAt: nil, object: barePod(name, cpu: cpu))
        }
        configuration.arrivals = ArrivalPlan(interval: .seconds(10), patience: patience)
        configuration.recording.allocations = [AllocationMeasure(resource: .cpu, points: [38, 75, 100, 112, 50])]
        var cluster = try Cluster(configuration)
        cluster.run(until: at(60))
        return cluster
    }

    @Test("a pod that has no node in time is given up; without a limit it waits")
    func patience() throws {
        let impatient = try ArrivalTests.cluster(patience: .seconds(5))
        #expect(impatient.pods.map(\.metadata.name).sorted() == ["p", "q", "s"])
        let record = try #require(impatient.record.pods.first { $0.name.name == "r" })
        #expect(record.deletionRequested.map { $0 >= at(35) && $0 < at(36) } == true)
        let patient = try ArrivalTests.cluster(patience: nil)
        #expect(patient.pods.count == 4)
    }

    @Test("the allocation curve holds what is placed against what arrived")
    func curve() throws {
        var cluster = try ArrivalTests.cluster(patience: .seconds(5))
        let curve = try #require(cluster.finish().allocations.first)
        #expect(curve.points.map(\.arrived) == [3, 6, 8, 9])
        #expect(curve.points.map(\.allocated) == [3, 6, 6, 7])
        #expect(curve.points.map(\.capacity) == [8, 8, 8, 8])
        // 37.5 % rounds to 38, 112.5 % to 112: halves go to the even number.
        #expect(curve.allocated(atPercent: 38) == 37.5)
        #expect(curve.allocated(atPercent: 100) == 75)
        #expect(curve.allocated(atPercent: 112) == 87.5)
        #expect(curve.allocated(atPercent: 50) == nil)
    }
}
