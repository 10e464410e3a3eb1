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
    /// The object's slot in the store's table of its kind, its own for as long as it exists; nil for an event that no store made.
    package var slot: Int? {
        get { storedSlot < 0 ? nil : Int(storedSlot) }
        set { storedSlot = newValue.map { Int32($0) } ?? -1 }
    }
    private var storedSlot: Int32 = -1
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
///
/// Kubernetes Events are for people: they stand in a log of their own that only the recorder reads.
public struct WatchLog: Sendable {
    private var events: Deque<WatchEvent> = []
    /// Each with the sequence number of the first of `events` that came after it.
    private var reports: Deque<(before: Int, event: WatchEvent)> = []
    /// The sequence number of `events.first`.
    private var first = 0
    private var positions: [Int] = Array(repeating: 0, count: Watcher.allCases.count)

    public init() {}

    public var isEmpty: Bool { events.isEmpty && reports.isEmpty }

    public mutating func append(_ event: WatchEvent) {
        if event.isReport { reports.append((first + events.count, event)) } else { events.append(event) }
    }

    /// The next event for a watcher that was committed at `time` or before.
    public mutating func next(for watcher: Watcher, committedBy time: SimulatedTime) -> WatchEvent? {
        let position = positions[Int(watcher.rawValue)]
        if watcher == .recorder, let report = reports.first, report.before <= position {
            return report.event.time <= time ? reports.removeFirst().event : nil
        }
        guard position - first < events.count, events[position - first].time <= time else { return nil }
        positions[Int(watcher.rawValue)] = position + 1
        // Only the slowest watcher can set entries free.
        guard position == first else { return events[position - first] }
        let event = events[0]
        dropReadByAll()
        return event
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
