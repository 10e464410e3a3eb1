// Watches: how components learn of writes, each with its own delay.

import DequeModule
import DiscreteEvents
import KubernetesAPI

/// One change of one object, in the order of commits.
public struct WatchEvent: Sendable {
    public enum Change: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }
    public var change: Change
    /// The object after the change; for a deletion its last state.
    public var object: APIObject
    /// The version before the change, nil for additions.
    public var previous: APIObject?
    /// When the write was committed.
    public var time: SimulatedTime

    /// Whether it is about a Kubernetes Event.
    var isReport: Bool { if case .event = object { true } else { false } }

    public init(_ change: Change, _ object: APIObject, previous: APIObject? = nil, time: SimulatedTime) {
        self.change = change
        self.object = object
        self.previous = previous
        self.time = time
    }
}

/// The processes that watch. All kubelets share one stream, and each sees its own node's pods in it.
public enum Watcher: UInt8, Sendable, CaseIterable {
    case controllerManager, scheduler, kubelets, recorder
}

/// The commit log with one reading position per watcher; entries every watcher has read are dropped.
public struct WatchLog: Sendable {
    private var events: Deque<WatchEvent> = []
    /// The sequence number of `events.first`.
    private var first = 0
    private var positions: [Int] = Array(repeating: 0, count: Watcher.allCases.count)

    public init() {}

    public var isEmpty: Bool { events.isEmpty }

    public mutating func append(_ event: WatchEvent) { events.append(event) }

    /// The next event for a watcher that was committed at `time` or before. Kubernetes Events are for people: only the recorder
    /// is shown them.
    public mutating func next(for watcher: Watcher, committedBy time: SimulatedTime) -> WatchEvent? {
        let start = positions[Int(watcher.rawValue)]
        var position = start
        defer {
            positions[Int(watcher.rawValue)] = position
            if start == first, position > start { dropReadByAll() }
        }
        while position - first < events.count, events[position - first].time <= time {
            position += 1
            if watcher != .recorder, events[position - 1 - first].isReport { continue }
            return events[position - 1 - first]
        }
        return nil
    }

    private mutating func dropReadByAll() {
        var slowest = positions[0]
        for position in positions where position < slowest { slowest = position }
        while first < slowest {
            events.removeFirst()
            first += 1
        }
    }
}
