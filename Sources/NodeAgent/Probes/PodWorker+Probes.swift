// Where a pod's containers meet their probes: workers begin with the pod, forecasts with each run, verdicts act.
//
// Readiness without a readiness probe: the kubelet takes such a container for ready as soon as it runs. A scenario's `ready` time counts
// for it all the same, as though a probe had told at once when the container would answer; nobody has to write probes to
// say that a service takes time to come up.

import DiscreteEvents
import KubernetesAPI

/// The start of a kubelet's process: workers that begin less than one period later wait for a random part of it.
struct KubeletStart: Sendable {
    var time: SimulatedTime
    /// How many starts there were before.
    var number: UInt32 = 0
}

extension PodWorker {
    // MARK: Beginnings

    /// Sets up what probes, hooks and behaviour need to be remembered: nothing, for most pods.
    mutating func startProbes(_ start: KubeletStart, _ environment: PodEnvironment, at now: SimulatedTime) {
        health = []
        guard rejection == nil, needsHealth(environment) else { return }
        health = Array(repeating: ContainerHealth(), count: containers.count)
        startWorkers(start, environment, at: now)
    }

    private func needsHealth(_ environment: PodEnvironment) -> Bool {
        if behaviour.value.hang != nil || behaviour.value.waitsFor != nil { return true }
        let (probes, hooks) = (environment.configuration.value.probesContainers, environment.configuration.value.runsHooks)
        return containers.indices.contains { read($0) { (probes && $0.hasProbe) || (hooks && $0.lifecycle != nil) } }
    }

    private mutating func startWorkers(_ start: KubeletStart, _ environment: PodEnvironment, at now: SimulatedTime) {
        guard environment.configuration.value.probesContainers else { return }
        for index in containers.indices {
            func worker(_ kind: ProbeKind, _ probe: Probe?) -> ProbeWorker? {
                guard let probe else { return nil }
                guard probe.period > now - start.time else { return ProbeWorker(startingAt: now) }
                let owner = pod.value.metadata.namespace + "/" + pod.value.metadata.name + "/" + name(index)
                var stream = RandomStream(seed: environment.seed, purpose: .probePhase, owner: owner)
                stream.index = UInt64(start.number) * 3 + UInt64(kind.rawValue)
                return ProbeWorker(startingAt: now + probe.period * stream.uniform())
            }
            let container = container(index)
            health[index].startup = worker(.startup, container.startupProbe)
            health[index].readiness = worker(.readiness, container.readinessProbe)
            health[index].liveness = worker(.liveness, container.livenessProbe)
        }
    }

    // MARK: Runs

    /// A run began: when its probes pass and fail follows from when it answers and hangs.
    mutating func beginHealth(_ index: Int, _ environment: PodEnvironment) {
        guard case .running(let since, let answers, let ends, let exitCode) = containers[index].state else { return }
        health[index].killedFor = nil
        health[index].reported = since + postStartDuration(index, environment)
        if postStartFails(index, environment) { health[index].hookFails = health[index].reported }
        health[index].answersFrom = answers
        health[index].hangsFrom = hang(index, from: since, environment)
        health[index].readyFrom = isWaitingForService(index, environment) ? .distantFuture : answers
        let ready = health[index].forecast(container(index), since: since)
        if isSidecar(index) { health[index].letsOthersBegin = health[index].started }
        containers[index].state = .running(since: since, ready: ready, ends: ends, exitCode: exitCode)
    }

    private func hang(_ index: Int, from since: SimulatedTime, _ environment: PodEnvironment) -> SimulatedTime {
        guard index >= initCount, let hang = behaviour.value.hang else { return .distantFuture }
        return since + duration(hang, .containerHang, index, environment)
    }

    private func isWaitingForService(_ index: Int, _ environment: PodEnvironment) -> Bool {
        guard index >= initCount, let service = behaviour.value.waitsFor else { return false }
        return !environment.services.isReady(service)
    }

    /// A container of a snapshot that runs already, and answers from `answers` on. Returns when it is ready.
    mutating func adoptHealth(
        _ index: Int, since: SimulatedTime, answers: SimulatedTime, isReady: Bool, at now: SimulatedTime, _ environment: PodEnvironment
    ) -> SimulatedTime {
        health[index].reported = .distantPast
        health[index].hookFails = .distantFuture
        health[index].letsOthersBegin = .distantFuture
        health[index].answersFrom = answers
        // A hang that should have come before the snapshot was taken begins anew.
        let hangs = hang(index, from: since, environment)
        health[index].hangsFrom = hangs > now ? hangs : hang(index, from: now, environment)
        health[index].readyFrom = !isReady && isWaitingForService(index, environment) ? .distantFuture : answers
        return health[index].forecast(container(index), since: since, isStarted: isReady, isReady: isReady)
    }

