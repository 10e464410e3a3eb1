// Storms: thousands of short ones without a broken invariant, and bugs planted to see that they are found and made small.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import APIServer
@testable import ClusterSimulation
@testable import Experiments

@Suite("Storms")
struct StormTests {
    @Test("Short storms break no invariant")
    func shortStorms() async throws {
        let series = try await StormSeries.run(from: 1, most: 2000) { try StormScenario.make(seed: $0, size: .tiny).run() }
        let report = series.failure.map { StormReport($0.shrunk()).description } ?? ""
        #expect(series.failure == nil, "seed \(series.failure?.seed ?? 0): \(report)")
        #expect(series.count == 2000)
    }

    @Test("What goes wrong in few storms is drawn in some")
    func rarities() {
        var wanted = [
            "storage: {attach: [{from:", "waitsFor: {service: storm/", "apiServer: {delay: 12s", "apiServer: {errors: 1}",
            "apiServer: {errors: 0.95}", "effect: reclaim, notice: 25s, mtbf",
            "effect: partition, mtbf", "group: rack, probability: 0.6, effect: partition",
            "group: rack, probability: 0.6, effect: kubelet",
        ]
        for seed in 1...400 as ClosedRange<UInt64> {
            let text = StormScenario.make(seed: seed).files[0].text
            wanted.removeAll { text.contains($0) }
        }
        #expect(wanted.isEmpty)
    }

    /// Found by the storm of seed 1000405.
    @Test("What storms are made of happens in them")
    func coverage() throws {
        var wanted: Set<String> = [
            "BackOff", "EvictionThresholdMet", "Evicted", "FailedAttachVolume", "FailedCreate", "FailedMount", "FailedPostStartHook",
            "FailedPreStopHook", "FailedScheduling", "FreeDiskSpaceFailed", "NodeNotReady", "Pulling", "SystemOOM",
            "SuccessfulAttachVolume", "TaintManagerEviction", "Unhealthy",
        ]
        var seed: UInt64 = 0
        while !wanted.isEmpty, seed < 300 {
            seed += 1
            var scenario = try StormScenario.make(seed: seed, size: .small).scenario()
            scenario.configuration.recording.events = true
            let record = try scenario.run().record
            for entry in record.events { wanted.remove(entry.event.value.reason) }
        }
        #expect(wanted.isEmpty, "in \(seed) storms there was no \(wanted.sorted())")
    }

    @Test("Some storms have requests, which arrive, and fail when what they go through is torn apart")
    func requests() throws {
        let stormy = (1...60 as ClosedRange<UInt64>).map { StormScenario.make(seed: $0, size: .small) }.filter { !$0.sources.isEmpty }
        #expect((3...25).contains(stormy.count))
        var (answered, failed) = (UInt64(0), UInt64(0))
        for storm in stormy.prefix(6) {
            let traffic = try #require(try storm.scenario().run().record.traffic)
            answered += traffic.sources.reduce(0) { $0 + $1.count(.succeeded) }
            failed += traffic.sources.reduce(0) { $0 + $1.failures }
        }
        #expect(answered > 1000 && failed > 0, "\(answered) answered, \(failed) failed")
    }

    @Test("A storm is its seed's: the same text, the same run", arguments: [1, 7, 42] as [UInt64])
    func reproducible(seed: UInt64) throws {
        let (one, other) = (StormScenario.make(seed: seed, size: .small), StormScenario.make(seed: seed, size: .small))
        #expect(one == other)
        #expect(try one.run().handledEvents == other.run().handledEvents)
    }

