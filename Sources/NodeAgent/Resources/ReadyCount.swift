// How many pods share a load, now and a while ago: what a container used in the last half minute depends on it.

import DiscreteEvents

/// The number of ready pods of a group over the last minutes.
struct ReadyCount: Sendable {
    /// Longer than any window of samples.
    private static let memory = SimulatedDuration.minutes(10)

    private var changes: [(time: SimulatedTime, count: Int)] = []
    private var count = 0

    mutating func add(_ step: Int, at now: SimulatedTime) {
        guard step != 0 else { return }
        count += step
        if let last = changes.last, last.time == now { changes.removeLast() }
        changes.append((now, count))
        if changes.count > 256, let keep = changes.lastIndex(where: { $0.time < now - ReadyCount.memory }) { changes.removeFirst(keep) }
    }

    func value(at time: SimulatedTime) -> Int { changes.last { $0.time <= time }?.count ?? 0 }

    /// One pod's share of a load's integral over a time in which the pod was ready.
    func share(of profile: LoadProfile, from start: SimulatedTime, to end: SimulatedTime) -> Double {
        guard start < end else { return 0 }
        var sum = 0.0
        var time = start
        var present = value(at: start)
        for change in changes where change.time > start && change.time < end {
            if present > 0 { sum += profile.integral(from: time, to: change.time) / Double(present) }
            (time, present) = change
        }
        return present > 0 ? sum + profile.integral(from: time, to: end) / Double(present) : sum
    }
}
