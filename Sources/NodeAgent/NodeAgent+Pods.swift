// What a kubelet does about its pods: admission, following their steps, reporting, stopping.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    // MARK: What the kubelet sees

    /// Pods of a snapshot that run on a node already. They are not admitted again, but take their part of the node.
    package mutating func adopt(_ pod: Shared<Pod>, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard let number = number(bound: pod), !pod.isTerminal else { return }
        let (slot, generation) = reserve(pod.value.metadata.uid, on: number)
        // Where its probes' periods stand nobody knows: as though the kubelet had started just now.
        var worker = PodWorker(
            adopting: pod, behaviour: behaviour(of: pod.value), generation: generation, kubeletStart: KubeletStart(time: now),
            environment: environment, at: now)
        worker.isHeldUnready = annotations?.holdsUnready(pod.value) ?? false
        take(charge(of: pod.value.spec), for: &worker, on: number)
        if let address = AddressRange.address(pod.value.status.podIP) {
            worker.address = address
            kubelets[number].addresses.occupy(address)
        }
        adoptVolumes(of: &worker, on: number, at: now)
        worker.startPending(at: now, images: &kubelets[number].images, environment, incidents: &incidents)
        if pod.value.metadata.isTerminating {
            worker.stop(
                graceSeconds: pod.value.metadata.deletionGracePeriodSeconds ?? 0, at: now, environment, incidents: &incidents)
        }
        step(&worker, slot, on: number, at: now, effects: &effects)
        kubelets[number].put(worker, into: slot)
        arrangePulls(at: now, effects: &effects)
        settleUsage(at: now, effects: &effects)
    }

    package mutating func handle(_ event: WatchEvent, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        defer {
            arrangePulls(at: now, effects: &effects)
            settleUsage(at: now, effects: &effects)
        }
        switch event.object {
        case .pod(let pod):
            guard pod.value.nodeName != nil else { return }
            let place = place(of: pod)
            guard let number = place?.kubelet ?? number(bound: pod), !kubelets[number].link.isDeaf else { return }
            if case .starting = kubelets[number].power { NodeAgent.list(pod, event.change, among: &kubelets[number].listed) }
            guard kubelets[number].power == .running else { return }
            if event.change == .deleted {
                guard let place, let worker = kubelets[number].take(place.slot) else {
                    return bury(pod.value.metadata.uid, on: number, at: now)
                }
                forget(worker, place, at: now)
            } else {
                observe(pod, on: number, known: place, returning: false, at: now, effects: &effects)
            }
        case .node(let node):
            observeAttached(node.value, event.change, at: now, effects: &effects)
            guard event.change != .deleted, let number = number(of: node.value.metadata.name) else { return }
            correct(node.value, event.change, number, at: now, effects: &effects)
            if event.change == .added { reportImagesAnew(node.value, on: number, at: now, effects: &effects) }
            guard case .node(let previous)? = event.previous else { return }
            if previous.value.status.allocatable != node.value.status.allocatable {
                kubelets[number].resources.setAllocatable(node.value.status.allocatable)
            }
            if previous.value.spec.podCIDR != node.value.spec.podCIDR {
                kubelets[number].addresses.setRange(node.value.spec.podRange)
            }
        case .endpointSlice(let slice): observe(slice, event, at: now, effects: &effects)
        case .volumeAttachment(let attachment):
            look(at: event.object, isGone: event.change == .deleted)
            guard attachment.value.isAttached, let number = number(of: attachment.value.nodeName) else { return }
            settleWaiting(on: number, at: now, effects: &effects)
        default: look(at: event.object, isGone: event.change == .deleted)
        }
    }

    /// A version of a pod bound to this node: a new pod is admitted, a known one followed.
    mutating func observe(
        _ pod: Shared<Pod>, on number: Int, known place: PodPlace?, returning: Bool, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        let isTerminating = pod.value.metadata.deletionTimestamp != nil
        guard let place, var worker = kubelets[number].take(place.slot) else {
            meet(pod, on: number, at: now, effects: &effects)
            return
        }
        let slot = place.slot
        worker.pod = pod
        worker.isHeldUnready = annotations?.holdsUnready(pod.value) ?? false
        worker.confirm()
        // It may bear another part of a shared load.
        if kubelets[number].usage.bearsSharedLoad { unsettle(number) }
        let ended = pod.isTerminal
        if ended, !isTerminating, worker.unconfirmed == nil, !worker.hasRunningContainer || worker.isStopped(at: now) {
            // Nothing is left to do for it: whoever deletes it finds it finished.
            forget(worker, place, isGone: pod.value.status.reason == Kubelet.evictedReason, at: now)
            return
        }
        if ended, !isTerminating, !configuration.value.stopsPodsEndedByOthers {
            kubelets[number].put(worker, into: slot)
            return
        }
        let stops = isTerminating || ended
        let grace = isTerminating ? pod.value.metadata.deletionGracePeriodSeconds ?? 0 : pod.value.spec.value.terminationGracePeriodSeconds
        if stops {
            if !worker.isStopping { recordKilling(worker, on: number, at: now, effects: &effects) }
            let before = worker.stopped
            worker.stop(graceSeconds: grace, at: now, environment, incidents: &incidents)
            report(&worker, on: number, at: now, effects: &effects)
            if worker.stopped != before || returning { step(&worker, slot, on: number, at: now, effects: &effects) }
        } else if returning || worker.readinessDisagrees(at: now) {
            // After a crash of the machine nothing runs any more.
            if returning { worker.startPending(at: now, images: &kubelets[number].images, environment, incidents: &incidents) }
            step(&worker, slot, on: number, at: now, effects: &effects)
        }
        kubelets[number].put(worker, into: slot)
    }

    /// A pod the kubelet did not know: it is admitted and begun, or refused.
    private mutating func meet(
        _ pod: Shared<Pod>, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard pod.value.metadata.deletionTimestamp == nil else {
            // It was deleted before the kubelet ever saw it: there is nothing to stop, but the kubelet has to say so.
            if pod.value.isTerminal {
                finish(pod.value, on: number, effects: &effects)
            } else {
                let (slot, generation) = reserve(pod.value.metadata.uid, on: number)
                var worker = PodWorker(
                    pod, behaviour: behaviour(of: pod.value), generation: generation, kubeletStart: kubelets[number].start,
                    environment: environment, at: now)
                worker.stop(graceSeconds: 0, at: now, environment, incidents: &incidents)
                step(&worker, slot, on: number, at: now, effects: &effects)
                kubelets[number].put(worker, into: slot)
            }
            return
        }
        guard !pod.value.isTerminal else { return }
        let (slot, generation) = reserve(pod.value.metadata.uid, on: number)
        let charge = charge(of: pod.value.spec)
        let rejection = rejection(of: pod, charge.value, on: number)
        var worker = PodWorker(
            pod, behaviour: behaviour(of: pod.value), generation: generation, rejection: rejection.map { Shared($0) },
            kubeletStart: kubelets[number].start, environment: environment, at: now)
        worker.isHeldUnready = annotations?.holdsUnready(pod.value) ?? false
        if let rejection {
            record(pod, rejection.reason, rejection.message, severity: .warning, on: number, at: now, effects: &effects)
        } else {
            take(charge, for: &worker, on: number)
            if !pod.value.spec.value.hostNetwork { worker.address = kubelets[number].addresses.take() }
            worker.volumes = volumes(of: pod.value, on: number, at: now)
            worker.startPending(at: now, images: &kubelets[number].images, environment, incidents: &incidents)
        }
        step(&worker, slot, on: number, at: now, effects: &effects)
        kubelets[number].put(worker, into: slot)
    }

    private mutating func take(_ charge: Shared<ResourceCharge>, for worker: inout PodWorker, on number: Int) {
        kubelets[number].resources.add(charge.value)
        worker.charge = charge
    }

    // MARK: Time

    package mutating func handle(timer: KubeletTimer, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        defer { settleUsage(at: now, effects: &effects) }
        switch timer.kind {
        case .pulled: return handlePullTimer(at: now, effects: &effects)
        case .shares: return settleShares(at: now, effects: &effects)
        default: break
        }
        defer { arrangePulls(at: now, effects: &effects) }
        let number = Int(timer.node)
        guard isRunning(number) else { return }
        switch timer.kind {
        case .listed:
            guard case .starting(let crashed) = kubelets[number].power, kubelets[number].starts == timer.generation else { return }
            let pods = kubelets[number].listed
            kubelets[number].listed = []
            takeUp(pods, on: number, afterCrash: crashed, at: now, effects: &effects)
        case .resend:
            guard kubelets[number].link.triesAt == now else { return }
            resend(number, at: now, effects: &effects)
        case .registered:
            kubelets[number].link.hasReported = true
            effects.call(
                kubelets[number].client,
                .patchNode(kubelets[number].name, .conditions(NodeAgent.conditions(ready: true, at: now))))
        case .pulled, .shares: break
        case .volumes:
            guard kubelets[number].starts == timer.generation, kubelets[number].volumes.reportsAt == now else { return }
            reportVolumes(number, at: now, effects: &effects)
        case .images:
            if kubelets[number].starts == timer.generation { imageTimerRang(number, at: now, effects: &effects) }
        case .usage: usageTimerRang(number, at: now, effects: &effects)
        case .imageCollection:
            if kubelets[number].starts == timer.generation { collectImages(on: number, at: now, effects: &effects) }
        case .shutdown:
            guard kubelets[number].isShuttingDown, kubelets[number].starts == timer.generation else { return }
            endPods(on: number, critical: true, at: now, effects: &effects)
        case .step:
            let slot = Int(timer.pod)
            guard kubelets[number].power == .running, var worker = kubelets[number].take(slot) else { return }
            if worker.generation == timer.generation, worker.timer == now {
                worker.timer = .distantFuture
                step(&worker, slot, on: number, at: now, effects: &effects)
            }
            kubelets[number].put(worker, into: slot)
        }
    }

    /// Lets a pod take its due steps, reports what changed, and sets the timer for the next step.
    mutating func step(
        _ worker: inout PodWorker, _ slot: Int, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        if worker.volumes != nil { settleVolumes(of: &worker, on: number, at: now, effects: &effects) }
        worker.advance(to: now, images: &kubelets[number].images, environment, incidents: &incidents)
        if worker.deadline <= now { endAtDeadline(&worker, on: number, at: now, effects: &effects) }
        if followsServing { touchedPods.append(worker.uid) }
        if usesResources(worker) { unsettle(number) }
        report(&worker, on: number, at: now, effects: &effects)
        let status = worker.status(at: now)
        if status != worker.base {
            let reported = Shared(status)
            worker.unconfirmed = reported
            effects.call(
                kubelets[number].client,
                .patchPod(worker.pod.value.metadata.key, uid: worker.uid, .kubeletStatus(reported)))
        }
        if status.phase == .succeeded || status.phase == .failed, let charge = worker.charge {
            kubelets[number].resources.remove(charge.value)
            worker.charge = nil
            if let address = worker.address { kubelets[number].addresses.release(address) }
            worker.address = nil
        }
        if worker.volumes != nil, worker.isStopped(at: now) || status.phase == .succeeded || status.phase == .failed {
            releaseVolumes(of: &worker, on: number)
        }
        if worker.isStopped(at: now) {
            remove(&worker, slot, on: number, at: now, effects: &effects)
            return
        }
        arm(&worker, slot, on: number, at: now, effects: &effects)
    }

    private mutating func endAtDeadline(
        _ worker: inout PodWorker, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        let ending = PodEnding.deadlineExceeded
        record(worker.pod, ending.reason, ending.message, on: number, at: now, effects: &effects)
        recordKilling(worker, on: number, at: now, effects: &effects)
        worker.terminate(
            ending, graceSeconds: worker.pod.value.spec.value.terminationGracePeriodSeconds, at: now, environment, incidents: &incidents)
        // What has nothing to stop is over.
        worker.advance(to: now, images: &kubelets[number].images, environment, incidents: &incidents)
    }

    /// Sets the timer for a pod's next step.
    mutating func arm(
        _ worker: inout PodWorker, _ slot: Int, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        let next = worker.nextStep
        if next != .distantFuture, next != worker.timer {
            effects.wake(
                at: max(next, now),
                KubeletTimer(node: Int32(number), pod: Int32(slot), kind: .step, generation: worker.generation))
        }
        worker.timer = next
        let fillsDisk = worker.behaviour.value.layerBytes != nil && configuration.value.imageCollection.isOn
        if kubelets[number].images.hasNews || fillsDisk { restless.append(number) }
    }

    /// A pod whose containers are gone is removed some time after that was reported, if somebody deleted it.
    private func remove(_ worker: inout PodWorker, _ slot: Int, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>)
    {
        guard worker.pod.value.metadata.isTerminating else { return }
        // That containers are missing must be seen once more.
        let settings = configuration.value
        let delay = worker.isMissing ? max(settings.removalDelay, settings.podSyncDelay) : settings.removalDelay
        worker.removal = min(worker.removal, now + delay)
        if worker.removal <= now {
            finish(worker.pod.value, on: number, effects: &effects)
        } else if worker.timer != worker.removal {
            worker.timer = worker.removal
            effects.wake(
                at: worker.removal,
                KubeletTimer(node: Int32(number), pod: Int32(slot), kind: .step, generation: worker.generation))
        }
    }

    /// All containers of a terminating pod are gone: the API server may forget it.
    private func finish(_ pod: Pod, on number: Int, effects: inout Effects<KubeletTimer>) {
        effects.call(
            kubelets[number].client,
            .delete(ObjectKey(.pod, pod.metadata.key), DeleteOptions(gracePeriodSeconds: 0, uid: pod.metadata.uid)))
    }
}