    @Test("What a piece speaks of goes, and the piece with it")
    func consistency() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var storm = StormScenario.make(seed: seed, size: .small)
            storm.pools.removeFirst()
            storm.objects = Array(storm.objects.dropFirst())
            storm = storm.consistent()
            if storm.pools.isEmpty { continue }
            #expect(throws: Never.self) { try storm.scenario() }
        }
    }

    // MARK: Planted bugs

    /// Storms that may go by before the bug is found: with the 600 that shrinking may take, half a minute of an optimised build.
    private static let patience = 400

    /// Runs storms with a bug until one is found, then makes it small.
    private func hunt(_ bug: any Saboteur) async throws -> StormOutcome {
        let plant: @Sendable (inout ClusterConfiguration) -> Void = { $0.saboteur = bug }
        let series = try await StormSeries.run(from: 1, most: Self.patience) { try StormScenario.make(seed: $0, size: .small).run(plant) }
        let failure = try #require(series.failure, "no storm found the bug")
        var shrinking = try #require(StormShrinking(failure, plant))
        return shrinking.shrink()
    }

    /// It is small, it is a scenario like any other, and the scenario's run breaks the invariant.
    private func expectSmall(_ small: StormOutcome, _ bug: any Saboteur, _ invariants: [Invariant]) throws {
        let violation = try #require(small.violation)
        #expect(invariants.contains(violation.invariant), "\(violation)")
        let storm = try #require(small.storm)
        #expect(storm.objectCount <= 10, "\(storm.contents)")
        let folder = try TemporaryFolder()
        try storm.write(to: folder.path)
        let command = StormScenario.command(in: folder.path).split(separator: " ")
        #expect(command.count == 3 && command.prefix(2) == ["seatrial", "run"])
        var scenario = try ScenarioFile.load(String(command[2]))
        scenario.configuration.saboteur = bug
        let outcome = try scenario.run()
        #expect(outcome.record.violation == violation)
        #expect(!outcome.expectationsHold)
        let report = StormReport(small) { $0.saboteur = bug }.description.split(separator: "\n").map(String.init)
        let breach = try #require(report.firstIndex { $0.hasPrefix("  ") && $0.contains("  BROKEN \(violation)") })
        #expect(breach > 3 && report.count > breach + 1 && !report[breach + 1].contains("nothing more"), "\(report)")
        // Without the bug it is a scenario in which nothing is wrong.
        let sound = try ScenarioFile.load(folder[StormScenario.fileName]).run()
        #expect(sound.record.violation == nil)
    }

    @Test("An eviction that ignores its budget is found")
    func evictionIgnoresBudget() async throws {
        let bug = BudgetIgnored()
        try expectSmall(await hunt(bug), bug, [.budgetRespected])
    }

    @Test("A lost watch event is found", arguments: [Watcher.controllerManager, .scheduler])
    func lostWatchEvent(of watcher: Watcher) async throws {
        let bug = EventLost(watcher: watcher)
        try expectSmall(await hunt(bug), bug, [.cachesCurrent])
    }

    @Test("A pod that is bound twice is found")
    func doubleBind() async throws {
        let bug = BoundTwice()
        try expectSmall(await hunt(bug), bug, [.boundOnce])
    }
}

/// The Eviction API deletes without asking.
private struct BudgetIgnored: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .evict(let name, _) = request else { return nil }
        return api.execute(.delete(ObjectKey(.pod, name), DeleteOptions()), at: now)
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// The first end of a pod is not seen by one watcher.
private struct EventLost: Saboteur {
    let watcher: Watcher
    var isLost = false

    init(watcher: Watcher) { self.watcher = watcher }
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? { nil }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool {
        guard watcher == self.watcher, !isLost, event.change == .deleted, event.object.kind == .pod else { return true }
        isLost = true
        return false
    }
}

/// The third binding is followed by another one, to the next node, which nobody refuses.
private struct BoundTwice: Saboteur {
    private var bindings = 0

    init() {}
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .bind(let name, _, let node, _) = request else { return nil }
        bindings += 1
        let result = api.execute(request, at: now)
        guard bindings == 3, case .success = result, let pod = api.objects.get(Pod.self, name),
            let other = api.objects.all(Node.self).first(where: { $0.value.metadata.name != node })
        else { return result }
        let moved = pod.with { $0.nodeName = other.value.metadata.name }
        return .success(api.commit(.pod(moved), over: .pod(pod), at: now))
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}
