// How long a Job waits before it replaces failed pods: 10 s after the first failure, twice as long after each further one.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy>

import DiscreteEvents
import KubernetesAPI

/// Failures since the last success of a Job, and when the last one was.
struct PodBackoff: Hashable, Sendable {
    private static let base = SimulatedDuration.seconds(10)
    private static let maximum = SimulatedDuration.minutes(10)

    var failures = 0
    var lastFailure: SimulatedTime?

    /// The record after pods ended. A success makes failures before it forgotten.
    func after(succeeded: [Shared<Pod>], failed: [Shared<Pod>]) -> PodBackoff {
        let failures = failed.map(\.finishTime)
        guard let lastSuccess = succeeded.map(\.finishTime).max() else {
            guard let last = failures.max() else { return self }
            return PodBackoff(failures: self.failures + failures.count, lastFailure: last)
        }
        let later = failures.filter { $0 > lastSuccess }
        return PodBackoff(failures: later.count, lastFailure: later.max())
    }

    /// How long no pod may be created yet.
    func remaining(at now: SimulatedTime) -> SimulatedDuration {
        lastFailure.map { PodBackoff.remaining(failures: failures, since: $0, at: now) } ?? .zero
    }

    /// The same for so many failures, the last of them at `since`.
    static func remaining(failures: Int, since: SimulatedTime, at now: SimulatedTime) -> SimulatedDuration {
        guard failures > 0 else { return .zero }
        var wait = base
        for _ in 1..<failures {
            wait = min(wait + wait, maximum)
            if wait == maximum { break }
        }
        return max(.zero, wait - (now - since))
    }
}
