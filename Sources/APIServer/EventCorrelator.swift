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
    package static let mergedPrefix = "(combined from similar events): "

    private struct Similar: Sendable {
        /// Digests of the different messages, oldest first; never more than nine are kept. Nearly all events have but one.
        var oldest: UInt64
        var younger: [UInt64] = []
        var last: SimulatedTime
    }
    private struct Recorded: Sendable {
        var count: Int32
        var serial: UInt64
        /// When it was sent last.
        var last: SimulatedTime
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
    package mutating func correlate(_ event: consuming KubernetesEvent, at now: SimulatedTime) -> KubernetesEvent? {
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
        let passes = limits.update(object, new: TokenBucket(EventCorrelator.perObject, at: now)) { $0.takeIfAvailable(at: now) }
        let entry = recorded.update(key, new: Recorded(count: 0, serial: serial + 1, last: now)) { entry in
            entry.count += 1
            let before = entry
            if passes { entry.last = now }
            return before
        }
        if entry.count == 1 { serial += 1 }
        guard passes else { return nil }
        event.count = entry.count
        event.sinceLast = now - entry.last
        event.name(by: entry.serial)
        return event
    }

    private mutating func merges(_ message: UInt64, _ key: UInt64, at now: SimulatedTime) -> Bool {
        similar.update(key, new: Similar(oldest: message, last: now)) { seen in
            if now - seen.last > EventCorrelator.similarWindow {
                seen = Similar(oldest: message, last: now)
                return false
            }
            seen.last = now
            if seen.oldest != message, !seen.younger.contains(message) { seen.younger.append(message) }
            guard 1 + seen.younger.count >= EventCorrelator.maximumSimilar else { return false }
            seen.oldest = seen.younger.removeFirst()
            return true
        }
    }
}
