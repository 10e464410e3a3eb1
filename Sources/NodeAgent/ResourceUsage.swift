// What containers use of cpu and memory while they run: no manifest says it, and autoscalers live by it.

import DiscreteEvents
import KubernetesAPI

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

    /// - Precondition: there is a point, and the points are in order of time.
    public init(_ points: [Point], _ shape: Shape) {
        precondition(!points.isEmpty, "a load has a value")
        self.points = points
        self.shape = shape
    }

    public static func constant(_ value: Double) -> LoadProfile { LoadProfile([Point(.zero, value)], .steps) }

    public func value(at time: SimulatedTime) -> Double {
        guard let next = points.firstIndex(where: { $0.time > time }) else { return points[points.count - 1].value }
        guard next > 0 else { return points[0].value }
        let (before, after) = (points[next - 1], points[next])
        if shape == .steps { return before.value }
        return before.value + (after.value - before.value) * ((time - before.time) / (after.time - before.time))
    }

    /// The integral over time, in base units times seconds.
    public func integral(from start: SimulatedTime, to end: SimulatedTime) -> Double {
        guard start < end else { return 0 }
        var sum = 0.0
        var time = start
        for point in points where point.time > start && point.time < end {
            sum += area(time, point.time)
            time = point.time
        }
        return sum + area(time, end)
    }

    /// The integral of a part without a point inside.
    private func area(_ start: SimulatedTime, _ end: SimulatedTime) -> Double {
        let width = (end - start).seconds
        return shape == .steps ? value(at: start) * width : (value(at: start) + value(before: end)) / 2 * width
    }

    /// What a ramp comes to at a time at which it may jump.
    private func value(before time: SimulatedTime) -> Double {
        guard let next = points.firstIndex(where: { $0.time >= time }) else { return points[points.count - 1].value }
        guard next > 0 else { return points[0].value }
        let (before, after) = (points[next - 1], points[next])
        return before.value + (after.value - before.value) * ((time - before.time) / (after.time - before.time))
    }
}

/// A load, and whether each pod bears it or all ready pods share it.
public struct ResourceLoad: Hashable, Sendable {
    public var profile: LoadProfile
    /// True: the profile is the total over all pods of the rule, borne in equal parts by those that are Ready; false: each bears it.
    public var isShared: Bool

    public init(_ profile: LoadProfile, isShared: Bool = false) {
        self.profile = profile
        self.isShared = isShared
    }
}

/// What a pod uses while it runs; nil: nothing worth mentioning.
public struct ResourceUsage: Hashable, Sendable {
    /// Cores.
    public var cpu: ResourceLoad?
    /// Bytes.
    public var memory: ResourceLoad?
    /// The container that uses it; nil: the first. The others use nothing.
    public var container: String?

    public init() {}

    public subscript(resource: ResourceName) -> ResourceLoad? {
        switch resource {
        case .cpu: cpu
        case .memory: memory
        default: nil
        }
    }
}
