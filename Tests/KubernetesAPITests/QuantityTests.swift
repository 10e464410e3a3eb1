// Quantities against exact arithmetic in 128 bits; the recorded answers of Kubernetes are held by ConformanceTests.

import Testing

@testable import KubernetesAPI

@Suite struct QuantityTests {
    @Test func isSmall() {
        #expect(MemoryLayout<Quantity>.size <= 32)
    }

    @Test("Sums, differences and comparisons agree with exact 128-bit nanos")
    func agreesWithExactArithmetic() throws {
        var random = TestGenerator(state: 1)
        let suffixes: [(String, Int128)] = [
            ("n", 1), ("u", 1000), ("m", 1_000_000), ("", 1_000_000_000), ("k", 1_000_000_000_000), ("Ki", 1_024_000_000_000),
            ("Mi", 1_048_576_000_000_000), ("G", 1_000_000_000_000_000_000), ("e2", 100_000_000_000),
        ]
        func draw() throws -> (Quantity, Int128) {
            let (suffix, nanos) = suffixes[Int.random(in: 0..<suffixes.count, using: &random)]
            let number = Int64.random(in: -1_000_000...1_000_000, using: &random) >> Int64.random(in: 0..<20, using: &random)
            return (try Quantity(text: "\(number)\(suffix)"), Int128(number) * nanos)
        }
        for _ in 0..<3000 {
            let (a, exactA) = try draw()
            let (b, exactB) = try draw()
            #expect((a < b) == (exactA < exactB))
            #expect((a == b) == (exactA == exactB))
            #expect(nanos(a + b) == exactA + exactB)
            #expect(nanos(a - b) == exactA - exactB)
            #expect(nanos(a - b + b - a) == 0)
            if a == b { #expect(a.hashValue == b.hashValue) }
        }
    }

    @Test("Printing and parsing again gives the same number and the same text")
    func printsWhatItParses() throws {
        var random = TestGenerator(state: 2)
        for _ in 0..<3000 {
            let digits = Int64.random(in: Int64.min...Int64.max, using: &random) >> Int64.random(in: 0..<64, using: &random)
            let suffix = ["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2"].randomElement(using: &random) ?? ""
            let quantity = try Quantity(text: "\(digits)\(suffix)")
            let again = try Quantity(text: quantity.description)
            // Binary numbers beyond 2^63 are capped when read.
            if quantity.format != .binarySI || quantity.decimal.magnitude.words.count <= 4 {
                #expect(again == quantity)
            }
            #expect(again.description == quantity.description)
        }
    }

    @Test("Hostile texts are refused quickly", arguments: ["1e999999999", "1E-99999", String(repeating: "9", count: 100_000)])
    func refusesHugeNumbers(_ text: String) {
        #expect(throws: QuantityError.unparsableNumber) { try Quantity(text: text) }
    }

    private func nanos(_ quantity: Quantity) -> Int128? {
        let (rounded, isExact) = quantity.decimal.rounded(toScale: 9)
        guard isExact, let value = Int128(rounded.magnitude.digits) else { return nil }
        return rounded.isNegative ? -value : value
    }
}

/// A small repeatable generator (SplitMix64).
struct TestGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
