// How IPVS' hashing schedulers tell which endpoint an address belongs to.

/// The table of 256 buckets in which `sh` and `dh` look an address up (the kernel's `ip_vs_sh.c` and `ip_vs_dh.c`).
///
/// Endpoints fill it in turn, round and round: with `sh` each takes as many buckets in a row as its weight says, and one if that is 0; with `dh` each takes
/// one. A bucket of an endpoint of weight 0 takes no connections, and no other endpoint stands in for it.
struct IPVSHashTable: Hashable, Sendable {
    private static let bits: UInt32 = 8

    /// The bucket of an IPv4 address: the upper bits of its product with the golden ratio (`hash_32`).
    static func bucket(of address: UInt32) -> Int { Int((address &* 0x61C8_8647) >> (32 - bits)) }

    /// The place among the endpoints of the one that has the address' bucket; nil: it takes no connections, or there is none.
    /// - Parameter weights: of the endpoints, in their order.
    /// - Parameter isWeighted: whether they take as many buckets as that.
    static func place(of address: UInt32, weights: [Int32], isWeighted: Bool) -> Int? {
        func buckets(_ weight: Int32) -> Int { isWeighted ? max(Int(weight), 1) : 1 }
        let round = weights.reduce(0) { $0 + buckets($1) }
        guard round > 0 else { return nil }
        var left = bucket(of: address) % round
        for (place, weight) in weights.enumerated() {
            left -= buckets(weight)
            if left < 0 { return weight > 0 ? place : nil }
        }
        return nil
    }
}
