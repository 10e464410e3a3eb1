// A quick digest of texts for look-ups: eight bytes a step, where ``stableHash(_:)`` (which random streams are named with, and which
// therefore can never change) takes one.

/// The digest of a sequence of texts: equal sequences have equal digests, on every run and every machine of one byte order.
package struct TextDigest: Sendable {
    package private(set) var value: UInt64 = 0
    /// False if a text had bytes beyond ASCII: such texts may be equal to Swift although their bytes differ.
    package private(set) var isASCII = true

    package init() {}

    package mutating func add(_ text: String) {
        guard text.utf8.withContiguousStorageIfAvailable({ add(UnsafeRawBufferPointer($0)) }) == nil else { return }
        Array(text.utf8).withUnsafeBytes { add($0) }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let count = bytes.count
        var seen: UInt64 = 0
        var tail: UInt64 = 0
        if count >= 8 {
            var position = 0
            while position + 8 < count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                seen |= word
                add(word)
                position += 8
            }
            // The last word overlaps the one before it, so that there is no rest to go through byte by byte.
            tail = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        } else if count >= 4 {
            // Both halves, which overlap as well.
            let first = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
            let last = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
            tail = UInt64(first) << 32 | UInt64(last)
        } else {
            for byte in bytes { tail = tail << 8 | UInt64(byte) }
        }
        seen |= tail
        add(tail)
        // The length: otherwise texts that differ in leading zero bytes of the tail, or in where one ends, are one.
        add(UInt64(count))
        if seen & 0x8080_8080_8080_8080 != 0 { isASCII = false }
    }

    package mutating func add(_ word: UInt64) {
        let mixed = (value ^ (word &* 0x9E37_79B9_7F4A_7C15)) &* 0xBF58_476D_1CE4_E5B9
        value = mixed ^ (mixed >> 29)
    }
}
