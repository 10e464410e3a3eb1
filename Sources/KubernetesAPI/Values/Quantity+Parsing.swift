// Reading a quantity: <sign><digits><suffix>, with Kubernetes' rules for precision, rounding and capping.
//
// What does not fit into nanos is rounded up to one nano; what exceeds 2^63−1 in binary notation is capped there.

/// Why a text is not a quantity. The descriptions are the API server's.
public enum QuantityError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text is not a number followed by a suffix.
    case wrongFormat
    /// The suffix is not one of n, u, m, k, M, G, T, P, E, Ki … Ei or an exponent.
    case unknownSuffix
    /// The number cannot be represented. Seatrial also refuses more than 4,000 characters or an exponent beyond ±10,000.
    case unparsableNumber

    public var description: String {
        switch self {
        case .wrongFormat: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        case .unknownSuffix: "unable to parse quantity's suffix"
        case .unparsableNumber: "unable to parse numeric part of quantity"
        }
    }
}

extension Quantity {
    /// Reads a quantity as the API server does, for example `100m`, `1.5Gi`, `12e6`.
    public init(text: String) throws(QuantityError) {
        var copy = text
        let result = copy.withUTF8 { bytes in Quantity.parse(bytes) }
        self = try result.get()
    }

    /// Reads a quantity from UTF-8 bytes.
    package init(utf8 bytes: UnsafeBufferPointer<UInt8>) throws(QuantityError) {
        self = try Quantity.parse(bytes).get()
    }

    private static let maximumLength = 4000
    private static let maximumExponent = 10_000
    /// Digits every 64-bit mantissa can hold.
    private static let mantissaDigits = 18
    private static let nanoExponent = -9

    /// The parts of a quantity's text, as ranges of its bytes.
    private struct Parts {
        var isNegative = false
        var whole = 0..<0
        var fraction = 0..<0
        var suffix = 0..<0

        /// Digits of the whole part count at least one: an empty one stands for "0".
        var digitCount: Int { max(whole.count, 1) + fraction.count }
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<Quantity, QuantityError> {
        guard !bytes.isEmpty else { return .failure(.wrongFormat) }
        guard bytes.count <= maximumLength else { return .failure(.unparsableNumber) }
        guard let parts = split(bytes) else { return .failure(.wrongFormat) }
        guard let suffix = Suffix(bytes, parts.suffix) else { return .failure(.unknownSuffix) }
        guard suffix.exponent.magnitude <= maximumExponent else { return .failure(.unparsableNumber) }
        if let small = small(bytes, parts, suffix) { return .success(small) }
        return .success(large(bytes, parts, suffix))
    }

