// A kubelet's heartbeats, computed instead of simulated: phase + k x period, for as long as it lives.

import DiscreteEvents

/// The times at which one kubelet renews its lease.
/// <https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats>
package struct LeaseRenewals: Hashable, Sendable {
    /// The first renewal of the kubelet's current life.
    private var first: SimulatedTime
    private let period: SimulatedDuration
    /// When the current life ended.
    private var stopped = SimulatedTime.distantFuture

    /// A kubelet that has been running: its renewals were going on before the start, at a phase of its own.
    init(period: SimulatedDuration, phase: SimulatedDuration) {
        self.period = period
        first = .zero + phase - period
    }

    /// Moves the rhythm so that one of its renewals falls on `time`.
    mutating func shift(to time: SimulatedTime) {
        let rounds = max(0, time.nanoseconds / period.nanoseconds) + 1
        first = time - period * Int(rounds)
    }

    /// A kubelet that comes up renews at once.
    mutating func restart(at time: SimulatedTime) {
        first = time
        stopped = .distantFuture
    }

    /// From here on nothing is renewed until the next ``restart(at:)``.
    mutating func stop(at time: SimulatedTime) { stopped = min(stopped, time) }

    /// The next turn after `time`, whether or not it can be taken.
    package func next(after time: SimulatedTime) -> SimulatedTime {
        guard time >= first else { return first }
        return first + SimulatedDuration.nanoseconds(((time - first).nanoseconds / period.nanoseconds + 1) * period.nanoseconds)
    }

    /// The latest renewal at or before `time`.
    package func last(at time: SimulatedTime) -> SimulatedTime {
        let time = min(time, stopped)
        guard time > first else { return first }
        let rounds = (time - first).nanoseconds / period.nanoseconds
        return first + SimulatedDuration.nanoseconds(rounds * period.nanoseconds)
    }
}
