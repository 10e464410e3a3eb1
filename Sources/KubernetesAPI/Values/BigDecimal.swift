// An exact decimal number of any size: sign · magnitude · 10^−scale.
//
// Kubernetes keeps quantities that leave 64 bits as "inf.Dec"; the scale is remembered as written (1.50 is not 1.5),
// because rounding and the printed form depend on it. This is the same representation.

/// An exact decimal: sign · magnitude · 10^−scale.
struct BigDecimal: Sendable {
    var isNegative: Bool
    var magnitude: BigMagnitude
    /// Digits after the decimal point; negative when zeros are left off before it.
    var scale: Int

    init(isNegative: Bool, magnitude: BigMagnitude, scale: Int) {
        self.isNegative = isNegative && !magnitude.isZero
        self.magnitude = magnitude
        self.scale = scale
    }

    init(_ value: Int64, scale: Int) {
        self.init(isNegative: value < 0, magnitude: BigMagnitude(value.magnitude), scale: scale)
    }

    var sign: Int { magnitude.isZero ? 0 : (isNegative ? -1 : 1) }

    var negated: BigDecimal { BigDecimal(isNegative: !isNegative, magnitude: magnitude, scale: scale) }

    /// The same number with `newScale` digits after the point, rounded away from zero; and whether it is still exact.
    func rounded(toScale newScale: Int) -> (value: BigDecimal, isExact: Bool) {
        var result = self
        result.scale = newScale
        if newScale >= scale {
            result.magnitude.multiply(byPowerOfTen: newScale - scale)
            return (result, true)
        }
        let inexact = result.magnitude.divide(byPowerOfTen: scale - newScale)
        if inexact { result.magnitude.add(BigMagnitude(1)) }
        return (result, !inexact)
    }

    static func + (left: BigDecimal, right: BigDecimal) -> BigDecimal {
        let scale = max(left.scale, right.scale)
        var a = left.rounded(toScale: scale).value
        var b = right.rounded(toScale: scale).value
        if a.isNegative == b.isNegative {
            a.magnitude.add(b.magnitude)
            return a
        }
        if a.magnitude.compare(b.magnitude) < 0 { swap(&a, &b) }
        a.magnitude.subtract(b.magnitude)
        return BigDecimal(isNegative: a.isNegative, magnitude: a.magnitude, scale: scale)
    }

    /// −1, 0 or 1 as self is smaller than, equal to or larger than `other`.
    func compare(_ other: BigDecimal) -> Int {
        if sign != other.sign { return sign < other.sign ? -1 : 1 }
        let scale = max(self.scale, other.scale)
        let order = rounded(toScale: scale).value.magnitude.compare(other.rounded(toScale: scale).value.magnitude)
        return isNegative ? -order : order
    }

    /// Plain digits with as many places after the point as the scale says.
    var text: String {
        var digits = magnitude.digits
        if scale < 0, !magnitude.isZero { digits += String(repeating: "0", count: -scale) }
        if scale > 0 {
            if digits.utf8.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits }
            let point = digits.utf8.index(digits.endIndex, offsetBy: -scale)
            digits = digits[..<point] + "." + digits[point...]
        }
        return isNegative ? "-" + digits : digits
    }
}
