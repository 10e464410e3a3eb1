// One kind of event in two runs, side by side: what they have in common is passed over as it comes, what comes first that they do not
// have in common is kept.

import APIServer
import ClusterSimulation
import DiscreteEvents
import ServiceNetwork

/// An event that can be held against that of another run.
protocol PairedEvent {
    var time: SimulatedTime { get }
    /// Whether nobody can tell both apart.
    func isSame(as other: Self) -> Bool
    /// The event as differences have it.
    var event: FirstDifference.Event { get }
}

/// The events of one kind in both runs.
struct PairedEvents<Event: PairedEvent> {
    /// How many both have, in order, before anything else.
    private(set) var common = 0
    /// When those of them happened that were taken over last.
    private var recent: [SimulatedTime] = []
    /// What each run does when they part; nil: nothing so far.
    private(set) var left: Event?
    private(set) var right: Event?

    /// When they part; nil: they do not, so far.
    var time: SimulatedTime? { left.map { left in right.map { min(left.time, $0.time) } ?? left.time } ?? right?.time }

    /// How many both had by a moment of the time that was taken over last, or of what is later.
    func common(by time: SimulatedTime) -> Int { common - recent.count { $0 > time } }

    /// Whether it is known what either of them does.
    var isComplete: Bool { left != nil && right != nil }

    /// Takes over what happened in both runs up to one moment, the same for both.
    ///
    /// What only one of them has done by then is a difference: the other's next event is later than that moment.
    mutating func add(_ left: some Collection<Event>, _ right: some Collection<Event>) {
        var (left, right) = (left[...], right[...])
        recent.removeAll(keepingCapacity: true)
        if time == nil {
            while let one = left.first, let other = right.first, one.isSame(as: other) {
                common += 1
                recent.append(one.time)
                left = left.dropFirst()
                right = right.dropFirst()
            }
        }
        self.left = self.left ?? left.first
        self.right = self.right ?? right.first
    }
}

// MARK: - Kinds

extension WatchEvent: PairedEvent {
    func isSame(as other: WatchEvent) -> Bool { time == other.time && change == other.change && object == other.object }

    var event: FirstDifference.Event { .write(self) }
}

extension OperationRecord: PairedEvent {
    func isSame(as other: OperationRecord) -> Bool { time == other.time && description == other.description }

    var event: FirstDifference.Event { .operation(self) }
}

extension RecoveryRecord: PairedEvent {
    /// A failure of nodes is one event: that it begins.
    var time: SimulatedTime { failed }

    /// What it comes to later shows in what else happens.
    func isSame(as other: RecoveryRecord) -> Bool {
        failed == other.failed && subject == other.subject && effect == other.effect && nodeNames == other.nodeNames
            && nodesHit == other.nodesHit
    }

    var event: FirstDifference.Event { .failure(self) }
}

/// A request that is sent.
struct RequestSending: PairedEvent, Equatable {
    let source: String
    let number: UInt64
    let time: SimulatedTime
    let client: String?

    init(_ request: SentRequest, _ sources: [String]) {
        source = sources[request.source]
        number = request.number
        time = request.time
        client = request.client
    }

    func isSame(as other: RequestSending) -> Bool { self == other }

    var event: FirstDifference.Event { .requestSent(source: source, number: number, time: time, client: client) }
}

/// A request that is over, and what became of it.
struct RequestFate: PairedEvent {
    let source: String
    let request: TrafficRecord.Request

    init(_ request: TrafficRecord.Request, _ sources: [String]) {
        source = sources[request.source]
        self.request = request
    }

    var time: SimulatedTime { request.ended }

    func isSame(as other: RequestFate) -> Bool {
        let (one, other, isSameSource) = (request, other.request, source == other.source)
        return isSameSource && one.number == other.number && one.started == other.started && one.ended == other.ended
            && one.result == other.result && one.attempts == other.attempts && one.client == other.client && one.pod == other.pod
            && one.node == other.node
    }

    var event: FirstDifference.Event { .requestEnded(source: source, request) }
}

extension FirstDifference.Event {
    /// When it happened.
    public var time: SimulatedTime {
        switch self {
        case .write(let event): event.time
        case .operation(let operation): operation.time
        case .failure(let failure): failure.failed
        case .requestSent(_, _, let time, _): time
        case .requestEnded(_, let request): request.ended
        }
    }
}
