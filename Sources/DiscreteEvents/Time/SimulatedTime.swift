// An instant of simulated time: a whole number of nanoseconds since the scenario's start.
// Integers, because two events are simultaneous exactly or not at all, and because sums of integers do not
// depend on the order of summation: floating-point clocks break both, and determinism with them.

/// An instant on the simulation's clock, in nanoseconds since the scenario's start.
///
/// Negative instants lie before the start (the creation time of an object in a cluster snapshot). The range is 292 years to
/// either side. Arithmetic saturates: ``distantFuture`` plus any positive duration is ``distantFuture`` again.
///
/// ```swift
/// let deadline = SimulatedTime.start + .minutes(5)
/// let left: SimulatedDuration = deadline - now
/// ```
@frozen
public struct SimulatedTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since the scenario's start; negative before it.
    public var nanoseconds: Int64

    /// The instant this many nanoseconds after the scenario's start.
    @inlinable
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The instant this long after the scenario's start.
    @inlinable
    public init(sinceStart duration: SimulatedDuration) {
        self.nanoseconds = duration.nanoseconds
    }

    /// The instant nearest to this many seconds after the scenario's start (ties away from zero; saturating).
    /// - Precondition: `seconds` is not NaN.
    @inlinable
    public init(seconds: Double) {
        self.nanoseconds = SimulatedDuration(seconds: seconds).nanoseconds
    }

    /// The scenario's start, instant 0.
    @inlinable public static var start: SimulatedTime { SimulatedTime(nanoseconds: 0) }

    /// The scenario's start, instant 0: the same as ``start``.
    @inlinable public static var zero: SimulatedTime { SimulatedTime(nanoseconds: 0) }

    /// Later than everything that happens; stands for "never".
    @inlinable public static var distantFuture: SimulatedTime { SimulatedTime(nanoseconds: .max) }

    /// Earlier than everything that happens.
    @inlinable public static var distantPast: SimulatedTime { SimulatedTime(nanoseconds: .min) }

    /// Seconds since the scenario's start, rounded to the nearest `Double`. For exact output use ``secondsText``.
    @inlinable public var seconds: Double { Double(nanoseconds) / 1e9 }

    /// How long after the scenario's start this instant is.
    @inlinable public var sinceStart: SimulatedDuration { SimulatedDuration(nanoseconds: nanoseconds) }

    /// This instant rounded down (towards the past) to whole seconds: the resolution of `metav1.Time`, in which API objects
    /// keep their timestamps.
    @inlinable
    public var truncatedToSeconds: SimulatedTime {
        roundedDown(toMultipleOf: .seconds(1))
    }

    @inlinable
    public static func < (earlier: SimulatedTime, later: SimulatedTime) -> Bool {
        earlier.nanoseconds < later.nanoseconds
    }

    /// The instant `duration` after `time`; saturating.
    @inlinable
    public static func + (time: SimulatedTime, duration: SimulatedDuration) -> SimulatedTime {
        SimulatedTime(sinceStart: time.sinceStart + duration)
    }

    /// The instant `duration` before `time`; saturating.
    @inlinable
    public static func - (time: SimulatedTime, duration: SimulatedDuration) -> SimulatedTime {
        SimulatedTime(sinceStart: time.sinceStart - duration)
    }

    /// How long after `earlier` the instant `later` is (negative if it is before); saturating.
    @inlinable
    public static func - (later: SimulatedTime, earlier: SimulatedTime) -> SimulatedDuration {
        later.sinceStart - earlier.sinceStart
    }

    /// Moves the instant into the future; saturating.
    @inlinable
    public static func += (time: inout SimulatedTime, duration: SimulatedDuration) {
        time = time + duration
    }

    /// Moves the instant into the past; saturating.
    @inlinable
    public static func -= (time: inout SimulatedTime, duration: SimulatedDuration) {
        time = time - duration
    }
}

// MARK: - Grids

// Periodic work (heartbeats, probes, resyncs) is not simulated tick by tick: when somebody asks, the tick is computed
// on the grid `phase + k * period`, for any whole k, negative ones included.
extension SimulatedTime {
    /// The first instant of the grid `phase + k * period` strictly after this one; saturating.
    /// - Precondition: `period` is positive.
    @inlinable
    public func nextMultiple(of period: SimulatedDuration, phase: SimulatedDuration = .zero) -> SimulatedTime {
        if self == .distantFuture { return self }
        return self + (period - offset(from: phase, period: period))
    }

    /// The first instant of the grid `phase + k * period` at or after this one; saturating.
    /// - Precondition: `period` is positive.
    @inlinable
    public func roundedUp(toMultipleOf period: SimulatedDuration, phase: SimulatedDuration = .zero) -> SimulatedTime {
        if self == .distantFuture { return self }
        let offset = offset(from: phase, period: period)
        return offset == .zero ? self : self + (period - offset)
    }

    /// The last instant of the grid `phase + k * period` at or before this one; saturating. ``distantFuture`` stays what it is.
    /// - Precondition: `period` is positive.
    @inlinable
    public func roundedDown(toMultipleOf period: SimulatedDuration, phase: SimulatedDuration = .zero) -> SimulatedTime {
        if self == .distantFuture { return self }
        return self - offset(from: phase, period: period)
    }

    /// How far this instant is past the grid's last tick: in `0 ..< period`.
    @inlinable
    func offset(from phase: SimulatedDuration, period: SimulatedDuration) -> SimulatedDuration {
        precondition(period.nanoseconds > 0, "a grid needs a positive period")
        // Remainders first: the difference of the two instants themselves might overflow.
        let remainder = (nanoseconds % period.nanoseconds - phase.nanoseconds % period.nanoseconds) % period.nanoseconds
        return SimulatedDuration(nanoseconds: remainder < 0 ? remainder + period.nanoseconds : remainder)
    }
}
