// The rule at the end of a time zone file, for all time after the file's last transition: a POSIX TZ string such as
// `EST5EDT,M3.2.0,M11.1.0` (POSIX.1-2024, section 8.3; the extensions of RFC 9636, section 3.3.2).

/// A standard offset and, if the zone has one, yearly daylight saving time.
package struct TimeZoneFooter: Hashable, Sendable {
    /// Seconds ahead of UTC.
    package let standardOffset: Int64
    private let daylight: Daylight?

    private struct Daylight: Hashable, Sendable {
        let offset: Int64
        /// In standard time.
        let start: YearlyMoment
        /// In daylight saving time.
        let end: YearlyMoment
    }

    /// Reads the text; nil if it is no such rule.
    package init?(text: String) {
        var reader = FooterReader(rest: text.utf8[...])
        guard reader.name(), let standard = reader.signedTime() else { return nil }
        // POSIX counts west of Greenwich.
        standardOffset = -standard
        if reader.rest.isEmpty {
            daylight = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = standardOffset + 3600
        if !reader.rest.isEmpty, reader.rest.first != UInt8(ascii: ",") {
            guard let given = reader.signedTime() else { return nil }
            offset = -given
        }
        // Without dates: those of the United States.
        if reader.rest.isEmpty { reader.rest = ",M3.2.0,M11.1.0".utf8[...] }
        guard reader.take(","), let start = reader.moment(), reader.take(","), let end = reader.moment(), reader.rest.isEmpty else {
            return nil
        }
        daylight = Daylight(offset: offset, start: start, end: end)
    }

    /// The two changes of a year in order of time, none without daylight saving time.
    package func transitions(in year: Int) -> [TimeZoneRules.Transition] {
        guard let daylight else { return [] }
        let start = TimeZoneRules.Transition(start: daylight.start.seconds(in: year) - standardOffset, offset: daylight.offset)
        let end = TimeZoneRules.Transition(start: daylight.end.seconds(in: year) - daylight.offset, offset: standardOffset)
        return start.start < end.start ? [start, end] : [end, start]
    }
}

/// A moment of every year by the clock on the wall.
private struct YearlyMoment: Hashable, Sendable {
    enum Day: Hashable, Sendable {
        /// The day of the year from 1, February 29 never counted.
        case julian(Int)
        /// The day of the year from 0.
        case ordinal(Int)
        /// A weekday (0 is Sunday) of a month: the first to the fourth, or with 5 the last.
        case weekday(month: Int, week: Int, day: Int)
    }

    let day: Day
    /// Seconds after midnight; may be negative or more than a day.
    let time: Int64

    /// Seconds since 1970-01-01 00:00 on the wall.
    func seconds(in year: Int) -> Int64 {
        switch day {
        case .julian(let day):
            // From March on as if February had 29 days in no year.
            let isLater = day > 59
            let start = CivilTime.secondsSince1970(year: year, month: isLater ? 3 : 1, day: isLater ? day - 59 : day)
            return start + time
        case .ordinal(let day): return CivilTime.secondsSince1970(year: year, month: 1, day: day + 1) + time
        case .weekday(let month, let week, let day):
            let first = CivilTime.secondsSince1970(year: year, month: month, day: 1)
            let offset = (day - CivilTime(secondsSince1970: first).weekday + 7) % 7
            let monthLength = CivilTime.secondsSince1970(year: year, month: month + 1, day: 1) - first
            var seconds = Int64((offset + (week - 1) * 7) * 86_400)
            if seconds >= monthLength { seconds -= 7 * 86_400 }
            return first + seconds + time
        }
    }
}

private struct FooterReader {
    var rest: Substring.UTF8View

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Reads an abbreviation: letters, or anything in angle brackets.
    mutating func name() -> Bool {
        if take("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let letters = rest.prefix { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
        rest = rest[letters.endIndex...]
        return letters.count >= 3
    }

    mutating func number(upTo limit: Int) -> Int? {
        let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard let value = Int(String(Substring(digits))), value <= limit else { return nil }
        rest = rest[digits.endIndex...]
        return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func signedTime() -> Int64? {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard let hours = number(upTo: 167) else { return nil }
        var seconds = hours * 3600
        if take(":") {
            guard let minutes = number(upTo: 59) else { return nil }
            seconds += minutes * 60
            if take(":") {
                guard let rest = number(upTo: 59) else { return nil }
                seconds += rest
            }
        }
        return Int64(isNegative ? -seconds : seconds)
    }

    /// A day and, after a slash, a time; 02:00 without.
    mutating func moment() -> YearlyMoment? {
        guard let day = day() else { return nil }
        guard take("/") else { return YearlyMoment(day: day, time: 7200) }
        return signedTime().map { YearlyMoment(day: day, time: $0) }
    }

    private mutating func day() -> YearlyMoment.Day? {
        if take("J") { return number(upTo: 365).map { .julian($0) } }
        guard take("M") else { return number(upTo: 365).map { .ordinal($0) } }
        guard let month = number(upTo: 12), month >= 1, take("."), let week = number(upTo: 5), week >= 1, take("."),
            let day = number(upTo: 6)
        else { return nil }
        return .weekday(month: month, week: week, day: day)
    }
}
