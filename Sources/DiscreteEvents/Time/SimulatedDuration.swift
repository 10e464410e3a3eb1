// A length of simulated time: a whole number of nanoseconds, as Go's `time.Duration`, which is what every
// timeout, period and back-off of Kubernetes is written in.

/// A length of simulated time in nanoseconds; may be negative. The range is 292 years to either side, and arithmetic saturates there.
///
/// ```swift
/// let gracePeriod = SimulatedDuration.seconds(30)
/// let backOff = min(gracePeriod * 2, .minutes(5))
/// let runTime = SimulatedDuration(seconds: distribution.sample(&stream))
/// ```
@frozen
public struct SimulatedDuration: Sendable, Hashable, Comparable {
    /// The length in nanoseconds.
    public var nanoseconds: Int64

    /// A length of so many nanoseconds.
    @inlinable
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The length nearest to so many seconds (ties away from zero; saturating, so infinity is ``distant``).
    /// - Precondition: `seconds` is not NaN.
    @inlinable
    public init(seconds: Double) {
        self.init(roundingNanoseconds: seconds * 1e9)
    }

    /// Rounds half away from zero and saturates.
    @inlinable
    init(roundingNanoseconds nanoseconds: Double) {
        // Nearly always: truncation is exact, and so is what it leaves. `rounded` is a call of the C library.
        if nanoseconds.magnitude < 0x1p62 {
            let whole = Int64(nanoseconds)
            let rest = nanoseconds - Double(whole)
            self.nanoseconds = whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0)
            return
        }
        precondition(!nanoseconds.isNaN, "a duration must be a number")
        let rounded = nanoseconds.rounded(.toNearestOrAwayFromZero)
        if rounded >= 0x1p63 {
            self.nanoseconds = .max
        } else if rounded < -0x1p63 {
            self.nanoseconds = .min
        } else {
            self.nanoseconds = Int64(rounded)
        }
    }

    /// No time at all.
    @inlinable public static var zero: SimulatedDuration { SimulatedDuration(nanoseconds: 0) }

    /// Longer than anything that happens: the time until ``SimulatedTime/distantFuture``.
    @inlinable public static var distant: SimulatedDuration { SimulatedDuration(nanoseconds: .max) }

    /// The length in seconds, rounded to the nearest `Double`. For exact output use ``secondsText``.
    @inlinable public var seconds: Double { Double(nanoseconds) / 1e9 }

    /// The length without its sign; saturating.
    @inlinable public var magnitude: SimulatedDuration { nanoseconds < 0 ? -self : self }

    @inlinable
    public static func < (shorter: SimulatedDuration, longer: SimulatedDuration) -> Bool {
        shorter.nanoseconds < longer.nanoseconds
    }
}

// MARK: - Constructors by unit

extension SimulatedDuration {
    /// So many nanoseconds.
    @inlinable public static func nanoseconds(_ count: Int64) -> SimulatedDuration { SimulatedDuration(nanoseconds: count) }
    /// So many microseconds; saturating.
    @inlinable public static func microseconds(_ count: Int) -> SimulatedDuration { SimulatedDuration(nanoseconds: 1000) * count }
    /// So many milliseconds; saturating.
    @inlinable public static func milliseconds(_ count: Int) -> SimulatedDuration { SimulatedDuration(nanoseconds: 1_000_000) * count }
    /// So many seconds; saturating.
    @inlinable public static func seconds(_ count: Int) -> SimulatedDuration { SimulatedDuration(nanoseconds: 1_000_000_000) * count }
    /// So many minutes of 60 seconds; saturating.
    @inlinable public static func minutes(_ count: Int) -> SimulatedDuration { seconds(60) * count }
    /// So many hours of 60 minutes; saturating.
    @inlinable public static func hours(_ count: Int) -> SimulatedDuration { seconds(3600) * count }
    /// So many days of 24 hours; saturating.
    @inlinable public static func days(_ count: Int) -> SimulatedDuration { seconds(86400) * count }
}

// MARK: - Arithmetic

extension SimulatedDuration {
    /// The sum; saturating.
    @inlinable
    public static func + (left: SimulatedDuration, right: SimulatedDuration) -> SimulatedDuration {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
        if overflow { return SimulatedDuration(nanoseconds: right.nanoseconds < 0 ? .min : .max) }
        return SimulatedDuration(nanoseconds: sum)
    }

    /// The difference; saturating.
    @inlinable
    public static func - (left: SimulatedDuration, right: SimulatedDuration) -> SimulatedDuration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        if overflow { return SimulatedDuration(nanoseconds: right.nanoseconds < 0 ? .max : .min) }
        return SimulatedDuration(nanoseconds: difference)
    }

    /// The same length with the other sign; saturating.
    @inlinable
    public static prefix func - (duration: SimulatedDuration) -> SimulatedDuration {
        .zero - duration
    }

    /// A whole multiple; saturating.
    @inlinable
    public static func * (duration: SimulatedDuration, factor: Int) -> SimulatedDuration {
        let (product, overflow) = duration.nanoseconds.multipliedReportingOverflow(by: Int64(factor))
        if overflow { return SimulatedDuration(nanoseconds: (duration.nanoseconds < 0) == (factor < 0) ? .max : .min) }
        return SimulatedDuration(nanoseconds: product)
    }

    /// A multiple, to the nearest nanosecond with ties away from zero; saturating. Computed in `Double`: above 104 days (2^53 ns)
    /// the result has 53 significant bits, not nanosecond resolution.
    /// - Precondition: the product is not NaN.
    @inlinable
    public static func * (duration: SimulatedDuration, factor: Double) -> SimulatedDuration {
        SimulatedDuration(roundingNanoseconds: Double(duration.nanoseconds) * factor)
    }

    /// A whole fraction, truncated towards zero as Go divides.
    /// - Precondition: `divisor` is not zero.
    @inlinable
    public static func / (duration: SimulatedDuration, divisor: Int) -> SimulatedDuration {
        let (quotient, overflow) = duration.nanoseconds.dividedReportingOverflow(by: Int64(divisor))
        precondition(divisor != 0, "a duration cannot be divided by zero")
        return overflow ? .distant : SimulatedDuration(nanoseconds: quotient)
    }

    /// How many times the one length contains the other, as a real number.
    @inlinable
    public static func / (duration: SimulatedDuration, unit: SimulatedDuration) -> Double {
        Double(duration.nanoseconds) / Double(unit.nanoseconds)
    }

    /// Lengthens the duration; saturating.
    @inlinable
    public static func += (left: inout SimulatedDuration, right: SimulatedDuration) {
        left = left + right
    }

    /// Shortens the duration; saturating.
    @inlinable
    public static func -= (left: inout SimulatedDuration, right: SimulatedDuration) {
        left = left - right
    }
}
