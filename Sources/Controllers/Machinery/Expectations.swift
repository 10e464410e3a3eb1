// Expectations: a controller that created or deleted objects does not act again before its cache shows what it did.

import DiscreteEvents
import KubernetesAPI

/// Creations and deletions that are still to be seen on the watch, by the owner's key.
package struct Expectations: Sendable {
    private struct Entry: Sendable {
        var creations: Int
        var deletions: Set<NamespacedName>
        var since: SimulatedTime
    }
    /// An event that never comes must not stop a controller for ever.
    private static let lifetime = SimulatedDuration.minutes(5)

    private var entries: [NamespacedName: Entry] = [:]

    package init() {}

    package mutating func expect(
        creations: Int = 0, deletions: [NamespacedName] = [], of owner: NamespacedName, at now: SimulatedTime
    ) {
        entries[owner] = Entry(creations: creations, deletions: Set(deletions), since: now)
    }

    /// A creation was seen, or is not to be expected any more.
    package mutating func creationObserved(of owner: NamespacedName) {
        guard let entry = entries[owner], entry.creations > 0 else { return }
        entries[owner]?.creations -= 1
    }

    package mutating func deletionObserved(of owner: NamespacedName, _ object: NamespacedName) {
        guard let entry = entries[owner], !entry.deletions.isEmpty else { return }
        entries[owner]?.deletions.remove(object)
    }

    package func areSatisfied(for owner: NamespacedName, at now: SimulatedTime) -> Bool {
        guard let entry = entries[owner] else { return true }
        if entry.creations == 0, entry.deletions.isEmpty { return true }
        return now - entry.since > Expectations.lifetime
    }

    package mutating func forget(_ owner: NamespacedName) { entries[owner] = nil }
}
