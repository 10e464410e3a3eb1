// Simulated time as decimal seconds, exactly. Result files state times in seconds; going through `Double` would print
// 0.30000000000000004 sooner or later, and equal runs must be equal byte for byte.

extension SimulatedTime {
    /// The instant in seconds since the scenario's start as exact decimal text without trailing zeros: `54.1`, `0.000001`, `-3`.
    public var secondsText: String { sinceStart.secondsText }

    /// Appends ``secondsText`` to a buffer of UTF-8 bytes.
    public func appendSecondsText(to buffer: inout [UInt8]) {
        sinceStart.appendSecondsText(to: &buffer)
    }
}

extension SimulatedDuration {
    /// The length in seconds as exact decimal text without trailing zeros: `54.1`, `0.000001`, `-3`.
    public var secondsText: String {
        var buffer: [UInt8] = []
        appendSecondsText(to: &buffer)
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Appends ``secondsText`` to a buffer of UTF-8 bytes. At most 21 bytes; no allocation beyond the buffer's own growth.
    public func appendSecondsText(to buffer: inout [UInt8]) {
        if nanoseconds < 0 { buffer.append(UInt8(ascii: "-")) }
        let (whole, fraction) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        appendDecimal(whole, to: &buffer)
        appendFraction(fraction, digits: 9, to: &buffer)
    }
}

/// Appends a number's decimal digits.
func appendDecimal(_ number: UInt64, to buffer: inout [UInt8]) {
    let first = buffer.count
    var rest = number
    repeat {
        buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
    } while rest > 0
    buffer[first...].reverse()
}

/// Appends a decimal point and the fraction `numerator / 10^digits` without trailing zeros; nothing at all if it is zero.
func appendFraction(_ numerator: UInt64, digits: Int, to buffer: inout [UInt8]) {
    if numerator == 0 { return }
    var significant = numerator
    var count = digits
    while significant % 10 == 0 {
        significant /= 10
        count -= 1
    }
    let point = buffer.count
    for _ in 0..<count {
        buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: significant % 10))
        significant /= 10
    }
    buffer.append(UInt8(ascii: "."))
    buffer[point...].reverse()
}
