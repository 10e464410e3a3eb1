// What a client does about answers that are late or bad.

import DiscreteEvents

/// Time-outs, retries and hedges of a source's requests.
public struct RequestPolicy: Hashable, Sendable {
    /// After which an attempt is given up; nil: never, but for connections that cannot be made.
    public var timeout: SimulatedDuration?
    /// After which a connection that nobody answers is given up; nil: when the client's kernel gives up.
    public var connectionTimeout: SimulatedDuration?
    /// Whether bad answers are tried again as broken and refused connections are.
    public var retriesBadAnswers = true
    /// How many attempts a request has at most, hedges included; at least 1, at most ``attemptLimit``.
    public var maximumAttempts = 1
    public var backoff = Backoff()
    /// How many retries are allowed in relation to requests; nil: all.
    public var budget: RetryBudget?
    /// After which a request that has no answer yet is sent a second time, and a third ...: the first answer counts ("The tail at scale", 2013).
    public var hedgeDelay: SimulatedDuration?

    /// Each attempt of a request has random numbers of its own.
    public static let attemptLimit = 16

    /// One attempt without a time-out.
    public init() {}

    func retries(after result: RequestResult) -> Bool { retriesBadAnswers || (result != .overloaded && result != .failed) }

    /// How long to wait before a retry.
    public struct Backoff: Hashable, Sendable {
        /// Before the first retry; zero: at once.
        public var initial = SimulatedDuration.zero
        public var factor = 2.0
        /// What it doubles up to.
        public var maximum = SimulatedDuration.seconds(10)
        /// Which part of the wait is random: 0 none, 1 all of it ("full jitter").
        public var jitter = 1.0

        public init() {}

        /// - Parameters:
        ///   - retry: 1 for the first.
        ///   - number: a random number between 0 and 1.
        func wait(before retry: Int, at number: Double) -> SimulatedDuration {
            var seconds = initial.seconds
            for _ in 1..<max(retry, 1) where seconds < maximum.seconds { seconds *= factor }
            return SimulatedDuration(seconds: min(seconds, maximum.seconds) * (1 - jitter * number))
        }
    }

    /// A bucket of tokens that requests fill and retries empty (as in Finagle and Linkerd): retries cannot multiply an overload.
    public struct RetryBudget: Hashable, Sendable {
        /// Retries per request that are allowed in the long run: 0.2 is a fifth.
        public var ratio: Double
        /// How many may come at once; also what the bucket starts with.
        public var reserve: Double

        public init(ratio: Double, reserve: Double) {
            self.ratio = ratio
            self.reserve = reserve
        }
    }
}
