// The draw of an endpoint by a chain of iptables rules.

/// Cumulative probabilities with which the rules of a chain take a connection.
///
/// Each rule of the real chain draws a number of 31 bits of its own and compares it with its probability in units of 2⁻³¹ (`xt_statistic`). One
/// number looked up in the cumulative distribution has the same effect, at a cost that does not grow with the chain.
struct IptablesChain: Hashable, Sendable {
    /// Entry i: the probability that one of the rules 0...i takes the connection; the last is 1.
    private let cumulative: [Double]
    /// How many rules there are.
    var count: Int { cumulative.count }

    init(endpoints count: Int) {
        var taken: [Double] = []
        var passed = 1.0
        for place in 0..<count {
            let stated = place == count - 1 ? 1 : IptablesProbability.value(oneOutOf: count - place)
            passed *= 1 - (stated * 0x1p31).rounded() * 0x1p-31
            taken.append(1 - passed)
        }
        cumulative = taken
    }

    /// The rule that takes a connection, for a number between 0 and 1. O(1): rules are so nearly equally likely that the first guess is at most one off.
    func place(at number: Double) -> Int {
        var place = min(Int(number * Double(cumulative.count)), cumulative.count - 1)
        while place > 0, number < cumulative[place - 1] { place -= 1 }
        while place < cumulative.count - 1, number >= cumulative[place] { place += 1 }
        return place
    }
}
