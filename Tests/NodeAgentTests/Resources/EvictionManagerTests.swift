// What a kubelet makes of what it sees: grace periods, reclaims, conditions, and who goes first.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Eviction manager")
struct EvictionManagerTests {
    private func pass(_ manager: inout EvictionManager, _ settings: EvictionSettings, memory available: Int64, at time: Double) -> [Int] {
        manager.synchronize(
            { $0 == .memoryAvailable ? SignalObservation(available: available, capacity: 1000) : nil }, settings, at: seconds(time))
    }

    @Test("a soft threshold acts when it has been met for its grace period, and forgets when it was not")
    func softThreshold() {
        var settings = EvictionSettings()
        settings.thresholds = [EvictionThreshold(.memoryAvailable, .share(0.2), gracePeriod: .seconds(25))]
        var manager = EvictionManager()
        let seen = [(0, 300), (10, 100), (20, 100), (30, 250), (40, 100), (50, 199), (60, 199), (70, 199), (80, 200)] as [(Double, Int64)]
        let acting = seen.map { pass(&manager, settings, memory: $0.1, at: $0.0) }
        // 65 s is between two passes.
        #expect(acting == [[], [], [], [], [], [], [], [0], []])
        #expect(manager.conditions == [.memoryPressure])
    }

    @Test("until the minimum is reclaimed a threshold stays met")
    func minimumReclaim() {
        var settings = EvictionSettings()
        settings.thresholds = [EvictionThreshold(.memoryAvailable, .quantity(100), minimumReclaim: .quantity(50))]
        var manager = EvictionManager()
        let acting = [120, 99, 100, 149, 150, 149].enumerated().map { pass(&manager, settings, memory: $1, at: Double($0) * 10) }
        #expect(acting == [[], [0], [0], [0], [], []])
    }

    @Test("a condition outlives the pressure by the transition period")
    func transition() {
        var settings = EvictionSettings()
        settings.pressureTransitionPeriod = .seconds(30)
        var manager = EvictionManager()
        _ = pass(&manager, settings, memory: 0, at: 10)
        _ = pass(&manager, settings, memory: 0, at: 20)
        #expect(manager.isPressed && manager.relief(settings) == seconds(50))
        _ = pass(&manager, settings, memory: 1 << 40, at: 30)
        #expect(!manager.isPressed && manager.conditions == [.memoryPressure])
        _ = pass(&manager, settings, memory: 1 << 40, at: 49)
        #expect(manager.conditions == [.memoryPressure])
        _ = pass(&manager, settings, memory: 1 << 40, at: 50)
        #expect(manager.conditions.isEmpty && manager.relief(settings) == .distantFuture)
    }

    @Test("memory comes before disk, and percentages have the kubelet's precision")
    func order() {
        var manager = EvictionManager()
        var settings = EvictionSettings()
        settings.thresholds.reverse()
        let acting = manager.synchronize({ _ in SignalObservation(available: 0, capacity: 100 << 30) }, settings, at: .zero)
        #expect(acting == [4, 0, 1, 2, 3])
        #expect(manager.conditions == [.memoryPressure, .diskPressure])
        #expect(EvictionThreshold.Amount.share(10 / 100).of(105_111_183_360) == 10_511_118_492)
    }

    @Test("amounts beyond all numbers are as much as there can be")
    func absurdAmounts() {
        #expect(Int64(saturating: 1e30) == .max && Int64(saturating: -.infinity) == .min && Int64(saturating: .nan) == 0)
        #expect(Int64(saturating: 4095.9) == 4095 && Int64(saturating: 9_223_372_036_854_775_807) == .max)
        #expect(Int64.max.addingSaturated(1) == .max && Int64.min.addingSaturated(-1) == .min && Int64(2).addingSaturated(3) == 5)
        #expect(Int64.max.multipliedSaturated(by: 2) == .max && Int64.max.multipliedSaturated(by: -2) == .min)
        var load = OutsideLoad()
        load.memory = .max
        #expect((load + load).memory == .max)
    }

    // MARK: Ranking

    /// The kubelet's comparisons one after another, as its source has them.
    private func goesBefore(_ one: EvictionCandidate, _ other: EvictionCandidate, _ ranking: EvictionRanking) -> Int {
        func compare<Value: Comparable>(_ left: Value, _ right: Value) -> Int { left < right ? -1 : left > right ? 1 : 0 }
        func compare(_ left: Bool, _ right: Bool) -> Int { left == right ? 0 : left ? -1 : 1 }
        let known = one.usage != nil && other.usage != nil
        let (missing, otherMissing) = (one.usage == nil, other.usage == nil)
        if ranking != .priorityThenUsage {
            // Nobody requests inodes.
            func isOver(_ pod: EvictionCandidate) -> Bool { (pod.usage ?? 0) > (ranking == .inodes ? 0 : pod.request) }
            let exceeds = known ? compare(isOver(one), isOver(other)) : compare(missing, otherMissing)
            if exceeds != 0 { return exceeds }
        }
        let priority = compare(one.priority, other.priority)
        if priority != 0 { return priority }
        guard known else { return compare(missing, otherMissing) }
        return compare((other.usage ?? 0) - other.request, (one.usage ?? 0) - one.request)
    }

    @Test("the order of eviction is the one of the kubelet's comparisons", arguments: 0..<200)
    func ranking(number: Int) {
        var stream = RandomStream(seed: 5, purpose: RandomPurpose("test ranking"), owner: UInt64(number))
        let ranking = [EvictionRanking.priorityThenUsage, .usageOverRequest, .inodes][Int(stream.uniform() * 3)]
        let candidates = (0..<(1 + Int(stream.uniform() * 9))).map { _ in
            EvictionCandidate(
                priority: [-5, 0, 0, 1000][Int(stream.uniform() * 4)], usage: stream.uniform() < 0.15 ? nil : Int64(stream.uniform() * 6),
                request: ranking == .priorityThenUsage ? 0 : Int64(stream.uniform() * 4))
        }
        // Insertion keeps equal ones in their order.
        var expected: [Int] = []
        for index in candidates.indices {
            let place = expected.firstIndex { goesBefore(candidates[index], candidates[$0], ranking) < 0 } ?? expected.count
            expected.insert(index, at: place)
        }
        #expect(ranking.order(candidates) == expected)
    }
}
