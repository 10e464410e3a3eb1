// A controller does not act on a cache that lacks its own last write: Kubernetes 1.36's StaleControllerConsistency.

import KubernetesAPI

/// The newest version each key's own requests wrote, and the keys that wait for the cache to contain theirs.
/// <https://github.com/kubernetes/enhancements/issues/5647>
package struct OwnWrites: Sendable {
    private var written: [NamespacedName: UInt64] = [:]
    /// Syncs put off; few at a time, so a plain list.
    private var waiting: [(version: UInt64, key: NamespacedName)] = []

    package init() {}

    /// Notes what a plan wrote for a key.
    package mutating func note(_ outcome: PlanOutcome, of key: NamespacedName) {
        if outcome.writtenVersion > 0 { written[key] = max(written[key] ?? 0, outcome.writtenVersion) }
    }

    /// Whether the sync of a key must wait for a cache newer than `version`; if so, ``released(by:)`` brings it back.
    package mutating func mustWait(_ key: NamespacedName, cacheVersion version: UInt64) -> Bool {
        guard let own = written[key], own > version else { return false }
        waiting.append((own, key))
        return true
    }

    /// Keys whose own writes the cache contains now.
    package mutating func released(by version: UInt64) -> [NamespacedName] {
        if waiting.isEmpty { return [] }
        let ready = waiting.filter { $0.version <= version }.map(\.key)
        if !ready.isEmpty { waiting.removeAll { $0.version <= version } }
        return ready
    }

    package mutating func forget(_ key: NamespacedName) { written[key] = nil }
}
