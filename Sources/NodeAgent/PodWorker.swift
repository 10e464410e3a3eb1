// One pod on its node: containers that are pulled, started, get ready, end, back off, and stop. All steps are computed from the
// times drawn for them; nothing happens between.

import DiscreteEvents
import KubernetesAPI

/// What all pods of all kubelets share; handed in, so that no pod has to keep it.
struct PodEnvironment: Sendable {
    let configuration: Shared<NodeAgentConfiguration>
    let seed: UInt64
    /// What the containers find when they call other services.
    var services = ServiceDirectory()
    /// Which ConfigMaps and Secrets there are.
    var configurations = ConfigurationDirectory()
    /// How many outages of the image registry there are at present.
    var registryOutages = 0
    var registryIsDown: Bool { registryOutages > 0 }
}

/// What became of a container in one advance, for the kubelet to report as Events. The index is that in `containers`.
enum PodIncident: Sendable, Equatable {
    case imagePresent(Int)
    case pulling(Int)
    case pulled(Int, took: SimulatedDuration, withWaiting: SimulatedDuration)
    case pullFailed(Int, PullFailure)
    case backingOffPull(Int)
    case pullNotAllowed(Int)
    /// Its image has a name that is none, for this reason.
    case imageNameInvalid(Int, String)
    case started(Int)
    case backingOff(Int)
    /// A probe has failed so often that it counts; `isHanging`: for want of an answer.
    case unhealthy(Int, ProbeKind, isHanging: Bool)
    /// The kubelet kills the container, for a probe's sake or, nil, because its post-start hook failed.
    case killing(Int, ProbeKind?)
    /// What a container's environment takes is not there.
    case configurationMissing(String)
    case postStartFailed(Int)
    case preStopFailed(Int)
}

/// A pod that a kubelet takes care of: a small state machine over time. Times of `.distantFuture` mean never.
struct PodWorker: Sendable {
    /// The version of the object the kubelet saw last.
    var pod: Shared<Pod>
    let behaviour: Shared<WorkloadBehaviour>
    /// Init containers, sidecars among them, then the others: in the order of the spec.
    var containers: [ContainerRuntime]
    let startTime: SimulatedTime
    /// When the last init container was done; the condition Initialized turned True.
    var initialised = SimulatedTime.distantFuture
    /// Set once the pod is being stopped: when its last container is gone.
    var stopped = SimulatedTime.distantFuture
    /// Up to when steps were taken.
    var lastAdvance = SimulatedTime.distantPast
    /// The time of the timer that is set for this pod.
    var timer = SimulatedTime.distantFuture
    /// It was being stopped when its machine crashed: the kubelet that came back finds no containers.
    var isMissing = false
    /// When the first of its main containers is asked to stop in its present run.
    var signalled = SimulatedTime.distantFuture
    /// When a pod that was deleted and has stopped is removed.
    var removal = SimulatedTime.distantFuture
    /// The status that was reported last, until it is seen in the pod itself.
    var unconfirmed: Shared<PodStatus>?
    /// Why the kubelet did not admit the pod.
    let rejection: Shared<PodRejection>?
    /// What the pod takes of the node, as long as it does.
    var charge: Shared<ResourceCharge>?
    let generation: UInt32
    /// The address it has of the node's range, as long as it runs; nil if the node has no range.
    var address: UInt32?
    /// Its annotations keep it from being ready.
    var isHeldUnready = false
    /// Cores that the requests to it wanted in the last second. In a gap between other fields: there are many pods.
    var requestCPU: Float = 0
    /// How fast each container goes on; empty: at full speed.
    var pace: [Pace] = []
    /// Why the kubelet ends the pod, if it does so of its own accord.
    var ending: Shared<PodEnding>?
    /// One for each container where some of them need it; empty for most pods.
    var health: [ContainerHealth] = []
    /// What it waits for, or waited; nil for most pods.
    var volumes: Shared<PodVolumes>?

    var uid: UID { pod.value.metadata.uid }
    var initCount: Int { pod.value.spec.value.initContainers.count }

    // MARK: Beginnings

    /// A pod that was just bound; ``startPending(at:images:environment:incidents:)`` sets it going.
    init(
        _ pod: Shared<Pod>, behaviour: Shared<WorkloadBehaviour>, generation: UInt32, rejection: Shared<PodRejection>? = nil,
        kubeletStart: KubeletStart, environment: PodEnvironment, at now: SimulatedTime
    ) {
        let count = pod.value.spec.value.initContainers.count + pod.value.spec.value.containers.count
        containers = Array(repeating: ContainerRuntime(), count: count)
        startTime = pod.value.status.startTime ?? now.truncatedToSeconds
        self.pod = pod
        self.behaviour = behaviour
        self.generation = generation
        self.rejection = rejection
        startProbes(kubeletStart, environment, at: now)
    }

