// Kubernetes' resource.Quantity: the exact number behind "500m", "1.5Gi" and "1e3".
//
// Two representations, as in Kubernetes: a 64-bit mantissa with a decimal exponent for nearly every quantity, and an
// exact decimal of any size for the rest. Which one a quantity has is visible (`int64Value`, rounding of `value`), so
// both are followed faithfully. Parsing is in Quantity+Parsing.swift, the canonical text in Quantity+Text.swift.

/// An exact amount of a resource with the notation it is written in (Kubernetes `resource.Quantity`).
///
/// Equality, order and hash compare the number alone: `1` equals `1000m`. The notation only shows in `description`.
public struct Quantity: Sendable, Hashable, Comparable {
    /// The notation a quantity was given in and is printed in.
    public enum Format: String, Sendable, CaseIterable {
        /// 12, 500m, 3k, 2M
        case decimalSI = "DecimalSI"
        /// 1Ki, 2Mi, 3Gi
        case binarySI = "BinarySI"
        /// 1e3
        case decimalExponent = "DecimalExponent"
    }

    /// The value is `mantissa · 10^exponent` unless `large` holds it.
    var mantissa: Int64
    var exponent: Int32
    /// The notation `description` uses.
    public internal(set) var format: Format
    /// What only few quantities have, behind a reference so that all others stay small.
    private var extra: Extra?

    private final class Extra: Sendable {
        let large: BigDecimal?
        let spelling: String?

        init(large: BigDecimal?, spelling: String?) {
            self.large = large
            self.spelling = spelling
        }
    }

    /// The value, when a mantissa of 64 bits does not hold it or Kubernetes keeps it as a decimal for other reasons.
    var large: BigDecimal? { extra?.large }

    /// The text the quantity was read from, when Kubernetes prints that instead of the canonical text (`+5`, `1E3`).
    var spelling: String? { extra?.spelling }

    init(mantissa: Int64, exponent: Int32, format: Format, spelling: String? = nil) {
        self.mantissa = mantissa
        self.exponent = exponent
        self.format = format
        extra = spelling.map { Extra(large: nil, spelling: $0) }
    }

    init(large: BigDecimal, format: Format) {
        mantissa = 0
        exponent = 0
        self.format = format
        extra = Extra(large: large, spelling: nil)
    }

    /// Zero, in decimal notation.
    public static let zero = Quantity(0)

    /// A whole number.
    public init(_ value: Int64, format: Format = .decimalSI) {
        self.init(mantissa: value, exponent: 0, format: format)
    }

    /// A number of thousandths: `Quantity(milli: 250)` is `250m`.
    public init(milli: Int64, format: Format = .decimalSI) {
        self.init(mantissa: milli, exponent: -3, format: format)
    }

    /// A whole number of bytes, printed as `1Gi`.
    public init(bytes: Int64) { self.init(bytes, format: .binarySI) }

    // MARK: Reading

    /// −1, 0 or 1.
    public var sign: Int { large?.sign ?? Int(mantissa.signum()) }

    /// Whether the quantity is zero.
    public var isZero: Bool { sign == 0 }

    /// The number rounded up (away from zero) to a whole one, as Go's `Value()`.
    ///
    /// Follows Kubernetes at the edges too: a plain quantity too large for 64 bits gives 0, a large decimal wraps.
    public var value: Int64 { scaled(toExponent: 0) }

    /// The number of thousandths, rounded up (away from zero), as Go's `MilliValue()`; edges as `value`.
    public var milliValue: Int64 { scaled(toExponent: -3) }

    /// The number as Go's `AsInt64()` gives it: nil when the quantity is kept as a fraction or a large decimal.
    public var int64Value: Int64? {
        guard large == nil, exponent >= 0 else { return nil }
        return Quantity.multiply(mantissa, byPowerOfTen: exponent)
    }

    /// The nearest double, for statistics and printing.
    public var approximateDouble: Double {
        if let large { return Double(large.text) ?? 0 }
        var result = Double(mantissa)
        if exponent < 0 {
            result /= Quantity.doublePower(-exponent)
        } else if exponent > 0 {
            result *= Quantity.doublePower(exponent)
        }
        return result
    }

    /// The exact decimal digits, with as many places after the point as the quantity was written or computed with.
    public var decimalText: String { decimal.text }

    // MARK: Arithmetic

