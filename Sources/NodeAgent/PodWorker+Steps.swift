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
        guard rejection == nil, !isStopping else { return }
        while true {
            var due = SimulatedTime.distantFuture
            var next = 0
            for index in containers.indices {
                // Readiness changes the status, not the state.
                let time = containers[index].nextStep(after: .distantFuture)
                if time < due { (due, next) = (time, index) }
            }
            guard due <= now, due != .distantFuture else { return }
            step(next, at: due, notBefore: max(due, earliest), &images, environment, &incidents)
        }
    }

    private mutating func step(
        _ index: Int, at time: SimulatedTime, notBefore: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        switch containers[index].state {
        case .blocked: break
        case .pulling(let requested, let begins, let until):
            incidents.append(.pulled(index, took: until - max(begins, requested), withWaiting: until - requested))
            containers[index].state = .waiting(until: notBefore + startDelay(index, environment), .creating)
        case .waiting(_, let reason):
            if reason == .crashLoopBackOff {
                containers[index].restarts += 1
                incidents.append(.imagePresent(index))
            }
            start(index, at: notBefore, &images, environment, &incidents)
        case .running(let since, _, _, let exitCode):
            let run = ContainerRun(from: since, to: time, exitCode: exitCode)
            end(index, run, notBefore: notBefore, environment, &incidents)
            if index < initCount { startPending(at: notBefore, images: &images, environment, incidents: &incidents) }
        case .ended(let run, _):
            containers[index].lastRun = run
            containers[index].restarts += 1
            incidents.append(.imagePresent(index))
            start(index, at: notBefore, &images, environment, &incidents)
        }
    }

    // MARK: Starting

    /// Begins with every container whose turn has come: init containers one after another, a sidecar among them being done
    /// once it runs; then all the others.
    /// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>
    mutating func startPending(
        at time: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        guard rejection == nil else { return }
        for index in 0..<initCount {
            switch containers[index].state {
            case .ended where isSidecar(index), .running where isSidecar(index): break
            case .waiting(_, .crashLoopBackOff) where isSidecar(index): break
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

    /// The kubelet's steps for one container: its image, then the container.
    private mutating func begin(
        _ index: Int, at time: SimulatedTime, _ images: inout ImageStore, _ environment: PodEnvironment,
        _ incidents: inout [PodIncident]
    ) {
        let pull = images.pull(
            container(index).image, bytes: behaviour.value.imageBytes ?? environment.configuration.value.defaultImageBytes,
            bytesPerSecond: environment.configuration.value.pullBytesPerSecond, at: time)
        if let pull, pull.ready > time {
            incidents.append(.pulling(index))
            containers[index].state = .pulling(requested: time, begins: pull.begins, until: pull.ready)
        } else {
            if pull != nil {
                incidents.append(.pulling(index))
                incidents.append(.pulled(index, took: .zero, withWaiting: .zero))
            } else {
                incidents.append(.imagePresent(index))
            }
            containers[index].state = .waiting(until: time + startDelay(index, environment), .creating)
        }
    }

    /// Init containers are given their whole time in one draw.
    private func startDelay(_ index: Int, next: Bool = false, _ environment: PodEnvironment) -> SimulatedDuration {
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
        if isSidecar(index) { startPending(at: time, images: &images, environment, incidents: &incidents) }
    }

    /// Sets a container running, with the rest of its run drawn: it ends by itself, by a crash (whichever comes first), or not.
    mutating func run(_ index: Int, from begin: SimulatedTime, _ environment: PodEnvironment) {
        guard index >= initCount else {
            let ends =
                isSidecar(index) ? .distantFuture : begin + duration(behaviour.value.initialise, .containerInit, index, environment)
            let ready = isSidecar(index) ? begin + duration(behaviour.value.ready, .containerReady, index, environment) : .distantFuture
            containers[index].state = .running(since: begin, ready: ready, ends: ends, exitCode: 0)
            return
        }
        let completes = behaviour.value.run.map { begin + duration($0, .containerRun, index, environment) } ?? .distantFuture
        let crashes = behaviour.value.crash.map { begin + duration($0, .containerCrash, index, environment) } ?? .distantFuture
        containers[index].state = .running(
            since: begin, ready: begin + duration(behaviour.value.ready, .containerReady, index, environment),
            ends: min(completes, crashes),
            exitCode: completes <= crashes ? behaviour.value.exitCode : 1)
    }

    // MARK: Ending

    /// A container ended: it stays so, or starts again, at once or after a back-off.
    mutating func end(
        _ index: Int, _ run: ContainerRun, notBefore: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) {
        guard restarts(index, exitCode: run.exitCode), !(isSidecar(index) && mainContainersAreDone) else {
            containers[index].state = .ended(run, restart: .distantFuture)
            if index >= initCount, mainContainersAreDone { stopSidecars(at: notBefore, environment) }
            return
        }
        let settings = environment.configuration.value
        let wait = containers[index].backoff.next(
            ranFor: run.finishedAt - run.startedAt, initial: settings.crashBackoffInitial, maximum: settings.crashBackoffMaximum,
            reset: settings.crashBackoffReset)
        let start = startDelay(index, next: true, environment)
        if wait == .zero {
            containers[index].state = .ended(run, restart: notBefore + start)
        } else {
            containers[index].lastRun = run
            containers[index].state = .waiting(until: max(run.finishedAt + wait, notBefore) + start, .crashLoopBackOff)
            incidents.append(.backingOff(index))
        }
    }

    /// A pod that ran to completion stops its sidecars, the last one first.
    private mutating func stopSidecars(at time: SimulatedTime, _ environment: PodEnvironment) {
        var end = time
        for index in (0..<initCount).reversed() where isSidecar(index) {
            switch containers[index].state {
            case .running(let since, let ready, _, _):
                end += stopDuration(of: name(index), environment)
                containers[index].state = .running(since: since, ready: ready, ends: end, exitCode: 0)
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
            case .waiting(_, .crashLoopBackOff):
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

    private mutating func again(_ index: Int, after run: ContainerRun) {
        containers[index].lastRun = run
        containers[index].restarts += 1
        containers[index].state = .blocked
    }

    /// The kubelet was down, its containers were not: what ended meanwhile is found now, and back-offs are forgotten.
    mutating func resume(
        at now: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        for index in containers.indices {
            containers[index].backoff = CrashBackoff()
            if case .waiting(let until, .crashLoopBackOff) = containers[index].state {
                let due = now + startDelay(index, next: true, environment)
                containers[index].state = .waiting(until: min(until, due), .crashLoopBackOff)
            }
        }
        advance(to: now, restartsFrom: now, images: &images, environment, incidents: &incidents)
    }
}
