// Calendar time, which cron schedules are written in: instants counted from 1970 instead of the scenario's start, and the date and
// time of day that clocks on a wall show.

import DiscreteEvents
import KubernetesAPI

/// An instant in nanoseconds since 1970-01-01T00:00:00Z (from 1678 to 2262).
package struct WallTime: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// An instant of the simulation.
    /// - Parameter origin: when the scenario starts, in whole seconds since 1970.
    package init(_ time: SimulatedTime, origin: Int64) {
        let start = SimulatedDuration.seconds(Int(origin))
        nanoseconds = (time.sinceStart + start).nanoseconds
    }

    /// The beginning of a second counted from 1970; saturating.
    package init(unixSeconds: Int64) { nanoseconds = SimulatedDuration.seconds(Int(unixSeconds)).nanoseconds }

    /// The instant on the simulation's clock.
    package func simulatedTime(origin: Int64) -> SimulatedTime {
        SimulatedTime(sinceStart: SimulatedDuration(nanoseconds: nanoseconds) - .seconds(Int(origin)))
    }

    /// The second this instant lies in, counted from 1970.
    package var unixSeconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    package static func < (earlier: WallTime, later: WallTime) -> Bool { earlier.nanoseconds < later.nanoseconds }

    /// The instant `duration` after `time`; saturating.
    package static func + (time: WallTime, duration: SimulatedDuration) -> WallTime {
        WallTime(nanoseconds: (SimulatedDuration(nanoseconds: time.nanoseconds) + duration).nanoseconds)
    }

    /// How long after `earlier` the instant `later` is; saturating.
    package static func - (later: WallTime, earlier: WallTime) -> SimulatedDuration {
        SimulatedDuration(nanoseconds: later.nanoseconds) - SimulatedDuration(nanoseconds: earlier.nanoseconds)
    }
}

/// What a calendar and a clock on the wall show, to the second, in the Gregorian calendar.
package struct CivilTime: Hashable, Sendable {
    package let year: Int
    /// 1 to 12.
    package let month: Int
    /// 1 to 31.
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int
    /// 0 is Sunday.
    package let weekday: Int

    /// The date and time so many seconds after 1970-01-01 00:00:00 on the same clock.
    package init(secondsSince1970 seconds: Int64) {
        let day = Int(seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400)
        let time = Int(seconds) - day * 86_400
        (year, month, self.day) = RFC3339.civil(day)
        hour = time / 3600
        minute = time / 60 % 60
        second = time % 60
        // 1970-01-01 was a Thursday.
        weekday = ((day + 4) % 7 + 7) % 7
    }

    /// Seconds from 1970-01-01 00:00:00 to a date and time on the same clock. A month after December and a day after the month's
    /// last run on into the next year and month.
    package static func secondsSince1970(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) -> Int64 {
        let days = RFC3339.days(year + (month - 1) / 12, (month - 1) % 12 + 1, 1) + day - 1
        return Int64(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}