    /// A pod of a snapshot that runs (or ran) already: it goes on from what its status says.
    init(
        adopting pod: Shared<Pod>, behaviour: Shared<WorkloadBehaviour>, generation: UInt32, kubeletStart: KubeletStart,
        environment: PodEnvironment, at now: SimulatedTime
    ) {
        self.init(
            pod, behaviour: behaviour, generation: generation, kubeletStart: kubeletStart, environment: environment, at: now)
        let status = pod.value.status
        let isInitialised = status.conditions.isTrue(.initialized)
        if isInitialised { initialised = startTime }
        for index in containers.indices {
            let isInit = index < initCount
            let name = name(index)
            let statuses = isInit ? status.initContainerStatuses : status.containerStatuses
            if let known = statuses.first(where: { $0.name == name }) {
                adopt(known, as: index, environment, at: now)
            } else if isInit, isInitialised, !container(index).isSidecar {
                containers[index].state = .ended(
                    ContainerRun(from: startTime, to: startTime, exitCode: 0), restart: .distantFuture)
            } else if isInit, isInitialised, status.phase == .running {
                adopt(
                    ContainerStatus(name: name, state: .running(startedAt: startTime), ready: true), as: index, environment, at: now)
            }
        }
        lastAdvance = now
    }

    private mutating func adopt(
        _ known: ContainerStatus, as index: Int, _ environment: PodEnvironment, at now: SimulatedTime
    ) {
        containers[index].restarts = known.restartCount
        containers[index].lastRun = known.lastTermination.map(ContainerRun.init)
        let settings = environment.configuration.value
        switch known.state {
        case .running(let since):
            run(index, from: since, environment)
            guard case .running(_, var ready, var ends, var exitCode) = containers[index].state else { return }
            if ends <= now {
                // A life that should have ended before the snapshot was taken begins anew.
                run(index, from: now, environment)
                if case .running(_, _, let again, let code) = containers[index].state { (ends, exitCode) = (again, code) }
            }
            if known.ready { ready = since } else if ready <= now { ready = now + (ready - since) }
            if !health.isEmpty { ready = adoptHealth(index, since: since, answers: ready, isReady: known.ready, at: now, environment) }
            containers[index].state = .running(since: since, ready: ready, ends: ends, exitCode: exitCode)
        case .terminated(let termination):
            let run = ContainerRun(termination)
            let again = restarts(index, exitCode: run.exitCode)
            containers[index].state = .ended(run, restart: again ? now : .distantFuture)
        case .waiting(let reason):
            guard reason == ContainerRuntime.Waiting.crashLoopBackOff.text, let last = containers[index].lastRun else { return }
            containers[index].backoff = CrashBackoff(
                restarts: Int(known.restartCount), initial: settings.crashBackoffInitial, maximum: settings.crashBackoffMaximum)
            let wait = containers[index].backoff.next(
                ranFor: .zero, initial: settings.crashBackoffInitial, maximum: settings.crashBackoffMaximum,
                reset: settings.crashBackoffReset)
            containers[index].backoffOver = max(now, last.finishedAt + wait)
            let next = min(containers[index].backoffOver, nextPass(after: now, environment))
            containers[index].state = .waiting(until: next, .crashLoopBackOff)
        }
    }

    // MARK: Questions

    func container(_ index: Int) -> Container {
        let count = initCount
        return index < count ? pod.value.spec.value.initContainers[index] : pod.value.spec.value.containers[index - count]
    }

    /// Reads something of a container in place: a copy of a container costs a count up and down for each of its texts and lists.
    @inline(__always)
    func read<Value>(_ index: Int, _ value: (Container) -> Value) -> Value {
        let count = initCount
        return index < count
            ? value(pod.value.spec.value.initContainers[index]) : value(pod.value.spec.value.containers[index - count])
    }

    func name(_ index: Int) -> String { read(index) { $0.name } }

    func image(_ index: Int) -> String { read(index) { $0.image } }

    func isSidecar(_ index: Int) -> Bool {
        index < initCount && pod.value.spec.value.initContainers[index].restartPolicy == .always
    }

    /// When something happens next if nobody interferes.
    var nextStep: SimulatedTime { min(ownNextStep, deadline) }

    private var ownNextStep: SimulatedTime {
        if rejection != nil { return .distantFuture }
        if isStopping { return stopped }
        if waitsForVolumes { return volumes?.value.next ?? .distantFuture }
        var next = SimulatedTime.distantFuture
        if health.isEmpty {
            for container in containers { next = min(next, container.nextStep(after: lastAdvance)) }
        } else {
            for index in containers.indices { next = min(next, nextStep(index, after: lastAdvance)) }
        }
        return next
    }

    var hasRunningContainer: Bool { containers.contains(where: \.isRunning) }

    var runsAllMainContainers: Bool { containers[initCount...].allSatisfy(\.isRunning) }

    /// True when no container but sidecars will run again.
    var mainContainersAreDone: Bool { containers[initCount...].allSatisfy(\.hasEndedForGood) }

    /// Draws a duration for the current run of a container, or for its `next` one.
    func duration(
        _ distribution: Distribution, _ purpose: RandomPurpose, _ index: Int, next: Bool = false, _ environment: PodEnvironment
    ) -> SimulatedDuration {
        if case .constant(let value) = distribution.family { return SimulatedDuration(seconds: value) }
        return BehaviourDraws(seed: environment.seed, pod: pod.value.metadata.key, container: name(index))
            .duration(distribution, purpose, run: Int(containers[index].restarts) + (next ? 1 : 0))
    }
}
