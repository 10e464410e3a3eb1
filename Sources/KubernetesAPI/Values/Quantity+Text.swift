// The canonical text of a quantity: no fraction, the largest exact suffix, powers of 1000 or 1024.

extension Quantity: CustomStringConvertible {
    /// The canonical text, as the API server prints the quantity.
    ///
    /// A quantity that was read from a text Kubernetes takes for canonical prints that text (`1E3`, `+5`, `1.500M`).
    public var description: String { spelling ?? canonicalText }

    /// The canonical text of the number alone.
    var canonicalText: String {
        guard !isZero else { return "0" }
        if format == .binarySI, isAtLeast1024, let binary = binaryText { return binary }
        var (digits, power) = canonicalDecimal
        let style: Format = format == .binarySI ? .decimalSI : format
        if power == 0 { return digits }
        // There is no suffix above E: such numbers are written with an exponent.
        if style == .decimalSI, (-9...18).contains(power) {
            digits.unicodeScalars.append(Quantity.decimalSuffixes[(power + 9) / 3])
        } else {
            digits += "e"
            digits += String(power)
        }
        return digits
    }

    private static let decimalSuffixes: [Unicode.Scalar] = ["n", "u", "m", " ", "k", "M", "G", "T", "P", "E"]
    private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    /// Binary notation is for magnitudes from 1024 on; below, decimal notation says it better.
    private var isAtLeast1024: Bool {
        compare(Quantity(1024)) >= 0 || compare(Quantity(-1024)) <= 0
    }

    /// The text in powers of 1024, or nil when the number is not whole.
    private var binaryText: String? {
        var magnitude: BigMagnitude
        if let whole = int64Value {
            magnitude = BigMagnitude(whole.magnitude)
        } else {
            let (rounded, isExact) = decimal.rounded(toScale: 0)
            guard isExact else { return nil }
            magnitude = rounded.magnitude
        }
        var power = magnitude.removeFactors(1024)
        while power >= Quantity.binarySuffixes.count {
            magnitude.multiply(by: 1024)
            power -= 1
        }
        return (sign < 0 ? "-" : "") + magnitude.digits + Quantity.binarySuffixes[power]
    }

    /// Digits and a power of ten that is a multiple of three and as large as is exact.
    private var canonicalDecimal: (digits: String, power: Int) {
        if large == nil {
            var amount = mantissa
            var power = Int(exponent)
            while amount % 10 == 0 {
                amount /= 10
                power += 1
            }
            let excess = ((power % 3) + 3) % 3
            if let adjusted = Quantity.multiply(amount, byPowerOfTen: Int32(excess)) { return (String(adjusted), power - excess) }
        }
        var magnitude = decimal.magnitude
        var power = magnitude.removeFactors(10) - decimal.scale
        let excess = ((power % 3) + 3) % 3
        magnitude.multiply(byPowerOfTen: excess)
        power -= excess
        return ((sign < 0 ? "-" : "") + magnitude.digits, power)
    }
}
