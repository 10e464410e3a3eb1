// What several containers use together, and when that crosses a line.

import DiscreteEvents

/// A sum of loads, each with its own beginning and share: straight between the points of its parts.
struct LoadSum: Sendable {
    struct Part: Sendable {
        let profile: LoadProfile
        /// Where the profile's clock begins.
        let origin: SimulatedTime
        let share: Double

        func value(at time: SimulatedTime) -> Double { share * profile.value(at: .zero + (time - origin)) }
        func nextPoint(after time: SimulatedTime) -> SimulatedTime? {
            profile.nextPoint(after: .zero + (time - origin)).map { origin + ($0 - .zero) }
        }
        func isSloping(after time: SimulatedTime) -> Bool { profile.isSloping(after: .zero + (time - origin)) }
        var peak: Double { share * profile.peak }
    }

    /// What a search found.
    enum Search: Equatable {
        /// The first time at which it is so.
        case found(SimulatedTime)
        /// Not before this time; what comes after it was not looked at.
        case notBefore(SimulatedTime)
        case never
    }

    /// How many pieces a search looks at; who wants to know more asks again later.
    private static let horizon = 64

    var parts: [Part] = []
    /// What is used at all times.
    var constant = 0.0

    func value(at time: SimulatedTime) -> Double { parts.reduce(constant) { $0 + $1.value(at: time) } }

    /// It is never more than this.
    var bound: Double { parts.reduce(constant) { $0 + max(0, $1.peak) } }

    /// When it bends or jumps next; `.distantFuture`: it stays as it is.
    func nextPoint(after time: SimulatedTime) -> SimulatedTime {
        parts.reduce(.distantFuture) { next, part in min(next, part.nextPoint(after: time) ?? .distantFuture) }
    }

    /// The first tick from `start` on at which the sum is in a region. Exact: the tick before it is outside.
    ///
    /// - Parameter region: above a line, or not above it; anything else would have to be searched for piece by piece.
    func first(from start: SimulatedTime, where region: (Double) -> Bool) -> Search {
        var begin = start
        for _ in 0..<LoadSum.horizon {
            if region(value(at: begin)) { return .found(begin) }
            let end = nextPoint(after: begin)
            if end == .distantFuture { return .never }
            // Between two points the sum is straight: it enters the region once, or not at all.
            var (outside, inside) = (begin.nanoseconds, end.nanoseconds - 1)
            if inside > outside, region(value(at: SimulatedTime(nanoseconds: inside))) {
                while inside - outside > 1 {
                    let middle = outside + (inside - outside) / 2
                    if region(value(at: SimulatedTime(nanoseconds: middle))) { inside = middle } else { outside = middle }
                }
                return .found(SimulatedTime(nanoseconds: inside))
            }
            begin = end
        }
        return .notBefore(begin)
    }
}
