// Pods that have a node and wait for what must be done before they are bound: volumes, mostly.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// A pod that has been given a node and is not bound to it yet.
struct ReservedPod: Sendable {
    let slot: Int32
    let profile: Int
    let pod: PodInfo
    let attempt: SchedulingAttempt
    /// Versions of objects the scheduler goes by because of this pod.
    let assumed: [APIObject]
    /// What is written on the pod with its binding.
    let annotations: Labels

    var uid: UID { pod.pod.value.metadata.uid }
    var name: NamespacedName { pod.pod.value.metadata.key }
}

/// The pods for which a PreBind plugin is at work, in the order in which that began.
struct PreBindings: Sendable {
    struct Entry: Sendable {
        let reserved: ReservedPod
        /// Index of the plugin among the profile's PreBind plugins.
        let plugin: Int
        let work: PreBindWork
        var unanswered: Int
        /// When the last request was answered: checks fall on this plus multiples of their interval.
        var answered: SimulatedTime
        /// The check that will find something; nil while nothing has changed.
        var nextCheck: SimulatedTime?

        var deadline: SimulatedTime { answered + work.timeout }
        var isDue: SimulatedTime { min(nextCheck ?? deadline, deadline) }

        /// The first check after `now`.
        func check(after now: SimulatedTime) -> SimulatedTime {
            let checks = (now - answered).nanoseconds / work.checkInterval.nanoseconds
            return answered + work.checkInterval * Int(checks + 1)
        }
    }
    private(set) var entries: [Entry] = []
    private var owners: [UInt64: UID] = [:]
    /// Whether something happened that may concern them.
    var mayHaveProgressed = false

    var isEmpty: Bool { entries.isEmpty }

    mutating func add(_ entry: Entry) { entries.append(entry) }
    mutating func await(_ token: UInt64, for uid: UID) { owners[token] = uid }

    /// The pod whose request was answered; nil for requests of other kinds.
    mutating func takeOwner(of token: UInt64) -> UID? { owners.removeValue(forKey: token) }

    func index(of uid: UID) -> Int? { entries.firstIndex { $0.reserved.uid == uid } }

    mutating func change(_ index: Int, _ change: (inout Entry) -> Void) { change(&entries[index]) }

    @discardableResult
    mutating func remove(_ uid: UID) -> Entry? { index(of: uid).map { entries.remove(at: $0) } }
}

extension Scheduler {
    /// Whether a pod has a node and waits for what must be done before it is bound.
    package func preparesBinding(of pod: UID) -> Bool { preBindings.index(of: pod) != nil }

    /// Lets the PreBind plugins from `first` on do their work; binds the pod when the last is done.
    mutating func prepareBinding(
        _ reserved: ReservedPod, from first: Int = 0, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        let plugins = profiles[reserved.profile].preBind
        for index in first..<max(first, plugins.count) {
            guard let node = cache.placedPod(reserved.uid)?.node,
                let work = plugins[index].plugin.preBind(reserved.pod, on: node, in: cache.snapshot)
            else { continue }
            preBindings.add(
                PreBindings.Entry(reserved: reserved, plugin: index, work: work, unanswered: work.requests.count, answered: now))
            for request in work.requests {
                let token = newToken()
                preBindings.await(token, for: reserved.uid)
                effects.call(.scheduler, request, token: token)
            }
            if work.requests.isEmpty { beginChecks(of: reserved.uid, at: now, &effects) }
            return
        }
        bind(reserved, at: now, &effects)
    }

    /// All requests of a pod are answered: from now on its plugin looks at regular intervals whether its work is done.
    private mutating func beginChecks(of uid: UID, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let index = preBindings.index(of: uid) else { return }
        preBindings.change(index) { $0.answered = now }
        effects.wake(at: preBindings.entries[index].deadline, .checkPreBindings)
        preBindings.mayHaveProgressed = true
    }

    /// A request of a PreBind plugin was answered. Returns false for requests of other kinds.
    mutating func preBindAnswered(
        _ answer: APIResult, token: UInt64, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) -> Bool {
        guard let uid = preBindings.takeOwner(of: token) else { return false }
        guard let index = preBindings.index(of: uid) else { return true }
        switch answer {
        case .success:
            preBindings.change(index) { $0.unanswered -= 1 }
            if preBindings.entries[index].unanswered == 0 { beginChecks(of: uid, at: now, &effects) }
        case .failure(let error): giveUp(uid, "\(error)", at: now, &effects)
        }
        return true
    }

    /// Looks at the pods that wait, after something happened. Most of the checks of the real scheduler find nothing changed; only the
    /// one that will is made.
    mutating func lookAtPreBindings(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard preBindings.mayHaveProgressed else { return }
        preBindings.mayHaveProgressed = false
        for entry in preBindings.entries where entry.unanswered == 0 && entry.nextCheck == nil {
            guard isStillWaiting(entry.reserved) else {
                preBindings.remove(entry.reserved.uid)
                release(entry.reserved, at: now)
                unreserve(entry.reserved, at: now, &effects)
                continue
            }
            guard progress(of: entry) != .pending, let index = preBindings.index(of: entry.reserved.uid) else { continue }
            let check = entry.check(after: now)
            preBindings.change(index) { $0.nextCheck = check }
            effects.wake(at: check, .checkPreBindings)
        }
    }

    /// Makes the checks that are due.
    mutating func checkPreBindings(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        for entry in preBindings.entries where entry.unanswered == 0 && entry.isDue <= now {
            let uid = entry.reserved.uid
            switch progress(of: entry) {
            case .done:
                preBindings.remove(uid)
                prepareBinding(entry.reserved, from: entry.plugin + 1, at: now, &effects)
            case .failed(let reason): giveUp(uid, reason, at: now, &effects)
            case .pending:
                if entry.deadline <= now {
                    giveUp(uid, "binding volumes: context deadline exceeded", at: now, &effects)
                } else if let index = preBindings.index(of: uid) {
                    preBindings.change(index) { $0.nextCheck = nil }
                }
            }
        }
    }

    private func progress(of entry: PreBindings.Entry) -> PreBindProgress {
        guard let node = cache.placedPod(entry.reserved.uid)?.node else { return .done }
        return profiles[entry.reserved.profile].preBind[entry.plugin].plugin.progress(entry.reserved.pod, on: node, in: cache.snapshot)
    }

    private func isStillWaiting(_ reserved: ReservedPod) -> Bool {
        guard let slot = queue.slot(of: reserved.name), let queued = queue[slot] else { return false }
        return queued.uid == reserved.uid && queued.pool == .binding
    }

    private mutating func giveUp(_ uid: UID, _ reason: String, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let entry = preBindings.remove(uid) else { return }
        let plugin = profiles[entry.reserved.profile].preBind[entry.plugin].plugin.name
        bindingFailed(
            entry.reserved, "running PreBind plugin \"\(plugin)\": \(reason)", veto: "\(plugin) (PreBind)", at: now, &effects)
    }
}
