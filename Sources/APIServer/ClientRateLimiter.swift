// Client-side rate limits: why a mass eviction in a real cluster is paced, not instant.

import DiscreteEvents

/// Queries per second and burst of one API client (`--kube-api-qps`, `--kube-api-burst`).
public struct ClientLimit: Hashable, Sendable {
    public var queriesPerSecond: Double
    public var burst: Int

    public init(queriesPerSecond: Double, burst: Int) {
        self.queriesPerSecond = queriesPerSecond
        self.burst = burst
    }
}

/// A token bucket: a call that finds no token either waits for the next one to be made, first come first served, or is dropped.
public struct TokenBucket: Hashable, Sendable {
    /// Tokens made per second; zero or less: no limit.
    private let rate: Double
    private let burst: Double
    /// May be negative: tokens promised to calls that still wait.
    private var tokens: Double
    private var updated: SimulatedTime

    public init(_ limit: ClientLimit, at now: SimulatedTime = .zero) {
        rate = limit.queriesPerSecond
        burst = Double(limit.burst)
        tokens = burst
        updated = now
    }

    /// Takes a token and returns the time from which the call may go out (now, if one was left).
    public mutating func reserve(at now: SimulatedTime) -> SimulatedTime {
        guard rate > 0 else { return now }
        refill(at: now)
        tokens -= 1
        if tokens >= 0 { return now }
        return max(now, updated) + SimulatedDuration(seconds: -tokens / rate)
    }

    /// Takes a token if one is left.
    public mutating func takeIfAvailable(at now: SimulatedTime) -> Bool {
        guard rate > 0 else { return true }
        refill(at: now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    private mutating func refill(at now: SimulatedTime) {
        guard now > updated else { return }
        tokens = min(burst, tokens + (now - updated).seconds * rate)
        updated = now
    }
}
