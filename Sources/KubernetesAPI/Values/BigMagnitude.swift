// A natural number of any size, with the few operations exact decimal quantities need.
//
// Kubernetes quantities are exact whatever their size ("1e400" plus "1m" is legal), so the rare value that leaves
// 64 bits is kept as a magnitude of 32-bit words. Every factor that occurs is a power of 2 or of 10, so multiplying and
// dividing by one word is enough: no general multiplication or long division.

/// A natural number: little-endian 32-bit words without leading zeros; zero has no words.
struct BigMagnitude: Sendable, Equatable {
    private(set) var words: [UInt32] = []

    init() {}

    init(_ value: UInt64) {
        if value != 0 {
            words.append(UInt32(truncatingIfNeeded: value))
            if value >> 32 != 0 { words.append(UInt32(truncatingIfNeeded: value >> 32)) }
        }
    }

    var isZero: Bool { words.isEmpty }

    /// The number modulo 2^64, which is what Go's `big.Int.Int64` keeps of a large number.
    var low64: UInt64 {
        (words.count > 0 ? UInt64(words[0]) : 0) | (words.count > 1 ? UInt64(words[1]) << 32 : 0)
    }

    /// The number itself when it fits into 64 bits.
    var asUInt64: UInt64? { words.count <= 2 ? low64 : nil }

    /// self = self · factor + addend.
    mutating func multiply(by factor: UInt32, adding addend: UInt32 = 0) {
        var carry = UInt64(addend)
        for index in words.indices {
            let product = UInt64(words[index]) * UInt64(factor) + carry
            words[index] = UInt32(truncatingIfNeeded: product)
            carry = product >> 32
        }
        if carry != 0 { words.append(UInt32(carry)) }
        trim()
    }

    /// self = self / divisor, rounded down; returns the remainder.
    mutating func divide(by divisor: UInt32) -> UInt32 {
        var remainder: UInt64 = 0
        for index in words.indices.reversed() {
            let dividend = remainder << 32 | UInt64(words[index])
            words[index] = UInt32(dividend / UInt64(divisor))
            remainder = dividend % UInt64(divisor)
        }
        trim()
        return UInt32(remainder)
    }

    mutating func multiply(byPowerOfTen power: Int) {
        guard !isZero else { return }
        var left = power
        while left >= 9 {
            multiply(by: 1_000_000_000)
            left -= 9
        }
        multiply(by: smallPowersOfTen[left])
    }

    /// self = self / 10^power, rounded down; returns whether anything was cut off.
    mutating func divide(byPowerOfTen power: Int) -> Bool {
        var left = power
        var inexact = false
        while left >= 9, !isZero {
            if divide(by: 1_000_000_000) != 0 { inexact = true }
            left -= 9
        }
        if !isZero, divide(by: smallPowersOfTen[min(left, 9)]) != 0 { inexact = true }
        return inexact
    }

    mutating func shiftLeft(_ bits: Int) {
        var left = bits
        while left >= 16 {
            multiply(by: 1 << 16)
            left -= 16
        }
        multiply(by: 1 << UInt32(left))
    }

    /// Takes out every factor `factor` and returns how many there were; zero has none.
    mutating func removeFactors(_ factor: UInt32) -> Int {
        guard !isZero else { return 0 }
        var count = 0
        while true {
            var quotient = self
            if quotient.divide(by: factor) != 0 { return count }
            self = quotient
            count += 1
        }
    }

    mutating func add(_ other: BigMagnitude) {
        var carry: UInt64 = 0
        for index in 0..<max(words.count, other.words.count) {
            if index == words.count { words.append(0) }
            let sum = UInt64(words[index]) + (index < other.words.count ? UInt64(other.words[index]) : 0) + carry
            words[index] = UInt32(truncatingIfNeeded: sum)
            carry = sum >> 32
        }
        if carry != 0 { words.append(UInt32(carry)) }
    }

    /// self = self − other; `other` may not be larger.
    mutating func subtract(_ other: BigMagnitude) {
        precondition(compare(other) >= 0, "a magnitude cannot become negative")
        var borrow: Int64 = 0
        for index in words.indices {
            let difference = Int64(words[index]) - (index < other.words.count ? Int64(other.words[index]) : 0) - borrow
            words[index] = UInt32(truncatingIfNeeded: difference)
            borrow = difference < 0 ? 1 : 0
        }
        trim()
    }

    /// −1, 0 or 1 as self is smaller than, equal to or larger than `other`.
    func compare(_ other: BigMagnitude) -> Int {
        if words.count != other.words.count { return words.count < other.words.count ? -1 : 1 }
        for index in words.indices.reversed() where words[index] != other.words[index] {
            return words[index] < other.words[index] ? -1 : 1
        }
        return 0
    }

    /// Decimal digits, "0" for zero.
    var digits: String {
        guard !isZero else { return "0" }
        var rest = self
        var groups: [UInt32] = []
        while !rest.isZero { groups.append(rest.divide(by: 1_000_000_000)) }
        var text = String(groups.removeLast())
        for group in groups.reversed() {
            let part = String(group)
            text += String(repeating: "0", count: 9 - part.utf8.count)
            text += part
        }
        return text
    }

    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}

/// 10^0 … 10^9: what fits into 32 bits.
private let smallPowersOfTen: [UInt32] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
