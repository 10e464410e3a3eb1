// Makes JSON and JSON Lines readable for libyaml, which knows nearly but not quite all of JSON.
//
// Four things differ: several values need a document marker between them; characters beyond U+FFFF written as two \u escapes;
// keys of more than 1,024 characters; and a few characters that YAML takes for line breaks or refuses. One pass over the bytes rewrites them, without ever adding
// or removing a line.

/// Rewrites JSON text so that libyaml reads it with JSON's meaning.
struct JSONPreparation {
    private(set) var output: [UInt8] = []
    /// Lines that got a document marker in front, in order.
    private(set) var markedLines: [UInt32] = []

    private static let marker = Array("--- ".utf8)
    /// libyaml gives up on keys of more than 1,024 characters; well below it an explicit "? " is harmless.
    private static let longKey = 1000

    /// Whether a file is JSON: by its name, or because it starts with a brace or bracket.
    static func applies(to bytes: UnsafeBufferPointer<UInt8>, name: String) -> Bool {
        if name.hasSuffix(".json") || name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return true }
        if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return false }
        let first = bytes.first {
            $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\t")
        }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// The column of the text as the user wrote it.
    static func userColumn(_ column: Int, line: UInt32, markedLines: [UInt32]) -> Int {
        var low = 0
        var high = markedLines.count
        while low < high {
            let middle = (low + high) / 2
            if markedLines[middle] < line { low = middle + 1 } else { high = middle }
        }
        return low < markedLines.count && markedLines[low] == line ? max(1, column - marker.count) : column
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        output.reserveCapacity(bytes.count + bytes.count / 64 + 16)
        var depth = 0
        var line: UInt32 = 1
        var position = 0
        var lineHasContent = false
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                lineHasContent = false
                output.append(byte)
                position += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                output.append(byte)
                position += 1
            default:
                // A value that starts a line outside of all brackets starts a document.
                if depth == 0, !lineHasContent, byte != UInt8(ascii: "}"), byte != UInt8(ascii: "]"), byte != UInt8(ascii: "#"),
                    byte != UInt8(ascii: "-"), byte != UInt8(ascii: "."), byte != UInt8(ascii: "%")
                {
                    output.append(contentsOf: JSONPreparation.marker)
                    markedLines.append(line)
                }
                lineHasContent = true
                if byte == UInt8(ascii: "\"") {
                    copyString(bytes, &position, &line)
                    continue
                }
                if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
                if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
                output.append(byte)
                position += 1
            }
        }
    }

    /// Copies a string in double quotes from `position` on, rewriting what libyaml would not read.
    private mutating func copyString(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int, _ line: inout UInt32) {
        let start = output.count
        output.append(bytes[position])
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\\"), position + 1 < bytes.count {
                if let (scalar, length) = JSONPreparation.surrogatePair(bytes, at: position) {
                    output.append(contentsOf: String(scalar).utf8)
                    position += length
                } else {
                    output.append(byte)
                    output.append(bytes[position + 1])
                    if bytes[position + 1] == UInt8(ascii: "\n") { line += 1 }
                    position += 2
                }
                continue
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            if let (escape, length) = JSONText.yamlEscape(bytes, at: position) {
                output.append(contentsOf: escape.utf8)
                position += length
            } else {
                output.append(byte)
                position += 1
            }
        }
        guard position < bytes.count else { return }
        output.append(bytes[position])
        position += 1
        if output.count - start > JSONPreparation.longKey {
            var next = position
            while next < bytes.count, bytes[next] == UInt8(ascii: " ") || bytes[next] == UInt8(ascii: "\t") { next += 1 }
            if next < bytes.count, bytes[next] == UInt8(ascii: ":") { output.insert(contentsOf: "? ".utf8, at: start) }
        }
    }

    /// The character of an escape \uD800…\uDBFF followed by \uDC00…\uDFFF; a lone half becomes U+FFFD.
    private static func surrogatePair(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> (Unicode.Scalar, length: Int)? {
        guard let high = escape(bytes, at: position), (0xD800...0xDFFF).contains(high) else { return nil }
        if high < 0xDC00, let low = escape(bytes, at: position + 6), (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        {
            return (scalar, 12)
        }
        return ("\u{FFFD}", 6)
    }

    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt32? {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
            return nil
        }
        return UInt32(String(decoding: bytes[(position + 2)..<(position + 6)], as: UTF8.self), radix: 16)
    }
}
