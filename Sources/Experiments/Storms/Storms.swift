// Many storms, on all cores.

import ClusterSimulation
import Foundation

/// What a series of storms came to.
public struct StormSeries: Sendable {
    /// How many storms were run.
    public private(set) var count = 0
    /// How many of the simulator's events they took.
    public private(set) var handledEvents = 0
    /// The storm that broke an invariant, the one with the lowest seed if several did.
    public private(set) var failure: StormOutcome?

    init() {}

    private mutating func add(_ outcome: StormOutcome) {
        count += 1
        handledEvents += outcome.handledEvents
        if outcome.violation != nil, outcome.seed < failure?.seed ?? .max { failure = outcome }
    }

    /// Runs the storms of `seed`, `seed` + 1, ... until one breaks an invariant.
    ///
    /// - Parameters:
    ///   - most: how many at most; nil: no limit.
    ///   - run: runs the storm of a seed.
    ///   - goesOn: asked before each storm is begun.
    ///   - finished: called after each storm.
    /// - Throws: what `run` throws.
    public static func run(
        from seed: UInt64, most: Int?, run: @escaping @Sendable (UInt64) throws -> StormOutcome, goesOn: @Sendable () -> Bool = { true },
        finished: (StormSeries) -> Void = { _ in }
    ) async throws -> StormSeries {
        var series = StormSeries()
        try await withThrowingTaskGroup(of: StormOutcome.self) { group in
            var begun = 0
            func begin() {
                guard series.failure == nil, begun < most ?? .max, goesOn() else { return }
                let own = seed &+ UInt64(begun)
                begun += 1
                group.addTask { try run(own) }
            }
            for _ in 0..<max(1, ProcessInfo.processInfo.activeProcessorCount) { begin() }
            while let outcome = try await group.next() {
                series.add(outcome)
                finished(series)
                begin()
            }
        }
        return series
    }
}
