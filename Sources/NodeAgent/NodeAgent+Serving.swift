// When a pod answers requests: what really runs on its node, for those who send it traffic. The API server and the endpoints hear of
// it later.

import DiscreteEvents
import KubernetesAPI

/// The moments in the present run of a pod's first container between which it answers requests. `.distantFuture`: never.
package struct ServingTimes: Hashable, Sendable {
    /// From when on somebody listens.
    package var answersFrom: SimulatedTime
    /// When the container is asked to stop (SIGTERM).
    package var signalled: SimulatedTime
    /// From when on it takes requests and does not answer them any more.
    package var hangsFrom: SimulatedTime
    /// When it is gone.
    package var ends: SimulatedTime
}

/// Whether a pod can be reached, and what is known of its future.
package enum PodServing: Hashable, Sendable {
    /// Its machine is down, or it has no address (any more).
    case unreachable
    /// It has an address, and no container that listens.
    case notRunning
    case running(ServingTimes)
}

extension NodeAgent {
    /// What becomes of requests to a pod, as far as it can be foreseen now.
    package func serving(of pod: UID, at now: SimulatedTime) -> PodServing {
        guard let place = place(of: pod) else { return .unreachable }
        switch kubelets[place.kubelet].power {
        case .crashed, .starting(afterCrash: true): return .unreachable
        case .running, .kubeletStopped, .starting(afterCrash: false): break
        }
        return kubelets[place.kubelet].withPod(place.slot) { $0.serving(at: now) } ?? .unreachable
    }

    /// Whether a machine runs, its kubelet or not.
    package func isMachineUp(_ number: Int) -> Bool { kubelets[number].power != .crashed }

    /// Whether a machine joined, stopped or came back since the last call.
    package mutating func takeChangeOfMachines() -> Bool {
        defer { changedMachines = false }
        return changedMachines
    }

    /// The pods whose serving may have changed since the last call; empty unless ``followsServing``.
    package mutating func takeTouchedPods() -> [UID] {
        defer { touchedPods.removeAll(keepingCapacity: true) }
        return touchedPods
    }
}

extension PodWorker {
    fileprivate func serving(at now: SimulatedTime) -> PodServing {
        if rejection != nil || isStopped(at: now) || initialised > now { return .unreachable }
        let index = initCount
        guard index < containers.count, case .running(_, let ready, let ends, _) = containers[index].state else { return .notRunning }
        return .running(
            ServingTimes(
                answersFrom: health.isEmpty ? ready : health[index].answersFrom, signalled: signalled,
                hangsFrom: health.isEmpty ? .distantFuture : health[index].hangsFrom, ends: min(ends, stopped)))
    }
}