    /// The exact sum. It keeps the left format, or takes the right one when the left quantity is zero.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        let format = left.isZero ? right.format : left.format
        if left.large == nil, right.large == nil, let sum = addSmall(left, right, format) { return sum }
        return Quantity(large: left.decimal + right.decimal, format: format)
    }

    /// The exact difference; the format as for `+`.
    public static func - (left: Quantity, right: Quantity) -> Quantity {
        left + (-right)
    }

    /// The quantity with the other sign.
    public static prefix func - (quantity: Quantity) -> Quantity {
        if quantity.large == nil, quantity.mantissa != .min {
            return Quantity(mantissa: -quantity.mantissa, exponent: quantity.exponent, format: quantity.format)
        }
        return Quantity(large: quantity.decimal.negated, format: quantity.format)
    }

    public static func += (left: inout Quantity, right: Quantity) { left = left + right }
    public static func -= (left: inout Quantity, right: Quantity) { left = left - right }

    // MARK: Order

    public static func == (left: Quantity, right: Quantity) -> Bool { left.compare(right) == 0 }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.compare(right) < 0 }

    /// −1, 0 or 1 as the number is smaller than, equal to or larger than `other`.
    public func compare(_ other: Quantity) -> Int {
        if large == nil, other.large == nil {
            let gap = exponent - other.exponent
            if gap == 0 { return mantissa == other.mantissa ? 0 : (mantissa < other.mantissa ? -1 : 1) }
            // A mantissa times 10^18 fits into 128 bits.
            if gap.magnitude <= 18 {
                let left = Int128(mantissa) * Int128(gap > 0 ? Quantity.powersOfTen[Int(gap)] : 1)
                let right = Int128(other.mantissa) * Int128(gap < 0 ? Quantity.powersOfTen[Int(-gap)] : 1)
                return left == right ? 0 : (left < right ? -1 : 1)
            }
        }
        return decimal.compare(other.decimal)
    }

    public func hash(into hasher: inout Hasher) {
        var magnitude = decimal.magnitude
        let tens = magnitude.removeFactors(10)
        hasher.combine(sign)
        hasher.combine(magnitude.words)
        hasher.combine(isZero ? 0 : tens - decimal.scale)
    }

    // MARK: Inside

    /// The number as an exact decimal.
    var decimal: BigDecimal { large ?? BigDecimal(mantissa, scale: -Int(exponent)) }

    /// 10^0 … 10^18.
    static let powersOfTen: [Int64] = (0..<19).map { power in (0..<power).reduce(1) { product, _ in product * 10 } }

    /// mantissa · 10^power, or nil when that leaves 64 bits.
    static func multiply(_ mantissa: Int64, byPowerOfTen power: Int32) -> Int64? {
        if power == 0 || mantissa == 0 { return mantissa }
        guard power <= 18 else { return nil }
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: powersOfTen[Int(power)])
        return overflow ? nil : product
    }

    /// mantissa / 10^power rounded away from zero, and whether that was exact.
    static func divide(_ mantissa: Int64, byPowerOfTen power: Int32) -> (quotient: Int64, isExact: Bool) {
        if power == 0 || mantissa == 0 { return (mantissa, true) }
        guard power <= 18 else { return (Int64(mantissa.signum()), false) }
        let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: powersOfTen[Int(power)])
        return remainder == 0 ? (quotient, true) : (quotient + Int64(mantissa.signum()), false)
    }

    private static func doublePower(_ power: Int32) -> Double {
        var result = 1.0
        for _ in 0..<min(power, 400) { result *= 10 }
        return result
    }

    /// The sum within 64 bits on the finer of both exponents, or nil. Zero takes part with no exponent of its own.
    private static func addSmall(_ left: Quantity, _ right: Quantity, _ format: Format) -> Quantity? {
        if right.mantissa == 0 { return Quantity(mantissa: left.mantissa, exponent: left.exponent, format: format) }
        if left.mantissa == 0 { return Quantity(mantissa: right.mantissa, exponent: right.exponent, format: format) }
        let exponent = min(left.exponent, right.exponent)
        guard let a = multiply(left.mantissa, byPowerOfTen: left.exponent - exponent),
            let b = multiply(right.mantissa, byPowerOfTen: right.exponent - exponent)
        else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : Quantity(mantissa: sum, exponent: exponent, format: format)
    }

    /// The number in units of 10^target, rounded up: Go's `ScaledValue`, including what it does beyond 64 bits.
    private func scaled(toExponent target: Int32) -> Int64 {
        guard let decimal = large else {
            if exponent < target { return Quantity.divide(mantissa, byPowerOfTen: target - exponent).quotient }
            return Quantity.multiply(mantissa, byPowerOfTen: exponent - target) ?? 0
        }
        let drop = decimal.scale + Int(target)
        var magnitude = decimal.magnitude
        if drop <= 0 {
            magnitude.multiply(byPowerOfTen: -drop)
            return Quantity.wrapped(magnitude, negative: decimal.isNegative)
        }
        // Go takes a 64-bit short cut for everything below 2^63, hence for every negative number, whose low bits it uses.
        if drop < 19, decimal.isNegative || (magnitude.asUInt64.map { $0 < UInt64(Int64.max) } ?? false) {
            let low = Quantity.wrapped(magnitude, negative: decimal.isNegative)
            let (quotient, remainder) = low.quotientAndRemainder(dividingBy: Quantity.powersOfTen[drop])
            return remainder == 0 ? quotient : quotient + 1
        }
        // Otherwise the Euclidean quotient plus one: of a negative number that is the quotient rounded towards zero.
        let inexact = magnitude.divide(byPowerOfTen: drop)
        let quotient = Quantity.wrapped(magnitude, negative: decimal.isNegative)
        return inexact && !decimal.isNegative ? quotient &+ 1 : quotient
    }

    private static func wrapped(_ magnitude: BigMagnitude, negative: Bool) -> Int64 {
        let low = Int64(bitPattern: magnitude.low64)
        return negative ? 0 &- low : low
    }
}
