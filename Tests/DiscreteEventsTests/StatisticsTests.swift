// Statistics against values computed by hand or taken from tables.
import DiscreteEvents
import Testing

@Suite("Statistics")
struct StatisticsTests {
    @Test("summaries of a small sample")
    func summaries() {
        let values: [Double] = [2, 4, 4, 4, 5, 5, 7, 9]
        #expect(Statistics.mean(values) == 5)
        #expect(abs(Statistics.standardDeviation(values) - (32.0 / 7).squareRoot()) < 1e-12)
        #expect(abs(Statistics.coefficientOfVariation(values) - 0.4) < 1e-12)
        #expect(Statistics.quantile([40, 10, 20, 30], at: 0.5) == 25)
        #expect(abs(Statistics.quantile([40, 10, 20, 30], at: 0.95) - 38.5) < 1e-12)
        #expect(Statistics.mean([]).isNaN && Statistics.standardDeviation([1]).isNaN && Statistics.quantile([], at: 0.5).isNaN)
    }

    @Test("the 95 % interval of five values uses t = 2.776")
    func studentInterval() throws {
        let interval = try #require(StudentInterval([1, 2, 3, 4, 5]))
        #expect(interval.mean == 3 && interval.count == 5)
        #expect(abs(interval.halfWidth - 2.776445105 * (2.5 / 5).squareRoot()) < 1e-8)
        #expect(interval.excludesZero)
        #expect(StudentInterval([1]) == nil)
    }

    @Test("pairing finds a difference that the spread between seeds would hide")
    func pairedDifference() throws {
        let baseline: [Double] = [10, 50, 90, 130]
        let interval = try #require(StudentInterval(of: baseline.map { $0 + 2 }, minus: [10.1, 49.9, 90.1, 129.9]))
        #expect(abs(interval.mean - 2) < 1e-9)
        #expect(interval.excludesZero && interval.halfWidth < 0.2)
    }

    @Test("intervals contain the true mean as often as they say")
    func coverage() throws {
        let normal = try Distribution.truncatedNormal(mean: 100, deviation: 1)
        var stream = RandomStream(seed: 3, purpose: RandomPurpose("coverage"), owner: 0)
        let hits = (0..<4000).filter { _ in
            guard let interval = StudentInterval((0..<6).map { _ in normal.sample(&stream) }, confidence: 0.9) else { return false }
            return interval.lower <= 100 && interval.upper >= 100
        }.count
        // Binomial with mean 3600 and deviation 19.
        #expect(abs(hits - 3600) < 80)
    }
}
