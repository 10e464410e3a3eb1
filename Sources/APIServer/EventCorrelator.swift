// The client side of Kubernetes Events: repeated ones are counted, floods are merged and then dropped.

import DiscreteEvents
import KubernetesAPI

/// Decides what becomes of an event a component wants to record, with client-go's rules and constants:
/// an equal event raises the count of the first; of similar ones (all equal but for the message) within ten minutes of each
/// other the tenth message and all later ones are merged; per source and object 25 are let through at once, then one each
/// five minutes. A dropped event is counted all the same.
///
/// Keys are kept as 64-bit digests, so that the memory of a busy cluster stays small.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
package struct EventCorrelator: Sendable {
    private static let maximumSimilar = 10
    private static let similarWindow = SimulatedDuration.seconds(600)
    private static let perObject = ClientLimit(queriesPerSecond: 1.0 / 300, burst: 25)
    private static let mergedPrefix = "(combined from similar events): "

    private struct Similar: Sendable {
        /// Digests of the different messages, oldest first; never more than nine are kept.
        var messages: [UInt64]
        var last: SimulatedTime
    }
    private struct Recorded: Sendable {
        var count: Int32
        var serial: UInt64
    }

    private var similar: RecentlyUsed<Similar>
    private var recorded: RecentlyUsed<Recorded>
    private var limits: RecentlyUsed<TokenBucket>
    private var serial: UInt64 = 0

    /// `capacity`: how many keys each memory keeps, the least recently used forgotten first (client-go's default: 4096).
    package init(capacity: Int = 4096) {
        similar = RecentlyUsed(capacity: capacity)
        recorded = RecentlyUsed(capacity: capacity)
        limits = RecentlyUsed(capacity: capacity)
    }

    /// The event to send (with its count and name), or nil if it is dropped as spam.
    package mutating func correlate(_ event: KubernetesEvent, at now: SimulatedTime) -> KubernetesEvent? {
        var event = event
        var digest = TextDigest()
        digest.add(event.source)
        digest.add(event.involvedKind)
        digest.add(event.involved.namespace)
        digest.add(event.involved.name)
        digest.add(event.involvedUID.digest)
        let object = digest.value
        digest.add(event.reason)
        digest.add(event.severity == .normal ? 0 : 1)
        let kind = digest.value
        digest.add(event.message)
        let message = digest.value
        let merged = merges(message, kind, at: now)
        if merged { event.message = EventCorrelator.mergedPrefix + event.message }
        let key = merged ? kind : message
        let entry = recorded.update(key, new: Recorded(count: 0, serial: serial + 1)) { entry in
            entry.count += 1
            return entry
        }
        if entry.count == 1 { serial += 1 }
        let passes = limits.update(object, new: TokenBucket(EventCorrelator.perObject, at: now)) { $0.takeIfAvailable(at: now) }
        guard passes else { return nil }
        event.count = entry.count
        event.metadata.name = event.involved.name + "." + String(entry.serial, radix: 16)
        return event
    }

    private mutating func merges(_ message: UInt64, _ key: UInt64, at now: SimulatedTime) -> Bool {
        similar.update(key, new: Similar(messages: [], last: now)) { seen in
            if now - seen.last > EventCorrelator.similarWindow { seen.messages.removeAll() }
            seen.last = now
            if !seen.messages.contains(message) { seen.messages.append(message) }
            let merge = seen.messages.count >= EventCorrelator.maximumSimilar
            if merge { seen.messages.removeFirst() }
            return merge
        }
    }
}

/// A memory that forgets what was used least recently beyond a capacity. O(1) to read and to write.
private struct RecentlyUsed<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var key: UInt64
        var value: Value
        var newer: Int32
        var older: Int32
    }
    private static var none: Int32 { -1 }
    private let capacity: Int
    private var index: [UInt64: Int32] = [:]
    private var entries: [Entry] = []
    private var newest = none
    private var oldest = none

    init(capacity: Int) {
        precondition(capacity > 0, "a memory needs room for one entry at least")
        self.capacity = capacity
    }

    /// Changes a key's value in place; a key that is not there begins with a new value.
    mutating func update<Result>(_ key: UInt64, new: @autoclosure () -> Value, _ change: (inout Value) -> Result) -> Result {
        if let slot = index[key] {
            touch(slot)
            return change(&entries[Int(slot)].value)
        }
        let slot: Int32
        if entries.count < capacity {
            slot = Int32(entries.count)
            entries.append(Entry(key: key, value: new(), newer: RecentlyUsed.none, older: RecentlyUsed.none))
        } else {
            slot = oldest
            unlink(slot)
            index[entries[Int(slot)].key] = nil
            entries[Int(slot)].key = key
            entries[Int(slot)].value = new()
        }
        index[key] = slot
        link(slot)
        return change(&entries[Int(slot)].value)
    }

    private mutating func touch(_ slot: Int32) {
        guard newest != slot else { return }
        unlink(slot)
        link(slot)
    }

    private mutating func unlink(_ slot: Int32) {
        let (newer, older) = (entries[Int(slot)].newer, entries[Int(slot)].older)
        if newer == RecentlyUsed.none { newest = older } else { entries[Int(newer)].older = older }
        if older == RecentlyUsed.none { oldest = newer } else { entries[Int(older)].newer = newer }
    }

    private mutating func link(_ slot: Int32) {
        entries[Int(slot)].newer = RecentlyUsed.none
        entries[Int(slot)].older = newest
        if newest == RecentlyUsed.none { oldest = slot } else { entries[Int(newest)].newer = slot }
        newest = slot
    }
}
