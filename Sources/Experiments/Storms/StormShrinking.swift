// Makes a failing storm small: takes pieces out as long as what is left breaks the same invariant.
// Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002.

import ClusterSimulation
import DiscreteEvents

/// Delta debugging over nodes, objects, behaviours, faults, actions, settings and time.
struct StormShrinking {
    private var best: StormOutcome
    private var storm: StormScenario
    private let plant: (inout ClusterConfiguration) -> Void
    private let invariant: Invariant
    /// Runs that may still be made.
    private var budget: Int

    /// - Parameters:
    ///   - failing: a storm that breaks an invariant.
    ///   - most: how many storms are tried at most.
    ///   - plant: what changed the cluster when the storm failed.
    init?(_ failing: StormOutcome, most: Int = 600, _ plant: @escaping (inout ClusterConfiguration) -> Void = { _ in }) {
        guard let violation = failing.violation, let storm = failing.storm else { return nil }
        best = failing
        self.storm = storm
        invariant = violation.invariant
        budget = most
        self.plant = plant
    }

    /// The smallest storm that was found.
    mutating func shrink() -> StormOutcome {
        cutTime()
        while budget > 0 {
            let before = storm
            for list in [\StormScenario.actions, \.faults, \.late, \.objects, \.behaviours, \.sources, \.settings, \.registry, \.storage] {
                takeOut(of: list)
            }
            takeNodes()
            if storm == before { break }
        }
        cutTime()
        return best
    }

    /// Keeps a candidate if it breaks the same invariant.
    private mutating func keep(_ candidate: StormScenario) -> Bool {
        let candidate = candidate.consistent()
        guard budget > 0, candidate != storm, candidate.nodeCount > 0 else { return false }
        budget -= 1
        guard let outcome = try? candidate.run(plant), outcome.violation?.invariant == invariant else { return false }
        best = outcome
        storm = candidate
        return true
    }

    /// Takes out halves, then quarters, ..., then single pieces.
    private mutating func takeOut(of list: WritableKeyPath<StormScenario, [StormScenario.Piece]>) {
        var size = storm[keyPath: list].count
        while size > 0 {
            var start = 0
            while start < storm[keyPath: list].count {
                var candidate = storm
                let end = min(start + size, candidate[keyPath: list].count)
                candidate[keyPath: list].removeSubrange(start..<end)
                if !keep(candidate) { start = end }
            }
            size /= 2
        }
    }

    private mutating func takeNodes() {
        var pool = 0
        while pool < storm.pools.count {
            var less = storm
            less.pools.remove(at: pool)
            if keep(less) { continue }
            var step = storm.pools[pool].count / 2
            while step > 0, pool < storm.pools.count {
                var fewer = storm
                fewer.pools[pool].count -= step
                if fewer.pools[pool].count <= 0 || !keep(fewer) { step /= 2 }
            }
            pool += 1
        }
    }

    /// Ends the run soon after the invariant broke; one that is judged at the end needs its calm.
    private mutating func cutTime() {
        guard let violation = best.violation else { return }
        var candidate = storm
        let needed = SimulatedDuration.seconds(Int(violation.time.seconds.rounded(.up)) + 1)
        guard needed < candidate.duration else { return }
        candidate.duration = needed
        _ = keep(candidate)
    }
}
