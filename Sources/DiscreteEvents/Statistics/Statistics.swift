// Summaries of samples, by GSL: what result tables and comparisons are made of.
import CGSL

#if canImport(Glibc)
    import Glibc
#endif

/// Summary statistics of a list of numbers.
public enum Statistics {
    /// What the last digits of sums are off by, as a share of the sum: less than that is no difference.
    public static let noise = 1e-12

    /// The values; all of them their mean if they vary by noise only.
    public static func withoutNoise(_ values: [Double]) -> [Double] {
        withoutNoise(values, below: mean(values).magnitude * noise)
    }

    /// The values; all of them their mean if none is farther from it than `noise`.
    static func withoutNoise(_ values: [Double], below noise: Double) -> [Double] {
        let mean = mean(values)
        guard values.allSatisfy({ ($0 - mean).magnitude <= noise }) else { return values }
        return Array(repeating: mean, count: values.count)
    }

    /// The arithmetic mean; NaN of no values.
    public static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.withUnsafeBufferPointer { gsl_stats_mean($0.baseAddress, 1, $0.count) }
    }

    /// The standard deviation of a *sample* (divided by n - 1): estimates that of what it was taken from. NaN of fewer than two values.
    public static func standardDeviation(_ values: [Double]) -> Double {
        values.count < 2 ? .nan : values.withUnsafeBufferPointer { gsl_stats_sd($0.baseAddress, 1, $0.count) }
    }

    /// The coefficient of variation of a whole *population* (standard deviation, divided by n, over the mean): how unevenly a load is
    /// spread over all nodes. 0 if all are equal, at most √(n - 1). NaN of no values or a zero mean.
    public static func coefficientOfVariation(_ values: [Double]) -> Double {
        let mean = mean(values)
        if mean == 0 || values.isEmpty { return .nan }
        return values.withUnsafeBufferPointer { gsl_stats_sd_with_fixed_mean($0.baseAddress, 1, $0.count, mean) } / mean
    }

    /// The quantile at `level`, interpolated linearly between order statistics: type 7 of Hyndman and Fan ("Sample quantiles in statistical
    /// packages", 1996), the default of R and NumPy. NaN of no values. O(n log n); sort once and use ``quantile(ofSorted:at:)`` for
    /// several.
    /// - Precondition: `level` is in 0...1.
    public static func quantile(_ values: [Double], at level: Double) -> Double {
        quantile(ofSorted: values.sorted(), at: level)
    }

    /// The quantile at `level` of values in ascending order; as ``quantile(_:at:)``, in O(1).
    public static func quantile(ofSorted values: [Double], at level: Double) -> Double {
        precondition(level >= 0 && level <= 1, "a quantile's level is between 0 and 1")
        if values.isEmpty { return .nan }
        return values.withUnsafeBufferPointer { gsl_stats_quantile_from_sorted_data($0.baseAddress, 1, $0.count, level) }
    }
}

/// A confidence interval for a mean by Student's t distribution: exact for normal data, and good for the averages of independent
/// replications, which are nearly normal.
public struct StudentInterval: Sendable, Hashable {
    /// The sample's mean, the interval's centre.
    public let mean: Double
    /// Half the interval's width.
    public let halfWidth: Double
    /// How often such intervals contain the true mean: 0.95, say.
    public let confidence: Double
    /// How many values it rests on.
    public let count: Int

    /// The interval's lower end.
    public var lower: Double { mean - halfWidth }
    /// The interval's upper end.
    public var upper: Double { mean + halfWidth }

    /// Whether the interval excludes zero: whether a difference is significant at this confidence.
    public var excludesZero: Bool { lower > 0 || upper < 0 }

    /// The interval for the mean of what `values` are independent samples of; `nil` for fewer than two, which tell nothing about spread.
    /// - Precondition: `confidence` is between 0 and 1, both excluded.
    public init?(_ values: [Double], confidence: Double = 0.95) {
        precondition(confidence > 0 && confidence < 1, "a confidence level is between 0 and 1")
        if values.count < 2 { return nil }
        GSL.prepare()
        let factor = gsl_cdf_tdist_Qinv((1 - confidence) / 2, Double(values.count - 1))
        self.mean = Statistics.mean(values)
        self.halfWidth = factor * Statistics.standardDeviation(values) / Double(values.count).squareRoot()
        self.confidence = confidence
        self.count = values.count
    }
}
