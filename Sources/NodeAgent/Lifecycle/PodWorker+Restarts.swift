// Which containers run again after they ended, and after what wait.
// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy>, KEP-5307, KEP-5532

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// Whether a container that ended with this code runs again: its own rules and policy count before the pod's.
    func restarts(_ index: Int, exitCode: Int32) -> Bool {
        let container = container(index)
        // An init container that did its work is done, unless it is a sidecar.
        if index < initCount, exitCode == 0, container.restartPolicy != .always { return false }
        if let own = container.restartPolicy {
            if container.restartRules.contains(where: { $0.matches(exitCode: exitCode) }) { return true }
            switch own {
            case .always: return true
            case .onFailure: return exitCode != 0
            case .never: return false
            }
        }
        switch pod.value.spec.value.restartPolicy {
        case .always: return true
        case .onFailure: return exitCode != 0
        case .never: return false
        }
    }

    /// Whether a container that the kubelet kills runs again: the code it ends with does not matter.
    func restartsAfterKill(_ index: Int) -> Bool {
        let container = container(index)
        guard let own = container.restartPolicy else { return pod.value.spec.value.restartPolicy != .never }
        return own != .never || !container.restartRules.isEmpty
    }

    /// Whether this end of a container begins the whole pod anew.
    func restartsAll(_ index: Int, exitCode: Int32) -> Bool {
        let rules = container(index).restartRules
        if rules.isEmpty { return false }
        return rules.first { $0.matches(exitCode: exitCode) }?.action == RestartRule.restartAllContainers
    }

    /// The wait between the end of a run and the next one.
    mutating func backOff(_ index: Int, after run: ContainerRun, _ settings: NodeAgentConfiguration) -> SimulatedDuration {
        if !health.isEmpty, health[index].killedFor == .probe {
            return containers[index].backoff.nextAfterKill(
                at: run.finishedAt, previousEnd: containers[index].lastRun?.finishedAt, initial: settings.crashBackoffInitial,
                maximum: settings.crashBackoffMaximum)
        }
        return containers[index].backoff.next(
            ranFor: run.finishedAt - run.startedAt, initial: settings.crashBackoffInitial, maximum: settings.crashBackoffMaximum,
            reset: settings.crashBackoffReset)
    }

    /// A rule of one container begins the pod anew: the others are killed, and all run again, init containers first.
    mutating func restartAll(at now: SimulatedTime) {
        for index in containers.indices {
            switch containers[index].state {
            case .running(let since, _, _, _):
                again(index, after: ContainerRun(from: since, to: now, exitCode: behaviour.value.killExitCode))
                if !health.isEmpty { health[index].finish(at: now, container(index)) }
            case .ended(let run, _): again(index, after: run)
            case .waiting(_, let reason) where reason.followsRun:
                containers[index].restarts += 1
                containers[index].state = .blocked
            case .blocked, .pulling, .waiting: containers[index].state = .blocked
            }
        }
        if initCount > 0 { initialised = .distantFuture }
    }

    /// The container waits for its turn to run once more.
    mutating func again(_ index: Int, after run: ContainerRun) {
        containers[index].lastRun = run
        containers[index].restarts += 1
        containers[index].state = .blocked
    }
}
