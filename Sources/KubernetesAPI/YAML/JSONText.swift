// Writing strings so that JSON and YAML readers get them back unchanged.

/// Writes JSON strings, which are YAML double-quoted strings too.
public enum JSONText {
    /// Appends the text in double quotes, with everything escaped that JSON demands; other characters stay UTF-8.
    public static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var copy = text
        copy.withUTF8 { source in
            var position = 0
            while position < source.count {
                let byte = source[position]
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    bytes.append(UInt8(ascii: "\\"))
                    bytes.append(byte)
                case 0x08: bytes.append(contentsOf: "\\b".utf8)
                case 0x09: bytes.append(contentsOf: "\\t".utf8)
                case 0x0A: bytes.append(contentsOf: "\\n".utf8)
                case 0x0C: bytes.append(contentsOf: "\\f".utf8)
                case 0x0D: bytes.append(contentsOf: "\\r".utf8)
                case 0x00..<0x20: bytes.append(contentsOf: escape(UInt32(byte)).utf8)
                case 0x20..<0x7F: bytes.append(byte)
                default:
                    if let (escape, length) = yamlEscape(source, at: position) {
                        bytes.append(contentsOf: escape.utf8)
                        position += length
                        continue
                    }
                    bytes.append(byte)
                }
                position += 1
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends the text in double quotes.
    public static func append(_ text: String, to output: inout String) {
        output += quoted(text)
    }

    /// The text in double quotes.
    public static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 2)
        append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The escape of a character that JSON allows as it is but YAML refuses or takes for a line break (DEL, U+0080 to U+009F,
    /// U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF), and its length in UTF-8; nil for all other characters.
    static func yamlEscape(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> (String, length: Int)? {
        func byte(_ offset: Int) -> UInt8 { position + offset < bytes.count ? bytes[position + offset] : 0 }
        switch byte(0) {
        case 0x7F: return (escape(0x7F), 1)
        case 0xC2 where (0x80...0x9F).contains(byte(1)): return (escape(UInt32(byte(1))), 2)
        case 0xE2 where byte(1) == 0x80 && byte(2) & 0xFE == 0xA8: return (escape(0x2000 + UInt32(byte(2) & 0x3F)), 3)
        case 0xEF where byte(1) == 0xBB && byte(2) == 0xBF: return (escape(0xFEFF), 3)
        case 0xEF where byte(1) == 0xBF && byte(2) >= 0xBE: return (escape(0xFFC0 + UInt32(byte(2) & 0x3F)), 3)
        default: return nil
        }
    }

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
