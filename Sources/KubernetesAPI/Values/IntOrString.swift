// Kubernetes' intstr.IntOrString: a count, a percentage of a total, or the name of a port.

/// A number or a text: a count or percentage (`maxSurge: 25%`), or a port's number or name.
public enum IntOrString: Sendable, Hashable, CustomStringConvertible {
    case int(Int32)
    case string(String)

    /// "25%"
    public static func percent(_ value: Int) -> IntOrString { .string("\(value)%") }

    public var description: String {
        switch self {
        case .int(let value): String(value)
        case .string(let text): text
        }
    }

    /// Whether the value is a text that ends in a percent sign.
    public var isPercent: Bool {
        if case .string(let text) = self { return text.utf8.last == UInt8(ascii: "%") }
        return false
    }

    /// The number this stands for out of `total`: itself, or the percentage of the total rounded as asked
    /// (Kubernetes `GetScaledValueFromIntOrPercent`).
    public func scaled(total: Int, roundUp: Bool) throws(IntOrStringError) -> Int {
        guard case .string(let text) = self else {
            guard case .int(let value) = self else { return 0 }
            return Int(value)
        }
        guard isPercent else { throw .notAPercentage }
        let percentage = try IntOrString.percentage(text)
        // Floating point, as in Kubernetes: the rounding of the quotient is part of the contract.
        let value = Double(percentage) * Double(total) / 100
        // Beyond 64 bits Go's conversion gives the smallest integer.
        return Int(exactly: value.rounded(roundUp ? .up : .down)) ?? Int.min
    }

    /// The number before the percent sign.
    private static func percentage(_ text: String) throws(IntOrStringError) -> Int {
        // A few digits are read without making a text of them: every sync of a Deployment asks.
        let count = text.utf8.count
        if (2...4).contains(count) {
            var (value, digits) = (0, 0)
            for byte in text.utf8 {
                guard byte &- 0x30 < 10 else { break }
                value = value * 10 + Int(byte &- 0x30)
                digits += 1
            }
            if digits == count - 1 { return value }
        }
        let digits = String(text.dropLast())
        guard let percentage = Int(digits) else {
            throw .invalidPercentage(text, digits: digits, outOfRange: isInteger(digits))
        }
        return percentage
    }

    /// Whether the text is a decimal integer of any size.
    private static func isInteger(_ text: String) -> Bool {
        var digits = Substring(text)
        if digits.first == "-" || digits.first == "+" { digits.removeFirst() }
        return !digits.isEmpty && digits.utf8.allSatisfy { $0 &- 0x30 < 10 }
    }
}

/// A count or a percentage of a total: the same type, under the name of its most frequent use.
public typealias IntOrPercent = IntOrString

/// Why a value is neither a number nor a percentage. The descriptions are Kubernetes'.
public enum IntOrStringError: Error, Sendable, Equatable, CustomStringConvertible {
    case notAPercentage
    case invalidPercentage(String, digits: String, outOfRange: Bool)

    public var description: String {
        switch self {
        case .notAPercentage: "invalid value for IntOrString: invalid type: string is not a percentage"
        case .invalidPercentage(let text, let digits, let outOfRange):
            "invalid value for IntOrString: invalid value \(GoText.quoted(text)): strconv.Atoi: parsing \(GoText.quoted(digits)): "
                + (outOfRange ? "value out of range" : "invalid syntax")
        }
    }
}
