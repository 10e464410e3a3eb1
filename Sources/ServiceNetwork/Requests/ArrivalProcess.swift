// When requests come: what a scenario says about a source of traffic.

import DiscreteEvents

/// A law of arrivals. All but ``closed(users:thinkTime:)`` are open loops: requests come whether or not earlier ones were answered.
public enum ArrivalProcess: Hashable, Sendable {
    /// Independent of each other, so many a second on average (Poisson).
    case poisson(rate: Double)
    /// Evenly spaced.
    case deterministic(interval: SimulatedDuration)
    /// Independent gaps of this distribution, seconds.
    case renewal(Distribution)
    /// A Poisson process whose rate changes: each state lasts an exponential time, then the next in the list begins, round and round
    /// (a Markov-modulated Poisson process; two states with rates 0 and r make bursts).
    case modulated([ModulatedState])
    /// A Poisson process whose rate follows a curve.
    case curve(RateCurve)
    /// At recorded instants, ascending.
    case replay([SimulatedTime])
    /// So many users, each of whom waits for the answer and then thinks for a while (seconds) before the next request.
    case closed(users: Int, thinkTime: Distribution)
    /// Only on behalf of other requests: a call from one Service to another.
    case onDemand

    /// A state of a modulated process.
    public struct ModulatedState: Hashable, Sendable {
        /// Requests a second while it lasts; may be 0.
        public var rate: Double
        /// How long it lasts on average, seconds.
        public var meanStay: Double

        public init(rate: Double, meanStay: Double) {
            self.rate = rate
            self.meanStay = meanStay
        }
    }
}

/// Rates through which a straight line is drawn from point to point, repeated with a period: a day's traffic.
public struct RateCurve: Hashable, Sendable {
    /// Times after the start of the period, ascending, below the period; rates per second, none negative.
    public let points: [Point]
    public let period: SimulatedDuration

    public struct Point: Hashable, Sendable {
        public var time: SimulatedDuration
        public var rate: Double

        public init(time: SimulatedDuration, rate: Double) {
            self.time = time
            self.rate = rate
        }
    }

    /// nil if there is no point, the times do not ascend within the period, or a rate is negative.
    public init?(points: [Point], period: SimulatedDuration) {
        guard let first = points.first, let last = points.last, first.time >= .zero, last.time < period else { return nil }
        guard zip(points, points.dropFirst()).allSatisfy({ $0.time < $1.time }), points.allSatisfy({ $0.rate >= 0 }) else { return nil }
        self.points = points
        self.period = period
    }

    /// Requests a second at an instant.
    public func rate(at time: SimulatedTime) -> Double {
        let segment = segment(at: time)
        let share = (time - segment.start).seconds / segment.duration.seconds
        return segment.from + (segment.to - segment.from) * share
    }

    /// The straight piece that an instant lies on.
    func segment(at time: SimulatedTime) -> (start: SimulatedTime, duration: SimulatedDuration, from: Double, to: Double) {
        let origin = time.roundedDown(toMultipleOf: period)
        let offset = time - origin
        let next = points.firstIndex { $0.time > offset } ?? points.count
        let (before, after) = (points[next == 0 ? points.count - 1 : next - 1], points[next == points.count ? 0 : next])
        let start = next == 0 ? before.time - period : before.time
        let end = next == points.count ? after.time + period : after.time
        return (origin + start, end - start, before.rate, after.rate)
    }
}
