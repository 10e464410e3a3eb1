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
            for (uid, reason) in wish.rejected { rejectWaiting(uid, reason, PluginSet(plugin: plugin), at: now, &effects) }
            for name in wish.activated { queue.activate(name) }
            if let note = wish.note, note.time > .zero, waiting.note(note.text, until: now + note.time) {
                cache.setNote(note.text, true)
                effects.wake(at: now + note.time, .checkWaitingPods)
            }
        }
    }

    /// A waiting pod loses its node. It is tried again when something happens that the plugin listens to; what happened since it was
    /// tried counts.
    mutating func rejectWaiting(
        _ uid: UID, _ reason: String, _ rejectors: PluginSet, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        guard let entry = waiting.remove(uid) else { return }
        let reserved = entry.reserved
        cache.forget(reserved.assumed)
        let wasCounted = cache.forget(uid)
        if let queued = queue[reserved.slot], queued.uid == uid, queued.pool == .inFlight {
            if queued.isGone {
                queue.startBinding(reserved.slot)
            } else {
                var attempt = reserved.attempt
                attempt.end = now
                attempt.message = Reservation.message(reason)
                fail(reserved.slot, queued, attempt, rejectors, .cleared, isUnschedulable: true, at: now, &effects)
            }
        }
        if wasCounted {
            queue.handle(ClusterEvent(.assignedPodDelete, .pod(old: reserved.pod.pod, new: nil)), at: now, in: cache.snapshot)
        }
        unreserve(reserved, at: now, &effects)
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
                uid, "rejected due to timeout after waiting \(pending.wait) at plugin \(name)",
                PluginSet(plugin: pending.plugin), at: now, &effects)
        }
    }

    /// Waiting pods that were deleted, or bound by somebody else, wait no longer.
    mutating func lookAtWaitingPods(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard waiting.mayHaveEnded else { return }
        waiting.mayHaveEnded = false
        for entry in waiting.entries where queue[entry.reserved.slot]?.isGone == true {
            rejectWaiting(entry.reserved.uid, "removed", [], at: now, &effects)
        }
    }

    /// Waiting pods need not be deleted to make room: they lose their nodes. Returns what is left to be done.
    mutating func preemptWaiting(
        _ preemption: Preemption, in profile: Int, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) -> Preemption {
        guard !waiting.isEmpty else { return preemption }
        var rest = preemption
        rest.victims.removeAll { waiting.contains($0.pod.value.metadata.uid) }
        for victim in preemption.victims {
            let metadata = victim.pod.value.metadata
            guard waiting.contains(metadata.uid) else { continue }
            // They are tried again after a while, without any event.
            queue.activate(metadata.key)
            rejectWaiting(metadata.uid, "preempted", profiles[profile].set(of: DefaultPreemptionPlugin.name) ?? [], at: now, &effects)
        }
        return rest
    }
}
