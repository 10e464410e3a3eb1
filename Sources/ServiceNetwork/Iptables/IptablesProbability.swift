// The probabilities of the rules that spread a Service's connections in iptables mode.

/// A chain of n rules, tried in order: rule i takes a connection with probability 1/(n - i), the last always; each endpoint is then
/// equally likely, but for the ten decimals to which the rules are written.
public enum IptablesProbability {
    /// The text of 1/n with ten decimals, as `--probability` takes it.
    static func text(oneOutOf count: Int) -> String {
        let digits = decimals(oneOutOf: count)
        let text = String(digits)
        if digits >= scale { return "1." + String(repeating: "0", count: 10) }
        return "0." + String(repeating: "0", count: 10 - text.count) + text
    }

    /// The probability as the rule states it.
    static func value(oneOutOf count: Int) -> Double { Double(decimals(oneOutOf: count)) / Double(scale) }

    /// The texts of all rules for so many endpoints but the last, which needs none.
    public static func rules(endpoints count: Int) -> [String] {
        count < 2 ? [] : (0..<count - 1).map { text(oneOutOf: count - $0) }
    }

    private static let scale = 10_000_000_000

    /// 1/n in units of 10⁻¹⁰, to the nearest; of two equally near ones the even (1/2048 is the first of these cases).
    private static func decimals(oneOutOf count: Int) -> Int {
        let (quotient, remainder) = scale.quotientAndRemainder(dividingBy: count)
        if remainder * 2 == count { return quotient + quotient % 2 }
        return remainder * 2 > count ? quotient + 1 : quotient
    }
}
