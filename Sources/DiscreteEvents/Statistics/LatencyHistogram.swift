// Many durations in little memory: counts in bins whose width grows with the value, so that each quantile is known to within 0.8 %.
import CGSL

/// A histogram of durations from a nanosecond to centuries, with a relative resolution of 1/128.
///
/// Bins are linear within each power of two (the scheme of G. Tene's HdrHistogram): the bin of a value is found with a few shifts, and two
/// histograms add up bin by bin. Quantiles are GSL's, of the piecewise uniform density that the bins describe; the mean and extremes are exact.
public struct LatencyHistogram: Hashable, Sendable {
    /// log2 of the bins in a power of two.
    @usableFromInline static var precision: Int { 7 }

    /// Grown to the largest bin in use.
    @usableFromInline var counts: [UInt64] = []
    public private(set) var count: UInt64 = 0
    /// Nanoseconds.
    private var sum: Double = 0
    private var sumOfSquares: Double = 0
    /// The longest duration; zero of none.
    public private(set) var maximum = SimulatedDuration.zero

    public init() {}

    /// Counts a duration; a negative one counts as none.
    public mutating func add(_ duration: SimulatedDuration) {
        let nanoseconds = UInt64(max(duration.nanoseconds, 0))
        let bin = Self.bin(of: nanoseconds)
        if bin >= counts.count { counts += Array(repeating: 0, count: bin + 1 - counts.count) }
        counts[bin] += 1
        count += 1
        let value = Double(nanoseconds)
        sum += value
        sumOfSquares += value * value
        maximum = max(maximum, duration)
    }

    /// Adds all that another histogram counted.
    public mutating func add(_ other: LatencyHistogram) {
        if other.counts.count > counts.count { counts += Array(repeating: 0, count: other.counts.count - counts.count) }
        for (bin, number) in other.counts.enumerated() { counts[bin] += number }
        count += other.count
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
        if level == 1 { return maximum.seconds }
        GSL.prepare()
        let edges = (0...counts.count).map { Double(Self.lowerEdge(of: $0)) }
        guard let histogram = gsl_histogram_alloc(counts.count), let density = gsl_histogram_pdf_alloc(counts.count) else { return .nan }
        defer {
            gsl_histogram_free(histogram)
            gsl_histogram_pdf_free(density)
        }
        gsl_histogram_set_ranges(histogram, edges, edges.count)
        for (bin, number) in counts.enumerated() where number > 0 { histogram.pointee.bin[bin] = Double(number) }
        gsl_histogram_pdf_init(density, histogram)
        return min(gsl_histogram_pdf_sample(density, level) * 1e-9, maximum.seconds)
    }

    static func bin(of value: UInt64) -> Int {
        let size = 1 << precision
        if value < size { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - precision
        return (shift + 1) << precision + Int(value >> UInt64(shift)) - size
    }

    static func lowerEdge(of bin: Int) -> UInt64 {
        let size = 1 << precision
        if bin < 2 * size { return UInt64(bin) }
        let shift = bin >> precision - 1
        return UInt64(bin & (size - 1) + size) << UInt64(shift)
    }
}
