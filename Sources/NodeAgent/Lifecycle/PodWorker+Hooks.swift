// Lifecycle hooks: how long they take and when they fail.
// <https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/>

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// What the pre-stop hook of a container takes; a failing one fails at once, one of a container that hangs takes for ever.
    func preStopDuration(
        _ index: Int, at now: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) -> SimulatedDuration {
        guard !health.isEmpty, environment.configuration.value.runsHooks, let hook = container(index).lifecycle?.preStop else {
            return .zero
        }
        switch hook {
        case .sleep(let seconds): return .seconds(Int(max(0, seconds)))
        case .action:
            if behaviour.value.preStopFails {
                incidents.append(.preStopFailed(index))
                return .zero
            }
            if health[index].hangsFrom <= now { return .distant }
            return behaviour.value.preStop.map { duration($0, .preStopHook, index, environment) } ?? .zero
        }
    }

    /// What the post-start hook of a container takes.
    func postStartDuration(_ index: Int, _ environment: PodEnvironment) -> SimulatedDuration {
        guard environment.configuration.value.runsHooks, let hook = container(index).lifecycle?.postStart else { return .zero }
        switch hook {
        case .sleep(let seconds): return .seconds(Int(max(0, seconds)))
        case .action: return behaviour.value.postStart.map { duration($0, .postStartHook, index, environment) } ?? .zero
        }
    }

    /// Whether the post-start hook of a container fails.
    func postStartFails(_ index: Int, _ environment: PodEnvironment) -> Bool {
        environment.configuration.value.runsHooks && behaviour.value.postStartFails && container(index).lifecycle?.postStart == .action
    }
}
