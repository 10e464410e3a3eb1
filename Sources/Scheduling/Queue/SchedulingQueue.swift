// The scheduling queue: pods that are ready, pods that back off, pods that wait for something to change.
// <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-scheduling/scheduler_queues.md>, KEP-4247.

import DiscreteEvents
import KubernetesAPI

/// All pending pods of the scheduler's profiles.
///
/// Ready pods come out by priority, then by how long they have waited. A pod that failed waits in the unschedulable pool until an
/// event that a rejecting plugin listens to; then it goes to the back-off queue, or to the active one if its back-off is
/// over. Pods that failed by an error back off in a queue of their own. Events during a pod's own attempt are kept and
/// replayed when it fails.
package struct SchedulingQueue: Sendable {
    /// Pods unschedulable for longer are tried again without any event (`--pod-max-in-unschedulable-pods-duration`).
    package static let defaultMaximumTimeUnschedulable = SimulatedDuration.seconds(300)
    /// How often the unschedulable pool is searched for them.
    package static let leftoverFlushPeriod = SimulatedDuration.seconds(30)

    /// The pods that preemption made room for, by node.
    package private(set) var nominator = Nominator()

    private let profiles: [SchedulingProfile]
    private let backoff: BackoffPolicy
    private let maximumTimeUnschedulable: SimulatedDuration

    var pods: [QueuedPod?] = []
    private var freeSlots: [Int32] = []
    private var slotOfName: [NamespacedName: Int32] = [:]
    private var serial: UInt64 = 0

    private(set) var active = SlotHeap<ActiveKey>()
    private(set) var backoffQueue = SlotHeap<BackoffKey>()
    private(set) var errorBackoffQueue = SlotHeap<BackoffKey>()
    private(set) var rejected = RejectedPods()
    /// Rejected pods that are not gated, by time of failure.
    private var leftovers = SlotHeap<SimulatedTime>()

    /// Events since the oldest attempt under way began.
    private var eventLog: [ClusterEvent] = []
    /// For each attempt under way the events that were logged before it.
    private(set) var inFlight: [(slot: Int32, firstEvent: Int)] = []

    package init(
        profiles: [SchedulingProfile], backoff: BackoffPolicy = BackoffPolicy(),
        maximumTimeUnschedulable: SimulatedDuration = defaultMaximumTimeUnschedulable
    ) {
        self.profiles = profiles
        self.backoff = backoff
        self.maximumTimeUnschedulable = maximumTimeUnschedulable
    }

    /// Number of pods that are not yet bound, in whatever pool.
    package var count: Int { slotOfName.count }
    package var unschedulableCount: Int { rejected.count }
    /// Whether ``pop(at:)`` would find a pod.
    package var hasNext: Bool { !active.isEmpty || !backoffQueue.isEmpty }

    package subscript(slot: Int32) -> QueuedPod? { pods[Int(slot)] }
    package func slot(of name: NamespacedName) -> Int32? { slotOfName[name] }

    // MARK: Pods come and go

    /// A new pending pod.
    package mutating func add(_ info: PodInfo, profile: Int, at now: SimulatedTime, in cluster: ClusterSnapshot) {
        let name = info.pod.value.metadata.key
        if let known = slotOfName[name], let old = pods[Int(known)] {
            if old.uid == info.pod.value.metadata.uid { return update(info, from: old.info.pod, at: now, in: cluster) }
            delete(name)
        }
        serial += 1
        let pod = QueuedPod(info: info, profile: profile, timestamp: now, serial: serial)
        let slot: Int32
        if let reused = freeSlots.popLast() {
            slot = reused
            pods[Int(slot)] = pod
        } else {
            slot = Int32(pods.count)
            pods.append(pod)
        }
        slotOfName[name] = slot
        setKey(of: slot, in: cluster)
        enqueue(slot, to: .active)
        // Gated pods claim no node, whatever their status says.
        if pods[Int(slot)]?.gate == nil { nominator.add(info) }
    }

    /// A pending pod changed: it may be worth trying now.
    package mutating func update(_ info: PodInfo, from old: Shared<Pod>, at now: SimulatedTime, in cluster: ClusterSnapshot) {
        let name = info.pod.value.metadata.key
        guard let slot = slotOfName[name], let pool = pods[Int(slot)]?.pool else { return }
        let changes = ClusterEvent.changes(of: info.pod, from: old)
        if pool != .inFlight, pool != .binding { nominator.update(info, from: old.value) }
        switch pool {
        case .inFlight:
            pods[Int(slot)]?.info = info
            eventLog.append(contentsOf: changes)
        case .binding: pods[Int(slot)]?.info = info
        case .active, .backoff, .errorBackoff:
            // The priority may have changed.
            leave(slot)
            pods[Int(slot)]?.info = info
            setKey(of: slot, in: cluster)
            place(slot, in: pool)
        case .unschedulable:
            pods[Int(slot)]?.info = info
            for change in changes where wake(slot, by: change, isOwn: true, at: now, in: cluster) { break }
        }
    }

    /// The pod was deleted, or bound. An attempt under way goes on without knowing: see ``fail(_:rejectors:pending:nomination:at:in:)``.
    @discardableResult
    package mutating func delete(_ name: NamespacedName) -> QueuedPod? {
        guard let slot = slotOfName.removeValue(forKey: name), let pod = pods[Int(slot)] else { return nil }
        nominator.delete(pod.uid)
        if pod.pool == .inFlight {
            pods[Int(slot)]?.isGone = true
        } else {
            leave(slot)
            forget(slot)
        }
        return pod
    }

    private mutating func forget(_ slot: Int32) {
        pods[Int(slot)] = nil
        freeSlots.append(slot)
    }

    // MARK: Attempts

    /// Takes out the pod to try next and begins its attempt. When no pod is ready, one that merely backs off (not after an
    /// error) is taken early.
    package mutating func pop(at now: SimulatedTime) -> Int32? {
        guard let slot = active.first?.slot ?? backoffQueue.first?.slot else { return nil }
        leave(slot)
        pods[Int(slot)]?.pool = .inFlight
        pods[Int(slot)]?.attempts += 1
        pods[Int(slot)]?.backoffExpiry = nil
        pods[Int(slot)]?.rejectors = []
        pods[Int(slot)]?.pending = []
        inFlight.append((slot, eventLog.count))
        return slot
    }

    /// The attempt found a node: the pod is being bound. It stays known until it is seen bound or fails after all.
    package mutating func startBinding(_ slot: Int32) {
        finishAttempt(slot)
        if pods[Int(slot)]?.isGone == true { return forget(slot) }
        pods[Int(slot)]?.pool = .binding
        if let uid = pods[Int(slot)]?.uid { nominator.delete(uid) }
    }

    /// Forgets the events kept for an attempt.
    private mutating func finishAttempt(_ slot: Int32) {
        inFlight.removeAll { $0.slot == slot }
        if inFlight.isEmpty { eventLog.removeAll(keepingCapacity: true) }
    }

    /// The attempt failed. Without a rejecting plugin it counts as an error. `nomination`: what becomes of the pod's nomination, from
    /// now on and before the API server hears of it.
    /// - Returns: whether the pod is back in the queue: not if it was deleted or bound by somebody else meanwhile.
    @discardableResult
    package mutating func fail(
        _ slot: Int32, rejectors: PluginSet, pending: PluginSet = [], nomination: NominationChange = .unchanged, at now: SimulatedTime,
        in cluster: ClusterSnapshot
    ) -> Bool {
        guard var pod = pods[Int(slot)] else { return false }
        guard !pod.isGone else {
            finishAttempt(slot)
            forget(slot)
            return false
        }
        switch nomination {
        case .unchanged: nominator.add(pod.info)
        case .cleared: nominator.nominate(pod.info, to: nil)
        case .node(let name): nominator.nominate(pod.info, to: name)
        }
        let missed = inFlight.first { $0.slot == slot }.map { Array(eventLog[$0.firstEvent...]) } ?? []
        finishAttempt(slot)
        pod.timestamp = now
        pod.rejectors = rejectors
        pod.pending = pending
        let isError = rejectors.isEmpty && pending.isEmpty
        if isError {
            pod.consecutiveErrors += 1
        } else {
            pod.unschedulableCount += 1
            pod.consecutiveErrors = 0
        }
        let failures = pod.consecutiveErrors > 0 ? pod.consecutiveErrors : pod.unschedulableCount
        pod.backoffExpiry = (now + backoff.duration(failures: failures)).truncatedToSeconds
        pod.pool = .unschedulable
        pods[Int(slot)] = pod
        setKey(of: slot, in: cluster)
        switch isError ? .afterBackoff : replay(missed, for: pod, cluster) {
        case .skip: place(slot, in: .unschedulable)
        case .afterBackoff where pod.isBackingOff(at: now): enqueue(slot, to: isError ? .errorBackoff : .backoff)
        case .afterBackoff, .immediately: enqueue(slot, to: .active)
        }
        return true
    }

    /// What the events during a pod's attempt would have done: the strongest hint counts, and one that ignores back-off needs a
    /// pending plugin.
    private func replay(_ events: [ClusterEvent], for pod: QueuedPod, _ cluster: ClusterSnapshot) -> Hint {
        var result = Hint.skip
        for event in events {
            switch hint(pod, event, cluster) {
            case .skip: continue
            case .immediately: return .immediately
            case .afterBackoff:
                if pod.pending.isEmpty { return .afterBackoff }
                result = .afterBackoff
            }
        }
        return result
    }

    // MARK: Preemption

    /// Notes that the API calls that make room for a pod begin or have ended. Until they have, the pod is gated when something
    /// would move it; the end wakes nothing.
    package mutating func setPreempting(_ isPreempting: Bool, _ name: NamespacedName, uid: UID) {
        guard let slot = slotOfName[name], pods[Int(slot)]?.uid == uid else { return }
        pods[Int(slot)]?.isPreempting = isPreempting
    }

    // MARK: Events

    private enum Hint { case skip, afterBackoff, immediately }

    /// Whether an event is worth another attempt, by the plugins that rejected the pod and listen to such events.
    private func hint(_ pod: QueuedPod, _ event: ClusterEvent, _ cluster: ClusterSnapshot) -> Hint {
        if event.kind == .wildcard {
            // With a pod it is meant for that pod alone.
            let isMeant = event.pod.map { $0.metadata.uid == pod.uid } ?? true
            return isMeant ? .afterBackoff : .skip
        }
        let profile = profiles[pod.profile]
        let concerned = pod.rejectors.union(pod.pending).intersection(profile.listening(to: event.kind))
        var result = Hint.skip
        for number in concerned.numbers {
            guard result == .skip || pod.pending.has(number), let plugin = profile.listeners[number] else { continue }
            guard plugin.isWoken(pod.info, by: event, in: cluster) else { continue }
            if pod.pending.has(number) { return .immediately }
            result = .afterBackoff
        }
        return result
    }

    /// Lets an event of the cluster wake the rejected pods it concerns.
    /// - Parameter highestPriority: pods of higher priority are left alone; nil: none.
    package mutating func handle(
        _ event: ClusterEvent, highestPriority: Int32? = nil, at now: SimulatedTime, in cluster: ClusterSnapshot
    ) {
        guard profiles.indices.contains(where: { !profiles[$0].listening(to: event.kind).isEmpty }) else { return }
        if !inFlight.isEmpty { eventLog.append(event) }
        guard rejected.count > 0 else { return }
        var candidates: [Int32] = []
        for bucket in rejected.buckets where !bucket.plugins.isDisjoint(with: profiles[bucket.profile].listening(to: event.kind)) {
            candidates.append(contentsOf: bucket.slots)
        }
        for slot in candidates {
            if let highestPriority, let pod = pods[Int(slot)], pod.info.priority > highestPriority { continue }
            _ = wake(slot, by: event, isOwn: false, at: now, in: cluster)
        }
    }

    /// Moves a rejected pod if the event is worth it. A gated pod looks up only at events its gate listens to, and at changes of
    /// itself.
    private mutating func wake(
        _ slot: Int32, by event: ClusterEvent, isOwn: Bool, at now: SimulatedTime, in cluster: ClusterSnapshot
    ) -> Bool {
        guard let pod = pods[Int(slot)], pod.pool == .unschedulable else { return false }
        if let gate = pod.gate, !isOwn, !profiles[pod.profile].listening(to: event.kind).has(gate) { return false }
        let hint = hint(pod, event, cluster)
        if hint == .skip { return false }
        setKey(of: slot, in: cluster)
        move(slot, to: hint == .afterBackoff && pod.isBackingOff(at: now) ? .backoff : .active)
        return true
    }

    /// Makes a waiting pod ready at once, whatever its back-off; a pod that is being tried comes back soon if it fails.
    package mutating func activate(_ name: NamespacedName) {
        guard let slot = slotOfName[name], let pod = pods[Int(slot)] else { return }
        switch pod.pool {
        case .inFlight: eventLog.append(ClusterEvent(.wildcard, .pod(old: nil, new: pod.info.pod)))
        case .backoff, .errorBackoff, .unschedulable: move(slot, to: .active)
        case .active, .binding: break
        }
    }

    // MARK: Flushes

    /// When a pod is due to leave a back-off queue: a whole second.
    package var nextBackoffFlush: SimulatedTime? {
        let expiry = backoffQueue.first?.key.expiry
        let errorExpiry = errorBackoffQueue.first?.key.expiry
        guard let next = expiry ?? errorExpiry else { return nil }
        return min(next, errorExpiry ?? next) + .seconds(1)
    }

    /// Moves pods whose back-off is over to the active queue.
    package mutating func flushBackoff(at now: SimulatedTime) {
        let second = now.truncatedToSeconds
        // PreEnqueue was asked when they began to back off.
        while let (key, slot) = backoffQueue.first, key.expiry < second {
            leave(slot)
            place(slot, in: .active)
        }
        while let (key, slot) = errorBackoffQueue.first, key.expiry < second {
            leave(slot)
            place(slot, in: .active)
        }
    }

    /// When the oldest rejected pod will have waited long enough to be tried without an event, on the grid of the flushes.
    package var nextLeftoverFlush: SimulatedTime? {
        leftovers.first.map { ($0.key + maximumTimeUnschedulable).nextMultiple(of: SchedulingQueue.leftoverFlushPeriod) }
    }

    /// Moves pods that were unschedulable for more than five minutes.
    package mutating func flushLeftovers(at now: SimulatedTime) {
        var hasMoved = false
        while let (failed, slot) = leftovers.first, now - failed > maximumTimeUnschedulable {
            guard let pod = pods[Int(slot)] else { break }
            move(slot, to: pod.isBackingOff(at: now) ? .backoff : .active)
            hasMoved = true
        }
        // The flush is an event for everyone: pods being tried meanwhile will not wait for another one.
        if hasMoved, !inFlight.isEmpty { eventLog.append(.wildcard) }
    }

    // MARK: Pools

    private mutating func move(_ slot: Int32, to pool: QueuedPod.Pool) {
        leave(slot)
        enqueue(slot, to: pool)
    }

    /// Puts a pod that is in no pool into one of the queues, unless a PreEnqueue plugin gates it.
    private mutating func enqueue(_ slot: Int32, to pool: QueuedPod.Pool) {
        guard let pod = pods[Int(slot)] else { return }
        for entry in profiles[pod.profile].preEnqueue where !entry.plugin.admits(pod.info.pod.value, isPreempting: pod.isPreempting) {
            pods[Int(slot)]?.gate = entry.number
            pods[Int(slot)]?.rejectors.insert(PluginSet(plugin: entry.number))
            return place(slot, in: .unschedulable)
        }
        pods[Int(slot)]?.gate = nil
        place(slot, in: pool)
    }

    /// Asks for a pod's place among those that are ready.
    private mutating func setKey(of slot: Int32, in cluster: ClusterSnapshot) {
        guard let pod = pods[Int(slot)] else { return }
        pods[Int(slot)]?.key = profiles[pod.profile].queueSort.key(of: pod.info.pod.value, timestamp: pod.timestamp, in: cluster)
    }

    private mutating func place(_ slot: Int32, in pool: QueuedPod.Pool) {
        guard let pod = pods[Int(slot)] else { return }
        pods[Int(slot)]?.pool = pool
        let key = ActiveKey(key: pod.key, serial: pod.serial)
        switch pool {
        case .active: active.insert(slot, key)
        case .backoff: backoffQueue.insert(slot, BackoffKey(expiry: pod.backoffExpiry ?? pod.timestamp, key: key))
        case .errorBackoff: errorBackoffQueue.insert(slot, BackoffKey(expiry: pod.backoffExpiry ?? pod.timestamp, key: key))
        case .unschedulable:
            let (bucket, position) = rejected.insert(slot, profile: pod.profile, plugins: pod.rejectors.union(pod.pending))
            pods[Int(slot)]?.bucket = bucket
            pods[Int(slot)]?.position = position
            if pod.gate == nil { leftovers.insert(slot, pod.timestamp) }
        case .inFlight, .binding: break
        }
    }

    /// Takes a pod out of whatever pool it is in.
    private mutating func leave(_ slot: Int32) {
        guard let pool = pods[Int(slot)]?.pool else { return }
        switch pool {
        case .active: active.remove(slot)
        case .backoff: backoffQueue.remove(slot)
        case .errorBackoff: errorBackoffQueue.remove(slot)
        case .unschedulable:
            leftovers.remove(slot)
            guard let bucket = pods[Int(slot)]?.bucket, let position = pods[Int(slot)]?.position else { return }
            if let moved = rejected.remove(bucket: bucket, position: position) { pods[Int(moved)]?.position = position }
        case .inFlight, .binding: break
        }
    }
}
