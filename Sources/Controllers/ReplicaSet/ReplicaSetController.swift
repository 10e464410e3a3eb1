// ReplicaSet: creates what is missing, deletes what is too much, and reports.
// <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are ReplicaSets. What is remembered: expectations, the last own write per key, and whether orphans may be adopted.
struct ReplicaSetReconciler: Reconciler {
    /// What the status is computed from when creations and deletions have ended.
    struct Conclusion: Sendable {
        let set: Shared<ReplicaSet>
        let counts: ReplicaSetCounts
        /// The active pods if their age matters (`minReadySeconds`), else none.
        let aging: [Shared<Pod>]
        let missing: Bool
        let again: SimulatedTime?
    }

    /// Creations or deletions of one sync at most (`burstReplicas`).
    private let burst: Int
    var expectations = Expectations()
    var ownWrites = OwnWrites()
    /// ReplicaSets that may find orphans to adopt. Looking for them is a scan of a namespace, so it is done on occasion only.
    private var mayAdopt: Set<NamespacedName> = []

    init(burst: Int) { self.burst = burst }

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let set = view.replicaSet(key) else {
            expectations.forget(key)
            ownWrites.forget(key)
            mayAdopt.remove(key)
            return Plan()
        }
        if ownWrites.mustWait(key, cacheVersion: view.resourceVersion) { return Plan() }
        var plan = Plan<Conclusion>()
        let minReadySeconds = set.value.spec.minReadySeconds
        let counts: ReplicaSetCounts
        // The active pods, where they had to be listed.
        var listed: [Shared<Pod>]?
        if minReadySeconds == 0, !mayAdopt.contains(key), let known = countedPods(of: set, view) {
            counts = known
        } else {
            let claimed = claim(set, view, &plan)
            counts = ReplicaSetCounts(claimed, template: set.value.spec.template.labels)
            listed = claimed.filter { $0.isActive }
        }
        let surplus = counts.active - Int(set.value.spec.replicas)
        if !set.value.metadata.isTerminating, expectations.areSatisfied(for: key, at: now) {
            if surplus < 0 {
                create(min(-surplus, burst), for: set, &plan, at: now)
            } else if surplus > 0 {
                let active = listed ?? view.pods(controlledBy: set.value.metadata.uid).filter { $0.isActive }
                delete(min(surplus, burst), of: active, set, view, &plan, at: now)
            }
        }
        let aging = minReadySeconds > 0 ? listed ?? [] : []
        let again = ReplicaSetStatusRules.nextAvailability(aging, minReadySeconds: minReadySeconds, at: now)
        plan.again = again
        plan.conclusion = Conclusion(set: set, counts: counts, aging: aging, missing: surplus < 0, again: again)
        return plan
    }

    /// Settles expectations of what was not done, then writes the status, whether the plan succeeded or not.
    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        ownWrites.note(outcome, of: key)
        guard let conclusion else { return nil }
        for request in outcome.notDone {
            switch request {
            case .create: expectations.creationObserved(of: key)
            case .delete(let pod, _): expectations.deletionObserved(of: key, pod.name)
            default: break
            }
        }
        let status = ReplicaSetStatusRules.status(
            of: conclusion.set, conclusion.counts, aging: conclusion.aging, failure: outcome.error, missing: conclusion.missing, at: now)
        guard status != conclusion.set.value.status else { return nil }
        var call = PlannedCall(.updateStatus(.replicaSet(conclusion.set.with { $0.status = status })))
        call.overwritesOnConflict = true
        var plan = Plan<Conclusion>(steps: [[call]])
        plan.failure = outcome.error
        plan.again = conclusion.again
        return plan
    }

    // MARK: Deciding

    private func create(_ count: Int, for set: Shared<ReplicaSet>, _ plan: inout Plan<Conclusion>) {
        var call = PlannedCall(.create(.pod(ReplicaSetReconciler.pod(of: set.value))))
        call.onSuccess = event(about: set.value, "SuccessfulCreate", "Created pod: ")
        call.namesResult = true
        call.onFailure = event(about: set.value, "FailedCreate", "Error creating: ", .warning)
        for size in slowStartBatches(count) { plan.steps.append(Array(repeating: call, count: size)) }
    }

    private mutating func create(_ count: Int, for set: Shared<ReplicaSet>, _ plan: inout Plan<Conclusion>, at now: SimulatedTime) {
        expectations.expect(creations: count, of: set.value.metadata.key, at: now)
        create(count, for: set, &plan)
    }

    private mutating func delete(
        _ count: Int, of active: [Shared<Pod>], _ set: Shared<ReplicaSet>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>,
        at now: SimulatedTime
    ) {
        let related =
            set.value.metadata.controllerReference.map { owner in
                view.replicaSets(controlledBy: owner.uid).flatMap { view.pods(controlledBy: $0.value.metadata.uid) }
            } ?? []
        let victims = DeletionRank.victims(among: active, related: related, count: count, at: now)
        expectations.expect(deletions: victims.map(\.value.metadata.key), of: set.value.metadata.key, at: now)
        plan.steps.append(
            victims.map { pod in
                var call = PlannedCall(.delete(ObjectKey(.pod, pod.value.metadata.key), DeleteOptions(uid: pod.value.metadata.uid)))
                call.forgives = .notFound
                call.onSuccess = event(about: set.value, "SuccessfulDelete", "Deleted pod: " + pod.value.metadata.name)
                call.onFailure = event(about: set.value, "FailedDelete", "Error deleting: ", .warning)
                return call
            })
    }

    /// A new pod of the template; all pods of one template share its spec.
    static func pod(of set: ReplicaSet) -> Shared<Pod> {
        let template = set.spec.template
        var metadata = ObjectMeta(namespace: set.metadata.namespace, labels: template.labels, annotations: template.annotations)
        metadata.generateName = set.metadata.name + "-"
        metadata.finalizers = template.finalizers
        metadata.ownerReferences = [reference(to: set)]
        return Shared(Pod(metadata: metadata, spec: template.spec))
    }

    private static func reference(to set: ReplicaSet) -> OwnerReference {
        OwnerReference(
            apiVersion: "apps/v1", kind: "ReplicaSet", name: set.metadata.name, uid: set.metadata.uid, controller: true,
            blockOwnerDeletion: true)
    }

    private func event(
        about set: ReplicaSet, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) -> Shared<KubernetesEvent> {
        Shared(
            KubernetesEvent(
                about: "ReplicaSet", set.metadata.key, uid: set.metadata.uid, reason: reason, message: message, severity: severity,
                source: ControllerName.replicaSet.eventSource))
    }

    // MARK: Ownership

    /// The counts of the set's pods without looking at them one by one; nil if some of them do not match its selector, so that
    /// they have to be looked at (and released).
    private func countedPods(of set: Shared<ReplicaSet>, _ view: SharedInformers) -> ReplicaSetCounts? {
        var counts = ReplicaSetCounts()
        guard let pods = view.ownedPods(of: set.value.metadata.uid) else { return counts }
        for (labels, tally) in pods.groups {
            guard set.value.spec.selector.matches(labels) else { return nil }
            counts.add(tally, labels, template: set.value.spec.template.labels)
        }
        return counts
    }

    /// The pods that are the set's, after adopting orphans that match and releasing pods that do not match any more.
    private mutating func claim(_ set: Shared<ReplicaSet>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>) -> [Shared<Pod>] {
        let metadata = set.value.metadata
        let selector = set.value.spec.selector
        var released: [Shared<Pod>] = []
        var claimed = view.pods(controlledBy: metadata.uid)
        // Pods of the current template carry its very labels: they need not be matched one by one.
        let templateLabels = set.value.spec.template.labels
        let templateMatches = selector.matches(templateLabels)
        func matches(_ pod: Shared<Pod>) -> Bool {
            let labels = pod.value.metadata.labels
            return labels == templateLabels ? templateMatches : selector.matches(labels)
        }
        if claimed.contains(where: { !matches($0) }) {
            if !metadata.isTerminating { released = claimed.filter { !matches($0) } }
            claimed.removeAll { !matches($0) }
        }
        var calls = released.map { pod in
            ownerPatch(pod, pod.value.metadata.ownerReferences.filter { $0.uid != metadata.uid })
        }
        if !metadata.isTerminating, mayAdopt.contains(metadata.key) {
            let adopted = view.orphanedPods(inNamespace: metadata.namespace).filter {
                selector.matches($0.value.metadata.labels) && !$0.value.metadata.isTerminating && !$0.value.isTerminal
            }
            calls += adopted.map {
                ownerPatch($0, $0.value.metadata.ownerReferences + [ReplicaSetReconciler.reference(to: set.value)])
            }
            claimed += adopted
            if adopted.isEmpty { mayAdopt.remove(metadata.key) }
        }
        if !calls.isEmpty { plan.steps.append(calls) }
        return claimed
    }

    private func ownerPatch(_ pod: Shared<Pod>, _ references: [OwnerReference]) -> PlannedCall {
        var call = PlannedCall(
            .patchMetadata(ObjectKey(.pod, pod.value.metadata.key), uid: pod.value.metadata.uid, .ownerReferences(references)))
        call.forgives = .notFound
        return call
    }

    // MARK: What wakes it

    /// A ReplicaSet was seen: new ones and those with a changed selector look for orphans.
    mutating func observe(_ set: Shared<ReplicaSet>, previous: Shared<ReplicaSet>?) {
        if previous?.value.spec.selector != set.value.spec.selector { mayAdopt.insert(set.value.metadata.key) }
    }

    /// Settles expectations, and returns the ReplicaSets whose sync might decide otherwise after this event of a pod.
    mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers
    ) -> [NamespacedName] {
        let keepsOwners = previous.map { $0.value.metadata.ownerReferences == pod.value.metadata.ownerReferences } ?? false
        // Most updates of pods change nothing for a ReplicaSet.
        if let previous, keepsOwners, change != .deleted, !pod.isTerminating, ReplicaSetReconciler.isSame(previous, pod) { return [] }
        let metadata = pod.value.metadata
        var keys: [NamespacedName] = []
        let owner = owningSet(metadata, view)
        if let previous, !keepsOwners, let old = owningSet(previous.value.metadata, view), old != owner {
            keys.append(old)
            expectations.deletionObserved(of: old, metadata.key)
        }
        if change == .deleted || metadata.isTerminating {
            // A pod first seen when it is terminating already still settles its creation.
            if let owner {
                if previous == nil { expectations.creationObserved(of: owner) }
                expectations.deletionObserved(of: owner, metadata.key)
                if change == .deleted || !ReplicaSetReconciler.isSame(previous, pod) { keys.append(owner) }
            }
            return keys
        }
        if let owner {
            if previous == nil { expectations.creationObserved(of: owner) }
            if !ReplicaSetReconciler.isSame(previous, pod) { keys.append(owner) }
        } else if metadata.controllerReference == nil {
            let isNews =
                previous == nil || previous?.value.metadata.labels != metadata.labels
                || previous?.value.metadata.controllerReference != nil
            if isNews {
                for set in view.replicaSets(inNamespace: metadata.namespace) where set.value.spec.selector.matches(metadata.labels) {
                    mayAdopt.insert(set.value.metadata.key)
                    keys.append(set.value.metadata.key)
                }
            }
        }
        return keys
    }

    private func owningSet(_ metadata: ObjectMeta, _ view: SharedInformers) -> NamespacedName? {
        guard let owner = metadata.controllerReference, owner.kind == "ReplicaSet" else { return nil }
        let key = NamespacedName(namespace: metadata.namespace, name: owner.name)
        return view.replicaSet(key)?.value.metadata.uid == owner.uid ? key : nil
    }

    /// Whether a sync sees no difference between two versions of a pod. Most updates (bound, container started, image pulled)
    /// change nothing a ReplicaSet counts; skipping them changes no request.
    private static func isSame(_ old: Shared<Pod>?, _ new: Shared<Pod>) -> Bool {
        guard let old else { return false }
        return old.isTerminal == new.isTerminal && old.isTerminating == new.isTerminating
            && haveSameReadiness(old.value.status.conditions, new.value.status.conditions)
            && old.value.metadata.labels == new.value.metadata.labels
    }

    private static func haveSameReadiness(_ old: [Condition], _ new: [Condition]) -> Bool {
        guard let left = old.index(of: .ready), let right = new.index(of: .ready) else {
            return old.index(of: .ready) == nil && new.index(of: .ready) == nil
        }
        return old[left].status == new[right].status && old[left].lastTransitionTime == new[right].lastTransitionTime
    }
}
