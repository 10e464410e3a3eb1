// Pod garbage collection: deletes pods nobody else will: too many ended ones, pods of nodes that are gone, and pods that hang.
// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection>
//
// The real one scans all pods every 20 seconds. This one remembers what a scan could find, and passes only when there is
// something to find, on the same grid.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are pods to delete, with the condition they get first.
struct PodGarbageCollector: Reconciler {
    typealias Conclusion = Never

    struct Victim: Hashable, Sendable {
        let name: NamespacedName
        let uid: UID
        let isOrphaned: Bool
    }

    private let period: SimulatedDuration
    private let phase: SimulatedDuration
    private let quarantine: SimulatedDuration
    private let threshold: Int
    /// Nodes that are gone while pods are bound to them, with the pass that will act (nil before the first pass saw them).
    private var missingNodes: [(name: String, due: SimulatedTime?)] = []
    /// Pods that were deleted before they were bound.
    private var unboundTerminating: [NamespacedName] = []
    /// Nodes with the out-of-service taint.
    private var outOfService: [String] = []
    private var endedCount = 0
    private var armed: SimulatedTime?

    init(_ configuration: ControllerManagerConfiguration) {
        period = configuration.podGarbageCollectionPeriod
        phase = configuration.podGarbageCollectionPhase
        quarantine = configuration.deletedNodeQuarantine
        threshold = configuration.terminatedPodThreshold
    }

    // MARK: What wakes it

    mutating func observe(_ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers) {
        let isEnded = change != .deleted && pod.isTerminal
        endedCount += (isEnded ? 1 : 0) - ((previous?.isTerminal ?? false) ? 1 : 0)
        if change == .deleted { return }
        if let node = pod.value.nodeName {
            if previous?.value.nodeName == nil, view.node(node) == nil { noteMissing(node) }
        } else if pod.isTerminating, !(previous?.isTerminating ?? false) {
            unboundTerminating.append(pod.value.metadata.key)
        }
    }

    mutating func observe(_ change: WatchEvent.Change, _ node: Node, _ view: SharedInformers) {
        let name = node.metadata.name
        if change == .deleted {
            outOfService.removeAll { $0 == name }
            if view.podCount(onNode: name) > 0 { noteMissing(name) }
            return
        }
        if change == .added { missingNodes.removeAll { $0.name == name } }
        let isTainted = node.spec.taints.contains { $0.key == Taint.outOfService }
        if isTainted != outOfService.contains(name) {
            if isTainted { outOfService.append(name) } else { outOfService.removeAll { $0 == name } }
        }
    }

    private mutating func noteMissing(_ node: String) {
        if !missingNodes.contains(where: { $0.name == node }) { missingNodes.append((node, nil)) }
    }

    private var hasWork: Bool {
        !missingNodes.isEmpty || !unboundTerminating.isEmpty || !outOfService.isEmpty || (threshold > 0 && endedCount > threshold)
    }

    mutating func arm(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        if let armed, armed <= now { self.armed = nil }
        guard armed == nil, hasWork else { return }
        let tick = now.nextMultiple(of: period, phase: phase)
        armed = tick
        effects.wake(at: tick, .podGarbageCollection)
    }

    // MARK: The pass

    /// Whom a pass at this time deletes, in order.
    mutating func pass(_ view: SharedInformers, at now: SimulatedTime) -> [Victim] {
        var victims: [Victim] = []
        if threshold > 0, endedCount > threshold { victims += surplus(view) }
        for name in outOfService {
            guard let node = view.node(name), !node.value.isReady else { continue }
            for pod in view.pods(onNode: name) where pod.isTerminating { victims.append(victim(pod)) }
        }
        victims += orphaned(view, at: now)
        let unbound = unboundTerminating.compactMap { view.pod($0) }.filter {
            $0.value.metadata.isTerminating && $0.value.nodeName == nil
        }
        // Until they are gone: a deletion may fail.
        unboundTerminating = unbound.map(\.value.metadata.key)
        victims += unbound.sorted { PodGarbageCollector.isOlder($0, $1) }.map { victim($0) }
        return victims
    }

    /// Ended pods beyond the threshold, evicted ones first, then the oldest.
    private func surplus(_ view: SharedInformers) -> [Victim] {
        let ended = view.tables.all(Pod.self).filter { $0.value.isTerminal }
        let ordered = ended.sorted {
            let (left, right) = ($0.value.status.reason == "Evicted", $1.value.status.reason == "Evicted")
            return left == right ? PodGarbageCollector.isOlder($0, $1) : left
        }
        return ordered.prefix(max(0, ended.count - threshold)).map { victim($0) }
    }

    private mutating func orphaned(_ view: SharedInformers, at now: SimulatedTime) -> [Victim] {
        var victims: [Victim] = []
        var kept: [(name: String, due: SimulatedTime?)] = []
        for (name, due) in missingNodes where view.podCount(onNode: name) > 0 && view.node(name) == nil {
            let due = due ?? now + quarantine
            if due > now {
                kept.append((name, due))
                continue
            }
            victims += view.pods(onNode: name).map { victim($0, isOrphaned: true) }
            // Until they are gone: a deletion may fail, and the node is put in quarantine anew.
            kept.append((name, nil))
        }
        missingNodes = kept
        return victims
    }

    private func victim(_ pod: Shared<Pod>, isOrphaned: Bool = false) -> Victim {
        Victim(name: pod.value.metadata.key, uid: pod.value.metadata.uid, isOrphaned: isOrphaned)
    }

    private static func isOlder(_ left: Shared<Pod>, _ right: Shared<Pod>) -> Bool {
        let (left, right) = (left.value.metadata, right.value.metadata)
        return (left.creationTimestamp, left.name) < (right.creationTimestamp, right.name)
    }

    // MARK: Deleting

    func reconcile(_ victim: Victim, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard let pod = view.pod(victim.name), pod.value.metadata.uid == victim.uid else { return Plan() }
        var plan = Plan<Never>()
        if !pod.isTerminal {
            let condition = Condition(
                .disruptionTarget, .true, reason: "DeletionByPodGC", message: "PodGC: node no longer exists",
                lastTransitionTime: now.truncatedToSeconds)
            var patch = PlannedCall(
                .patchPod(
                    victim.name, uid: victim.uid,
                    .phase(.failed, reason: "", message: "", condition: victim.isOrphaned ? condition : nil)))
            patch.forgives = .notFound
            plan.then(patch)
        }
        var delete = PlannedCall(.delete(ObjectKey(.pod, victim.name), DeleteOptions(gracePeriodSeconds: 0, uid: victim.uid)))
        delete.forgives = .notFound
        plan.then(delete)
        return plan
    }
}
