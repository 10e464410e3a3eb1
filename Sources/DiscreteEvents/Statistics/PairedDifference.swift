// By how much two policies differ, measured on the same seeds, and how many more seeds it would take to know better.
import CGSL

/// The mean of paired differences with its interval, its test, and what the pairing was worth.
public struct PairedDifference: Sendable, Hashable {
    /// Of the differences; the interval is Student's. Differences that are all one number leave it no width, which is no proof: the p-value says
    /// what they are worth.
    public let interval: StudentInterval
    /// Two-sided p-value of the paired t test that the mean is zero. Differences that are all one number leave that test nothing to go by: 1 if it
    /// is zero, otherwise the sign test's, 2^(1 - n): two equal differences prove little, ten a lot.
    public let pValue: Double
    /// How many times as many replications independent runs would have needed for an interval of this width: the sum of both sides'
    /// variances over the variance of the differences. nil where the differences do not vary.
    public let pairingGain: Double?

    /// Compares `values[i]` with `baseline[i]`: two policies on the same seeds; nil for fewer than two pairs. Common random numbers make the
    /// two sides of a pair alike, so the differences vary far less than the values (Law, "Simulation Modeling and Analysis", 11.2).
    /// - Precondition: as many values as baseline values.
    public init?(of values: [Double], minus baseline: [Double], confidence: Double = 0.95) {
        let differences = PairedDifference.differences(of: values, minus: baseline)
        guard let interval = StudentInterval(differences, confidence: confidence) else { return nil }
        self.interval = interval
        let deviation = Statistics.standardDeviation(differences)
        guard deviation > 0 else {
            pValue = interval.mean == 0 ? 1 : Double(sign: .plus, exponent: 1 - values.count, significand: 1)
            pairingGain = nil
            return
        }
        let statistic = interval.mean.magnitude / (deviation / Double(values.count).squareRoot())
        pValue = min(1, 2 * gsl_cdf_tdist_Q(statistic, Double(values.count - 1)))
        let (one, other) = (Statistics.standardDeviation(values), Statistics.standardDeviation(baseline))
        pairingGain = (one * one + other * other) / (deviation * deviation)
    }
}

extension PairedDifference {
    /// Whether a mean of zero can be ruled out at the interval's confidence. Where the differences vary, that is when the interval leaves out
    /// zero; where they are all one number, when there are enough of them for the sign test.
    public var isSignificant: Bool { interval.excludesZero && pValue < 1 - interval.confidence }

    /// `values[i] - baseline[i]`, without the noise that the last digits of sums are: differences that are nothing else are 0, and those that
    /// vary by nothing else are equal.
    ///
    /// - Precondition: as many values as baseline values.
    public static func differences(of values: [Double], minus baseline: [Double]) -> [Double] {
        precondition(values.count == baseline.count, "paired differences need pairs")
        let noise = (Statistics.mean(values).magnitude + Statistics.mean(baseline).magnitude) * Statistics.noise
        return Statistics.withoutNoise(zip(values, baseline).map { $0 - $1 }.map { $0.magnitude > noise ? $0 : 0 }, below: noise)
    }
}

/// Many tests at once.
public enum MultipleTests {
    /// Adjusts p-values so that with probability 1 - alpha none of the true hypotheses is rejected at alpha, by Holm's step-down method:
    /// Holm (1979), "A simple sequentially rejective multiple test procedure".
    /// - Returns: in the order of the arguments.
    public static func holm(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
        var adjusted = pValues
        var largest = 0.0
        for (rank, index) in order.enumerated() {
            largest = max(largest, min(1, pValues[index] * Double(pValues.count - rank)))
            adjusted[index] = largest
        }
        return adjusted
    }
}

/// How many replications an interval takes.
public enum Replications {
    /// The smallest number with which a t interval for a mean is not wider than wanted, if values vary as those seen so far; nil if more
    /// than `limit`.
    /// - Precondition: `halfWidth` is positive.
    public static func needed(
        forHalfWidth halfWidth: Double, standardDeviation: Double, confidence: Double = 0.95, limit: Int = 10_000_000
    ) -> Int? {
        precondition(halfWidth > 0, "an interval has a width")
        GSL.prepare()
        func suffices(_ count: Int) -> Bool {
            gsl_cdf_tdist_Qinv((1 - confidence) / 2, Double(count - 1)) * standardDeviation / Double(count).squareRoot() <= halfWidth
        }
        guard suffices(limit) else { return nil }
        var (low, high) = (2, limit)
        while low < high {
            let middle = (low + high) / 2
            if suffices(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
