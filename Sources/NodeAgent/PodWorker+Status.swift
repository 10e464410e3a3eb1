// The status of a pod as its kubelet reports it.
// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// What was reported last, as far as the kubelet knows.
    var base: PodStatus { unconfirmed?.value ?? pod.value.status }

    /// A status seen in the pod itself need not be remembered. The Ready condition may be another's: see ``readinessDisagrees``.
    mutating func confirm() {
        guard let sent = unconfirmed?.value else { return }
        let seen = pod.value.status
        if sent.phase == seen.phase, sent.reason == seen.reason, sent.containerStatuses == seen.containerStatuses,
            sent.initContainerStatuses == seen.initContainerStatuses
        {
            unconfirmed = nil
        }
    }

    /// True if somebody else (the node lifecycle controller) changed the Ready condition that is the kubelet's to set.
    func readinessDisagrees(at now: SimulatedTime) -> Bool {
        guard unconfirmed == nil, rejection == nil, !isStopping, !pod.value.isTerminal else { return false }
        return pod.value.isReady != isReady(at: now)
    }

    private func isReady(at now: SimulatedTime) -> Bool {
        if isHeldUnready { return false }
        for index in containers.indices where index >= initCount || isSidecar(index) {
            if !isReady(index, at: now) { return false }
        }
        return true
    }

    /// The status as the kubelet reports it at `now`.
    func status(at now: SimulatedTime) -> PodStatus {
        var status = base
        if let rejection = rejection?.value {
            status.phase = .failed
            status.reason = rejection.reason
            status.message = "Pod was rejected: " + rejection.message
            return status
        }
        status.startTime = startTime
        status.phase = pod.value.isTerminal ? pod.value.status.phase : phase(at: now)
        var unready: [String] = []
        if initCount > 0 {
            let known = (0..<initCount).map { containerStatus($0, at: now) }
            for index in 0..<initCount where isSidecar(index) && !known[index].ready { unready.append(name(index)) }
            // A pod taken over from a dump that says nothing of its init containers runs on without a word about them.
            if status.phase != .running || base.phase != .running || !base.initContainerStatuses.isEmpty {
                status.initContainerStatuses = known
            }
        }
        status.containerStatuses = (initCount..<containers.count).map { containerStatus($0, at: now) }
        for known in status.containerStatuses where !known.ready { unready.append(known.name) }
        if status.podIP.isEmpty, hasSandbox { status.podIP = address.map(AddressRange.text) ?? PodAddresses.invented(for: uid) }
        setConditions(of: &status, unready: unready, at: now)
        if let ending = ending?.value, status.phase == .succeeded || status.phase == .failed { end(&status, ending, at: now) }
        return status
    }

    /// The kubelet ended the pod: that is what its status says, unless its work was done.
    private func end(_ status: inout PodStatus, _ ending: PodEnding, at now: SimulatedTime) {
        status.reason = ending.reason
        status.message = ending.message
        guard ending.isDisruption else { return }
        status.conditions.set(
            Condition(
                .disruptionTarget, .true, reason: PodEnding.disruption, message: ending.message,
                lastTransitionTime: now.truncatedToSeconds))
    }

    /// Whether the pod's sandbox exists: from the first start of a container on.
    var hasSandbox: Bool {
        containers.contains { container in
            switch container.state {
            case .running, .ended: true
            case .waiting(_, let reason): reason.followsRun
            case .blocked, .pulling: false
            }
        }
    }

    private func containerStatus(_ index: Int, at now: SimulatedTime) -> ContainerStatus {
        let runtime = containers[index]
        var ready = false
        let state: ContainerState
        switch runtime.state {
        case .running(let since, _, _, _) where isReported(index, at: now):
            state = .running(startedAt: since.truncatedToSeconds)
            ready = isReady(index, at: now) && !isHeldUnready
        case .ended(let run, _):
            state = .terminated(run.termination)
            ready = index < initCount && !isSidecar(index) && run.exitCode == 0
        case .waiting(_, let reason) where reason != .creating: state = .waiting(reason: reason.text)
        case .blocked, .pulling, .waiting, .running:
            state = .waiting(reason: initCount == 0 ? ContainerRuntime.Waiting.creating.text : waitingReason(index))
        }
        return ContainerStatus(
            name: name(index), state: state, lastTermination: runtime.lastRun?.termination, ready: ready,
            restartCount: runtime.restarts)
    }

    private func waitingReason(_ index: Int) -> String {
        containers[index].isBlocked || index < initCount ? "PodInitializing" : ContainerRuntime.Waiting.creating.text
    }

    /// The kubelet's rule, with the end of a stopped pod: it failed unless all its containers ended well.
    func phase(at now: SimulatedTime) -> PodPhase {
        if rejection != nil { return .failed }
        let over = isStopped(at: now)
        var succeeded = true
        var goesOn = false
        var neverRan = false
        for index in initCount..<containers.count {
            switch containers[index].state {
            case .running:
                goesOn = true
                if containers[index].lastRun == nil, !isReported(index, at: now) { neverRan = true }
            case .ended(let run, let restart):
                if restart != .distantFuture { goesOn = true }
                if run.exitCode != 0 { succeeded = false }
            case .blocked, .pulling, .waiting:
                goesOn = true
                if containers[index].lastRun == nil { neverRan = true }
                if (containers[index].lastRun?.exitCode ?? 137) != 0 { succeeded = false }
            }
        }
        if over { return succeeded && ending == nil ? .succeeded : .failed }
        if failedInitialisation { return .failed }
        if neverRan || (goesOn && initialised > now) { return .pending }
        // Sidecars that still stop keep the pod running.
        if goesOn || (0..<initCount).contains(where: { isSidecar($0) && containers[$0].isRunning }) { return .running }
        return succeeded ? .succeeded : .failed
    }

    /// An init container that failed for good fails the pod.
    private var failedInitialisation: Bool {
        for index in 0..<initCount where !isSidecar(index) {
            if case .ended(let run, restart: .distantFuture) = containers[index].state, run.exitCode != 0 { return true }
        }
        return false
    }

    private func setConditions(of status: inout PodStatus, unready: [String], at now: SimulatedTime) {
        let time = now.truncatedToSeconds
        let terminal = status.phase == .succeeded || status.phase == .failed
        // Changed on their own: each change in place would copy them and look for Ready again.
        var conditions = status.conditions
        conditions.set(
            Condition(.podReadyToStartContainers, hasSandbox && !terminal ? .true : .false, lastTransitionTime: time))
        conditions.set(initialisedCondition(of: status, time, isInitialised: initialised <= now))
        var reason = ""
        var message = ""
        if !unready.isEmpty || terminal {
            switch status.phase {
            case .succeeded: reason = "PodCompleted"
            case .failed: reason = "PodFailed"
            default:
                reason = "ContainersNotReady"
                message = "containers with unready status: [" + unready.joined(separator: " ") + "]"
            }
        }
        let isReady = reason.isEmpty
        // A pod that is being stopped does not become ready any more: what was said of it while its kubelet was away stands.
        if isReady, isStopping, !conditions.isTrue(.ready) {
            status.conditions = conditions
            return
        }
        conditions.set(
            Condition(.ready, isReady ? .true : .false, reason: reason, message: message, lastTransitionTime: time))
        conditions.set(
            Condition(.containersReady, isReady ? .true : .false, reason: reason, message: message, lastTransitionTime: time))
        status.conditions = conditions
    }

    private func initialisedCondition(of status: PodStatus, _ time: SimulatedTime, isInitialised: Bool) -> Condition {
        if status.phase == .succeeded {
            return Condition(.initialized, .true, reason: "PodCompleted", lastTransitionTime: time)
        }
        if isInitialised { return Condition(.initialized, .true, lastTransitionTime: time) }
        let incomplete = (0..<initCount).filter { index in
            switch containers[index].state {
            case .ended(let run, _): run.exitCode != 0
            case .running: !isSidecar(index)
            case .blocked, .pulling, .waiting: true
            }
        }
        return Condition(
            .initialized, .false, reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [" + incomplete.map { name($0) }.joined(separator: " ") + "]",
            lastTransitionTime: time)
    }
}