    /// Splits as Kubernetes does: sign, leading zeros (dropped), digits, fraction, suffix letters, sign and digits.
    private static func split(_ bytes: UnsafeBufferPointer<UInt8>) -> Parts? {
        var parts = Parts()
        var position = 0
        let end = bytes.count
        func skipDigits() {
            while position < end, isDigit(bytes[position]) { position += 1 }
        }
        if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
            parts.isNegative = bytes[0] == UInt8(ascii: "-")
            position = 1
        }
        while position < end, bytes[position] == UInt8(ascii: "0") { position += 1 }
        var start = position
        skipDigits()
        parts.whole = start..<position
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            start = position
            skipDigits()
            parts.fraction = start..<position
        }
        start = position
        while position < end, isSuffixLetter(bytes[position]) { position += 1 }
        if position < end, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") { position += 1 }
        skipDigits()
        parts.suffix = start..<position
        return position == end ? parts : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    private static func isSuffixLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "i"), UInt8(ascii: "n"), UInt8(ascii: "u"), UInt8(ascii: "m"),
            UInt8(ascii: "k"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "G"), UInt8(ascii: "T"), UInt8(ascii: "P"):
            true
        default: false
        }
    }

    /// What a suffix stands for: base 10 or 2 to an exponent.
    private struct Suffix {
        var format: Format
        var exponent: Int

        init?(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
            guard let first = range.first.map({ bytes[$0] }) else {
                self.format = .decimalSI
                self.exponent = 0
                return
            }
            if range.count == 1, let exponent = Suffix.decimalExponent(first) {
                self.format = .decimalSI
                self.exponent = exponent
                return
            }
            if range.count == 2, bytes[range.lowerBound + 1] == UInt8(ascii: "i"), let exponent = Suffix.binaryExponent(first) {
                self.format = .binarySI
                self.exponent = exponent
                return
            }
            guard first == UInt8(ascii: "e") || first == UInt8(ascii: "E") else { return nil }
            let text = String(decoding: bytes[range.dropFirst()], as: UTF8.self)
            guard let exponent = Int(text) else { return nil }
            self.format = .decimalExponent
            self.exponent = exponent
        }

        private static func decimalExponent(_ letter: UInt8) -> Int? {
            switch letter {
            case UInt8(ascii: "n"): -9
            case UInt8(ascii: "u"): -6
            case UInt8(ascii: "m"): -3
            case UInt8(ascii: "k"): 3
            case UInt8(ascii: "M"): 6
            case UInt8(ascii: "G"): 9
            case UInt8(ascii: "T"): 12
            case UInt8(ascii: "P"): 15
            case UInt8(ascii: "E"): 18
            default: nil
            }
        }

        private static func binaryExponent(_ letter: UInt8) -> Int? {
            switch letter {
            case UInt8(ascii: "K"): 10
            case UInt8(ascii: "M"): 20
            case UInt8(ascii: "G"): 30
            case UInt8(ascii: "T"): 40
            case UInt8(ascii: "P"): 50
            case UInt8(ascii: "E"): 60
            default: nil
            }
        }
    }

    /// The 64-bit representation where Kubernetes uses it: few enough digits, and no finer than nanos.
    private static func small(_ bytes: UnsafeBufferPointer<UInt8>, _ parts: Parts, _ suffix: Suffix) -> Quantity? {
        var exponent = -parts.fraction.count
        var factor: Int64 = 1
        switch suffix.format {
        case .decimalSI, .decimalExponent:
            guard parts.digitCount <= mantissaDigits else { return nil }
            exponent += suffix.exponent
        case .binarySI:
            // About three decimal digits of the fifteen go to every factor of 1024.
            guard parts.fraction.isEmpty, 14 - max(parts.whole.count, 1) - suffix.exponent * 3 / 10 >= 0 else { return nil }
            factor = 1 << Int64(suffix.exponent)
        }
        guard exponent >= nanoExponent else { return nil }
        var value: Int64 = 0
        for index in parts.whole { value = value * 10 + Int64(bytes[index] - 0x30) }
        for index in parts.fraction { value = value * 10 + Int64(bytes[index] - 0x30) }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        var quantity = Quantity(mantissa: parts.isNegative ? -product : product, exponent: Int32(exponent), format: suffix.format)
        if isTakenForCanonical(bytes, parts, suffix, value, exponent), mayDifferFromCanonical(bytes, parts, suffix) {
            let text = String(decoding: bytes, as: UTF8.self)
            if text != quantity.canonicalText {
                quantity = Quantity(mantissa: quantity.mantissa, exponent: quantity.exponent, format: quantity.format, spelling: text)
            }
        }
        return quantity
    }

    /// Kubernetes' quick test for texts that are canonical already, which it then prints as they are. It lets some through that
    /// are not.
    private static func isTakenForCanonical(
        _ bytes: UnsafeBufferPointer<UInt8>, _ parts: Parts, _ suffix: Suffix, _ value: Int64, _ exponent: Int
    ) -> Bool {
        if suffix.format == .binarySI { return value & 7 != 0 }
        return exponent % 3 == 0 && !parts.whole.isEmpty && (parts.digitCount < 3 || value % 1000 != 0)
    }

    /// Whether a text that passes the quick test can still differ from the canonical one.
    private static func mayDifferFromCanonical(_ bytes: UnsafeBufferPointer<UInt8>, _ parts: Parts, _ suffix: Suffix) -> Bool {
        parts.whole.lowerBound != (parts.isNegative ? 1 : 0) || !parts.fraction.isEmpty || suffix.format == .decimalExponent
    }

    /// The decimal of any size, rounded up to nanos and capped in binary notation.
    private static func large(_ bytes: UnsafeBufferPointer<UInt8>, _ parts: Parts, _ suffix: Suffix) -> Quantity {
        var magnitude = BigMagnitude()
        for index in parts.whole { magnitude.multiply(by: 10, adding: UInt32(bytes[index] - 0x30)) }
        for index in parts.fraction { magnitude.multiply(by: 10, adding: UInt32(bytes[index] - 0x30)) }
        var scale = parts.fraction.count
        var format = suffix.format
        if format == .binarySI { magnitude.shiftLeft(suffix.exponent) } else { scale -= suffix.exponent }
        var amount = BigDecimal(isNegative: false, magnitude: magnitude, scale: scale)
        if amount.sign != 0 { amount = amount.rounded(toScale: -nanoExponent).value }
        if format == .binarySI {
            let cap = BigDecimal(Int64.max, scale: 0)
            if amount.compare(cap) > 0 { amount = cap }
            if amount.sign > 0, amount.compare(BigDecimal(1, scale: 0)) < 0 { format = .decimalSI }
        }
        return Quantity(large: parts.isNegative ? amount.negated : amount, format: format)
    }
}
