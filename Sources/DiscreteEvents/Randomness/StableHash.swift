// A hash of text that is the same in every process, release and language: Swift's own `Hasher` is seeded anew in each process
// and must not reach anything a simulation does.

/// The 64-bit FNV-1a hash of a text's UTF-8 bytes (Fowler, Noll and Vo; IETF draft-eastlake-fnv). An identity, not a source of
/// randomness: similar texts have similar hashes.
@inlinable
public func stableHash(_ text: some StringProtocol) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash
}
