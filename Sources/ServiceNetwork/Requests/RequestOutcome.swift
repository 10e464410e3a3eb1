// How requests end, and what is counted of them.

import DiscreteEvents

/// How an attempt, or a request as a whole, ended.
public enum RequestResult: UInt8, Hashable, Sendable, CaseIterable {
    case succeeded
    /// Nobody to take it: no endpoint, or nobody listens there.
    case refused
    /// The pod's queue was full.
    case overloaded
    /// No answer in time.
    case timedOut
    /// The connection broke: the pod died.
    case reset
    /// A call that the pod made on its behalf failed, or it had nobody to pass the request on to.
    case failed
}

/// A request that was sent.
public struct RequestStart: Hashable, Sendable {
    public var source: SourceNumber
    /// Which of the source's requests: 0, 1, 2, ...
    public var number: UInt64
    public var time: SimulatedTime
    /// The node that it is sent from, or where it comes in.
    public var client: NodeNumber
}

/// A request that ended.
public struct RequestOutcome: Hashable, Sendable {
    public var source: SourceNumber
    /// Which of the source's requests: 0, 1, 2, ...
    public var number: UInt64
    public var started: SimulatedTime
    public var ended: SimulatedTime
    public var result: RequestResult
    public var attempts: Int
    /// The node that it was sent from, or where the attempt came in that ended it.
    public var client: NodeNumber
    /// The pod that answered; -1: none.
    public var pod: PodNumber
}

extension SimulatedTime {
    /// The second that counts what happens at an instant: second 0 is over when 1 s is, that instant included.
    public var countedSecond: Int {
        let second = SimulatedDuration.seconds(1).nanoseconds
        return max(Int((sinceStart.nanoseconds + second - 1) / second) - 1, 0)
    }
}

/// What is counted of a source's requests.
public struct RequestStatistics: Hashable, Sendable {
    /// Requests that were sent, retries and hedges not counted.
    public internal(set) var sent: UInt64 = 0
    /// Requests that ended so, by ``RequestResult``'s raw value.
    private var ended = [UInt64](repeating: 0, count: RequestResult.allCases.count)
    public internal(set) var retries: UInt64 = 0
    public internal(set) var hedges: UInt64 = 0
    /// From a request's start to its good answer.
    public private(set) var latency = LatencyHistogram()

    public init() {}

    public func count(_ result: RequestResult) -> UInt64 { ended[Int(result.rawValue)] }

    mutating func count(_ result: RequestResult, after time: SimulatedDuration) {
        ended[Int(result.rawValue)] += 1
        if result == .succeeded { latency.add(time) }
    }
}
