// One line of a comparison: a metric under a policy, and how it differs from the first policy's.

import DiscreteEvents

/// One metric of one policy over all seeds.
public struct ComparedMetric: Sendable {
    public var metric: String
    public var unit: String
    public var policy: String
    public var runs: Int
    /// Observations that were asked for: in ``runs`` of them there was something to measure.
    public var seeds: Int
    public var mean: Double
    public var standardDeviation: Double
    /// Half the width of the 95 % interval of the mean; nil with fewer than two runs.
    public var halfWidth: Double?
    /// Mean of the paired differences to the first policy (same seeds), nil for that policy itself.
    public var difference: Double?
    public var differenceHalfWidth: Double?
    /// How many pairs there were; nil for the first policy.
    public var pairs: Int?
    /// Two-sided, of the paired t test that there is no difference.
    public var pValue: Double?
    /// The same by Holm's method: how sure one may be in view of all the differences that are looked at.
    public var adjustedPValue: Double?
    /// How many times as many runs independent seeds would have needed; nil where differences do not vary.
    public var pairingGain: Double?
    /// Observations (pairs of them) after which the interval should be as narrow as wanted; nil: nobody can say, or the mean is zero.
    public var observationsNeeded: Int?
    /// How many more seeds that takes. Not every seed has the metric: so many that those which have it should suffice.
    public var moreSeedsNeeded: Int? {
        let observed = pairs ?? runs
        return observationsNeeded.map { needed in
            needed <= observed ? 0 : Int((Double(needed - observed) * Double(seeds) / Double(observed)).rounded(.up))
        }
    }

    init(metric: String, unit: String, policy: String, runs: Int, of seeds: Int, mean: Double, standardDeviation: Double) {
        self.metric = metric
        self.unit = unit
        self.policy = policy
        self.runs = runs
        self.seeds = seeds
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    mutating func set(_ paired: PairedDifference?) {
        differenceHalfWidth = paired?.interval.halfWidth
        pValue = paired?.pValue
        pairingGain = paired?.pairingGain
        isSignificant = paired?.isSignificant ?? false
    }

    /// Whether 0 can be ruled out as the difference: its interval leaves it out. A difference that is the same with every seed has an interval
    /// without any width, whatever their number; there the sign test decides, with six seeds at the earliest.
    public private(set) var isSignificant = false

    /// Whether the difference was the same number with every seed, and not 0.
    public var isSameDifference: Bool { pairingGain == nil && (pairs ?? 0) > 1 && difference != 0 }

    /// Whether it stays significant in view of all the other differences of the comparison.
    public var isSignificantAmongAll: Bool { isSignificant && (adjustedPValue ?? 1) < 0.05 }
}
