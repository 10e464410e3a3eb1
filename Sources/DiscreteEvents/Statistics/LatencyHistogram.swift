// Many durations in little memory: the bins of HdrHistogram, whose width grows with the value, and an exact mean beside them.

import Histogram

/// A histogram of durations from a nanosecond to centuries, with a relative resolution of 1/128.
///
/// Two significant digits keep the counts of a source within a processor's cache. Quantiles are HdrHistogram's: the longest duration that its bins
/// cannot tell from the one asked for. The mean, the deviation and the maximum are exact.
public struct LatencyHistogram: Hashable, Sendable {
    /// Of nanoseconds; it grows with what it counts.
    private var bins = Histogram<UInt64>(numberOfSignificantValueDigits: .two)
    /// Nanoseconds.
    private var sum: Double = 0
    private var sumOfSquares: Double = 0
    /// The longest duration; zero of none.
    public private(set) var maximum = SimulatedDuration.zero

    public init() {}

    public var count: UInt64 { bins.totalCount }

    /// Counts a duration; a negative one counts as none.
    public mutating func add(_ duration: SimulatedDuration) {
        let nanoseconds = UInt64(max(duration.nanoseconds, 0))
        bins.record(nanoseconds)
        let value = Double(nanoseconds)
        sum += value
        sumOfSquares += value * value
        maximum = max(maximum, duration)
    }

    /// Adds all that another histogram counted.
    public mutating func add(_ other: LatencyHistogram) {
        bins.add(other.bins)
        sum += other.sum
        sumOfSquares += other.sumOfSquares
        maximum = max(maximum, other.maximum)
    }

    /// Seconds; NaN of none.
    public var mean: Double { count == 0 ? .nan : sum / Double(count) * 1e-9 }

    /// The standard deviation of all that was counted, seconds; NaN of none.
    public var standardDeviation: Double {
        if count == 0 { return .nan }
        let mean = sum / Double(count)
        return max(sumOfSquares / Double(count) - mean * mean, 0).squareRoot() * 1e-9
    }

    /// The duration that this share of all does not exceed, seconds, to within 1/128; NaN of none.
    /// - Precondition: `level` is in 0...1.
    public func quantile(at level: Double) -> Double {
        precondition(level >= 0 && level <= 1, "a quantile's level is between 0 and 1")
        if count == 0 { return .nan }
        return min(Double(bins.valueAtPercentile(level * 100)) * 1e-9, maximum.seconds)
    }

    /// What equal histograms have in common: there is no need to look at each bin.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(sum)
        hasher.combine(maximum)
    }
}
