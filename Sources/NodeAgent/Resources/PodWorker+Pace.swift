// Containers that do not get the cpu they want: start-up, readiness and work take longer.
//
// What a scenario says of them are times at full speed, so work that is counted in cpu time. While a container gets a part of what it wants,
// that part of each second counts. Whenever the part changes, the moments that lie ahead are moved; in between nothing happens.
// Crashes and stops come in their own time: a clock drives them, not work.

import DiscreteEvents
import KubernetesAPI

/// How fast one container goes on.
struct Pace: Sendable {
    /// The part of the wanted cpu it gets.
    var rate = 1.0
    /// The run it is about; `.distantPast`: none yet.
    fileprivate var since = SimulatedTime.distantPast
    /// Moments as they were set last at this pace. Where the container has others, these are new, and count at full speed.
    fileprivate var starts = SimulatedTime.distantPast
    fileprivate var ready = SimulatedTime.distantPast
    fileprivate var ends = SimulatedTime.distantPast
    /// When its work will be done, even if it crashes before.
    fileprivate var completes = SimulatedTime.distantFuture
    /// Its probes' workers as they were when the run began: what they find depends on when it answers.
    fileprivate var probes: ContainerHealth?
    /// What part it got since when, for figures of the last minutes.
    private(set) var history: [(since: SimulatedTime, rate: Double)] = []

    /// Longer than any window of figures.
    private static let memory = SimulatedDuration.minutes(10)

    fileprivate mutating func set(_ new: Double, at now: SimulatedTime) {
        guard new != rate else { return }
        rate = new
        if let last = history.last, last.since == now { history.removeLast() }
        history.append((now, new))
        if history.count > 64, let keep = history.lastIndex(where: { $0.since < now - Pace.memory }) { history.removeFirst(keep) }
    }

    /// A moment ahead, moved from the pace at which it was set to another.
    fileprivate static func moved(_ moment: SimulatedTime, from old: Double, to new: Double, at now: SimulatedTime) -> SimulatedTime {
        // What lies a hundred years ahead is never.
        guard moment > now, moment < now + .days(36_500), old != new else { return moment }
        return min(now + (moment - now) * (old / new), now + .days(36_500))
    }
}

extension PodWorker {
    /// Sets what part of the wanted cpu each container gets from now on. Returns whether anything ahead was moved.
    mutating func setPace(_ rates: [Double], at now: SimulatedTime, _ environment: PodEnvironment) -> Bool {
        if pace.isEmpty {
            if rates.allSatisfy({ $0 == 1 }) { return false }
            pace = Array(repeating: Pace(), count: containers.count)
        }
        var changed = false
        for index in containers.indices {
            // Nobody is held back without end.
            if move(index, to: max(rates[index], 1e-6), at: now, environment) { changed = true }
        }
        return changed
    }

    private mutating func move(_ index: Int, to rate: Double, at now: SimulatedTime, _ environment: PodEnvironment) -> Bool {
        var own = pace[index]
        defer { pace[index] = own }
        let old = own.rate
        own.set(rate, at: now)
        switch containers[index].state {
        case .waiting(let until, .creating):
            let moved = Pace.moved(until, from: until == own.starts ? old : 1, to: rate, at: now)
            own.starts = moved
            containers[index].state = .waiting(until: moved, .creating)
            return moved != until
        case .ended(let run, let restart) where restart != .distantFuture:
            let moved = Pace.moved(restart, from: restart == own.starts ? old : 1, to: rate, at: now)
            own.starts = moved
            containers[index].state = .ended(run, restart: moved)
            return moved != restart
        case .running(let since, let ready, let ends, let exitCode):
            // What is being stopped or killed ends by the clock.
            guard !isStopping, health.isEmpty || health[index].killedFor == nil else { return false }
            if own.since != since {
                own.since = since
                own.completes = .distantFuture
                own.probes = health.isEmpty ? nil : health[index]
            }
            let answers = health.isEmpty ? ready : health[index].answersFrom
            let movedAnswers = Pace.moved(answers, from: answers == own.ready ? old : 1, to: rate, at: now)
            own.ready = movedAnswers
            var movedReady = movedAnswers
            if let probes = own.probes {
                movedReady = ready
                if movedAnswers != answers {
                    movedReady = health[index].answer(from: movedAnswers, container(index), since: since, workers: probes, at: now)
                }
            }
            var (movedEnd, code) = (ends, exitCode)
            if hasWork(index) {
                let crashes = crash(index, since: since, environment)
                if ends != own.ends { own.completes = ends == crashes && exitCode == 1 ? .distantFuture : ends }
                own.completes = Pace.moved(own.completes, from: ends == own.ends ? old : 1, to: rate, at: now)
                movedEnd = min(own.completes, crashes)
                if movedEnd != .distantFuture { code = own.completes <= crashes ? workExitCode(index) : 1 }
                own.ends = movedEnd
            }
            containers[index].state = .running(since: since, ready: movedReady, ends: movedEnd, exitCode: code)
            return movedReady != ready || movedEnd != ends
        default: return false
        }
    }

    /// Whether it is an init container that is no sidecar.
    func isInitial(_ index: Int) -> Bool { index < initCount && !isSidecar(index) }

    /// Whether the end of a run may be the end of its work.
    private func hasWork(_ index: Int) -> Bool { isInitial(index) || (index >= initCount && behaviour.value.run != nil) }

    private func workExitCode(_ index: Int) -> Int32 { index < initCount ? 0 : behaviour.value.exitCode }

    private func crash(_ index: Int, since: SimulatedTime, _ environment: PodEnvironment) -> SimulatedTime {
        guard index >= initCount, let crash = behaviour.value.crash else { return .distantFuture }
        return since + duration(crash, .containerCrash, index, environment)
    }
}

extension ContainerHealth {
    /// The container will answer at another time than was thought. Returns when it is ready.
    ///
    /// - Parameter workers: those of its probes as they were when the run began.
    fileprivate mutating func answer(
        from time: SimulatedTime, _ container: Container, since: SimulatedTime, workers: ContainerHealth, at now: SimulatedTime
    ) -> SimulatedTime {
        if readyFrom == answersFrom { readyFrom = time }
        answersFrom = time
        (startup, readiness, liveness) = (workers.startup, workers.readiness, workers.liveness)
        let ready = forecast(container, since: since)
        // What has been told is not told again.
        if alarm <= now { silenceAlarm() }
        if letsOthersBegin != .distantFuture { letsOthersBegin = started }
        return ready
    }
}
