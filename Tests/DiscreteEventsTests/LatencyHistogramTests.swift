// The histogram of durations against the durations themselves.

import Testing

@testable import DiscreteEvents

@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("From a nanosecond to centuries, a value is known to within 1/128, and never told too small")
    func resolution() {
        var values: [Int64] = Array(0...300)
        for shift in 8..<62 as Range<Int64> { values += [1 << shift - 1, 1 << shift, 1 << shift + 1, 3 << (shift - 1)] }
        for value in values {
            var histogram = LatencyHistogram()
            histogram.add(SimulatedDuration(nanoseconds: value))
            // Above it, so that the longest duration does not give it away.
            histogram.add(SimulatedDuration(nanoseconds: value * 2 + 2))
            let exact = Double(value) * 1e-9
            let told = histogram.quantile(at: 0.5)
            #expect(told >= exact * (1 - 1e-12) && told <= exact * (1 + 1.0 / 128) + 1e-15, "\(told) for \(exact)")
        }
    }

    @Test("Quantiles agree with those of the sorted durations to within a bin, mean and deviation exactly")
    func quantiles() throws {
        var stream = RandomStream(seed: 1, purpose: RandomPurpose("test"), owner: 0)
        let lognormal = try Distribution.lognormal(logMean: -4, logDeviation: 1.5)
        var histogram = LatencyHistogram()
        let values = (0..<20_000).map { _ in lognormal.sampleDuration(&stream) }
        for value in values { histogram.add(value) }
        let sorted = values.map(\.seconds).sorted()
        for level in [0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = Statistics.quantile(ofSorted: sorted, at: level)
            #expect(abs(histogram.quantile(at: level) / exact - 1) < 0.01, "at \(level)")
        }
        #expect(abs(histogram.mean / Statistics.mean(sorted) - 1) < 1e-9)
        #expect(abs(histogram.standardDeviation / Statistics.standardDeviation(sorted) - 1) < 1e-3)
        #expect(histogram.maximum.seconds == sorted.last)
    }

    @Test("Two histograms add up to that of all values; of nothing there is no quantile")
    func sum() {
        var (first, second, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in 1...1000 {
            let duration = SimulatedDuration.microseconds(value * value)
            if value % 3 == 0 { first.add(duration) } else { second.add(duration) }
            both.add(duration)
        }
        first.add(second)
        #expect(first.quantile(at: 0.7) == both.quantile(at: 0.7))
        #expect(first.count == 1000 && first.maximum == both.maximum)
        #expect(LatencyHistogram().quantile(at: 0.5).isNaN)
        #expect(LatencyHistogram().mean.isNaN)
    }
}
