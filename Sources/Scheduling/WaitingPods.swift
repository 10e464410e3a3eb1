// Pods that have a node and wait there for the permission of a plugin.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The pods that wait at Permit, in the order in which they began, and the notes that plugins left.
///
/// They count on their nodes, and as being tried: what happens in the meantime is held against their rejection, if it comes to that.
struct WaitingPods: Sendable {
    /// No plugin lets a pod wait longer.
    static let maximumWait = SimulatedDuration.minutes(15)

    /// A plugin, by its number, that has not permitted the pod yet.
    struct Pending: Sendable {
        let plugin: Int
        let wait: SimulatedDuration
        let deadline: SimulatedTime
    }
    struct Entry: Sendable {
        let reserved: ReservedPod
        fileprivate(set) var pending: [Pending]
    }
    private struct Note: Sendable {
        let text: String
        let end: SimulatedTime
    }
    private(set) var entries: [Entry] = []
    private var notes: [Note] = []
    /// Whether one of them may have been deleted.
    var mayHaveEnded = false

    var isEmpty: Bool { entries.isEmpty }
    var pods: [PodInfo] { entries.map(\.reserved.pod) }
    func contains(_ uid: UID) -> Bool { entries.contains { $0.reserved.uid == uid } }

    mutating func add(_ reserved: ReservedPod, _ pending: [Pending]) { entries.append(Entry(reserved: reserved, pending: pending)) }

    mutating func remove(_ uid: UID) -> Entry? {
        entries.firstIndex { $0.reserved.uid == uid }.map { entries.remove(at: $0) }
    }

    /// A plugin permits a pod. Returns the pod, which waits no longer, if no other plugin's permission is missing.
    mutating func allow(_ uid: UID, by plugin: Int) -> ReservedPod? {
        guard let index = entries.firstIndex(where: { $0.reserved.uid == uid }) else { return nil }
        entries[index].pending.removeAll { $0.plugin == plugin }
        return entries[index].pending.isEmpty ? entries.remove(at: index).reserved : nil
    }

    /// The first pod whose time is over, with the plugin that it waited for.
    func firstOverdue(at now: SimulatedTime) -> (uid: UID, pending: Pending)? {
        for entry in entries {
            if let pending = entry.pending.first(where: { $0.deadline <= now }) { return (entry.reserved.uid, pending) }
        }
        return nil
    }

    /// Returns whether the note is new.
    mutating func note(_ text: String, until end: SimulatedTime) -> Bool {
        guard !notes.contains(where: { $0.text == text }) else { return false }
        notes.append(Note(text: text, end: end))
        return true
    }

    /// Removes the notes that stand no longer.
    mutating func takeOutdatedNotes(at now: SimulatedTime) -> [String] {
        let outdated = notes.filter { $0.end <= now }.map(\.text)
        notes.removeAll { $0.end <= now }
        return outdated
    }
}

extension Scheduler {
    /// A pod keeps its node and waits for the permission of plugins.
    mutating func wait(_ reserved: ReservedPod, for waits: [PermitWait], at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        let pending = waits.map { entry in
            let wait = min(entry.time, WaitingPods.maximumWait)
            return WaitingPods.Pending(plugin: entry.plugin, wait: wait, deadline: now + wait)
        }
        waiting.add(reserved, pending)
        for entry in pending { effects.wake(at: entry.deadline, .checkWaitingPods) }
    }

    /// Carries out what plugins of a profile, by their numbers, want to become of other pods.
    mutating func carryOut(
        _ wishes: [PluginWishes], of profile: SchedulingProfile, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        for (plugin, wish) in wishes {
            for uid in wish.allowed {
                guard let reserved = waiting.allow(uid, by: plugin) else { continue }
                queue.startBinding(reserved.slot)
                prepareBinding(reserved, at: now, &effects)
            }
            rejectWaiting(wish.rejected, PluginSet(plugin: plugin), at: now, &effects)
            for name in wish.activated { queue.activate(name) }
            if let note = wish.note, note.time > .zero, waiting.note(note.text, until: now + note.time) {
                cache.setNote(note.text, true)
                effects.wake(at: now + note.time, .checkWaitingPods)
            }
        }
    }

