// Statistics against values computed by hand or taken from tables.
import DiscreteEvents
import Foundation
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
        let interval = try #require(PairedDifference(of: baseline.map { $0 + 2 }, minus: [10.1, 49.9, 90.1, 129.9])).interval
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

    @Test("the paired test of five differences has p = 0.0132, and says what the pairing was worth")
    func pairedTest() throws {
        let baseline: [Double] = [10, 30, 50, 70, 90]
        let paired = try #require(PairedDifference(of: zip(baseline, 1...5).map { $0 + Double($1) }, minus: baseline))
        #expect(abs(paired.pValue - 0.013235) < 1e-5)
        // Variances of 1102.5 and 1000 against 2.5.
        #expect(abs(try #require(paired.pairingGain) - 841) < 1e-6)
        let constant = try #require(PairedDifference(of: [3, 4, 5], minus: [1, 2, 3]))
        #expect(constant.pValue == 0.25 && constant.pairingGain == nil && !constant.isSignificant)
        #expect(paired.isSignificant)
        // Ten equal differences prove it; what rounding leaves proves nothing.
        #expect(PairedDifference(of: Array(repeating: 3, count: 10), minus: Array(repeating: 1, count: 10))?.isSignificant == true)
        let rounded = try #require(PairedDifference(of: [0.1 + 0.2, 0.3, 0.1 + 0.2], minus: [0.3, 0.3, 0.3]))
        #expect(rounded.interval.mean == 0 && rounded.interval.halfWidth == 0 && rounded.pValue == 1)
        #expect(PairedDifference(of: [3, 4], minus: [3, 4])?.pValue == 1)
        #expect(PairedDifference(of: [1], minus: [2]) == nil)
    }

    @Test("Holm's adjustment steps down, in the order of the arguments")
    func holm() {
        let adjusted = MultipleTests.holm([0.01, 0.04, 0.03, 0.005])
        for (value, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(value - expected) < 1e-12) }
        #expect(MultipleTests.holm([0.9, 0.8]) == [1, 1])
        #expect(MultipleTests.holm([]) == [])
    }

    @Test("the number of replications for an interval is the smallest that suffices")
    func replications() throws {
        // t is 2.571 with 5 degrees of freedom, 2.447 with 6.
        #expect(Replications.needed(forHalfWidth: 1, standardDeviation: 1) == 7)
        #expect(Replications.needed(forHalfWidth: 1, standardDeviation: 0) == 2)
        let many = try #require(Replications.needed(forHalfWidth: 0.01, standardDeviation: 1))
        #expect(abs(Double(many) - 1.96 * 1.96 * 10_000) < 10)
        #expect(Replications.needed(forHalfWidth: 0.01, standardDeviation: 1, limit: 1000) == nil)
    }

    @Test("MSER-5 cuts a warm-up off, and gives up on a series that has not settled")
    func warmUp() throws {
        var stream = RandomStream(seed: 4, purpose: RandomPurpose("warm-up"), owner: 0)
        let series = (0..<1000).map { index in (index < 150 ? Double(150 - index) : 0) + stream.uniform() }
        let cut = try #require(SteadyState.warmUp(of: series))
        #expect((140...200).contains(cut))
        #expect(SteadyState.warmUp(of: (0..<1000).map { _ in stream.uniform() }).map { $0 <= 500 } ?? false)
        #expect(SteadyState.warmUp(of: (0..<1000).map { Double(1000 - $0) }) == nil)
        #expect(SteadyState.warmUp(of: [1, 2, 3]) == nil)
    }

    /// Waiting times of customers one after the other in an M/M/1 queue in its steady state, by Lindley's recursion; the service rate is 1.
    private func waits(_ count: Int, utilisation: Double, _ stream: inout RandomStream) -> [Double] {
        /// Two uniform numbers from one draw: this is a hot loop in a build without optimisation.
        func exponentials() -> (Double, Double) {
            let bits = stream.next()
            return (-log(Double(bits >> 32 | 1) * 0x1p-32), -log(Double(bits & 0xFFFF_FFFF | 1) * 0x1p-32))
        }
        // The wait in the steady state: none with probability 1 - utilisation, else exponential.
        var wait = stream.uniform() < utilisation ? exponentials().0 / (1 - utilisation) : 0
        var waits: [Double] = []
        waits.reserveCapacity(count)
        for _ in 0..<count {
            waits.append(wait)
            let (service, arrival) = exponentials()
            wait += service - arrival / utilisation
            if wait < 0 { wait = 0 }
        }
        return waits
    }

    @Test(
        "95 % intervals of the mean wait in an M/M/1 queue cover the known mean in 93 to 97 % of a thousand experiments",
        arguments: ["replications", "batches of one run"])
    func queueCoverage(method: String) throws {
        let utilisation = 0.5
        let truth = utilisation / (1 - utilisation)
        var hits = 0
        var stream = RandomStream(seed: 11, purpose: RandomPurpose("coverage of a queue"), owner: method)
        for _ in 0..<1000 {
            let interval =
                method == "replications"
                ? StudentInterval((0..<30).map { _ in Statistics.mean(waits(300, utilisation: utilisation, &stream)) })
                : SteadyState.interval(waits(9000, utilisation: utilisation, &stream))
            if let interval, interval.lower <= truth, truth <= interval.upper { hits += 1 }
        }
        #expect((930...970).contains(hits))
    }
}
