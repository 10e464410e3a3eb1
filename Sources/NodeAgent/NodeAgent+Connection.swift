// Kubelets whose requests reach nobody, or are refused because the API server is in trouble: they run on and tell it later.
// <https://kubernetes.io/docs/concepts/architecture/nodes/#node-status>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What a kubelet has not been able to say, and whether it hears anything.
struct KubeletLink: Sendable {
    /// Its watch is broken: it hears nothing of its pods until it lists them anew.
    var isDeaf = false
    /// The status of some pod did not arrive; that of the node did not.
    var owesPods = false
    var owesNode = false
    /// Which volumes are in use; which images there are.
    var owesVolumes = false
    var owesImages = false
    /// Requests that are about no pod it takes care of, or not about a pod at all.
    var owed: [APIRequest] = []
    /// It has reported its node Ready since it started.
    var hasReported = true
    /// When it tries again by itself; nil: when it can.
    var triesAt: SimulatedTime?

    var owesNothing: Bool { !owesPods && !owesNode && !owesVolumes && !owesImages && owed.isEmpty }
}

extension NodeAgent {
    /// The way between a kubelet and the API server is cut. Returns the last time its lease was renewed.
    package mutating func cutOff(_ number: Int, at now: SimulatedTime) -> SimulatedTime {
        kubelets[number].lease.stop(at: now)
        kubelets[number].link.isDeaf = true
        return kubelets[number].lease.last(at: now)
    }

    /// When a kubelet's turn to renew its lease comes next.
    package func nextRenewal(_ number: Int, after now: SimulatedTime) -> SimulatedTime { kubelets[number].lease.next(after: now) }

    /// A request of a kubelet did not arrive, or was not answered well.
    package mutating func undelivered(_ request: APIRequest, of number: Int) {
        switch request {
        case .patchPod(_, let uid, _): if place(of: uid) != nil { kubelets[number].link.owesPods = true }
        case .delete(_, let options):
            if let uid = options.uid, place(of: uid) != nil {
                kubelets[number].link.owesPods = true
            } else {
                kubelets[number].link.owed.append(request)
            }
        case .patchNode(_, .volumesInUse):
            kubelets[number].link.owesVolumes = true
            kubelets[number].volumes.markUnreported()
        case .patchNode(_, .images): kubelets[number].link.owesImages = true
        case .patchNode: kubelets[number].link.owesNode = true
        case .create: kubelets[number].link.owed.append(request)
        default: break
        }
    }

    /// A kubelet tries again at its next sync.
    package mutating func tryAgain(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard kubelets[number].link.triesAt == nil, !kubelets[number].link.owesNothing else { return }
        let time = kubelets[number].lease.next(after: now)
        kubelets[number].link.triesAt = time
        effects.wake(at: time, KubeletTimer(node: Int32(number), pod: 0, kind: .resend, generation: 0))
    }

    /// The kubelet reaches the API server again: it renews its lease, reports its node's status, and all it could not say.
    package mutating func reportAgain(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].lease.restart(at: now)
        // A node that is not registered yet has no status.
        if kubelets[number].link.hasReported { kubelets[number].link.owesNode = true }
        resend(number, at: now, effects: &effects)
        settleUsage(at: now, effects: &effects)
        arrangePulls(at: now, effects: &effects)
    }

    /// A kubelet compares its node's status with its own at each turn, and puts right what others wrote: that nobody has heard of it,
    /// which came after it was heard of again; or what was written before its first report, which arrived too early.
    mutating func correct(
        _ node: Node, _ change: WatchEvent.Change, _ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard isRunning(number), kubelets[number].link.hasReported,
            let ready = node.status.conditions[.ready]?.status, ready == .unknown || (change == .added && ready == .false)
        else { return }
        kubelets[number].link.owesNode = true
        tryAgain(number, at: now, effects: &effects)
    }

    /// Says again what did not arrive.
    mutating func resend(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        let owed = kubelets[number].link.owed
        let (owesPods, owesNode) = (kubelets[number].link.owesPods, kubelets[number].link.owesNode)
        kubelets[number].link.owed = []
        kubelets[number].link.owesPods = false
        let owesVolumes = kubelets[number].link.owesVolumes
        kubelets[number].link.owesNode = false
        kubelets[number].link.owesVolumes = false
        let owesImages = kubelets[number].link.owesImages
        kubelets[number].link.owesImages = false
        kubelets[number].link.triesAt = nil
        if owesNode {
            effects.call(
                kubelets[number].client, .patchNode(kubelets[number].name, .conditions(presentConditions(of: number, at: now))))
        }
        if owesVolumes {
            kubelets[number].volumes.markReported()
            effects.call(
                kubelets[number].client, .patchNode(kubelets[number].name, .volumesInUse(kubelets[number].volumes.inUse)))
            settleWaiting(on: number, at: now, effects: &effects)
        }
        if owesImages {
            effects.call(
                kubelets[number].client, .patchNode(kubelets[number].name, .images(kubelets[number].images.report.shown)))
        }
        for request in owed {
            effects.call(kubelets[number].client, request)
            guard case .create = request else { continue }
            effects.wake(
                at: now + configuration.value.registrationDelay,
                KubeletTimer(node: Int32(number), pod: 0, kind: .registered, generation: 0))
        }
        guard owesPods, kubelets[number].power == .running else { return }
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            worker.unconfirmed = nil
            step(&worker, slot, on: number, at: now, effects: &effects)
            kubelets[number].put(worker, into: slot)
        }
    }

    /// The conditions as the kubelet would report them now.
    private func presentConditions(of number: Int, at now: SimulatedTime) -> [Condition] {
        let pressures = [ConditionType.memoryPressure, .diskPressure, .pidPressure].map {
            NodeAgent.pressure($0, kubelets[number].usage.eviction.conditions.contains($0), at: now)
        }
        if kubelets[number].isShuttingDown { return pressures + [NodeAgent.shuttingDown(at: now)] }
        return pressures + NodeAgent.conditions(ready: true, at: now).filter { $0.type == .ready }
    }

    /// The kubelet lists its pods anew. What was deleted meanwhile is stopped, what is new is begun.
    package mutating func relist(_ number: Int, pods: [Shared<Pod>], at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].link.isDeaf = false
        switch kubelets[number].power {
        case .starting: kubelets[number].listed = pods
        case .running: catchUp(pods, on: number, at: now, effects: &effects)
        case .crashed, .kubeletStopped: break
        }
        settleUsage(at: now, effects: &effects)
        arrangePulls(at: now, effects: &effects)
    }

    private mutating func catchUp(_ pods: [Shared<Pod>], on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        var isListed: Set<UID> = []
        for pod in pods { isListed.insert(pod.value.metadata.uid) }
        buryMissing(on: number, at: now, isThere: isListed.contains)
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            guard isListed.contains(worker.uid) else {
                forget(worker, PodPlace(number, slot), at: now)
                continue
            }
            worker.unconfirmed = nil
            kubelets[number].put(worker, into: slot)
        }
        for pod in pods { observe(pod, on: number, known: place(of: pod), returning: true, at: now, effects: &effects) }
        if !kubelets[number].volumes.isEmpty { talkative.append(number) }
    }
}
