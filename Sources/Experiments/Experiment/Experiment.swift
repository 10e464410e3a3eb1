// An experiment, expanded: which combinations of values there are, and which runs it takes.

import ClusterSimulation
import DiscreteEvents

/// One scenario in several forms, with several seeds each.
public struct Experiment: Sendable {
    /// `metadata.name`: the folder of its results.
    public var name: String
    /// The file it was read from.
    public var file: String
    public var factors: [Factor]
    /// What differences are to comes first.
    public var combinations: [Combination]
    public var replications: Replicates
    /// What figures leave out; nil: what the scenario says.
    public var warmUp: WarmUpOverride?
    /// Names of metrics, in the order to report them; empty: all.
    public var outputs: [String]
    /// Where the file says so: FILE:LINE: FIELD
    let outputPositions: [String]
    /// The path of the scenario file.
    let scenarioFile: String
    /// Where the file says so: FILE:LINE: FIELD
    let scenarioPosition: String
    /// The half width that intervals are wanted to have, as a share of the first combination's mean.
    let precision: Double
    /// Until when to go on with more seeds; nil: the given ones are all.
    public let untilPrecise: PrecisionTarget?
    /// What the scenario's files warn of, in any form.
    public internal(set) var warnings: [String] = []
    /// Those of every form of the scenario; empty as long as they are not read.
    var scenarioFingerprints: [Fingerprint] = []

    /// How narrow which intervals are to become.
    public struct PrecisionTarget: Sendable {
        public let precision: Comparison.Precision
        /// Where the file says so: FILE:LINE: FIELD
        public let position: String
    }

    /// A value for each factor.
    public struct Combination: Sendable {
        public var levels: [FactorLevel]
        /// What results call it; no two have the same.
        public var label: String
    }

    /// One run: a combination with a seed.
    public struct Case: Hashable, Sendable {
        /// From 1.
        public var number: Int
        /// Which combination, from 0.
        public var combination: Int
        public var seed: UInt64
    }

    /// How many runs it takes.
    public var caseCount: Int { combinations.count * replications.runs }

    /// A run by its number: all seeds of the first combination come first.
    /// - Precondition: 1 to ``caseCount``.
    public func `case`(_ number: Int) -> Case {
        precondition((1...caseCount).contains(number), "there is no case \(number)")
        let (combination, run) = (number - 1).quotientAndRemainder(dividingBy: replications.runs)
        return Case(number: number, combination: combination, seed: replications.seed(ofRun: run))
    }

    /// The scenario in the form of a combination.
    ///
    /// - Throws: `ScenarioError` with every mistake found.
    func scenario(_ combination: Int) throws(ScenarioError) -> Scenario {
        let chosen = combinations[combination]
        var overrides = ScenarioOverrides(warmUp: warmUp)
        var edits: [ScenarioEdit] = []
        for level in chosen.levels {
            switch level.effect {
            case .scheduler(let path): overrides.scheduler = path
            case .edits(let more): edits += more
            }
        }
        return try ScenarioFile.load(scenarioFile, overrides: overrides, edits: edits)
    }
}

extension Experiment {
    /// How many combinations are the same as an earlier one: designs choose among few values, and may choose the same ones again.
    var repeatedCombinations: Int {
        var known: Set<[String]> = []
        return combinations.count { !known.insert($0.levels.map(\.label)).inserted }
    }

    /// The fingerprint of the files of a form of the scenario.
    ///
    /// - Throws: `ScenarioError` if they cannot be read.
    func scenarioFingerprint(_ combination: Int) throws(ScenarioError) -> Fingerprint {
        scenarioFingerprints.isEmpty ? try scenario(combination).fingerprint : scenarioFingerprints[combination]
    }
}

/// The seeds of a comparison.
public struct Replicates: Hashable, Sendable {
    /// One for each observation.
    public var seeds: [UInt64]
    /// Whether an observation is the mean of two runs: that of the seed, and its mirror image.
    public var antithetic: Bool

    public init(_ seeds: [UInt64], antithetic: Bool = false) {
        self.seeds = seeds
        self.antithetic = antithetic
    }

    /// Whether seeds have mirror images: large ones are mirror images themselves.
    public static func canMirror(_ seeds: Range<UInt64>) -> Bool { seeds.upperBound <= RandomStream.mirror }

    /// How many runs it takes.
    public var runs: Int { antithetic ? 2 * seeds.count : seeds.count }

    /// The seed of a run, from 0; pairs are side by side.
    func seed(ofRun run: Int) -> UInt64 {
        guard antithetic else { return seeds[run] }
        return seeds[run / 2] | (run % 2 == 0 ? 0 : RandomStream.mirror)
    }

    /// The seed of each run.
    public var runSeeds: [UInt64] { (0..<runs).map { seed(ofRun: $0) } }
}
