// What comes over a container from outside: the kernel kills it for its memory.

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// A running container is killed now, from outside: it ends with SIGKILL's code and goes the way of every container that failed.
    mutating func kill(
        _ index: Int, reason: ContainerRun.Reason, at now: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment,
        incidents: inout [PodIncident]
    ) {
        guard case .running(let since, _, _, _) = containers[index].state, !isStopping else { return }
        end(
            index, ContainerRun(from: since, to: now, exitCode: 137, reason: reason), notBefore: now, images: &images,
            environment, incidents: &incidents)
        if index < initCount { startPending(at: now, images: &images, environment, incidents: &incidents) }
    }
}
