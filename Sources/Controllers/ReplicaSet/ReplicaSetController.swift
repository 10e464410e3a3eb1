// ReplicaSet (and ReplicationController): creates what is missing, deletes what is too much, and reports.
// <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are ReplicaSets (ReplicationControllers). What is remembered: expectations, the last own write per key, and whether orphans
/// may be adopted.
struct ReplicaReconciler<Workload: ReplicatedWorkload>: Reconciler {
    /// What the status is computed from when creations and deletions have ended.
    struct Conclusion: Sendable {
        let set: Shared<Workload>
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
        guard let set = view.get(Workload.self, key) else {
            expectations.forget(key)
            ownWrites.forget(key)
            mayAdopt.remove(key)
            return Plan()
        }
        if ownWrites.mustWait(key, cacheVersion: view.resourceVersion) { return Plan() }
        var plan = Plan<Conclusion>()
        let minReadySeconds = set.value.minReadySeconds
        let counts: ReplicaSetCounts
        // The active pods, where they had to be listed.
        var listed: [Shared<Pod>]?
        if minReadySeconds == 0, !mayAdopt.contains(key), let known = countedPods(of: set, view) {
            counts = known
        } else {
            let claimed = claim(set, view, &plan)
            counts = ReplicaSetCounts(claimed, template: set.value.podTemplate.labels)
            listed = claimed.filter { $0.isActive }
        }
        let surplus = counts.active - Int(set.value.wantedReplicas)
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
        var call = PlannedCall(.updateStatus(Workload.erase(conclusion.set.with { $0.status = status })))
        call.overwritesOnConflict = true
        var plan = Plan<Conclusion>(steps: [[call]])
        plan.failure = outcome.error
        plan.again = conclusion.again
        return plan
    }

    // MARK: Deciding

    private func create(_ count: Int, for set: Shared<Workload>, _ plan: inout Plan<Conclusion>) {
        var call = PlannedCall(.create(.pod(ReplicaReconciler.pod(of: set.value))))
        call.onSuccess = event(about: set.value, "SuccessfulCreate", "Created pod: ")
        call.namesResult = true
        call.forgives = .namespaceTerminating
        call.onFailure = event(about: set.value, "FailedCreate", "Error creating: ", .warning)
        for size in slowStartBatches(count) { plan.steps.append(Array(repeating: call, count: size)) }
    }

    private mutating func create(_ count: Int, for set: Shared<Workload>, _ plan: inout Plan<Conclusion>, at now: SimulatedTime) {
        expectations.expect(creations: count, of: set.value.metadata.key, at: now)
        create(count, for: set, &plan)
    }

