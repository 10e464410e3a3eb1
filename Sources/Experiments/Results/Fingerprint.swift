// A fingerprint of bytes, so that equal files can be told from different ones without comparing them.

/// 128-bit FNV-1a of a stream of bytes: quick, and enough to notice any accidental difference. It is no cryptographic digest:
/// it proves nothing against somebody who wants two files to look the same.
///
/// <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    public static let algorithm = "fnv1a-128"

    private static let offsetBasis: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    private static let prime: UInt128 = (1 << 88) + 0x13b

    private var state = Fingerprint.offsetBasis

    public init() {}

    public init(of bytes: some Sequence<UInt8>) {
        add(bytes)
    }

    public mutating func add(_ bytes: some Sequence<UInt8>) {
        var state = self.state
        let done: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            for byte in buffer { state = (state ^ UInt128(byte)) &* Fingerprint.prime }
        }
        if done == nil {
            for byte in bytes { state = (state ^ UInt128(byte)) &* Fingerprint.prime }
        }
        self.state = state
    }

    /// `fnv1a-128:` and 32 hexadecimal digits.
    public var description: String {
        let digits = String(state, radix: 16)
        return Fingerprint.algorithm + ":" + String(repeating: "0", count: 32 - digits.count) + digits
    }
}
