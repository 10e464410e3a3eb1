// How a pod's containers move on: each step at its own time, one after another.

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// Takes all steps that are due at `now` or before. `restartsFrom`: the kubelet was not there before, so nothing that needs
    /// it (starting, restarting) happened earlier.
    mutating func advance(
        to now: SimulatedTime, restartsFrom earliest: SimulatedTime = .distantPast, images: inout ImageStore,
        _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        defer { lastAdvance = now }
        guard rejection == nil else { return }
        if isStopping {
            if isStopped(at: now) { settle() }
            return
        }
        while true {
            var due = SimulatedTime.distantFuture
            var next = 0
            var isAction = false
            for index in containers.indices {
                // Readiness changes the status, not the state.
                let time = containers[index].nextStep(after: .distantFuture)
                if time < due { (due, next, isAction) = (time, index, false) }
                guard !health.isEmpty, containers[index].isRunning, health[index].nextAction < due else { continue }
                (due, next, isAction) = (health[index].nextAction, index, true)
            }
            guard due <= now, due != .distantFuture else { return }
            let time = max(due, earliest)
            if isAction {
                act(on: next, at: time, images: &images, environment, incidents: &incidents)
            } else {
                step(next, at: due, notBefore: time, &images, environment, &incidents)
            }
        }
    }

    private mutating func step(
        _ index: Int, at time: SimulatedTime, notBefore: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        switch containers[index].state {
        case .blocked, .pulling: break
        case .waiting(_, .creating): start(index, at: notBefore, &images, environment, &incidents)
        case .waiting(_, let reason) where reason.isAboutImage:
            retryImage(index, at: notBefore, images: &images, environment, incidents: &incidents)
        case .waiting(_, .createContainerConfigError): begin(index, at: notBefore, &images, environment, &incidents)
        case .waiting(_, .crashLoopBackOff) where containers[index].backoffOver > notBefore:
            tellOfBackOff(index, at: notBefore, environment, &incidents)
        case .waiting: startAgain(index, at: notBefore, &images, environment, &incidents)
        case .running(let since, _, _, let exitCode):
            let run = ContainerRun(from: since, to: time, exitCode: exitCode)
            end(index, run, notBefore: notBefore, images: &images, environment, incidents: &incidents)
            if index < initCount { startPending(at: notBefore, images: &images, environment, incidents: &incidents) }
        case .ended: startAgain(index, at: notBefore, &images, environment, &incidents)
        }
    }

    /// A container starts once more: first its image is looked after, which is there, but the pull policy may want the registry to be
    /// asked; then it starts, and until it runs its status shows how it ended.
    private mutating func startAgain(
        _ index: Int, at time: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        let before = containers[index].state
        let isPrepared = containers[index].hasImage
        if !isPrepared, fetchImage(index, at: time, images: &images, environment, incidents: &incidents),
            !lacksConfiguration(index, at: time, environment, &incidents)
        {
            let delay = startDelay(index, next: true, environment)
            switch before {
            case .ended(let run, _): containers[index].state = .ended(run, restart: time + delay)
            case .waiting(_, let reason): containers[index].state = .waiting(until: time + delay, reason)
            case .blocked, .pulling, .running: break
            }
            containers[index].hasImage = true
            return
        }
        if case .ended(let run, _) = before { containers[index].lastRun = run }
        containers[index].restarts += 1
        if isPrepared { start(index, at: time, &images, environment, &incidents) }
    }

    /// When the kubelet passes over the pod again that it passed over at `time`, of which nothing has changed.
    func nextPass(after time: SimulatedTime, _ environment: PodEnvironment) -> SimulatedTime {
        time + stretched(environment.configuration.value.syncFrequency, from: time, environment)
    }

    /// The same after a pass that failed.
    func nextTry(after time: SimulatedTime, _ environment: PodEnvironment) -> SimulatedTime {
        time + stretched(environment.configuration.value.syncErrorDelay, from: time, environment)
    }

    /// The wait that the kubelet's queue of pods makes of another: longer by a part that is drawn for this pass, which is known by its time.
    private func stretched(_ wait: SimulatedDuration, from time: SimulatedTime, _ environment: PodEnvironment) -> SimulatedDuration {
        let jitter = environment.configuration.value.syncJitter
        if jitter == 0 { return wait }
        let metadata = pod.value.metadata
        var stream = RandomStream(seed: environment.seed, purpose: .podSync, owner: metadata.namespace + "/" + metadata.name)
        stream.index = UInt64(clamping: time.nanoseconds)
        return wait * (1 + jitter * stream.uniform())
    }

    /// A container waits for the end of its back-off: the kubelet says so at every pass over the pod.
    private mutating func tellOfBackOff(
        _ index: Int, at time: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) {
        incidents.append(.backingOff(index))
        let next = min(containers[index].backoffOver, nextPass(after: time, environment))
        containers[index].state = .waiting(until: next, .crashLoopBackOff)
    }

    // MARK: Starting

    /// Begins with every container whose turn has come: init containers one after another, a sidecar among them being done
    /// once it runs; then all the others.
    /// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
    mutating func startPending(
        at time: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        guard rejection == nil, !waitsForVolumes else { return }
        for index in 0..<initCount {
            switch containers[index].state {
            case .running where isSidecar(index):
                if isHoldingOthers(index, at: time) { return }
            // A sidecar that was stopped holds up nobody who could begin before.
            case .ended where isSidecar(index):
                if initialised > time { return }
            case .waiting(_, let reason) where reason.followsRun && isSidecar(index):
                if initialised > time { return }
            case .ended(let run, restart: .distantFuture) where run.exitCode == 0: break
            case .blocked:
                begin(index, at: time, &images, environment, &incidents)
                return
            default: return
            }
        }
        initialised = min(initialised, time)
        for index in initCount..<containers.count where containers[index].isBlocked {
            begin(index, at: time, &images, environment, &incidents)
        }
    }

    /// Whether a sidecar has not started yet: the containers behind it wait.
    private func isHoldingOthers(_ index: Int, at time: SimulatedTime) -> Bool { !health.isEmpty && health[index].started > time }

    /// The kubelet's steps for one container: its image, then the container.
    private mutating func begin(
        _ index: Int, at time: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        if fetchImage(index, at: time, images: &images, environment, incidents: &incidents) {
            create(index, at: time, environment, &incidents)
        }
    }

    /// Makes a container whose image is there, if what its environment takes is there too.
    mutating func create(_ index: Int, at time: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]) {
        if lacksConfiguration(index, at: time, environment, &incidents) { return }
        containers[index].state = .waiting(until: time + startDelay(index, environment), .creating)
    }

    /// Whether a container cannot be made for want of a ConfigMap or Secret: it is tried again with the next pass over the pod.
    private mutating func lacksConfiguration(
        _ index: Int, at time: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) -> Bool {
        guard environment.configuration.value.volumes.isOn, case let references = read(index, { $0.configuration }), !references.isEmpty,
            let problem = environment.configurations.problem(ofEnvironment: references, in: pod.value.metadata.namespace)
        else { return false }
        incidents.append(.configurationMissing(problem))
        containers[index].state = .waiting(until: nextTry(after: time, environment), .createContainerConfigError)
        return true
    }

    /// Init containers are given their whole time in one draw.
    func startDelay(_ index: Int, next: Bool = false, _ environment: PodEnvironment) -> SimulatedDuration {
        if behaviour.value.neverStarts { return .hours(1_000_000) }
        if index < initCount, !isSidecar(index) { return .zero }
        return duration(behaviour.value.start, .containerStart, index, next: next, environment)
    }

    private mutating func start(
        _ index: Int, at time: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        run(index, from: time, environment)
        incidents.append(.started(index))
        // With probes or hooks it may take longer until a sidecar lets the others begin.
        if isSidecar(index), health.isEmpty { startPending(at: time, images: &images, environment, incidents: &incidents) }
    }

    /// Sets a container running, with the rest of its run drawn: it ends by itself, by a crash (whichever comes first), or not.
    mutating func run(_ index: Int, from begin: SimulatedTime, _ environment: PodEnvironment) {
        defer { if !health.isEmpty { beginHealth(index, environment) } }
        if index == initCount { signalled = .distantFuture }
        guard index >= initCount || isSidecar(index) else {
            let ends = begin + duration(behaviour.value.initialise, .containerInit, index, environment)
            containers[index].state = .running(since: begin, ready: .distantFuture, ends: ends, exitCode: 0)
            return
        }
        let slow = containers[index].restarts > 0 ? behaviour.value.readyAfterRestart : nil
        let ready = begin + duration(slow ?? behaviour.value.ready, .containerReady, index, environment)
        guard index >= initCount else {
            containers[index].state = .running(since: begin, ready: ready, ends: .distantFuture, exitCode: 0)
            return
        }
        let completes = behaviour.value.run.map { begin + duration($0, .containerRun, index, environment) } ?? .distantFuture
        let crashes = behaviour.value.crash.map { begin + duration($0, .containerCrash, index, environment) } ?? .distantFuture
        containers[index].state = .running(
            since: begin, ready: ready, ends: min(completes, crashes), exitCode: completes <= crashes ? behaviour.value.exitCode : 1)
    }

    // MARK: Ending

    /// A container ended: it stays so, or starts again, at once or after a back-off.
    mutating func end(
        _ index: Int, _ run: ContainerRun, notBefore: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment,
        incidents: inout [PodIncident]
    ) {
        containers[index].hasImage = false
        if !health.isEmpty { health[index].finish(at: run.finishedAt, container(index)) }
        let cause = health.isEmpty ? nil : health[index].killedFor
        let again = cause == .probe ? restartsAfterKill(index) : restarts(index, exitCode: run.exitCode)
        guard again, !(isSidecar(index) && mainContainersAreDone) else {
            containers[index].state = .ended(run, restart: .distantFuture)
            if index >= initCount, mainContainersAreDone { stopSidecars(at: notBefore, environment, &incidents) }
            return
        }
        if restartsAll(index, exitCode: run.exitCode) {
            containers[index].state = .ended(run, restart: .distantFuture)
            restartAll(at: notBefore)
            startPending(at: notBefore, images: &images, environment, incidents: &incidents)
            return
        }
        let wait = backOff(index, after: run, environment.configuration.value)
        if wait > .zero {
            containers[index].lastRun = run
            containers[index].backoffOver = max(run.finishedAt + wait, notBefore)
            tellOfBackOff(index, at: notBefore, environment, &incidents)
        } else if cause == .hook {
            containers[index].lastRun = run
            containers[index].state = .waiting(until: notBefore, .postStartHookError)
        } else {
            containers[index].state = .ended(run, restart: notBefore)
        }
    }

    /// A pod that ran to completion stops its sidecars, the last one first.
    private mutating func stopSidecars(at time: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]) {
        let grace = SimulatedDuration.seconds(Int(pod.value.spec.value.terminationGracePeriodSeconds))
        var end = time
        for index in (0..<initCount).reversed() where isSidecar(index) {
            switch containers[index].state {
            case .running:
                let needed = stopDuration(of: name(index), environment)
                end = stop(index, grace, at: time, after: end, needing: needed, environment, &incidents)
                if !health.isEmpty { health[index].cease() }
            case .ended(let run, _): containers[index].state = .ended(run, restart: .distantFuture)
            case .blocked, .pulling, .waiting:
                let run = containers[index].lastRun ?? ContainerRun(from: time, to: time, exitCode: 0)
                containers[index].state = .ended(run, restart: .distantFuture)
            }
        }
    }

    // MARK: Interruptions

    /// The machine was down: whatever ran is gone; what the restart policy allows starts again, init containers first, in a
    /// sandbox that is new. The kubelet's memory of back-offs is lost. A pod that was deleted meanwhile is not restarted.
    mutating func reboot(at now: SimulatedTime, restarting: Bool) {
        isMissing = !restarting
        for index in containers.indices {
            let isInit = index < initCount && !isSidecar(index)
            containers[index].backoff = CrashBackoff()
            switch containers[index].state {
            case .running(let since, _, _, _):
                let run = ContainerRun(from: since, to: now, exitCode: 137, reason: .statusUnknown)
                if restarting, isInit || restarts(index, exitCode: run.exitCode) {
                    again(index, after: run)
                } else {
                    containers[index].state = .ended(run, restart: .distantFuture)
                }
            case .ended(let run, let restart):
                if restarting, isInit || restart != .distantFuture {
                    again(index, after: run)
                } else {
                    containers[index].state = .ended(run, restart: .distantFuture)
                }
            case .waiting(_, let reason) where reason.followsRun:
                if restarting { containers[index].restarts += 1 }
                containers[index].state = .blocked
            case .blocked, .pulling, .waiting: containers[index].state = .blocked
            }
        }
        if mainContainersAreDone {
            for index in 0..<initCount where !containers[index].hasEndedForGood {
                let run = containers[index].lastRun ?? ContainerRun(from: now, to: now, exitCode: 137, reason: .statusUnknown)
                containers[index].state = .ended(run, restart: .distantFuture)
            }
        } else if initCount > 0 {
            initialised = .distantFuture
        }
        lastAdvance = now
    }

    /// The kubelet was down, its containers were not: what ended meanwhile is found now, and back-offs are forgotten.
    mutating func resume(
        after start: KubeletStart, at now: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment,
        incidents: inout [PodIncident]
    ) {
        resumeProbes(start, environment, at: now)
        for index in containers.indices {
            containers[index].backoff = CrashBackoff()
            // The old kubelet's pulls were lost with it, and its back-offs.
            switch containers[index].state {
            case .pulling: containers[index].state = .blocked
            case .waiting(_, let reason) where reason.isAboutImage: containers[index].state = .blocked
            default: break
            }
            if case .waiting(_, .crashLoopBackOff) = containers[index].state, !containers[index].hasImage {
                containers[index].backoffOver = min(containers[index].backoffOver, now)
                containers[index].state = .waiting(until: now, .crashLoopBackOff)
            }
        }
        advance(to: now, restartsFrom: now, images: &images, environment, incidents: &incidents)
    }
}
