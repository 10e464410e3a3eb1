// Amounts that users write may be absurd: they end at the largest number there is, not with a trap.

extension Int64 {
    /// The whole part of a number; `max` and `min` for what lies beyond them, zero for what is no number.
    package init(saturating value: Double) {
        self = Int64(exactly: value.rounded(.towardZero)) ?? (value.isNaN ? 0 : value > 0 ? .max : .min)
    }

    /// The sum, or the end of the range it would leave.
    func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other > 0 ? .max : .min) : sum
    }

    /// The product, or the end of the range it would leave.
    func multipliedSaturated(by other: Int64) -> Int64 {
        let (product, overflows) = multipliedReportingOverflow(by: other)
        return overflows ? ((self > 0) == (other > 0) ? .max : .min) : product
    }
}
