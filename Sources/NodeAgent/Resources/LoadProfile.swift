// A quantity over time, given by points: what a container uses, or a metric that comes from elsewhere.

import DiscreteEvents

/// A quantity over time, in base units (cores, bytes, requests): constant between points, or straight from one to the next.
public struct LoadProfile: Hashable, Sendable {
    public struct Point: Hashable, Sendable {
        public var time: SimulatedTime
        public var value: Double

        public init(_ time: SimulatedTime, _ value: Double) {
            self.time = time
            self.value = value
        }
    }
    public enum Shape: Hashable, Sendable {
        /// Each value holds until the next.
        case steps
        /// Values change evenly from point to point.
        case ramp
    }
    /// In order of time. Before the first and after the last their values hold.
    public let points: [Point]
    public let shape: Shape
    /// The highest value it ever takes.
    let peak: Double

    /// - Precondition: there is a point, and the points are in order of time.
    public init(_ points: [Point], _ shape: Shape) {
        precondition(!points.isEmpty, "a load has a value")
        self.points = points
        self.shape = shape
        peak = points.reduce(-.infinity) { max($0, $1.value) }
    }

    public static func constant(_ value: Double) -> LoadProfile { LoadProfile([Point(.zero, value)], .steps) }

    /// A leak: from `value` on by so much per second, for as long as anybody looks.
    public static func growth(from value: Double, perSecond rate: Double, upTo ceiling: Double = .infinity) -> LoadProfile {
        // Ten years, or until it is full.
        let seconds = rate > 0 ? min(315_360_000, (ceiling - value) / rate) : 0
        guard seconds > 0 else { return .constant(min(value, ceiling)) }
        return LoadProfile([Point(.zero, value), Point(SimulatedTime(seconds: seconds), value + rate * seconds)], .ramp)
    }

    public func value(at time: SimulatedTime) -> Double {
        let next = firstPoint(after: time)
        guard next < points.count else { return points[points.count - 1].value }
        guard next > 0 else { return points[0].value }
        return shape == .steps ? points[next - 1].value : between(next - 1, at: time)
    }

    /// The integral over time, in base units times seconds.
    public func integral(from start: SimulatedTime, to end: SimulatedTime) -> Double {
        guard start < end else { return 0 }
        var sum = 0.0
        var time = start
        var next = firstPoint(after: start)
        while next < points.count, points[next].time < end {
            sum += area(time, points[next].time)
            time = points[next].time
            next = firstPoint(after: time)
        }
        return sum + area(time, end)
    }

    /// The same where it is below a ceiling, and the ceiling where it is above.
    func capped(at ceiling: Double) -> LoadProfile {
        guard peak > ceiling else { return self }
        var capped: [Point] = []
        for (index, point) in points.enumerated() {
            if shape == .ramp, index > 0 {
                let before = points[index - 1]
                let share = (ceiling - before.value) / (point.value - before.value)
                if share > 0, share < 1 { capped.append(Point(before.time + (point.time - before.time) * share, ceiling)) }
            }
            capped.append(Point(point.time, min(point.value, ceiling)))
        }
        return LoadProfile(capped, shape)
    }

    /// The time of the first point after `time`; nil: it stays as it is.
    func nextPoint(after time: SimulatedTime) -> SimulatedTime? {
        let next = firstPoint(after: time)
        return next < points.count ? points[next].time : nil
    }

    /// Whether it changes all the time right after `time`, and not only at the next point.
    func isSloping(after time: SimulatedTime) -> Bool {
        guard shape == .ramp else { return false }
        let next = firstPoint(after: time)
        return next > 0 && next < points.count && points[next].value != points[next - 1].value
    }

    /// Complexity: O(log points).
    private func firstPoint(after time: SimulatedTime) -> Int {
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle].time > time { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func between(_ index: Int, at time: SimulatedTime) -> Double {
        let (before, after) = (points[index], points[index + 1])
        return before.value + (after.value - before.value) * ((time - before.time) / (after.time - before.time))
    }

    /// The integral of a part without a point inside.
    private func area(_ start: SimulatedTime, _ end: SimulatedTime) -> Double {
        let width = (end - start).seconds
        return shape == .steps ? value(at: start) * width : (value(at: start) + value(before: end)) / 2 * width
    }

    /// What a ramp comes to at a time at which it may jump.
    private func value(before time: SimulatedTime) -> Double {
        let next = firstPoint(after: time - .nanoseconds(1))
        guard next < points.count else { return points[points.count - 1].value }
        return next > 0 ? between(next - 1, at: time) : points[0].value
    }
}
