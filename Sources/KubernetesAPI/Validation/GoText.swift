// How the API server writes values into its messages: Go's %q, and JSON for lists.

/// Texts as Go's formatting writes them, for messages that must read like the API server's.
package enum GoText {
    /// The text in double quotes with Go's escapes (`%q`).
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0B}": result += "\\v"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else if scalar.value < 0x80 {
                    result += "\\x" + hexadecimal(scalar.value, digits: 2)
                } else if scalar.value < 0x10000 {
                    result += "\\u" + hexadecimal(scalar.value, digits: 4)
                } else {
                    result += "\\U" + hexadecimal(scalar.value, digits: 8)
                }
            }
        }
        return result + "\""
    }

    /// A number as `%f` writes it: six decimals, rounded half to even on the exact binary value. For numbers that are not negative.
    package static func fixed(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return "+Inf" }
        let whole = value.rounded(.down)
        guard whole < 9e15 else { return "\(whole)" }
        // The part after the point is exact; its product with a million is rounded, which matters only halfway between two digits.
        let scaled = (value - whole) * 1_000_000
        let lost = (-scaled).addingProduct(value - whole, 1_000_000)
        let isHalfway = scaled - scaled.rounded(.down) == 0.5
        var units = Int64(whole)
        var millionths = Int64(scaled.rounded(isHalfway && lost != 0 ? (lost > 0 ? .up : .down) : .toNearestOrEven))
        if millionths == 1_000_000 { (units, millionths) = (units + 1, 0) }
        let digits = String(millionths)
        return "\(units)." + String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }

    /// A list of strings as Go's JSON writes it; an empty one is `null`, as an unset Go slice is.
    package static func jsonList(_ values: [String]) -> String {
        if values.isEmpty { return "null" }
        return "[" + values.map(jsonString).joined(separator: ",") + "]"
    }

    /// JSON as Go writes it: like everyone's, but with `<`, `>`, `&` and the line separators escaped.
    private static func jsonString(_ text: String) -> String {
        var result = ""
        for scalar in JSONText.quoted(text).unicodeScalars {
            switch scalar {
            case "<", ">", "&", "\u{2028}", "\u{2029}": result += "\\u" + hexadecimal(scalar.value, digits: 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// Letters, marks, numbers, punctuation, symbols and the plain space.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x80 { return scalar.value >= 0x20 && scalar.value < 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator: return false
        default: return true
        }
    }
}
