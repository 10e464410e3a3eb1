// How long a DaemonSet waits before it removes a failed pod (and so makes another): where a kubelet rejects every pod of a daemon, the
// two would otherwise chase each other.

import DiscreteEvents
import KubernetesAPI

/// client-go's back-off by key: 1 s, doubled with each failure to 15 minutes, forgotten after twice that without one.
struct FailedPodBackoff: Sendable {
    /// A node as a daemon's generation sees it: a new generation begins anew.
    struct Key: Hashable, Sendable {
        let daemonSet: UID
        let generation: Int64
        let node: String
    }
    private struct Entry: Sendable {
        var delay: SimulatedDuration
        var updated: SimulatedTime
    }
    private static let initial = SimulatedDuration.seconds(1)
    private static let maximum = SimulatedDuration.minutes(15)

    private var entries: [Key: Entry] = [:]

    /// How long to wait before a failed pod may be removed; nil: it may be now, and the next one will wait longer.
    mutating func wait(for key: Key, at now: SimulatedTime) -> SimulatedDuration? {
        guard let entry = entries[key], now - entry.updated <= FailedPodBackoff.maximum * 2 else {
            entries[key] = Entry(delay: FailedPodBackoff.initial, updated: now)
            return nil
        }
        if now - entry.updated < entry.delay { return entry.delay }
        entries[key] = Entry(delay: min(entry.delay * 2, FailedPodBackoff.maximum), updated: now)
        return nil
    }
}
