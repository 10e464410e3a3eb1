// Points in time and lengths of time as the API writes them: RFC 3339 and Go's durations.

import DiscreteEvents

/// RFC 3339 points in time, in nanoseconds since 1970-01-01T00:00:00Z (from 1678 to 2262).
package enum RFC3339 {
    /// The point in time, or nil if the text is none.
    package static func nanoseconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ length: Int) -> Int? {
            guard start + length <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[start..<start + length] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] | 0x20 == UInt8(ascii: "t"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), day >= 1, day <= daysInMonth(year, month), hour < 24, minute < 60, second < 60
        else { return nil }
        var position = 19
        var nanoseconds = 0
        if bytes[position] == UInt8(ascii: ".") {
            position += 1
            var unit = 100_000_000
            let start = position
            while position < bytes.count, bytes[position] &- 0x30 < 10 {
                nanoseconds += Int(bytes[position] - 0x30) * unit
                unit /= 10
                position += 1
            }
            if position == start { return nil }
        }
        guard position < bytes.count else { return nil }
        var offset = 0
        if bytes[position] | 0x20 == UInt8(ascii: "z") {
            position += 1
        } else {
            guard bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-"), position + 6 <= bytes.count,
                bytes[position + 3] == UInt8(ascii: ":"), let hours = number(position + 1, 2), let minutes = number(position + 4, 2),
                hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[position] == UInt8(ascii: "-") ? -60 : 60)
            position += 6
        }
        guard position == bytes.count else { return nil }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Int64(exactly: Int128(seconds) * 1_000_000_000 + Int128(nanoseconds))
    }

    /// The text in UTC: whole seconds as `2024-01-01T00:00:00Z`, otherwise with the digits `fractionDigits` asks for.
    package static func text(_ nanoseconds: Int64, fractionDigits: Int = 0) -> String {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let seconds = Int(quotient) - (remainder < 0 ? 1 : 0)
        let fraction = Int(remainder < 0 ? remainder + 1_000_000_000 : remainder)
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let time = seconds - day * 86_400
        let (year, month, dayOfMonth) = civil(day)
        var text = pad(year, 4) + "-" + pad(month, 2) + "-" + pad(dayOfMonth, 2)
        text += "T" + pad(time / 3600, 2) + ":" + pad(time / 60 % 60, 2) + ":" + pad(time % 60, 2)
        if fractionDigits > 0 { text += "." + pad(fraction, 9).prefix(fractionDigits) }
        return text + "Z"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that leap days come last.
    package static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date of a number of days since 1970-01-01.
    package static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

extension DecodingContext {
    /// A duration; nil if absent or wrong (reported).
    package mutating func duration(_ node: YAMLNode) -> SimulatedDuration? {
        // A bare 0 needs no unit.
        if node.tape.kind == .plain, node.scalarType == .int, node.text == "0" { return .zero }
        guard let text = String.decode(node, &self) else { return nil }
        do throws(DurationTextError) {
            return try SimulatedDuration(text: text)
        } catch {
            if case .tooLong = error {
                self.error(node, error.description)
                return nil
            }
        }
        error(node, "invalid duration \(GoText.quoted(text)): expected something like \"1h15m30.5s\" or \"250ms\"")
        return nil
    }

    /// An RFC 3339 time in nanoseconds since 1970; nil if absent or wrong (reported).
    package mutating func time(_ node: YAMLNode) -> Int64? {
        guard let text = String.decode(node, &self) else { return nil }
        if let value = RFC3339.nanoseconds(text) { return value }
        if text.utf8.count > 4, RFC3339.nanoseconds("2000" + text.dropFirst(4)) != nil {
            error(node, "invalid time \(GoText.quoted(text)): the clock here runs from the year 1678 to 2262")
            return nil
        }
        error(node, "invalid time \(GoText.quoted(text)): expected RFC 3339, such as \"2006-01-02T15:04:05Z\"")
        return nil
    }
}
