// What becomes of one container under its probes: the moments of a run at which something changes, worked out when the run begins.

import DiscreteEvents
import KubernetesAPI

/// The part of a container's state that only some pods need: those with probes, hooks, a service to wait for, or trouble with an
/// image. Times of `.distantFuture` mean never.
struct ContainerHealth: Sendable {
    // MARK: What the kubelet's workers remember, from run to run

    var startup: ProbeWorker?
    var readiness: ProbeWorker?
    var liveness: ProbeWorker?

    // MARK: The current run

    /// From when on the container would answer a probe, and from when on it does not any more.
    var answersFrom = SimulatedTime.distantFuture
    var hangsFrom = SimulatedTime.distantFuture
    /// From when on it would say that it is ready: it may have to wait for another service.
    var readyFrom = SimulatedTime.distantFuture
    /// When its post-start hook is over: before that the kubelet does not report it as running, nor probe it.
    var reported = SimulatedTime.distantPast
    /// Its post-start hook fails then.
    var hookFails = SimulatedTime.distantFuture
    /// A sidecar lets the containers behind it begin then.
    var letsOthersBegin = SimulatedTime.distantFuture
    /// When its startup probe, if it has one, is passed.
    var started = SimulatedTime.distantFuture
    /// When its readiness is lost again.
    var unready = SimulatedTime.distantFuture
    /// When its readiness probe has failed often enough to be told.
    var alarm = SimulatedTime.distantFuture
    /// When the startup or liveness probe has failed often enough: the kubelet kills the container.
    var fails = SimulatedTime.distantFuture
    var failing = ProbeKind.liveness
    /// What the kubelet kills this run for.
    var killedFor: Cause?

    enum Cause: UInt8, Sendable { case probe, hook }

    // MARK: Trouble with its image

    var pullBackoff = PullBackoff()

    /// Whether its readiness probe is passed, seen from the moment it turned ready.
    func isReady(since ready: SimulatedTime, at now: SimulatedTime) -> Bool { ready <= now && now < unready && reported <= now }

    /// The container is being stopped: nothing is done about it any more.
    mutating func cease() {
        (hookFails, letsOthersBegin, fails, alarm) = (.distantFuture, .distantFuture, .distantFuture, .distantFuture)
    }

    /// When something happens next that is more than a change of status.
    var nextAction: SimulatedTime { min(min(hookFails, letsOthersBegin), min(fails, alarm)) }

    // MARK: Forecasts

    private var phases: [HealthPhase] { phases(answering: answersFrom) }

    private func phases(answering from: SimulatedTime) -> [HealthPhase] {
        var phases = [HealthPhase(until: min(from, hangsFrom), answers: false)]
        if from < hangsFrom { phases.append(HealthPhase(until: hangsFrom, answers: true)) }
        if hangsFrom != .distantFuture { phases.append(HealthPhase(until: .distantFuture, answers: false, isHanging: true)) }
        return phases
    }

    /// Works out the moments of the run that began at `since`. `isStarted`, `isReady`: as the status has it already, of a run that
    /// the kubelet did not see from its beginning. Returns when the container is ready.
    mutating func forecast(
        _ container: Container, since: SimulatedTime, isStarted: Bool = false, isReady: Bool = false
    ) -> SimulatedTime {
        started = .distantFuture
        fails = .distantFuture
        if !isStarted, var worker = startup, let probe = container.startupProbe {
            worker.skip(past: reported, notBefore: probe.eligible(startedAt: since), probe)
            startup = worker
            if let verdict = worker.verdict(nil, of: probe, in: phases) {
                if verdict.passes { started = verdict.at } else { (fails, failing) = (verdict.at, .startup) }
            }
        } else {
            started = reported
        }
        if var worker = liveness, let probe = container.livenessProbe, started != .distantFuture {
            worker.skip(past: started, notBefore: probe.eligible(startedAt: since), probe)
            liveness = worker
            if let verdict = worker.verdict(false, of: probe, in: phases) { (fails, failing) = (verdict.at, .liveness) }
        }
        if var worker = readiness, let probe = container.readinessProbe, started != .distantFuture {
            worker.trigger(at: started, notBefore: probe.eligible(startedAt: since), probe)
            readiness = worker
        }
        return forecastReadiness(container, isReadySince: isReady ? since : nil)
    }

    /// The part about readiness, from the worker's state on. Without a readiness probe a container is ready when it would say so.
    private mutating func forecastReadiness(_ container: Container, isReadySince: SimulatedTime?) -> SimulatedTime {
        alarm = .distantFuture
        unready = .distantFuture
        guard started != .distantFuture else { return .distantFuture }
        guard var worker = readiness, let probe = container.readinessProbe else { return isReadySince ?? max(started, readyFrom) }
        let phases = phases(answering: readyFrom)
        var ready = isReadySince
        if ready == nil {
            var failing = worker
            let failure = failing.verdict(false, of: probe, in: phases)
            ready = worker.verdict(true, of: probe, in: phases)?.at
            if let failure, failure.at < ready ?? .distantFuture { alarm = failure.at }
        }
        guard let ready else { return .distantFuture }
        unready = worker.verdict(false, of: probe, in: phases)?.at ?? .distantFuture
        if alarm == .distantFuture { alarm = unready }
        return ready
    }

    /// The readiness probe's failure was told; the next one is the loss of readiness, if that was not it.
    mutating func silenceAlarm() { alarm = alarm < unready ? unready : .distantFuture }

    /// The service the container waits for is there. Returns when the container is ready.
    mutating func serviceCame(at now: SimulatedTime, _ container: Container) -> SimulatedTime {
        let phases = phases(answering: readyFrom)
        if let probe = container.readinessProbe { readiness?.advance(to: now, of: probe, in: phases) }
        readyFrom = max(answersFrom, now)
        return forecastReadiness(container, isReadySince: nil)
    }

    /// The run is over: what the workers counted goes on with the next one.
    mutating func finish(at time: SimulatedTime, _ container: Container) {
        let phases = phases
        let readyPhases = self.phases(answering: readyFrom)
        if let probe = container.startupProbe {
            if started <= time || (killedFor == .probe && failing == .startup) {
                startup?.forget()
            } else {
                startup?.advance(to: time, of: probe, in: phases)
            }
        }
        if let probe = container.livenessProbe, started < time {
            if killedFor == .probe { liveness?.forget() } else { liveness?.advance(to: time, of: probe, in: phases) }
        }
        if let probe = container.readinessProbe, started < time {
            readiness?.advance(to: time, of: probe, in: readyPhases)
        }
        let kept = self
        self = ContainerHealth()
        (startup, readiness, liveness, pullBackoff) = (kept.startup, kept.readiness, kept.liveness, kept.pullBackoff)
        killedFor = kept.killedFor
    }
}
