// When a container that ended may start again.

import DiscreteEvents

/// The kubelet's crash-loop back-off of one container: the first restart is immediate, then 10 s, doubled up to 5 minutes,
/// counted from the end of the run; a run of more than 10 minutes forgets it.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy>
package struct CrashBackoff: Hashable, Sendable {
    /// The wait after the next end of a run; zero: none so far, so that restart is immediate.
    private var wait = SimulatedDuration.zero

    package init() {}

    /// The back-off of a container that was restarted this often already, each time after a short run.
    package init(restarts: Int, initial: SimulatedDuration, maximum: SimulatedDuration) {
        for _ in 0..<min(restarts, 64) { wait = wait == .zero ? min(initial, maximum) : min(wait * 2, maximum) }
    }

    /// The wait between the end of a run of length `ranFor` and the next start.
    package mutating func next(
        ranFor: SimulatedDuration, initial: SimulatedDuration, maximum: SimulatedDuration, reset: SimulatedDuration
    ) -> SimulatedDuration {
        let due = ranFor > reset ? .zero : wait
        wait = due == .zero ? min(initial, maximum) : min(due * 2, maximum)
        return due
    }

    /// The same after the kubelet has killed the run itself, for a probe's sake. It starts the next run in the same pass over the
    /// pod, in which it still takes the end of the run *before* for the last one: where that is longer ago than the wait, or there
    /// was none, the container starts at once. A long run does not end the back-off then.
    package mutating func nextAfterKill(
        at now: SimulatedTime, previousEnd: SimulatedTime?, initial: SimulatedDuration, maximum: SimulatedDuration
    ) -> SimulatedDuration {
        guard let previousEnd else { return .zero }
        let due = now - previousEnd < wait ? wait : .zero
        wait = wait == .zero ? min(initial, maximum) : min(wait * 2, maximum)
        return due
    }
}