    /// The kubelet is back, with workers that know nothing yet. What its last report said of a container stands until they know better.
    mutating func resumeProbes(_ start: KubeletStart, _ environment: PodEnvironment, at now: SimulatedTime) {
        if health.isEmpty { return }
        startWorkers(start, environment, at: now)
        for index in containers.indices {
            guard case .running(let since, _, let ends, let exitCode) = containers[index].state, health[index].killedFor == nil else {
                continue
            }
            let isReady = wasReportedReady(index)
            let isStarted = isReady || health[index].started <= lastAdvance
            let ready = health[index].forecast(container(index), since: since, isStarted: isStarted, isReady: isReady)
            containers[index].state = .running(since: since, ready: ready, ends: ends, exitCode: exitCode)
            // The containers behind a sidecar wait for its startup probe, which begins anew.
            if isSidecar(index), !isStarted { health[index].letsOthersBegin = health[index].started }
        }
    }

    private func wasReportedReady(_ index: Int) -> Bool {
        let statuses = index < initCount ? base.initContainerStatuses : base.containerStatuses
        return statuses.first { $0.name == name(index) }?.ready ?? false
    }

    /// The service that the pod's containers wait for has a ready endpoint. Returns whether anything changes.
    mutating func serviceCame(at now: SimulatedTime) -> Bool {
        var changed = false
        for index in containers.indices {
            guard case .running(let since, _, let ends, let exitCode) = containers[index].state,
                health[index].readyFrom == .distantFuture, health[index].answersFrom != .distantFuture
            else { continue }
            let ready = health[index].serviceCame(at: now, container(index))
            containers[index].state = .running(since: since, ready: ready, ends: ends, exitCode: exitCode)
            changed = true
        }
        return changed
    }

    // MARK: Time

    /// When something happens next to a container; `after`: what changed its status by then was seen.
    func nextStep(_ index: Int, after seen: SimulatedTime) -> SimulatedTime {
        var next = containers[index].nextStep(after: seen)
        guard containers[index].isRunning else { return next }
        next = min(next, health[index].nextAction)
        if health[index].reported > seen { next = min(next, health[index].reported) }
        if health[index].unready > seen { next = min(next, health[index].unready) }
        return next
    }

    /// Does what is due at `time` about the health of a running container.
    mutating func act(
        on index: Int, at time: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        let isHanging = health[index].hangsFrom < time
        if health[index].hookFails <= time {
            incidents.append(.postStartFailed(index))
            incidents.append(.killing(index, nil))
            // It never gets as far as being reported.
            health[index].reported = .distantFuture
            kill(index, for: .hook, graceSeconds: nil, at: time, environment, &incidents)
        } else if health[index].fails <= time {
            let kind = health[index].failing
            incidents.append(.unhealthy(index, kind, isHanging: isHanging))
            incidents.append(.killing(index, kind))
            let own = kind == .startup ? container(index).startupProbe : container(index).livenessProbe
            kill(index, for: .probe, graceSeconds: own?.terminationGracePeriodSeconds, at: time, environment, &incidents)
        } else if health[index].letsOthersBegin <= time {
            health[index].letsOthersBegin = .distantFuture
            startPending(at: time, images: &images, environment, incidents: &incidents)
        } else if health[index].alarm <= time {
            incidents.append(.unhealthy(index, .readiness, isHanging: isHanging))
            health[index].silenceAlarm()
        }
    }

    /// Whether a container counts as ready.
    func isReady(_ index: Int, at now: SimulatedTime) -> Bool {
        guard case .running(_, let ready, _, _) = containers[index].state else { return false }
        return health.isEmpty ? ready <= now : health[index].isReady(since: ready, at: now)
    }

    /// Whether the kubelet reports a container that runs as running.
    func isReported(_ index: Int, at now: SimulatedTime) -> Bool { health.isEmpty || health[index].reported <= now }
}

extension Container {
    var hasProbe: Bool { livenessProbe != nil || readinessProbe != nil || startupProbe != nil }
}
