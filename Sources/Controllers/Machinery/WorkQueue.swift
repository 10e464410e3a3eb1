// The work queue in front of every controller: one entry per key however many events there were, retries with back-off.

import APIServer
import DequeModule
import DiscreteEvents
import HeapModule

/// How a failed key comes back: the longer of its own exponential back-off and its turn in a bucket all keys share.
package struct RetryLimits: Hashable, Sendable {
    package var base = SimulatedDuration.milliseconds(5)
    package var maximum = SimulatedDuration.seconds(1000)
    package var shared = ClientLimit(queriesPerSecond: 10, burst: 100)

    package init() {}

    init(_ configuration: ControllerManagerConfiguration) {
        base = configuration.workQueueBaseDelay
        maximum = configuration.workQueueMaximumDelay
        shared = configuration.workQueueLimit
    }

    /// The Job controller's own: from one second to a minute, and no bucket.
    package static var jobs: RetryLimits {
        var limits = RetryLimits()
        limits.base = .seconds(1)
        limits.maximum = .seconds(60)
        limits.shared = ClientLimit(queriesPerSecond: 1e6, burst: 1_000_000)
        return limits
    }
}

/// client-go's rate-limiting work queue.
///
/// A key that is added while it waits is one key; one that is added while a worker has it is queued again when the worker is
/// done with it. So a key is never with two workers, and no event is lost.
package struct WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct Delayed: Comparable, Sendable {
        let due: SimulatedTime
        let sequence: UInt64
        let key: Key
        static func < (left: Delayed, right: Delayed) -> Bool { (left.due, left.sequence) < (right.due, right.sequence) }
        static func == (left: Delayed, right: Delayed) -> Bool { left.sequence == right.sequence }
    }

    private var ready: Deque<Key> = []
    private var dirty: Set<Key> = []
    /// What workers have: a handful, so a plain list.
    private var processing: [Key] = []
    private var delayed = Heap<Delayed>()
    /// When each delayed key is due; entries of the heap that disagree are void.
    private var due: [Key: SimulatedTime] = [:]
    private var sequence: UInt64 = 0
    private var failures: [Key: Int] = [:]
    private let limits: RetryLimits
    private var bucket: TokenBucket

    package init(limits: RetryLimits = RetryLimits()) {
        self.limits = limits
        bucket = TokenBucket(limits.shared)
    }

    /// True when a key waits for a worker.
    package var hasWork: Bool { !ready.isEmpty }

    package mutating func add(_ key: Key) {
        guard dirty.insert(key).inserted else { return }
        if !processing.contains(key) { ready.append(key) }
    }

    /// Takes the next key for a worker, who gives it back with `done`.
    package mutating func take() -> Key? {
        guard let key = ready.popFirst() else { return nil }
        dirty.remove(key)
        processing.append(key)
        return key
    }

    package mutating func done(_ key: Key) {
        if let index = processing.firstIndex(of: key) { processing.remove(at: index) }
        if dirty.contains(key) { ready.append(key) }
    }

    /// Adds a key later; if it is to come anyway, the earlier time counts.
    package mutating func add(_ key: Key, at time: SimulatedTime) {
        if let planned = due[key], planned <= time { return }
        due[key] = time
        sequence += 1
        delayed.insert(Delayed(due: time, sequence: sequence, key: key))
    }

    /// Adds a key that failed, after its back-off.
    package mutating func retry(_ key: Key, at now: SimulatedTime) {
        let count = failures[key, default: 0]
        failures[key] = count + 1
        let factor = count < 40 ? Int64(1) << count : Int64.max
        let (product, overflow) = limits.base.nanoseconds.multipliedReportingOverflow(by: factor)
        let own = overflow ? limits.maximum : min(limits.maximum, .nanoseconds(product))
        add(key, at: max(now + own, bucket.reserve(at: now)))
    }

    /// How often a key failed since it last succeeded.
    package func retries(of key: Key) -> Int { failures[key] ?? 0 }

    package mutating func forget(_ key: Key) {
        if !failures.isEmpty { failures[key] = nil }
    }

    /// When the next delayed key is due.
    package var nextDue: SimulatedTime? { delayed.min?.due }

    /// Moves the delayed keys that are due at `now` into the queue.
    package mutating func addDue(at now: SimulatedTime) {
        while let first = delayed.min, first.due <= now {
            delayed.removeMin()
            guard due[first.key] == first.due else { continue }
            due[first.key] = nil
            add(first.key)
        }
    }
}
