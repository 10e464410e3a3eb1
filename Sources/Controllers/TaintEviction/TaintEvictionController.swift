// Taint eviction: deletes pods from nodes with NoExecute taints, each when its toleration runs out.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>

import APIServer
import DiscreteEvents
import HeapModule
import KubernetesAPI

/// Keys are pods whose time has come. What is remembered: when each pod's time comes.
struct TaintEvictor: Reconciler {
    typealias Conclusion = Never

    struct Victim: Hashable, Sendable {
        let name: NamespacedName
        let uid: UID
    }

    private struct Scheduled: Sendable {
        let uid: UID
        let due: SimulatedTime
        /// Deletion has been asked for. The entry stays, so that the pod is not deleted twice.
        var isFired: Bool
    }

    private struct Deadline: Comparable, Sendable {
        let due: SimulatedTime
        let sequence: UInt64
        let pod: NamespacedName
        static func < (left: Deadline, right: Deadline) -> Bool { (left.due, left.sequence) < (right.due, right.sequence) }
        static func == (left: Deadline, right: Deadline) -> Bool { left.sequence == right.sequence }
    }

    private var scheduled: [NamespacedName: Scheduled] = [:]
    private var deadlines = Heap<Deadline>()
    private var sequence: UInt64 = 0
    /// How many nodes have taints that evict: while there are none, no pod is judged.
    private var taintedNodes = 0
    private var armed: SimulatedTime?
    /// Events to record, and pods to delete, since the manager last asked.
    private(set) var events: [KubernetesEvent] = []
    private(set) var victims: [Victim] = []

    mutating func takeDecisions() -> (events: [KubernetesEvent], victims: [Victim]) {
        defer {
            events = []
            victims = []
        }
        return (events, victims)
    }

    // MARK: What wakes it

    mutating func observe(
        _ change: WatchEvent.Change, _ node: Node, previous: Node?, _ view: SharedInformers, at now: SimulatedTime
    ) {
        let taints = change == .deleted ? [] : TaintEvictor.noExecute(node)
        let before = previous.map(TaintEvictor.noExecute) ?? []
        guard taints != before else { return }
        taintedNodes += (taints.isEmpty ? 0 : 1) - (before.isEmpty ? 0 : 1)
        // The deadlines of a deleted node's pods stand: only the removal of taints from a node that is there cancels them.
        if change == .deleted { return }
        for pod in view.pods(onNode: node.metadata.name) { judge(pod.value, taints, at: now) }
    }

    mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers, at now: SimulatedTime
    ) {
        if change == .deleted {
            cancel(pod.value)
            return
        }
        guard taintedNodes > 0, let nodeName = pod.value.nodeName,
            previous?.value.nodeName != nodeName || previous?.value.spec.value.tolerations != pod.value.spec.value.tolerations,
            let node = view.node(nodeName)
        else { return }
        let taints = node.value.spec.taints.filter { $0.effect == .noExecute }
        if !taints.isEmpty { judge(pod.value, taints, at: now) }
    }

    private static func noExecute(_ node: Node) -> [Taint] { node.spec.taints.filter { $0.effect == .noExecute } }

    private mutating func judge(_ pod: Pod, _ taints: [Taint], at now: SimulatedTime) {
        switch TolerationVerdict.of(taints, pod.spec.value.tolerations) {
        case .tolerateForever: cancel(pod)
        case .evictNow:
            cancel(pod)
            schedule(pod, at: now)
        case .evictAfter(let time):
            // A clock that runs already is not set back by further changes of the taints.
            if scheduled[pod.metadata.key] != nil { return }
            schedule(pod, at: now + time)
        }
    }

    private mutating func schedule(_ pod: Pod, at due: SimulatedTime) {
        scheduled[pod.metadata.key] = Scheduled(uid: pod.metadata.uid, due: due, isFired: false)
        sequence += 1
        deadlines.insert(Deadline(due: due, sequence: sequence, pod: pod.metadata.key))
    }

    private mutating func cancel(_ pod: Pod) {
        guard let entry = scheduled.removeValue(forKey: pod.metadata.key), !entry.isFired else { return }
        events.append(TaintEvictor.event(pod.metadata.key, pod.metadata.uid, "Cancelling deletion of Pod \(pod.metadata.key)"))
    }

    private static func event(_ pod: NamespacedName, _ uid: UID, _ message: String) -> KubernetesEvent {
        KubernetesEvent(
            about: "Pod", pod, uid: uid, reason: "TaintManagerEviction", message: message,
            source: ControllerName.taintEviction.eventSource)
    }

    /// Fires what is due.
    mutating func fire(at now: SimulatedTime) {
        while let first = deadlines.min, first.due <= now {
            deadlines.removeMin()
            guard var entry = scheduled[first.pod], entry.due == first.due, !entry.isFired else { continue }
            entry.isFired = true
            scheduled[first.pod] = entry
            events.append(TaintEvictor.event(first.pod, entry.uid, "Marking for deletion Pod \(first.pod)"))
            victims.append(Victim(name: first.pod, uid: entry.uid))
        }
    }

    mutating func arm(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        if let armed, armed <= now { self.armed = nil }
        guard let due = deadlines.min?.due else { return }
        if let armed, armed <= due { return }
        armed = due
        effects.wake(at: max(due, now), .taintEviction)
    }

    // MARK: Deleting

    func reconcile(_ victim: Victim, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let condition = Condition(
            .disruptionTarget, .true, reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint",
            lastTransitionTime: now.truncatedToSeconds)
        var patch = PlannedCall(.patchPod(victim.name, uid: victim.uid, .conditions([condition])))
        patch.forgives = .notFound
        var delete = PlannedCall(.delete(ObjectKey(.pod, victim.name), DeleteOptions(uid: victim.uid)))
        delete.forgives = .notFound
        return Plan(steps: [[patch], [delete]])
    }
}
