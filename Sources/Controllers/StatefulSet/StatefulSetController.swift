// StatefulSets: pods with names that last, made and replaced in order. Here: what the controller remembers, what wakes it, and how a
// sync ends; the decision itself is in StatefulSetSync.
// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are StatefulSets. What is remembered: the last own write per key, and whether orphans may be adopted.
struct StatefulSetReconciler: Reconciler {
    /// What is written when the pods have been dealt with.
    struct Conclusion: Sendable {
        let set: Shared<StatefulSet>
        var status: StatefulSetStatus
        /// The last request deletes a pod that `status` does not count any more.
        let replacesPod: Bool
        /// The revision that the plan makes first.
        let creating: ControllerRevision?
        /// Revisions beyond `revisionHistoryLimit`, lowest first.
        let expired: [Shared<ControllerRevision>]
        /// How often a revision's name was found taken.
        let collisions: Int32
        let again: SimulatedTime?
    }

    private var ownWrites = OwnWrites()
    /// Sets that may find orphans to adopt. Looking for them is a scan of a namespace, so it is done on occasion only.
    private var mayAdopt: Set<NamespacedName> = []

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        for key in ownWrites.released(by: view.resourceVersion) { queue.add(key) }
        switch event.object {
        case .pod(let pod):
            guard view.hasAny(.statefulSet) else { return }
            let news = PodNews(for: StatefulSet.self, event.change, pod, previous: previous.flatMap(Pod.cast), view) { set, pod in
                set.value.selects(pod)
            }
            guard let news else { return }
            for key in news.candidates { mayAdopt.insert(key) }
            for key in news.keys { queue.add(key) }
            // A pod that is ready counts when it has been so for a while, whatever became of the sync that saw it get ready. The second
            // more is for times that are rounded.
            guard let owner = news.owner, pod.isReady, let before = previous.flatMap(Pod.cast), !before.isReady,
                let ripening = view.get(StatefulSet.self, owner)?.value.spec.minReadySeconds, ripening > 0
            else { return }
            queue.add(owner, at: now + .seconds(Int(ripening) + 1))
        case .statefulSet(let set):
            if event.change == .added { mayAdopt.insert(set.value.metadata.key) }
            queue.add(set.value.metadata.key)
        default: return
        }
    }

    // MARK: Deciding

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let set = view.get(StatefulSet.self, key) else {
            ownWrites.forget(key)
            mayAdopt.remove(key)
            return Plan()
        }
        if ownWrites.mustWait(key, cacheVersion: view.resourceVersion) { return Plan() }
        return plan(for: set, collisions: set.value.status.collisionCount ?? 0, view, at: now)
    }

    private mutating func plan(
        for set: Shared<StatefulSet>, collisions: Int32, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion> {
        let metadata = set.value.metadata
        let template = set.value.spec.template
        var plan = Plan<Conclusion>()
        let history = TemplateHistory(of: metadata, .statefulSet, selector: set.value.spec.selector, view)
        if history.isHeldUp {
            plan.retriesAnyway = true
            return plan
        }
        if !history.adoptions.isEmpty { plan.steps.append(history.adoptions) }
        let claim = PodClaim(
            of: metadata, as: OwnerReference(controller: metadata, .statefulSet), adopts: mayAdopt.contains(metadata.key),
            claimsEnded: true, view
        ) { set.value.selects($0) }
        if claim.foundNoOrphans { mayAdopt.remove(metadata.key) }
        if !claim.calls.isEmpty { plan.steps.append(claim.calls) }

        let isObserved = set.value.status.observedGeneration == metadata.generation
        var creating: ControllerRevision?
        let update: TemplateRevision
        switch history.need(for: template, presumed: isObserved ? set.value.status.updateRevision : nil) {
        case .met(let revision): update = TemplateRevision(name: revision.value.metadata.name, template: template)
        case .renumbering(let revision):
            plan.then(history.renumbering(revision))
            update = TemplateRevision(name: revision.value.metadata.name, template: template)
        case .creation(let number):
            let revision = TemplateHistory.revision(
                number, of: metadata, .statefulSet, template, hash: podTemplateHash(template, collisions: collisions),
                hashLabel: RevisionLabels.revision)
            plan.then(PlannedCall(.create(APIObject(revision))))
            update = TemplateRevision(name: revision.metadata.name, template: template)
            creating = revision
        }
        let current =
            history.named(set.value.status.currentRevision).map {
                TemplateRevision(name: $0.value.metadata.name, template: $0.value.template ?? template)
            } ?? update

        let sync = StatefulSetSync(
            set.value, pods: claim.pods, current: current, update: update, collisions: collisions, view, at: now)
        plan.steps += sync.steps
        plan.events = sync.events
        plan.failure = sync.failure
        plan.again = ReplicaSetStatusRules.nextAvailability(claim.pods, minReadySeconds: set.value.spec.minReadySeconds, at: now)
        plan.conclusion = Conclusion(
            set: set, status: sync.status, replacesPod: sync.replacesPod, creating: creating,
            expired: expired(history, of: set.value, keeping: [current.name, update.name], pods: claim.pods), collisions: collisions,
            again: plan.again)
        return plan
    }

    /// Revisions that no pod has and that are too many, lowest first.
    private func expired(
        _ history: TemplateHistory, of set: StatefulSet, keeping names: [String], pods: [Shared<Pod>]
    ) -> [Shared<ControllerRevision>] {
        // The common case costs no look at the pods.
        guard history.revisions.count > Int(set.spec.revisionHistoryLimit) else { return [] }
        let live = Set(names + pods.compactMap { $0.value.metadata.labels[RevisionLabels.pod] })
        let old = history.revisions.filter { !live.contains($0.value.metadata.name) }
        return Array(old.prefix(max(0, old.count - Int(set.spec.revisionHistoryLimit))))
    }

    // MARK: Ending

    /// Writes the status if it changed, whether the plan succeeded or not, and deletes expired revisions.
    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        ownWrites.note(outcome, of: key)
        guard let conclusion else { return nil }
        let set = conclusion.set.value
        var status = conclusion.status
        var plan = Plan<Conclusion>()
        if let error = outcome.error {
            if let revision = conclusion.creating, outcome.notDone.contains(where: { $0.creates(.controllerRevision) }) {
                return error.isAlreadyExists ? collided(with: revision, conclusion, view, at: now) : nil
            }
            let isReplaced = !outcome.notDone.contains { if case .delete = $0 { true } else { false } }
            if conclusion.replacesPod, !isReplaced { status.currentReplicas += 1 }
            if let event = claimFailure(outcome, set) { plan.events = [event] }
        }
        if differs(status, from: set.status) {
            var call = PlannedCall(.updateStatus(.statefulSet(conclusion.set.with { $0.status = status })))
            call.overwritesOnConflict = true
            plan.then(call)
        }
        for revision in conclusion.expired { plan.then(TemplateHistory.deletion(of: revision)) }
        if plan.steps.isEmpty, plan.events.isEmpty { return nil }
        plan.failure = outcome.error
        plan.again = conclusion.again
        return plan
    }

    /// The name of a new revision is taken: by one this controller made a moment ago and has not seen yet (then the sync is tried
    /// again), or by somebody else's (then the name must change).
    private mutating func collided(
        with revision: ControllerRevision, _ conclusion: Conclusion, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        guard let present = view.get(ControllerRevision.self, revision.metadata.key)?.value,
            present.template != revision.template
                || present.metadata.controllerUID.map({ $0 != conclusion.set.value.metadata.uid }) ?? false
        else { return nil }
        return plan(for: conclusion.set, collisions: conclusion.collisions + 1, view, at: now)
    }

    /// The number of name collisions alone is not worth a write.
    private func differs(_ status: StatefulSetStatus, from present: StatefulSetStatus) -> Bool {
        var status = status
        status.collisionCount = present.collisionCount
        return status != present
    }

    /// A pod that was not made because one of its claims was refused.
    private func claimFailure(_ outcome: PlanOutcome, _ set: StatefulSet) -> KubernetesEvent? {
        guard let error = outcome.error, case .create(.persistentVolumeClaim(let claim))? = outcome.notDone.first else { return nil }
        let name = claim.value.metadata.name
        let prefixes = set.spec.volumeClaimTemplates.map { $0.metadata.name + "-" + set.metadata.name + "-" }
        guard let prefix = prefixes.first(where: name.hasPrefix) else { return nil }
        let pod = set.metadata.name + "-" + name.dropFirst(prefix.count)
        return KubernetesEvent(
            about: Kind.statefulSet.description, set.metadata.key, uid: set.metadata.uid, reason: "FailedCreate",
            message: "Create Pod \(pod) in StatefulSet \(set.metadata.name) failed error: failed to create PVC \(name): \(error)",
            severity: .warning, source: ControllerName.statefulSet.eventSource)
    }
}

extension APIRequest {
    /// Whether the request creates an object of a kind.
    func creates(_ kind: Kind) -> Bool { if case .create(let object) = self { object.kind == kind } else { false } }
}
