// Random numbers that belong to things, not to the order of events.
//
// A generator shared by a whole simulation hands its next number to whoever asks next. Change the scheduler, and the 17th pod
// of a job gets another pod's run time: two policies are then compared on different luck. Here each thing has a stream of its own,
// addressed by (seed, what for, whose) and an index, so its n-th draw is the same under every policy and in every fork:
// common random numbers by construction.

/// What random numbers are for: a name that is part of the address of a stream.
///
/// ```swift
/// extension RandomPurpose {
///     static let podRunTime = RandomPurpose("pod run time")
/// }
/// ```
/// Renaming a purpose changes every result that depends on it.
public struct RandomPurpose: Sendable, Hashable, CustomStringConvertible {
    /// The name.
    public let name: String
    /// The name's ``stableHash(_:)``.
    public let identity: UInt64

    /// A purpose of this name.
    public init(_ name: String) {
        self.name = name
        self.identity = stableHash(name)
    }

    public var description: String { name }
}

/// An endless sequence of random numbers that belongs to one thing: a value of 32 bytes, forked by assignment, reproducible by name.
///
/// ```swift
/// var lives = RandomStream(seed: 1, purpose: .podRunTime, owner: "shop/frontend-17")
/// let first = lives.uniform()       // draws number 0, 1, 2, ...
/// let word = lives.draw(at: 1000)   // or any of them directly
/// ```
///
/// **Construction.** Philox 2x64 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
/// a keyed bijection of 128-bit counters that passes TestU01's BigCrush. Draw number i of an owner under a seed and a
/// purpose is the first word of philox(counter: (i, owner), key: k), where k is the first word of philox(counter: (seed, purpose), key: 0).
/// Why so:
/// - *counter-based*, because state must be small, forkable and addressable at random;
/// - *Philox* rather than a hash function's finaliser, because neighbouring owners and indices (0, 1, 2, ...) are its tested use, and
///   its published test vectors let anyone check the implementation;
/// - *the owner in the counter* rather than in the key, because the bijection then rules out that two owners share a stream.
///
/// A draw takes about 10 ns. The second word of each block is not used: it would save half of that, at the price of a cache in the state.
@frozen
public struct RandomStream: RandomNumberGenerator, Sendable, Hashable {
    /// What stands for (seed, purpose).
    @usableFromInline let key: UInt64
    /// What stands for the owner.
    @usableFromInline let owner: UInt64
    /// All ones in an antithetic stream, else zero.
    @usableFromInline let complement: UInt64
    /// The number of the next draw; may be set, to skip or to repeat.
    public var index: UInt64

    /// What makes of a seed its mirror image: the highest bit.
    @inlinable public static var mirror: UInt64 { 1 << 63 }

    /// The stream of one owner, by number.
    /// - Parameters:
    ///   - seed: which replication of the experiment. A seed of ``mirror`` or more is the mirror image of what is left without it: its streams
    ///     are the antithetic ones.
    ///   - purpose: what the numbers are for.
    ///   - owner: whose they are; distinct owners have distinct streams.
    ///   - antithetic: whether to mirror the stream: each ``uniform()`` u becomes exactly 1 - u, which cancels
    ///     most of the luck in the average of a run and its mirror image.
    @inlinable
    public init(seed: UInt64, purpose: RandomPurpose, owner: UInt64, antithetic: Bool = false) {
        self.key = Self.philox(counter: (seed & ~Self.mirror, purpose.identity), key: 0).0
        self.owner = owner
        self.complement = antithetic != (seed >= Self.mirror) ? .max : 0
        self.index = 0
    }

    /// The stream of one owner, by name: its ``stableHash(_:)`` is the owner's number.
    @inlinable
    public init(seed: UInt64, purpose: RandomPurpose, owner: some StringProtocol, antithetic: Bool = false) {
        self.init(seed: seed, purpose: purpose, owner: stableHash(owner), antithetic: antithetic)
    }

    /// Draw number `index`, wherever the stream stands: 64 random bits.
    @inlinable
    public func draw(at index: UInt64) -> UInt64 {
        Self.philox(counter: (index, owner), key: key).0 ^ complement
    }

    /// The next 64 random bits.
    @inlinable
    public mutating func next() -> UInt64 {
        defer { index &+= 1 }
        return draw(at: index)
    }

    /// A real number between 0 and 1, never 0 or 1: one of the 2^52 odd multiples of 2^-53. They are symmetric about 1/2, and
    /// all inverse distribution functions are finite at each.
    @inlinable
    public mutating func uniform() -> Double {
        Self.unitInterval(next())
    }

    /// A whole number in `0 ..< bound`, each equally likely. Takes one draw, and rarely (bound / 2^64) more.
    ///
    /// Lemire, "Fast random integer generation in an interval", 2019. Use this and not `Int.random(in:using:)`, whose way of using the bits
    /// may change with the standard library.
    /// - Precondition: `bound` is positive.
    @inlinable
    public mutating func uniform(below bound: Int) -> Int {
        precondition(bound > 0, "there is no number below \(bound) to choose")
        let bound = UInt64(bound)
        var product = bound.multipliedFullWidth(by: next())
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = bound.multipliedFullWidth(by: next()) }
        }
        return Int(product.high)
    }

    /// True with this probability: never at 0 or below, always at 1 or above. Takes one draw in any case.
    @inlinable
    public mutating func bernoulli(_ probability: Double) -> Bool {
        uniform() < probability
    }
}

extension RandomStream {
    /// The number of (0, 1) that 64 random bits stand for. The upper 52 bits and a half: with 53 bits and a half, the
    /// largest would round to 1.
    @inlinable
    static func unitInterval(_ word: UInt64) -> Double {
        (Double(word >> 12) + 0.5) * 0x1p-52
    }

    /// Philox 2x64-10.
    @inlinable
    static func philox(counter: (UInt64, UInt64), key: UInt64) -> (UInt64, UInt64) {
        var (left, right) = counter
        var key = key
        for _ in 0..<10 {
            let product = left.multipliedFullWidth(by: 0xD2B7_4407_B1CE_6E93)
            (left, right) = (product.high ^ key ^ right, product.low)
            key &+= 0x9E37_79B9_7F4A_7C15
        }
        return (left, right)
    }
}
