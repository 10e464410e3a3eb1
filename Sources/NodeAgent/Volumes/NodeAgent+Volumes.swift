// The kubelet's volume manager: it waits until volumes are attached, mounts them, lets pods start that have theirs, and says which
// volumes must not be detached.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>
//
// A pod that has nothing to wait for costs nothing: only those get a ``PodVolumes`` whose volumes must be attached or are missing.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    // MARK: What the kubelets see

    /// What is there from the start.
    package mutating func adoptVolumes(_ object: APIObject) { look(at: object, isGone: false) }

    /// Nothing is known of the ConfigMaps (or Secrets) of a namespace.
    package mutating func assumeConfiguration(_ source: ConfigurationReference.Source, in namespace: String) {
        environment.configurations.assumeAll(source, in: namespace)
    }

    mutating func look(at object: APIObject, isGone: Bool) {
        switch object {
        case .persistentVolumeClaim(let claim): directory.set(claim.value, isGone: isGone)
        case .persistentVolume(let volume): directory.set(volume, isGone: isGone)
        case .csiDriver(let driver): directory.set(driver.value, isGone: isGone)
        case .volumeAttachment(let attachment): directory.set(attachment.value, isGone: isGone)
        case .configMap(let map):
            environment.configurations.set(.configMap, map.value.metadata.key, keys: isGone ? nil : map.value.keys)
        case .secret(let secret):
            environment.configurations.set(.secret, secret.value.metadata.key, keys: isGone ? nil : secret.value.keys)
        default: break
        }
    }

    /// A node's status says what is attached to it.
    mutating func observeAttached(
        _ node: Node, _ change: WatchEvent.Change, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        let name = node.metadata.name
        let hasChanged = directory.setAttached(change == .deleted ? [] : node.status.volumesAttached, to: name)
        guard let number = number(of: name) else { return }
        if change == .added, !kubelets[number].volumes.isEmpty {
            // An object that was made anew says nothing of what is in use.
            kubelets[number].volumes.reported = node.status.volumesInUse
            talkative.append(number)
        }
        guard hasChanged else { return }
        settleWaiting(on: number, at: now, effects: &effects)
    }

    // MARK: Beginning and end

    /// What a pod that is new to its kubelet has to wait for; nil: nothing.
    mutating func volumes(of pod: Pod, on number: Int, at now: SimulatedTime) -> Shared<PodVolumes>? {
        guard configuration.value.volumes.isOn, !pod.spec.value.volumes.isEmpty else { return nil }
        var mounts: [PodVolumes.Mount] = []
        for volume in pod.spec.value.volumes {
            if case .configuration(let references) = volume.source {
                if environment.configurations.problem(ofVolume: references, in: pod.metadata.namespace) == nil { continue }
                mounts.append(PodVolumes.Mount(name: volume.name, need: .configuration(references)))
            } else if let claim = pod.claimName(of: volume) {
                let name = NamespacedName(namespace: pod.metadata.namespace, name: claim)
                guard let need = need(of: name) else { continue }
                mounts.append(PodVolumes.Mount(name: volume.name, need: need))
            }
        }
        if mounts.isEmpty { return nil }
        let volumes = PodVolumes(mounts: mounts, began: now)
        take(volumes.attachables, on: number)
        return Shared(volumes)
    }

    /// What a claim makes a pod wait for; nil: it is mounted as it is.
    private func need(of claim: NamespacedName) -> PodVolumes.Mount.Need? {
        guard let volume = directory.volume(of: claim) else { return .claim(claim) }
        guard configuration.value.volumes.areAttachedByController else { return nil }
        return directory.attachable(volume).map { .attachable($0.uniqueName) }
    }

    private mutating func take(_ names: [String], on number: Int) {
        if names.isEmpty { return }
        for name in names { kubelets[number].volumes.take(name) }
        talkative.append(number)
    }

    /// A pod that runs already when the simulation begins has its volumes.
    mutating func adoptVolumes(of worker: inout PodWorker, on number: Int, at now: SimulatedTime) {
        worker.volumes = volumes(of: worker.pod.value, on: number, at: now)
        guard let volumes = worker.volumes, worker.containers.contains(where: { !$0.isBlocked }) else { return }
        worker.volumes = volumes.with { volumes in
            // Claims the dump does not tell of: it has them all the same, and will have them again.
            volumes.mounts.removeAll { if case .claim = $0.need { true } else { false } }
            volumes.isReady = true
            for index in volumes.mounts.indices { volumes.mounts[index].isMounted = true }
        }
        for name in volumes.value.attachables { kubelets[number].volumes.adopt(name) }
    }

    /// A pod's containers are gone for good: its volumes are unmounted.
    mutating func releaseVolumes(of worker: inout PodWorker, on number: Int) {
        guard let volumes = worker.volumes, !volumes.value.isReleased else { return }
        worker.volumes = volumes.with { $0.isReleased = true }
        for name in volumes.value.attachables { kubelets[number].volumes.release(name) }
        talkative.append(number)
    }

    // MARK: Waiting

    /// Goes on with the pods of a node that wait for volumes.
    mutating func settleWaiting(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard kubelets[number].power == .running else { return }
        for slot in kubelets[number].slotRange {
            guard kubelets[number].withPod(slot, { $0.waitsForVolumes && !$0.isStopping }) ?? false,
                var worker = kubelets[number].take(slot)
            else { continue }
            step(&worker, slot, on: number, at: now, effects: &effects)
            kubelets[number].put(worker, into: slot)
        }
    }

    /// Takes a pod's volumes as far as they get by now; when they are all mounted, its containers begin.
    mutating func settleVolumes(of worker: inout PodWorker, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard worker.waitsForVolumes, !worker.isStopping, var volumes = worker.volumes?.value else { return }
        let settings = configuration.value.volumes
        let isNewPass = volumes.resumes.map { $0 <= now } ?? false
        if isNewPass {
            volumes.resumes = nil
            volumes.began = now
        }
        for index in volumes.mounts.indices where !volumes.mounts[index].isMounted {
            switch volumes.mounts[index].need {
            case .claim(let claim):
                guard let need = need(of: claim) else {
                    volumes.mounts[index].isMounted = true
                    continue
                }
                volumes.mounts[index].need = need
                if case .attachable(let name) = need {
                    take([name], on: number)
                    advance(&volumes.mounts[index], name, of: worker, on: number, at: now, effects: &effects)
                }
            case .attachable(let name):
                advance(&volumes.mounts[index], name, of: worker, on: number, at: now, effects: &effects)
            case .configuration(let references):
                guard volumes.mounts[index].next <= now else { continue }
                let namespace = worker.pod.value.metadata.namespace
                if let problem = environment.configurations.problem(ofVolume: references, in: namespace) {
                    let name = volumes.mounts[index].name
                    record(
                        worker.pod, "FailedMount", "MountVolume.SetUp failed for volume \"\(name)\" : \(problem)", severity: .warning,
                        on: number, at: now, effects: &effects)
                    volumes.mounts[index].next = now + settings.wait(afterFailures: volumes.mounts[index].failures)
                    volumes.mounts[index].failures += 1
                } else {
                    volumes.mounts[index].isMounted = true
                }
            }
        }
        endPass(&volumes, of: worker, on: number, at: now, effects: &effects)
        worker.volumes = Shared(volumes)
        if volumes.isReady {
            worker.startPending(at: now, images: &kubelets[number].images, environment, incidents: &incidents)
        }
    }

    /// Takes one volume as far as it gets: reported in use, seen to be attached, mounted.
    private mutating func advance(
        _ mount: inout PodVolumes.Mount, _ name: String, of worker: PodWorker, on number: Int, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        let settings = configuration.value.volumes
        if mount.isMounting {
            if mount.next <= now { endMount(&mount, name, of: worker, on: number, at: now, effects: &effects) }
            return
        }
        if mount.retries > now { return }
        mount.next = .distantFuture
        if !kubelets[number].volumes.isAttached(name) {
            // It is not asked for before the node says that it will be used, nor while nobody answers.
            guard kubelets[number].volumes.isReported(name), !kubelets[number].link.isDeaf else { return }
            let since = mount.looksSince ?? now
            mount.looksSince = since
            guard directory.isAttached(name, to: kubelets[number].name), let volume = volume(of: mount, worker.pod.value),
                directory.hasAttachment(of: volume, to: kubelets[number].name)
            else { return }
            mount.next = settings.firstTry(since: since, atOrAfter: now)
            if mount.next > now { return }
            kubelets[number].volumes.sawAttached(name)
        }
        mount.isMounting = true
        let driver = AttachableVolume(uniqueName: name)?.driver ?? ""
        mount.next = now + settings.mountTime + settings.mountDisturbances.delay(of: driver, at: now)
        if mount.next <= now { endMount(&mount, name, of: worker, on: number, at: now, effects: &effects) }
    }

    /// A mount is over. One that failed is tried again after a wait.
    private mutating func endMount(
        _ mount: inout PodVolumes.Mount, _ name: String, of worker: PodWorker, on number: Int, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        let settings = configuration.value.volumes
        let pod = worker.pod.value
        var stream = RandomStream(
            seed: environment.seed, purpose: .mountFails, owner: "\(pod.metadata.key)/\(mount.name)/\(kubelets[number].starts)")
        stream.index = UInt64(mount.failures)
        guard settings.mountDisturbances.fails(AttachableVolume(uniqueName: name)?.driver ?? "", at: now, stream) else {
            mount.isMounted = true
            return
        }
        let title = volume(of: mount, pod)?.metadata.name ?? mount.name
        record(
            worker.pod, "FailedMount",
            "MountVolume.MountDevice failed for volume \"\(title)\" : rpc error: code = Internal desc = could not mount volume \"\(title)\"",
            severity: .warning, on: number, at: now, effects: &effects)
        mount.isMounting = false
        mount.retries = now + settings.wait(afterFailures: mount.failures)
        mount.next = mount.retries
        mount.failures += 1
    }

    /// The volume behind a pod's claim; nil: it is not bound, or its volume is gone.
    private func volume(of mount: PodVolumes.Mount, _ pod: Pod) -> PersistentVolume? {
        let claim = pod.spec.value.volumes.first { $0.name == mount.name }.flatMap { pod.claimName(of: $0) }
        return claim.flatMap { directory.volume(of: NamespacedName(namespace: pod.metadata.namespace, name: $0)) }
    }

    /// Whether the pass over the pod is over, well or not, and when the next step is due.
    private mutating func endPass(
        _ volumes: inout PodVolumes, of worker: PodWorker, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        let settings = configuration.value.volumes
        let deadline = volumes.began + settings.timeout
        if volumes.resumes == nil {
            if volumes.areMounted {
                let seen = now.roundedUp(toMultipleOf: settings.pollPeriod, phase: volumes.began.sinceStart)
                volumes.isReady = seen <= now
                volumes.next = seen
                return
            }
            let unbound = volumes.mounts.compactMap { mount -> NamespacedName? in
                if case .claim(let claim) = mount.need, !mount.isMounted { claim } else { nil }
            }
            let why =
                unbound.isEmpty
                ? "context deadline exceeded" : unbound.map { "error processing PVC \($0): PVC is not bound" }.joined(separator: "; ")
            if !unbound.isEmpty || deadline <= now {
                record(worker.pod, "FailedMount", volumes.complaint(why), severity: .warning, on: number, at: now, effects: &effects)
                volumes.resumes = worker.nextTry(after: now, environment)
            }
        }
        volumes.next = volumes.resumes ?? deadline
        for mount in volumes.mounts where !mount.isMounted && mount.next > now { volumes.next = min(volumes.next, mount.next) }
    }

    // MARK: The node's status

    /// Goes over the nodes whose volumes in use changed: their kubelets say so with the node's next status.
    mutating func arrangeReports(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        while let number = talkative.popLast() {
            guard isRunning(number), kubelets[number].volumes.reportsAt == nil, kubelets[number].volumes.needsReport else { continue }
            drawPhases(of: number)
            let time = kubelets[number].usage.report(atOrAfter: now)
            kubelets[number].volumes.reportsAt = time
            effects.wake(at: time, KubeletTimer(node: Int32(number), pod: 0, kind: .volumes, generation: kubelets[number].starts))
        }
    }

    /// The node's status is due.
    mutating func reportVolumes(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].volumes.reportsAt = nil
        let inUse = kubelets[number].volumes.inUse
        let isNews = inUse != kubelets[number].volumes.reported
        // What is not heard of says nothing new either.
        guard !kubelets[number].link.isDeaf else { return }
        kubelets[number].volumes.markReported()
        if isNews { effects.call(kubelets[number].client, .patchNode(kubelets[number].name, .volumesInUse(inUse))) }
        settleWaiting(on: number, at: now, effects: &effects)
    }
}

extension RandomPurpose {
    static let mountFails = RandomPurpose("mounting a volume fails")
}
