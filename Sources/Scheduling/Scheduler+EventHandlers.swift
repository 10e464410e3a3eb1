// What watch events do to the scheduler's cache and queue.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Scheduler {
    /// Takes in an event without beginning a cycle: what the event handlers do to cache and queue, and no more.
    package mutating func observe(_ event: WatchEvent, at now: SimulatedTime) {
        if cache.nodes.hasLedgers {
            cache.show(event.object, isGone: event.change == .deleted || Pod.cast(event.object)?.isTerminal ?? false)
        }
        switch event.object {
        case .pod(let pod): handle(pod, event, at: now)
        case .node(let node): handle(node, event, at: now)
        default: handle(other: event, at: now)
        }
        if !waiting.isEmpty { waiting.mayHaveEnded = true }
        // Volumes, claims and nodes may be what a pod waits for; a pod that waits may be deleted.
        if !preBindings.isEmpty, event.change == .deleted || event.object.kind != .pod { preBindings.mayHaveProgressed = true }
    }

    /// An object that plugins look up, or whose coming and changing may help a waiting pod.
    private mutating func handle(other event: WatchEvent, at now: SimulatedTime) {
        let isDeleted = event.change == .deleted
        if isDeleted { cache.remove(event.object) } else { cache.set(event.object) }
        let change = ClusterEvent.change(
            of: event.object.kind, from: isDeleted ? event.object : event.previous, to: isDeleted ? nil : event.object)
        if let change { queue.handle(change, at: now, in: cache.snapshot) }
    }

    private mutating func handle(_ pod: Shared<Pod>, _ event: WatchEvent, at now: SimulatedTime) {
        // Finished pods are filtered out of the scheduler's watch: finishing looks like deletion.
        let new = event.change == .deleted || pod.isTerminal ? nil : pod
        let old = event.previous.flatMap(Pod.cast).flatMap { $0.isTerminal ? nil : $0 }
        // What happens to a finished pod afterwards is not seen.
        if old == nil, new == nil, event.previous != nil || event.change != .deleted { return }
        let wasAssigned = old?.value.nodeName != nil
        if !preemptions.isEmpty, new?.isTerminating ?? true { freePreemptors(waitingFor: pod) }
        guard let new else {
            if wasAssigned || pod.value.nodeName != nil {
                queue.delete(pod.value.metadata.key)
                cache.removePod(pod.value.metadata.uid)
                queue.handle(ClusterEvent(.assignedPodDelete, .pod(old: old ?? pod, new: nil)), at: now, in: cache.snapshot)
            } else {
                queue.delete(pod.value.metadata.key)
                if (old ?? pod).value.status.nominatedNodeName?.isEmpty == false { leaveNominatedNode(old ?? pod, at: now) }
            }
            return
        }
        if new.value.nodeName != nil {
            if let old, wasAssigned {
                cache.setPod(new)
                for change in ClusterEvent.changes(of: new, from: old) { queue.handle(change, at: now, in: cache.snapshot) }
            } else {
                queue.delete(new.value.metadata.key)
                cache.setPod(new)
                queue.handle(ClusterEvent(.assignedPodAdd, .pod(old: nil, new: new)), at: now, in: cache.snapshot)
            }
            return
        }
        guard let profile = profiles.firstIndex(where: { $0.schedulerName == new.value.spec.value.schedulerName }) else { return }
        let info = cache.info(new)
        if let old, let slot = queue.slot(of: new.value.metadata.key) {
            queue.update(info, from: old, at: now, in: cache.snapshot)
            // It counts on the node it is being bound to, whatever became of its nomination.
            if queue[slot]?.pool == .binding { return }
        } else {
            queue.add(info, profile: profile, at: now, in: cache.snapshot)
        }
        if let old, let nominated = old.value.status.nominatedNodeName, !nominated.isEmpty,
            nominated != new.value.status.nominatedNodeName
        {
            leaveNominatedNode(old, at: now)
        }
    }

    /// A pod gave up the node it was nominated to: for those that had to reckon with it that is as if it had been deleted there.
    private mutating func leaveNominatedNode(_ pod: Shared<Pod>, at now: SimulatedTime) {
        queue.handle(
            ClusterEvent(.assignedPodDelete, .pod(old: pod, new: nil)), highestPriority: pod.value.spec.value.priority ?? 0, at: now,
            in: cache.snapshot)
    }

    private mutating func handle(_ node: Shared<Node>, _ event: WatchEvent, at now: SimulatedTime) {
        let name = node.value.metadata.name
        if event.change == .deleted {
            let last = cache.slot(of: name).flatMap { cache.nodes.objects[$0] } ?? node
            cache.removeNode(name)
            queue.handle(ClusterEvent(.nodeDelete, .node(old: last, new: nil)), at: now, in: cache.snapshot)
            return
        }
        let old = cache.slot(of: name).flatMap { cache.nodes.objects[$0] }
        if let old {
            let changes = ClusterEvent.changes(of: node, from: old)
            cache.setNode(node)
            for change in changes { queue.handle(change, at: now, in: cache.snapshot) }
        } else {
            cache.setNode(node)
            queue.handle(ClusterEvent(.nodeAdd, .node(old: nil, new: node)), at: now, in: cache.snapshot)
        }
    }
}