    private mutating func delete(
        _ count: Int, of active: [Shared<Pod>], _ set: Shared<Workload>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>,
        at now: SimulatedTime
    ) {
        let related =
            set.value.metadata.controllerReference.map { owner -> [Shared<Pod>] in
                let siblings: [Shared<Workload>] = view.objects(controlledBy: owner.uid)
                return siblings.flatMap { view.pods(controlledBy: $0.value.metadata.uid) }
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
    static func pod(of set: Workload) -> Shared<Pod> {
        let template = set.podTemplate
        var metadata = ObjectMeta(namespace: set.metadata.namespace, labels: template.labels, annotations: template.annotations)
        metadata.generateName = set.metadata.name + "-"
        metadata.finalizers = template.finalizers
        metadata.ownerReferences = [reference(to: set)]
        return Shared(Pod(metadata: metadata, spec: template.spec))
    }

    private static func reference(to set: Workload) -> OwnerReference { OwnerReference(controller: set.metadata, Workload.kind) }

    private func event(
        about set: Workload, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) -> Shared<KubernetesEvent> {
        Shared(
            KubernetesEvent(
                about: Workload.kind.description, set.metadata.key, uid: set.metadata.uid, reason: reason, message: message,
                severity: severity, source: Workload.controller.eventSource))
    }

    // MARK: Ownership

    /// The counts of the set's pods without looking at them one by one; nil if some of them do not match its selector, so that
    /// they have to be looked at (and released).
    private func countedPods(of set: Shared<Workload>, _ view: SharedInformers) -> ReplicaSetCounts? {
        var counts = ReplicaSetCounts()
        guard let pods = view.ownedPods(of: set.value.metadata.uid) else { return counts }
        for (labels, tally) in pods.groups {
            guard set.value.selects(labels) else { return nil }
            counts.add(tally, labels, template: set.value.podTemplate.labels)
        }
        return counts
    }

    /// The pods that are the set's, after adopting orphans that match and releasing pods that do not match any more.
    private mutating func claim(_ set: Shared<Workload>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>) -> [Shared<Pod>] {
        let key = set.value.metadata.key
        // Pods of the current template carry its very labels: they need not be matched one by one.
        let templateLabels = set.value.podTemplate.labels
        let templateMatches = set.value.selects(templateLabels)
        let claim = PodClaim(
            of: set.value.metadata, as: ReplicaReconciler.reference(to: set.value), adopts: mayAdopt.contains(key), claimsEnded: false, view
        ) { pod in
            let labels = pod.value.metadata.labels
            return labels == templateLabels ? templateMatches : set.value.selects(labels)
        }
        if claim.foundNoOrphans { mayAdopt.remove(key) }
        if !claim.calls.isEmpty { plan.steps.append(claim.calls) }
        return claim.pods
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        for key in ownWrites.released(by: view.resourceVersion) { queue.add(key) }
        if case .pod(let pod) = event.object {
            guard view.hasAny(Workload.kind) else { return }
            let previous = previous.flatMap(Pod.cast)
            for key in observe(event.change, pod, previous: previous, view) { queue.add(key) }
            wakeWhenAvailable(pod, previous: previous, view, &queue, at: now)
        } else if event.object.kind == Workload.kind, let set = Workload.cast(event.object) {
            queue.add(set.value.metadata.key)
            if event.change != .deleted { observe(set, previous: previous.flatMap(Workload.cast)) }
        }
    }

    /// A pod that turned ready counts as available some time later, whatever becomes of the syncs until then: one that fails (a quota
    /// refuses another pod) would not come back in time. The second more is for times that are rounded.
    private func wakeWhenAvailable(
        _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        guard pod.isReady, let previous, !previous.isReady, let owner = owner(of: pod.value.metadata, view),
            case let seconds = owner.value.minReadySeconds, seconds > 0
        else { return }
        queue.add(owner.value.metadata.key, at: now + .seconds(Int(seconds) + 1))
    }

    /// A set was seen: new ones and those with a changed selector look for orphans.
    private mutating func observe(_ set: Shared<Workload>, previous: Shared<Workload>?) {
        if let previous, previous.value.hasSameSelector(as: set.value) { return }
        mayAdopt.insert(set.value.metadata.key)
    }

    /// Settles expectations, and returns the sets whose sync might decide otherwise after this event of a pod.
    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers
    ) -> [NamespacedName] {
        let keepsOwners = previous.map { $0.value.metadata.ownerReferences == pod.value.metadata.ownerReferences } ?? false
        // Most updates of pods change nothing for their owner.
        if let previous, keepsOwners, change != .deleted, !pod.isTerminating, pod.looksSame(as: previous) { return [] }
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
                if change == .deleted || !pod.looksSame(as: previous) { keys.append(owner) }
            }
            return keys
        }
        if let owner {
            if previous == nil { expectations.creationObserved(of: owner) }
            if !pod.looksSame(as: previous) { keys.append(owner) }
        } else if metadata.controllerReference == nil {
            let isNews =
                previous == nil || previous?.value.metadata.labels != metadata.labels
                || previous?.value.metadata.controllerReference != nil
            if isNews {
                let sets: [Shared<Workload>] = view.objects(inNamespace: metadata.namespace)
                for set in sets where set.value.selects(metadata.labels) {
                    mayAdopt.insert(set.value.metadata.key)
                    keys.append(set.value.metadata.key)
                }
            }
        }
        return keys
    }

    private func owningSet(_ metadata: ObjectMeta, _ view: SharedInformers) -> NamespacedName? {
        owner(of: metadata, view)?.value.metadata.key
    }

    private func owner(of metadata: ObjectMeta, _ view: SharedInformers) -> Shared<Workload>? {
        guard let index = metadata.controllerIndex, metadata.ownerReferences[index].kind == Workload.kind.description else { return nil }
        let key = NamespacedName(namespace: metadata.namespace, name: metadata.ownerReferences[index].name)
        guard let set = view.get(Workload.self, key), set.value.metadata.uid == metadata.ownerReferences[index].uid else { return nil }
        return set
    }
}
