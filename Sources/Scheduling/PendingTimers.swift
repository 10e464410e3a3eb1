// Which timers the scheduler has set, so that no instant gets two.

import DiscreteEvents

/// The times for which timers of one kind are set, earliest first. A timer is set only if it is the earliest: whichever rings first
/// sets the next one if that is still wanted, and no instant has two.
struct PendingTimers: Sendable {
    private var times: [SimulatedTime] = []

    /// Whether a timer must be set for `time`, because none rings by then.
    mutating func set(at time: SimulatedTime) -> Bool {
        if let first = times.first, first <= time { return false }
        times.insert(time, at: 0)
        return true
    }

    mutating func fired(at now: SimulatedTime) { times.removeAll { $0 <= now } }
}
