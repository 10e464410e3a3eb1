// Random streams: published test vectors, fixed values, uniformity, and independence of what belongs to different things.
import CGSL
import Testing

@testable import DiscreteEvents

private let purpose = RandomPurpose("test")

@Suite("Random streams")
struct RandomStreamTests {
    @Test(
        "Philox gives the published answers (Random123's known-answer tests for philox2x64-10)",
        arguments: [
            ([0, 0, 0], [0xCA00_A045_9843_D731, 0x66C2_4222_C9A8_45B5]),
            ([.max, .max, .max], [0x65B0_21D6_0CD8_310F, 0x4D02_F322_2F86_DF20]),
            ([0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0], [0x0A5E_742C_2997_341C, 0xB0F8_83D3_8000_DE5D]),
        ] as [([UInt64], [UInt64])])
    func knownAnswers(input: [UInt64], output: [UInt64]) {
        let block = RandomStream.philox(counter: (input[0], input[1]), key: input[2])
        #expect([block.0, block.1] == output)
    }

    @Test(
        "hashes of names are FNV-1a's published ones",
        arguments: [("", 0xCBF2_9CE4_8422_2325), ("foobar", 0x8594_4171_F739_67E8)] as [(String, UInt64)])
    func hashes(text: String, hash: UInt64) {
        #expect(stableHash(text) == hash)
    }

    @Test("a stream's values never change from one version to the next")
    func golden() {
        var stream = RandomStream(seed: 42, purpose: RandomPurpose("pod run time"), owner: "shop/frontend-17")
        #expect(
            (0..<4).map { _ in stream.next() } == [
                0xCEEA_F845_9F92_14DA, 0x9A3C_590A_B8D2_FE59, 0x14CA_2D7B_48D0_A373, 0xFC3C_E4E7_F3C2_0A6B,
            ])
    }

    @Test("random access and sequence agree")
    func randomAccess() {
        var stream = RandomStream(seed: 7, purpose: purpose, owner: 3)
        let sequence = (0..<100).map { _ in stream.next() }
        #expect(sequence == (0..<100).map { stream.draw(at: $0) })
        stream.index = 50
        #expect(stream.next() == sequence[50])
    }

    @Test("uniform numbers stay clear of 0 and 1 even for extreme bits")
    func openInterval() {
        #expect(RandomStream.unitInterval(0) == 0x1p-53)
        #expect(RandomStream.unitInterval(.max) == 1 - 0x1p-53)
    }

    @Test("an antithetic stream mirrors its original exactly")
    func antithetic() {
        var stream = RandomStream(seed: 7, purpose: purpose, owner: 3)
        var mirror = RandomStream(seed: 7, purpose: purpose, owner: 3, antithetic: true)
        for _ in 0..<1000 {
            let (value, mirrored) = (stream.uniform(), mirror.uniform())
            #expect(mirrored == 1 - value)
        }
    }

    @Test("draws are uniform within a stream, and across the first draws of owners, seeds and purposes", arguments: 0..<4)
    func uniformity(direction: Int) {
        // 2000 draws per cell, so the statistic is chi-squared with 99 degrees of freedom.
        var counts = Array(repeating: 0, count: 100)
        var sequence = RandomStream(seed: 1, purpose: purpose, owner: 1)
        for index in 0..<200_000 as Range<UInt64> {
            let value =
                switch direction {
                case 0: sequence.uniform()
                case 1: firstUniform(1, purpose, index)
                case 2: firstUniform(index, purpose, 1)
                default: firstUniform(1, RandomPurpose("purpose \(index)"), 1)
                }
            counts[Int(value * 100)] += 1
        }
        let statistic = counts.map { Double(($0 - 2000) * ($0 - 2000)) / 2000 }.reduce(0, +)
        let probability = gsl_cdf_chisq_Q(statistic, 99)
        #expect(probability > 1e-4 && probability < 1 - 1e-4)
    }

    @Test("streams of neighbouring owners, seeds and purposes are uncorrelated", arguments: 0..<3)
    func independence(direction: Int) {
        var stream = RandomStream(seed: 1, purpose: purpose, owner: 1)
        var other =
            switch direction {
            case 0: RandomStream(seed: 1, purpose: purpose, owner: 2)
            case 1: RandomStream(seed: 2, purpose: purpose, owner: 1)
            default: RandomStream(seed: 1, purpose: RandomPurpose("tess"), owner: 1)
            }
        let count = 100_000
        let left = (0..<count).map { _ in stream.uniform() }
        let right = (0..<count).map { _ in other.uniform() }
        // Under independence the correlation is nearly normal with deviation 1 / sqrt(n).
        #expect(abs(gsl_stats_correlation(left, 1, right, 1, count)) < 4 / Double(count).squareRoot())
        #expect(abs(gsl_stats_correlation(left, 1, Array(left.dropFirst()) + [0.5], 1, count)) < 4 / Double(count).squareRoot())
    }

    @Test("whole numbers below a bound are equally likely", arguments: [1, 2, 7, 100])
    func bounded(bound: Int) {
        var stream = RandomStream(seed: 5, purpose: purpose, owner: 0)
        var counts = Array(repeating: 0, count: bound)
        for _ in 0..<(1000 * bound) { counts[stream.uniform(below: bound)] += 1 }
        let statistic = counts.map { Double(($0 - 1000) * ($0 - 1000)) / 1000 }.reduce(0, +)
        #expect(bound == 1 ? statistic == 0 : gsl_cdf_chisq_Q(statistic, Double(bound - 1)) > 1e-4)
    }

    @Test("certain and impossible events are that")
    func bernoulli() {
        var stream = RandomStream(seed: 5, purpose: purpose, owner: 0)
        for _ in 0..<1000 {
            let (impossible, certain) = (stream.bernoulli(0), stream.bernoulli(1))
            #expect(!impossible && certain)
        }
    }

    private func firstUniform(_ seed: UInt64, _ purpose: RandomPurpose, _ owner: UInt64) -> Double {
        var stream = RandomStream(seed: seed, purpose: purpose, owner: owner)
        return stream.uniform()
    }
}
