// A quantity as the double Kubernetes computes with where exactness does not matter.

extension Quantity {
    /// The number as Go's `AsApproximateFloat64()` gives it: the digits times a power of ten.
    ///
    /// Not always the nearest double (0.3 is 3 times 0.1 there, not 3 divided by 10); what is compared with it depends on the
    /// last bit, so the same product is formed here.
    package var approximateFloat64: Double {
        guard large == nil else { return approximateDouble }
        if exponent == 0 { return Double(mantissa) }
        return Double(mantissa) * Quantity.doublePowerOfTen(Int(exponent))
    }

    /// The double nearest to 10^power.
    private static func doublePowerOfTen(_ power: Int) -> Double {
        // 10^22 is the largest power that is a double itself; a quotient of two exact doubles is rounded once.
        guard power.magnitude <= 22 else { return Double("1e\(power)") ?? 0 }
        var result = 1.0
        for _ in 0..<Int(power.magnitude) { result *= 10 }
        return power < 0 ? 1 / result : result
    }
}
