// Durations as users write them: Go's notation (`1h30m`, `2.5s`, `300ms`), which is that of every Kubernetes configuration
// file, and days (`30d`) besides, because mean times between failures come in days.

/// Why a text is not a duration. The message says what was read and what would have been accepted.
public enum DurationTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not a sequence of numbers with units.
    case malformed(text: String)
    /// A number without a unit.
    case missingUnit(text: String)
    /// A unit that is none of `ns`, `us`, `ms`, `s`, `m`, `h`, `d`.
    case unknownUnit(text: String, unit: String)
    /// More than 292 years.
    case tooLong(text: String)

    public var description: String {
        switch self {
        case .malformed(let text):
            "invalid duration \"\(text)\": write numbers with units, such as 300ms, 2.5s, 1h30m or 30d"
        case .missingUnit(let text):
            "missing unit in duration \"\(text)\": add one of ns, us, ms, s, m, h, d, as in 30s"
        case .unknownUnit(let text, let unit):
            "unknown unit \"\(unit)\" in duration \"\(text)\": units are ns, us, ms, s, m, h and d"
        case .tooLong(let text):
            "invalid duration \"\(text)\": longer than 292 years"
        }
    }
}

extension SimulatedDuration: CustomStringConvertible {
    /// Reads a duration in Go's notation (`time.ParseDuration`): an optional sign, then numbers, possibly with a fraction, each
    /// with a unit: `300ms`, `-1.5h`, `2h45m`. The units are `ns`, `us` (or `µs`), `ms`, `s`, `m`, `h`, and, beyond Go, `d` of
    /// 24 hours. A lone `0` needs no unit. Fractions of a nanosecond are cut off.
    /// - Throws: ``DurationTextError`` that says what is wrong.
    public init(text: String) throws(DurationTextError) {
        var rest = text.utf8[...]
        var negative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        if rest.elementsEqual("0".utf8) {
            self = .zero
            return
        }
        if rest.isEmpty { throw .malformed(text: text) }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let (term, termOverflow) = try DurationTerm(readingFrom: &rest, of: text).nanoseconds
            let (sum, sumOverflow) = total.addingReportingOverflow(term)
            if termOverflow || sumOverflow { throw .tooLong(text: text) }
            total = sum
        }
        if negative, total == Int64.min.magnitude {
            self.init(nanoseconds: .min)
            return
        }
        guard let nanoseconds = Int64(exactly: total) else { throw .tooLong(text: text) }
        self.init(nanoseconds: negative ? -nanoseconds : nanoseconds)
    }

    /// The duration as Go prints it (`time.Duration.String`): `1h30m0s`, `1m30s`, `1.5s`, `300ms`, `2µs`, `0s`.
    public var description: String {
        var buffer: [UInt8] = []
        if nanoseconds < 0 { buffer.append(UInt8(ascii: "-")) }
        let magnitude = nanoseconds.magnitude
        // Below a second Go picks the largest unit that leaves a whole part; from a second on, hours, minutes and seconds.
        switch magnitude {
        case 0: return "0s"
        case ..<1000: Self.append(magnitude, digits: 0, unit: "ns", to: &buffer)
        case ..<1_000_000: Self.append(magnitude, digits: 3, unit: "µs", to: &buffer)
        case ..<1_000_000_000: Self.append(magnitude, digits: 6, unit: "ms", to: &buffer)
        default:
            let (minutes, nanosecondsOfMinute) = magnitude.quotientAndRemainder(dividingBy: 60_000_000_000)
            if minutes >= 60 { Self.append(minutes / 60, digits: 0, unit: "h", to: &buffer) }
            if minutes > 0 { Self.append(minutes % 60, digits: 0, unit: "m", to: &buffer) }
            Self.append(nanosecondsOfMinute, digits: 9, unit: "s", to: &buffer)
        }
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Appends `number / 10^digits` and its unit.
    private static func append(_ number: UInt64, digits: Int, unit: String, to buffer: inout [UInt8]) {
        var scale: UInt64 = 1
        for _ in 0..<digits { scale *= 10 }
        appendDecimal(number / scale, to: &buffer)
        appendFraction(number % scale, digits: digits, to: &buffer)
        buffer.append(contentsOf: unit.utf8)
    }
}

extension SimulatedTime: CustomStringConvertible {
    /// The time since the scenario's start in Go's notation, for messages and debugging: `1m30.5s`.
    public var description: String {
        self == .distantFuture ? "never" : sinceStart.description
    }
}

/// One number with its unit: the `1h` or the `30m` of `1h30m`.
private struct DurationTerm {
    var whole: UInt64 = 0
    /// Decimal digits after the point, as `fraction / fractionScale`. Digits beyond the 15th are worth less than a nanosecond
    /// even of a day and are not kept.
    var fraction: UInt64 = 0
    var fractionScale: UInt64 = 1
    var overflow = false
    /// The unit's length in nanoseconds.
    var unit: UInt64 = 0

    /// The term's length and whether it exceeds 64 bits.
    var nanoseconds: (length: UInt64, overflow: Bool) {
        let (product, productOverflow) = whole.multipliedReportingOverflow(by: unit)
        // In full width: 15 digits times the nanoseconds of a day need 97 bits.
        let part = fractionScale.dividingFullWidth(fraction.multipliedFullWidth(by: unit)).quotient
        let (sum, sumOverflow) = product.addingReportingOverflow(part)
        return (sum, overflow || productOverflow || sumOverflow)
    }

    /// Reads the next term and removes it from `rest`; `text` is the whole, for messages.
    init(readingFrom rest: inout Substring.UTF8View, of text: String) throws(DurationTextError) {
        var sawDigit = false
        while let digit = Self.digit(rest.first) {
            let (tenfold, first) = whole.multipliedReportingOverflow(by: 10)
            let (next, second) = tenfold.addingReportingOverflow(digit)
            overflow = overflow || first || second
            whole = next
            sawDigit = true
            rest.removeFirst()
        }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            while let digit = Self.digit(rest.first) {
                if fractionScale < 1_000_000_000_000_000 {
                    fraction = fraction * 10 + digit
                    fractionScale *= 10
                }
                sawDigit = true
                rest.removeFirst()
            }
        }
        if !sawDigit { throw .malformed(text: text) }
        let unitEnd = rest.firstIndex { $0 == UInt8(ascii: ".") || Self.digit($0) != nil } ?? rest.endIndex
        let name = String(Substring(rest[..<unitEnd]))
        rest = rest[unitEnd...]
        switch name {
        case "ns": unit = 1
        // U+00B5, the micro sign, and U+03BC, the Greek letter: Go accepts both.
        case "us", "\u{B5}s", "\u{3BC}s": unit = 1000
        case "ms": unit = 1_000_000
        case "s": unit = 1_000_000_000
        case "m": unit = 60_000_000_000
        case "h": unit = 3_600_000_000_000
        case "d": unit = 86_400_000_000_000
        case "": throw .missingUnit(text: text)
        default: throw .unknownUnit(text: text, unit: name)
        }
    }

    private static func digit(_ byte: UInt8?) -> UInt64? {
        guard let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        return UInt64(byte - UInt8(ascii: "0"))
    }
}
