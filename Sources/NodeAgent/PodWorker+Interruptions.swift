// What comes over a pod's containers from outside: the kernel kills one, the kubelet ends them all.

import DiscreteEvents
import KubernetesAPI

/// Why a kubelet ended a pod of its own accord: what its status says once its containers are gone.
struct PodEnding: Hashable, Sendable {
    var reason: String
    var message: String
    /// Whether the pod says that it was disrupted.
    var isDisruption = true
    /// `TerminationByKubelet`: the reason of the condition DisruptionTarget.
    static let disruption = "TerminationByKubelet"
}

extension PodWorker {
    /// A running container is killed now, from outside: it ends with SIGKILL's code and goes the way of every container that failed.
    mutating func kill(
        _ index: Int, reason: ContainerRun.Reason, at now: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment,
        incidents: inout [PodIncident]
    ) {
        guard case .running(let since, _, _, _) = containers[index].state, !isStopping else { return }
        end(index, ContainerRun(from: since, to: now, exitCode: 137, reason: reason), notBefore: now, environment, &incidents)
        if index < initCount { startPending(at: now, images: &images, environment, incidents: &incidents) }
    }

    /// The kubelet ends the pod: its status will say why. `graceSeconds`: what the containers get to stop.
    mutating func terminate(_ ending: PodEnding, graceSeconds: Int64, at now: SimulatedTime, _ environment: PodEnvironment) {
        if self.ending == nil { self.ending = Shared(ending) }
        stop(graceSeconds: graceSeconds, at: now, environment)
    }

    /// The kubelet ended the pod: that is what its status says.
    func end(_ status: inout PodStatus, _ ending: PodEnding, at now: SimulatedTime) {
        status.phase = .failed
        status.reason = ending.reason
        status.message = ending.message
        guard ending.isDisruption else { return }
        status.conditions.set(
            Condition(
                .disruptionTarget, .true, reason: PodEnding.disruption, message: ending.message,
                lastTransitionTime: now.truncatedToSeconds))
    }
}
