// How IPVS' hashing schedulers tell which endpoint an address belongs to.

/// The table of 256 buckets that `sh` and `dh` look an address up in: endpoints fill it in turn, `sh` repeating each as often as its weight.
struct IPVSHashTable: Hashable, Sendable {
    private static let bits: UInt32 = 8

    /// The bucket of an IPv4 address: the lower bits of its product with Knuth's multiplier.
    private static func bucket(of address: UInt32) -> Int { Int((address &* 2_654_435_761) & (1 << bits - 1)) }

    /// The place among `weights` of the endpoint that has the address' bucket; nil if all weights are 0.
    static func place(of address: UInt32, weights: [Int32]) -> Int? {
        let total = weights.reduce(0) { $0 + Int($1) }
        guard total > 0 else { return nil }
        var left = bucket(of: address) % total
        for (place, weight) in weights.enumerated() {
            left -= Int(weight)
            if left < 0 { return place }
        }
        return nil
    }
}