    /// Waiting pods lose their nodes, and the Reserve plugins are told when all of them have.
    ///
    /// - Parameter point: where the plugins that reject them act.
    mutating func rejectWaiting(
        _ pods: [(pod: UID, reason: String)], _ rejectors: PluginSet, from point: String = "Permit", at now: SimulatedTime,
        _ effects: inout Effects<SchedulerTimer>
    ) {
        var rejected: [ReservedPod] = []
        for (uid, reason) in pods {
            guard let entry = waiting.remove(uid) else { continue }
            let plugins = profiles[entry.reserved.profile].names(of: rejectors).joined(separator: ", ")
            takeNode(of: entry.reserved, reason, rejectors, veto: plugins.isEmpty ? "" : "\(plugins) (\(point))", at: now, &effects)
            rejected.append(entry.reserved)
        }
        for reserved in rejected { unreserve(reserved, at: now, &effects) }
    }

    /// A pod that waited no longer has its node. It is tried again when something happens that the plugin listens to; what happened
    /// since it was tried counts.
    private mutating func takeNode(
        of reserved: ReservedPod, _ reason: String, _ rejectors: PluginSet, veto: String, at now: SimulatedTime,
        _ effects: inout Effects<SchedulerTimer>
    ) {
        cache.forget(reserved.assumed)
        let wasCounted = cache.forget(reserved.uid)
        if let queued = queue[reserved.slot], queued.uid == reserved.uid, queued.pool == .inFlight {
            if queued.isGone {
                queue.startBinding(reserved.slot)
            } else {
                var attempt = reserved.attempt
                attempt.end = now
                attempt.message = Reservation.message(reason)
                attempt.vetoedBy = veto
                fail(reserved.slot, queued, attempt, rejectors, .cleared, isUnschedulable: true, at: now, &effects)
            }
        }
        if wasCounted {
            queue.handle(ClusterEvent(.assignedPodDelete, .pod(old: reserved.pod.pod, new: nil)), at: now, in: cache.snapshot)
        }
    }

    /// Tells the Reserve plugins that a pod lost its node after all.
    mutating func unreserve(_ reserved: ReservedPod, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        let profile = profiles[reserved.profile]
        carryOut(profile.unreserve(reserved.pod, in: cache.snapshot, waiting: waiting.pods), of: profile, at: now, &effects)
    }

    /// Rejects the pods whose time is over, and forgets notes.
    mutating func checkWaitingPods(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        for note in waiting.takeOutdatedNotes(at: now) { cache.setNote(note, false) }
        while let (uid, pending) = waiting.firstOverdue(at: now) {
            guard let profile = waiting.entries.first(where: { $0.reserved.uid == uid })?.reserved.profile else { return }
            let name = profiles[profile].name(of: pending.plugin)
            rejectWaiting(
                [(uid, "rejected due to timeout after waiting \(pending.wait) at plugin \(name)")], PluginSet(plugin: pending.plugin),
                at: now, &effects)
        }
    }

    /// Waiting pods that were deleted, or bound by somebody else, wait no longer.
    mutating func lookAtWaitingPods(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard waiting.mayHaveEnded else { return }
        waiting.mayHaveEnded = false
        let gone = waiting.entries.filter { queue[$0.reserved.slot]?.isGone == true }
        rejectWaiting(gone.map { ($0.reserved.uid, "removed") }, [], at: now, &effects)
    }

    /// Waiting pods need not be deleted to make room: they lose their nodes. Returns what is left to be done.
    mutating func preemptWaiting(
        _ preemption: Preemption, in profile: Int, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) -> Preemption {
        guard !waiting.isEmpty else { return preemption }
        var rest = preemption
        rest.victims.removeAll { waiting.contains($0.pod.value.metadata.uid) }
        let victims = preemption.victims.map(\.pod.value.metadata).filter { waiting.contains($0.uid) }
        // They are tried again after a while, without any event.
        for victim in victims { queue.activate(victim.key) }
        let preemptor = profiles[profile].set(of: DefaultPreemptionPlugin.name) ?? []
        rejectWaiting(victims.map { ($0.uid, "preempted") }, preemptor, from: "PostFilter", at: now, &effects)
        return rest
    }
}
