// A pod as requests see it: so many at a time, the others wait in line.

import DiscreteEvents

/// The number of a pod, or of one of the ports at which it listens, in the request engine: given when it is added, never used again.
public typealias PodNumber = Int32
/// The number of a node in the request engine.
public typealias NodeNumber = Int32
/// The number of a source of requests in the request engine.
public typealias SourceNumber = Int32
/// The number of a Service port in the request engine.
public typealias PortNumber = Int32

/// What becomes of connections to a pod.
public enum PodCondition: UInt8, Hashable, Sendable {
    /// It takes requests.
    case serving
    /// It takes requests still, but tells clients to go elsewhere: idle connections are closed, others after their answer.
    case draining
    /// It has closed its door: what is under way is finished, new connections are refused (a server that was asked to stop).
    case closing
    /// Nobody listens: connections are refused.
    case stopped
    /// Nobody is there to say so (a dead node, an address no longer in use): packets are lost.
    case unreachable
}

/// How much a pod can do at once.
public struct PodCapacity: Hashable, Sendable {
    /// Requests served at the same time: workers, or a concurrency limit.
    public var concurrency: Int32
    /// Requests that wait for a worker; one more is turned away. nil: any number.
    public var queueLimit: Int32?

    public init(concurrency: Int32 = 1, queueLimit: Int32? = nil) {
        self.concurrency = concurrency
        self.queueLimit = queueLimit
    }
}

/// A pod's workers and line.
struct PodServer: Hashable, Sendable {
    let node: NodeNumber
    var capacity: PodCapacity
    /// By which the Services that it calls know it.
    let address: UInt32
    /// Which of the engine's processors it computes on.
    let processors: Int32
    var condition = PodCondition.serving
    /// Its number as an end of connections that it makes, and of those made to it.
    var sendingEnd: Int32 = 0
    var receivingEnd: Int32 = 0
    var busy: Int32 = 0
    var waiting: Int32 = 0
    /// The line: attempts linked by `Attempt.next`.
    var head = AttemptSlot.none
    var tail = AttemptSlot.none
    /// Attempts that reached it while it took requests, turned away or not.
    var received: UInt64 = 0
    /// Seconds of service that were begun, at full speed.
    var work = 0.0
    /// Counts deaths: connections made before one are broken.
    var incarnation: Int32 = 0

    /// What becomes of an attempt that reaches a pod which takes requests.
    enum Reception { case broken, served, waits, turnedAway }

    /// Counts an attempt, and gives it a worker if one is free.
    /// - Parameter isBroken: whether it comes over a connection that the pod knows nothing of any more.
    mutating func receive(isBroken: Bool) -> Reception {
        received += 1
        if isBroken { return .broken }
        if busy < capacity.concurrency {
            busy += 1
            return .served
        }
        return isFull ? .turnedAway : .waits
    }

    /// Puts an attempt at the end of the line, and returns who was the last there before.
    mutating func enqueue(_ slot: AttemptSlot) -> AttemptSlot {
        let last = tail
        if last.isNone { head = slot }
        tail = slot
        waiting += 1
        return last
    }

    private var isFull: Bool { capacity.queueLimit.map { waiting >= $0 } ?? false }
}
