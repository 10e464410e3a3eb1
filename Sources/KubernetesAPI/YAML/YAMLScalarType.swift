// What a scalar without quotes is: null, a truth value, a number or a string.
//
// The rules are those of the YAML reader inside kubectl and the API server (sigs.k8s.io/yaml), which keeps YAML 1.1's truth
// values: `yes` and `on` are booleans, `0x10` and `010` are numbers, dates are strings.

/// The type of a scalar.
package enum YAMLScalarType: Sendable {
    case null, bool, int, float, string

    /// The type of a scalar without quotes.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let first = bytes.first else {
            self = .null
            return
        }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            self = YAMLScalarType.number(bytes)
        case UInt8(ascii: "~"):
            self = bytes.count == 1 ? .null : .string
        case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"),
            UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "o"), UInt8(ascii: "O"):
            guard bytes.count <= 5 else {
                self = .string
                return
            }
            let word = String(decoding: bytes, as: UTF8.self)
            self = word == "null" || word == "Null" || word == "NULL" ? .null : (YAMLScalarType.bool(word) == nil ? .string : .bool)
        default:
            self = .string
        }
    }

    /// The truth value of a word, or nil if it is none.
    static func bool(_ word: String) -> Bool? {
        switch word {
        case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": true
        case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF": false
        default: nil
        }
    }

    /// The name JSON has for the type.
    var jsonName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int, .float: "number"
        case .string: "string"
        }
    }

    /// The integer a scalar of type `int` stands for: decimal, 0x…, 0o…, 0b… or octal with a leading 0, underscores ignored.
    /// nil if it leaves 128 bits.
    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int128? {
        var rest = bytes[...]
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        var radix: Int128 = 10
        if rest.count > 1, rest[rest.startIndex] == UInt8(ascii: "0") {
            switch rest[rest.startIndex + 1] | 0x20 {
            case UInt8(ascii: "x"): (radix, rest) = (16, rest.dropFirst(2))
            case UInt8(ascii: "o"): (radix, rest) = (8, rest.dropFirst(2))
            case UInt8(ascii: "b"): (radix, rest) = (2, rest.dropFirst(2))
            default: (radix, rest) = (8, rest.dropFirst())
            }
        }
        var value: Int128 = 0
        var hasDigits = false
        for byte in rest where byte != UInt8(ascii: "_") {
            var digit = Int128(byte &- 0x30)
            if digit > 9 { digit = Int128((byte | 0x20) &- UInt8(ascii: "a")) + 10 }
            guard digit < radix else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = sum
            hasDigits = true
        }
        return hasDigits ? (isNegative ? -value : value) : nil
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> YAMLScalarType {
        if integer(bytes) != nil { return .int }
        return isFloat(bytes) ? .float : .string
    }

    /// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? or an infinity or .nan
    private static func isFloat(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var position = 0
        func digits() -> Int {
            let start = position
            while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
            return position - start
        }
        func skipSign() {
            if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") { position += 1 }
        }
        skipSign()
        let whole = digits()
        var fraction = 0
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            fraction = digits()
        }
        if whole + fraction == 0 { return isSpecial(bytes) }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            skipSign()
            if digits() == 0 { return false }
        }
        return position == bytes.count
    }

    private static func isSpecial(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch String(decoding: bytes, as: UTF8.self) {
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF": true
        default: false
        }
    }
}
