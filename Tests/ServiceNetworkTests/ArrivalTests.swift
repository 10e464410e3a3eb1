// Arrival processes: their counts and gaps against what they are defined by.

import CGSL
import DiscreteEvents
import Testing

@testable import ServiceNetwork

@Suite("Arrivals")
struct ArrivalTests {
    private func arrivals(_ process: ArrivalProcess, until end: Double, seed: UInt64 = 1) -> [Double] {
        var clock = ArrivalClock(process, stream: RandomStream(seed: seed, purpose: .requestArrivals, owner: "test"))
        var times: [Double] = []
        var now = SimulatedTime.zero
        while let next = clock.next(after: now), next.seconds < end {
            times.append(next.seconds)
            now = next
        }
        return times
    }

    /// The probability that a Poisson count of this mean is as far from it as `count`, to either side.
    private func poissonProbability(_ count: Int, mean: Double) -> Double {
        2 * min(gsl_cdf_poisson_P(UInt32(count), mean), gsl_cdf_poisson_Q(UInt32(max(count - 1, 0)), mean))
    }

    @Test("Poisson arrivals: the count, and gaps whose standard deviation is their mean")
    func poisson() {
        let times = arrivals(.poisson(rate: 50), until: 400)
        #expect(poissonProbability(times.count, mean: 20_000) > 0.001)
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        // The deviation of n exponential gaps is within 4 / √n of their mean but once in ten thousand.
        #expect(abs(Statistics.standardDeviation(gaps) / Statistics.mean(gaps) - 1) < 4 / 20_000.0.squareRoot())
    }

    @Test("Even spacing, recorded instants, and no arrivals at all")
    func plain() {
        #expect(arrivals(.deterministic(interval: .seconds(2)), until: 7) == [2, 4, 6])
        let recorded = [1, 1, 2.5].map { SimulatedTime(seconds: $0) }
        #expect(arrivals(.replay(recorded), until: 10) == [1, 1, 2.5])
        #expect(arrivals(.poisson(rate: 0), until: 10).isEmpty)
        #expect(arrivals(.onDemand, until: 10).isEmpty)
        let silent = [ArrivalProcess.ModulatedState(rate: 0, meanStay: 5)]
        #expect(arrivals(.modulated(silent), until: 10).isEmpty)
    }

    @Test("A curve's counts follow its integral, hour by hour, round the clock")
    func curve() throws {
        let hour = 3600.0
        let points = [(0.0, 1.0), (6, 1), (9, 8), (12, 4), (18, 10)]
        let curve = try #require(
            RateCurve(points: points.map { .init(time: SimulatedDuration(seconds: $0.0 * hour), rate: $0.1) }, period: .hours(24)))
        let times = arrivals(.curve(curve), until: 48 * hour)
        for start in stride(from: 0, to: 48, by: 3) as StrideTo<Double> {
            let count = times.count { $0 >= start * hour && $0 < (start + 3) * hour }
            // All corners lie on the borders of these spans: the mean rate is that of the ends.
            let ends = [start, start + 3].map { curve.rate(at: SimulatedTime(seconds: $0 * hour)) }
            let mean = (ends[0] + ends[1]) / 2 * 3 * hour
            #expect(poissonProbability(count, mean: mean) > 0.0005, "\(count) of \(mean) from hour \(start)")
        }
        #expect(curve.rate(at: SimulatedTime(seconds: 7.5 * hour)) == 4.5)
        #expect(curve.rate(at: SimulatedTime(seconds: 21 * hour)) == 5.5)
    }

    @Test("A curve that falls to nothing and stays there until the next day")
    func curveWithNight() throws {
        let points = [RateCurve.Point(time: .zero, rate: 0), .init(time: .hours(1), rate: 10), .init(time: .hours(2), rate: 0)]
        let curve = try #require(RateCurve(points: points, period: .hours(24)))
        let times = arrivals(.curve(curve), until: 3 * 86_400)
        #expect(times.allSatisfy { $0.truncatingRemainder(dividingBy: 86_400) <= 7_200 })
        #expect(poissonProbability(times.count, mean: 3 * 36_000) > 0.001)
    }

    @Test("A curve out of order is refused")
    func curveRefused() {
        let points = [RateCurve.Point(time: .hours(2), rate: 1), .init(time: .hours(1), rate: 1)]
        #expect(RateCurve(points: points, period: .hours(24)) == nil)
        #expect(RateCurve(points: [.init(time: .hours(24), rate: 1)], period: .hours(24)) == nil)
        #expect(RateCurve(points: [.init(time: .zero, rate: -1)], period: .hours(24)) == nil)
        #expect(RateCurve(points: [], period: .hours(24)) == nil)
    }

    @Test("Bursts: the mean rate is that of the states by their times, and counts vary far more than Poisson's")
    func bursts() throws {
        let states = [
            ArrivalProcess.ModulatedState(rate: 100, meanStay: 2), ArrivalProcess.ModulatedState(rate: 0, meanStay: 8),
        ]
        let rates = (1...20).map { Double(arrivals(.modulated(states), until: 500, seed: $0).count) / 500 }
        let interval = try #require(StudentInterval(rates, confidence: 0.999))
        #expect(interval.lower <= 20 && 20 <= interval.upper)
        // Poisson counts would deviate by √(20 / 500).
        #expect(Statistics.standardDeviation(rates) > 4 * (20.0 / 500).squareRoot())
    }
}
