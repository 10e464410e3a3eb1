// The client side of the newer Events API (events.k8s.io), which the scheduler reports through: what repeats itself is a series.

import DiscreteEvents
import KubernetesAPI

/// Decides what becomes of an event by the rules of that API's recorder: events are the same if all but their message is, the version
/// of the object they are about included. The first is sent; the second makes a series of it, which is sent once, with the first
/// one's message; what follows is only counted, until nothing was heard of it for six minutes.
///
/// Unlike the real memory this one is bounded: the least recently used entries are forgotten.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
package struct EventSeries: Sendable {
    private struct Seen: Sendable {
        var message: String
        var serial: UInt64
        var count: Int32 = 0
        var last: SimulatedTime
        var sent: SimulatedTime
    }

    /// How often the memory is tidied up, and how old what goes then is at least.
    private static let lifetime = SimulatedDuration.minutes(6)

    private var seen: RecentlyUsed<Seen>
    private var serial: UInt64 = 0

    package init(capacity: Int = 4096) { seen = RecentlyUsed(capacity: capacity) }

    /// The event to send (with its count and name), or nil if it only counts.
    package mutating func note(_ event: consuming KubernetesEvent, version: UInt64, at now: SimulatedTime) -> KubernetesEvent? {
        var digest = TextDigest()
        digest.add(event.source)
        digest.add(event.involvedKind)
        digest.add(event.involved.namespace)
        digest.add(event.involved.name)
        digest.add(event.involvedUID.digest)
        digest.add(version)
        digest.add(event.reason)
        digest.add(event.severity == .normal ? 0 : 1)
        let (message, next) = (event.message, serial + 1)
        func first() -> Seen { Seen(message: message, serial: next, last: now, sent: now) }
        let (entry, sinceSent) = seen.update(digest.value, new: first()) { entry in
            if now > (entry.last + EventSeries.lifetime).roundedUp(toMultipleOf: EventSeries.lifetime) { entry = first() }
            entry.count += 1
            entry.last = now
            let sinceSent = now - entry.sent
            if entry.count <= 2 { entry.sent = now }
            return (entry, sinceSent)
        }
        if entry.count == 1 { serial += 1 }
        guard entry.count <= 2 else { return nil }
        event.message = entry.message
        event.count = entry.count
        event.sinceLast = sinceSent
        event.name(by: entry.serial)
        return event
    }
}
