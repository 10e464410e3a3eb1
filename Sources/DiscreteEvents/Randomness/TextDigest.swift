// A quick digest of texts for look-ups: eight bytes a step, where ``stableHash(_:)`` (which random streams are named with, and which
// therefore can never change) takes one.

/// The digest of a sequence of texts: equal sequences have equal digests, on every run and every machine of one byte order.
package struct TextDigest: Sendable {
    package private(set) var value: UInt64 = 0
    /// False if a text had bytes beyond ASCII: such texts may be equal to Swift although their bytes differ.
    package private(set) var isASCII = true

    package init() {}

    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            var seen: UInt64 = 0
            while rest.count >= 8 {
                let word = UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self))
                seen |= word
                add(word)
                rest = rest.dropFirst(8)
            }
            var tail: UInt64 = 0
            for byte in rest { tail = tail << 8 | UInt64(byte) }
            seen |= tail
            add(tail)
            // The length: otherwise texts that differ in leading zero bytes of the tail, or in where one ends, are one.
            add(UInt64(bytes.count))
            if seen & 0x8080_8080_8080_8080 != 0 { isASCII = false }
        }
    }

    package mutating func add(_ word: UInt64) {
        let mixed = (value ^ (word &* 0x9E37_79B9_7F4A_7C15)) &* 0xBF58_476D_1CE4_E5B9
        value = mixed ^ (mixed >> 29)
    }
}
