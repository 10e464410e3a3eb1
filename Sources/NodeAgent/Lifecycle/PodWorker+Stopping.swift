// How a pod's containers are stopped: hooks, signals, grace periods, and the order of sidecars.
// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination>

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

    /// A pod was active for longer than `activeDeadlineSeconds`.
    static let deadlineExceeded = PodEnding(
        reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline", isDisruption: false)
}

extension PodWorker {
    var isStopping: Bool { stopped != .distantFuture }

    /// True once all containers are stopped.
    func isStopped(at now: SimulatedTime) -> Bool { stopped <= now }

    // MARK: The whole pod

    /// When the pod has been active for as long as it may be (`activeDeadlineSeconds`), if it is not over before: its kubelet ends it.
    var deadline: SimulatedTime {
        guard let seconds = pod.value.spec.value.activeDeadlineSeconds, rejection == nil, !isStopping, !pod.value.isTerminal else {
            return .distantFuture
        }
        switch phase(at: lastAdvance) {
        case .succeeded, .failed: return .distantFuture
        default: return startTime + .seconds(Int(seconds))
        }
    }

    /// Stops the pod's containers: they get the time they need, cut by the grace period; sidecars stop after the others, the
    /// last one first. Called again, it can only make the rest shorter.
    mutating func stop(
        graceSeconds: Int64, at now: SimulatedTime, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        guard hasRunningContainer else {
            stopped = min(stopped, now)
            return
        }
        if isStopping {
            cutShort(at: now + max(.seconds(Int(graceSeconds)), environment.configuration.value.minimumGrace))
            return
        }
        let grace = SimulatedDuration.seconds(Int(graceSeconds))
        var end = now
        // One draw for the pod's main containers, one for each init container.
        let usual = containers[initCount...].contains(where: \.isRunning) ? stopDuration(of: "", environment) : .zero
        for index in initCount..<containers.count where containers[index].isRunning {
            end = max(end, stop(index, grace, at: now, needing: usual, environment, &incidents))
        }
        for index in (0..<initCount).reversed() where containers[index].isRunning {
            let needed = stopDuration(of: name(index), environment)
            end = max(end, stop(index, grace, at: now, after: end, needing: needed, environment, &incidents))
        }
        stopped = end
    }

    /// The kubelet ends the pod: its status will say why. `graceSeconds`: what the containers get to stop.
    mutating func terminate(
        _ ending: PodEnding, graceSeconds: Int64, at now: SimulatedTime, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        if self.ending == nil { self.ending = Shared(ending) }
        stop(graceSeconds: graceSeconds, at: now, environment, incidents: &incidents)
    }

    /// A later, shorter grace period.
    private mutating func cutShort(at killed: SimulatedTime) {
        for index in containers.indices {
            guard case .running(let since, let ready, let ends, _) = containers[index].state, ends > killed else { continue }
            containers[index].state = .running(since: since, ready: ready, ends: killed, exitCode: behaviour.value.killExitCode)
        }
        stopped = min(stopped, killed)
    }

    /// All containers are gone: what ran has ended, what did not will not run.
    mutating func settle() {
        for index in containers.indices {
            let run: ContainerRun
            switch containers[index].state {
            case .running(let since, _, let ends, let exitCode):
                run = ContainerRun(from: since, to: min(ends, stopped), exitCode: exitCode)
            case .ended(let last, _): run = last
            case .blocked, .pulling, .waiting:
                // Its last run is what remains, or that nobody knows of one.
                run = containers[index].lastRun ?? ContainerRun(from: .zero, to: .zero, exitCode: 137, reason: .statusUnknown)
                containers[index].lastRun = nil
            }
            containers[index].state = .ended(run, restart: .distantFuture)
        }
    }

    // MARK: One container

    /// Stops one container from `now` on, and returns when it is gone. Its pre-stop hook runs at once and counts against the grace
    /// period in whole seconds; the signal comes when the hook is over and, for a sidecar, its turn has come (`after`); from there
    /// on it has what is left of the grace period, two seconds at least.
    @discardableResult
    mutating func stop(
        _ index: Int, _ grace: SimulatedDuration, at now: SimulatedTime, after turn: SimulatedTime? = nil,
        needing needed: SimulatedDuration, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) -> SimulatedTime {
        guard case .running(let since, let ready, let ends, _) = containers[index].state else { return now }
        let hook = min(preStopDuration(index, at: now, environment, &incidents), max(.zero, grace))
        var left = max(.zero, grace - hook.wholeSeconds)
        var signal = now + hook
        if let turn, turn > signal {
            let waited = min(turn - signal, left)
            signal += waited
            left -= waited.wholeSeconds
        }
        left = max(left, environment.configuration.value.minimumGrace)
        let isHanging = !health.isEmpty && health[index].hangsFrom <= signal
        let isKilled = isHanging || needed > left
        if index == initCount { signalled = min(signalled, signal) }
        let end = signal + (isKilled ? left : needed)
        if ends <= end { return ends }
        let code = isKilled ? behaviour.value.killExitCode : behaviour.value.stopExitCode
        containers[index].state = .running(since: since, ready: ready, ends: end, exitCode: code)
        return end
    }

    /// The kubelet kills one container of a pod that goes on. `graceSeconds`: what it gets to stop; nil: what the pod's spec says.
    mutating func kill(
        _ index: Int, for cause: ContainerHealth.Cause, graceSeconds: Int64?, at now: SimulatedTime, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        let grace = graceSeconds ?? pod.value.spec.value.terminationGracePeriodSeconds
        let needed = stopDuration(of: index < initCount ? name(index) : "", environment)
        stop(index, .seconds(Int(grace)), at: now, needing: needed, environment, &incidents)
        health[index].killedFor = cause
        health[index].cease()
    }

    /// How long containers take from SIGTERM to their end: one draw for the pod's main containers, one for each sidecar.
    func stopDuration(of container: String, _ environment: PodEnvironment) -> SimulatedDuration {
        BehaviourDraws(seed: environment.seed, pod: pod.value.metadata.key, container: container)
            .duration(behaviour.value.stop, .containerStop, run: 0)
    }
}

extension SimulatedDuration {
    /// Whole seconds, as the kubelet counts what is left of a grace period.
    fileprivate var wholeSeconds: SimulatedDuration { .nanoseconds(nanoseconds / 1_000_000_000 * 1_000_000_000) }
}
