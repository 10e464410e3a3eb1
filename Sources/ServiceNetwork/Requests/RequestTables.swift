// Requests under way and their attempts, in tables whose places are used again.

import DiscreteEvents

/// A place in the table of attempts.
struct AttemptSlot: Hashable, Sendable {
    var index: UInt32
    static let none = AttemptSlot(index: .max)
    var isNone: Bool { index == .max }
}

/// A place in the table of requests.
struct RequestSlot: Hashable, Sendable {
    var index: UInt32
    static let none = RequestSlot(index: .max)
    var isNone: Bool { index == .max }
}

/// A request from its start to the last word about it: attempts may outlive its end.
struct Request: Hashable, Sendable {
    var source: SourceNumber
    /// Which of the source's requests.
    var number: UInt64
    var started: SimulatedTime
    /// Where it is sent from, or for traffic from outside, where its next attempt comes in.
    var node: NodeNumber
    /// Which of the source's clients (a user; of calls the pod that calls).
    var client: Int32
    /// The pod or node that sends for it, to which its connections belong.
    var sender: Int32
    /// Its address, which affinity and hashing go by.
    var address: UInt32
    /// As which end of connections network policies know the client; -1: that is up to where it sends from.
    var policyEnd: Int32
    /// Whether that node is down.
    var isLost: Bool
    /// The attempt on whose behalf it is made.
    var parent: AttemptSlot
    var attempts: UInt8 = 0
    /// Attempts not yet answered or given up.
    var open: UInt8 = 0
    /// Attempts whose place is taken: open ones, and those given up that are still on their way or being served.
    var held: UInt8 = 0
    var isDone = false
    /// Where its last attempt failed that did.
    var failureSite = FailureSite.unknown
    /// Of a free place: the one that is free next.
    var next = RequestSlot.none

    init(source: SourceNumber, number: UInt64, started: SimulatedTime, client: RequestClient, parent: AttemptSlot) {
        self.source = source
        self.number = number
        self.started = started
        node = client.node
        self.client = client.number
        sender = client.sender
        address = client.address
        policyEnd = client.policyEnd ?? -1
        isLost = client.isDead
        self.parent = parent
    }

    /// The place is another request's from now on; returns the place that is free next.
    mutating func reuse(for other: Request) -> RequestSlot {
        let following = next
        self = other
        return following
    }

    mutating func attemptBegins() {
        failureSite = .unknown
        attempts += 1
        open += 1
        held += 1
    }

    mutating func attemptEnds(wasOpen: Bool) {
        held -= 1
        if wasOpen { open -= 1 }
    }
}

/// One try of a request.
struct Attempt: Hashable, Sendable {
    enum Stage: UInt8, Hashable, Sendable {
        /// Sent, or its answer is on the way back.
        case travelling
        case waiting
        case serving
        /// What the client sends is lost.
        case lost
        /// The answer is lost.
        case unheard
        /// The pod has vanished with it: nothing will ever come back.
        case abandoned

        /// Whether nothing is on its way, and nobody works on it.
        var isSilent: Bool { self == .lost || self == .unheard || self == .abandoned }
    }
    var request: RequestSlot
    /// -1: it found none.
    var pod: PodNumber
    /// Counts the uses of the place: events of earlier uses are void.
    var serial: UInt32 = 0
    /// Thousandths of cores that its own service takes.
    var milliCPU: Int32 = 0
    /// Or will be, when the client has the answer of the DNS.
    var sent: SimulatedTime
    /// From the client to the pod, and the same back.
    var delay = SimulatedDuration.zero
    /// Which of the request's attempts: 0 for the first.
    var ordinal: UInt8
    var stage = Stage.travelling
    /// What the pod says, once it has said it.
    var result = RequestResult.succeeded
    /// The client does not wait for it any more.
    var isGivenUp = false
    /// Whether it goes over a connection that stood before.
    var isConnected = false
    /// Whether the node where it comes in is down: nothing passes.
    var isLost: Bool
    /// The balancer through which it went, which counts it; -1: none does.
    var director: Int32 = -1
    var incarnation: Int32 = 0
    /// When its own service will be over, as far as it does not depend on others; `.distantFuture`: it does; `.distantPast`: it has not begun, or is over. Of one that
    /// is silent, when it is given up.
    var due = SimulatedTime.distantPast
    /// The next in the pod's line; of a free place: the one that is free next.
    var next = AttemptSlot.none
    /// Calls to other Services that it waits for, and how many groups of them were made.
    var openCalls: UInt16 = 0
    var callGroups: UInt16 = 0
    /// Where it is sent from, or comes in: each attempt from outside at a node of its own.
    var node: NodeNumber

    /// The next attempt of a request.
    init(of request: Request, at slot: RequestSlot, pod: PodNumber, sent: SimulatedTime) {
        self.request = slot
        self.pod = pod
        self.sent = sent
        ordinal = request.attempts
        isLost = request.isLost
        node = request.node
    }

    /// A worker begins with it, and will be done at a time, as far as that does not depend on others.
    /// - Returns: its serial number.
    mutating func serve(until due: SimulatedTime) -> UInt32 {
        stage = .serving
        self.due = due
        return serial
    }

    /// The pod has an answer.
    mutating func reply(_ result: RequestResult) {
        stage = .travelling
        self.result = result
    }

    /// The place is nobody's.
    /// - Parameter following: the place that was the next free one.
    mutating func vacate(before following: AttemptSlot) {
        serial &+= 1
        pod = -1
        next = following
    }

    /// The place is another attempt's from now on; returns the place that is free next.
    mutating func reuse(for other: Attempt) -> AttemptSlot {
        let (serial, following) = (serial, next)
        self = other
        self.serial = serial
        return following
    }
}

/// What happens in the request engine.
struct RequestEvent: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable {
        /// A user of a closed loop has thought; index: the source, serial: the user.
        case thought
        /// The DNS has answered, and the client connects; index: the attempt.
        case lookup
        /// An attempt reaches its pod; index: the attempt.
        case delivery
        /// Its own service is over; index: the attempt.
        case completion
        /// The first of the requests that share a pod's processors is served; index: the processors, serial: the number of the forecast.
        case sharedCompletion
        /// The answer reaches the client; index: the attempt.
        case answer
        /// Nothing came back for so long that the kernel gives up; index: the attempt.
        case connectionTimeout
        /// What was lost is sent again; index: the attempt.
        case retransmission
        /// The oldest time-out of a source may be due; index: the source.
        case timeouts
        /// The oldest hedge of a source may be due; index: the source.
        case hedges
        /// An idle connection of a client may have been kept long enough; index: the source, serial: the client.
        case idleness
        /// A back-off is over; index: the request, serial: the lower half of its number.
        case retry
    }
    var kind: Kind
    var index: UInt32
    var serial: UInt32 = 0
}
