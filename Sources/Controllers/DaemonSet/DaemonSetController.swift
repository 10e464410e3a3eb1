// DaemonSets: a pod on every node that qualifies. Here: what the controller remembers, what wakes it, and how its decisions (see
// DaemonSetSync) become requests.
// <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are DaemonSets. What is remembered: expectations, the last own write per key, back-offs of failed pods, whether orphans may be
/// adopted, and where pods belong.
struct DaemonSetReconciler: Reconciler {
    /// What the status is computed from when the pods have been dealt with.
    struct Conclusion: Sendable {
        let set: Shared<DaemonSet>
        let revision: DaemonRevision
        /// The revision that the plan makes first.
        let creating: ControllerRevision?
        /// Whether this sync acts on the present generation, or only looks.
        let observes: Bool
        let again: SimulatedTime?
    }

    /// Creations, and deletions, of one sync at most (`BurstReplicas`).
    private let burst: Int
    private var expectations = Expectations()
    private var ownWrites = OwnWrites()
    private var backoff = FailedPodBackoff()
    private var placements = DaemonPlacements()
    /// DaemonSets that may find orphans to adopt.
    private var mayAdopt: Set<NamespacedName> = []

    init(burst: Int = 250) { self.burst = burst }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        for key in ownWrites.released(by: view.resourceVersion) { queue.add(key) }
        switch event.object {
        case .pod(let pod):
            guard view.hasAny(.daemonSet) else { return }
            observe(event.change, pod, previous: previous.flatMap(Pod.cast), view, &queue, at: now)
        case .node(let node):
            guard event.change != .deleted, DaemonSetReconciler.matters(node.value, after: previous.flatMap(Node.cast)?.value) else {
                return
            }
            observe(node, view, &queue)
        case .daemonSet(let set):
            if event.change == .added { mayAdopt.insert(set.value.metadata.key) }
            if event.change == .deleted { placements.forget(set.value.metadata.uid) }
            queue.add(set.value.metadata.key)
        case .controllerRevision(let revision):
            let metadata = revision.value.metadata
            guard event.change != .added, let owner = metadata.controllerReference, owner.kind == Kind.daemonSet.description else { return }
            queue.add(NamespacedName(namespace: metadata.namespace, name: owner.name))
        default: return
        }
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers,
        _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        let news = PodNews(for: DaemonSet.self, change, pod, previous: previous, view) { set, pod in
            set.value.spec.selector.matches(pod.value.metadata.labels)
        }
        guard let news else { return }
        let name = pod.value.metadata.key
        if let owner = news.owner {
            if news.isNew { expectations.creationObserved(of: owner) }
            if news.isLeaving { expectations.deletionObserved(of: owner, name) }
        }
        if let former = news.formerOwner { expectations.deletionObserved(of: former, name) }
        for key in news.candidates { mayAdopt.insert(key) }
        for key in news.keys { queue.add(key) }
        // A pod that is ready counts when it has been so for a while: also one that the status does not count yet, beside an old one.
        // The second more is for times that are rounded.
        guard let owner = news.owner, pod.isReady, let previous, !previous.isReady,
            let ripening = view.get(DaemonSet.self, owner)?.value.spec.minReadySeconds, ripening > 0
        else { return }
        queue.add(owner, at: now + .seconds(Int(ripening) + 1))
    }

    /// Heartbeats change nothing for daemons; labels, taints and conditions do.
    private static func matters(_ node: Node, after previous: Node?) -> Bool {
        guard let previous else { return true }
        return node.metadata.labels != previous.metadata.labels || node.spec.taints != previous.spec.taints
            || node.status.conditions.filter { $0.status == .true }.map(\.type)
                != previous.status.conditions.filter { $0.status == .true }.map(\.type)
    }

    /// A node is new or changed: DaemonSets that have a pod too few or too many there, or had one where it does not belong when they
    /// last counted.
    private mutating func observe(_ node: Shared<Node>, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>) {
        let name = node.value.metadata.name
        guard let slot = view.tables[.node].slot(of: node.value.metadata.key) else { return }
        placements.forget(slot: slot)
        guard view.hasAny(.daemonSet) else { return }
        let pods = view.pods(onNode: name)
        for set in view.tables.all(DaemonSet.self) {
            let placement = placements.placement(of: set.value, on: node, slot: slot)
            let hasPod = pods.contains { $0.value.metadata.controllerUID == set.value.metadata.uid }
            let isMisplaced = hasPod ? !placement.shouldContinueRunning : placement.shouldRun
            if isMisplaced || hasPod && set.value.status.numberMisscheduled > 0 { queue.add(set.value.metadata.key) }
        }
    }

    // MARK: Deciding

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let set = view.get(DaemonSet.self, key) else {
            expectations.forget(key)
            ownWrites.forget(key)
            mayAdopt.remove(key)
            return Plan()
        }
        if ownWrites.mustWait(key, cacheVersion: view.resourceVersion) { return Plan() }
        var plan = Plan<Conclusion>()
        if set.value.spec.selector.isEmpty {
            let text = "This daemon set is selecting all pods. A non-empty selector is required."
            plan.events = [event(about: set.value, "SelectingAll", text, .warning)]
            return plan
        }
        // Its revisions may be gone already, so nothing can be said of it.
        if set.value.metadata.isTerminating { return plan }

        let metadata = set.value.metadata
        let history = TemplateHistory(of: metadata, .daemonSet, selector: set.value.spec.selector, view)
        if !history.adoptions.isEmpty { plan.steps.append(history.adoptions) }
        let (revision, creating) = revise(set.value, history, &plan)
        let observes = expectations.areSatisfied(for: key, at: now)
        var again: SimulatedTime?
        if observes {
            let pods = claim(set, view, &plan)
            let nodes = DaemonNodes(set.value, pods: pods, &placements, view)
            let sync = DaemonSetSync(set: set.value, revision: revision, nodes: nodes, now: now)
            var changes = sync.placing(&backoff)
            again = changes.again
            plan.events = changes.ended.map { endedEvent(about: set.value, $0.pod.value, on: $0.node) }
            if changes.isEmpty { changes = sync.updating() }
            append(changes, for: set.value, revision, &plan, at: now)
            for expired in expired(history, of: set.value, present: revision.hash, pods: pods) {
                plan.then(TemplateHistory.deletion(of: expired))
            }
        }
        plan.conclusion = Conclusion(set: set, revision: revision, creating: creating, observes: observes, again: again)
        return plan
    }

    /// The present revision; the plan makes it if there is none.
    private func revise(
        _ set: DaemonSet, _ history: TemplateHistory, _ plan: inout Plan<Conclusion>
    ) -> (DaemonRevision, creating: ControllerRevision?) {
        let generation = set.metadata.annotations[DaemonSet.templateGenerationAnnotation].flatMap { Int64($0) }
        let isObserved = set.status.observedGeneration == set.metadata.generation
        switch history.need(for: set.spec.template, presumed: isObserved ? history.revisions.last?.value.metadata.name : nil) {
        case .met(let revision): return (DaemonRevision(hash: hash(of: revision), generation: generation), nil)
        case .renumbering(let revision):
            plan.then(history.renumbering(revision))
            return (DaemonRevision(hash: hash(of: revision), generation: generation), nil)
        case .creation(let number):
            let hash = podTemplateHash(set.spec.template, collisions: set.status.collisionCount)
            let revision = TemplateHistory.revision(
                number, of: set.metadata, .daemonSet, set.spec.template, hash: hash, hashLabel: RevisionLabels.pod)
            plan.then(PlannedCall(.create(APIObject(revision))))
            return (DaemonRevision(hash: hash, generation: generation), revision)
        }
    }

    private func hash(of revision: Shared<ControllerRevision>) -> String {
        revision.value.metadata.labels[RevisionLabels.pod] ?? revision.value.metadata.name
    }

    private mutating func claim(_ set: Shared<DaemonSet>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>) -> [Shared<Pod>] {
        let key = set.value.metadata.key
        let claim = PodClaim(
            of: set.value.metadata, as: OwnerReference(controller: set.value.metadata, .daemonSet), adopts: mayAdopt.contains(key),
            claimsEnded: true, view
        ) { set.value.spec.selector.matches($0.value.metadata.labels) }
        if claim.foundNoOrphans { mayAdopt.remove(key) }
        if !claim.calls.isEmpty { plan.steps.append(claim.calls) }
        return claim.pods
    }

    /// Old revisions that no pod has, lowest first, as many as there are too many.
    private func expired(
        _ history: TemplateHistory, of set: DaemonSet, present: String, pods: [Shared<Pod>]
    ) -> [Shared<ControllerRevision>] {
        let old = history.revisions.filter { hash(of: $0) != present }
        let surplus = old.count - Int(set.spec.revisionHistoryLimit)
        guard surplus > 0 else { return [] }
        let live = Set(pods.compactMap { $0.value.metadata.labels[RevisionLabels.pod] })
        return Array(old.filter { !live.contains(hash(of: $0)) }.prefix(surplus))
    }

    // MARK: Requests

    /// Creations in batches that grow, then deletions all at once.
    private mutating func append(
        _ changes: DaemonChanges, for set: DaemonSet, _ revision: DaemonRevision, _ plan: inout Plan<Conclusion>, at now: SimulatedTime
    ) {
        guard !changes.isEmpty else { return }
        let nodes = changes.creations.prefix(burst)
        let victims = changes.deletions.prefix(burst)
        expectations.expect(creations: nodes.count, deletions: victims.map(\.value.metadata.key), of: set.metadata.key, at: now)
        let template = podTemplate(of: set, revision)
        let created = Shared(event(about: set, "SuccessfulCreate", "Created pod: "))
        let refused = Shared(event(about: set, "FailedCreate", "Error creating: ", .warning))
        var position = nodes.startIndex
        for size in slowStartBatches(nodes.count) {
            plan.steps.append(
                nodes[position..<position + size].map { node in
                    var call = PlannedCall(.create(.pod(pod(of: template, on: node))), onSuccess: created)
                    call.namesResult = true
                    call.forgives = .namespaceTerminating
                    call.onFailure = refused
                    return call
                })
            position += size
        }
        if !victims.isEmpty { plan.steps.append(victims.map { deletion(of: $0.value.metadata.key, for: set) }) }
    }

    private func deletion(of pod: NamespacedName, for set: DaemonSet) -> PlannedCall {
        var call = PlannedCall(.delete(ObjectKey(.pod, pod), DeleteOptions()))
        call.forgives = .notFound
        call.onSuccess = Shared(event(about: set, "SuccessfulDelete", "Deleted pod: " + pod.name))
        call.onFailure = Shared(event(about: set, "FailedDelete", "Error deleting: ", .warning))
        return call
    }

    /// What all pods of a revision share.
    private mutating func podTemplate(of set: DaemonSet, _ revision: DaemonRevision) -> (metadata: ObjectMeta, spec: PodSpec) {
        let template = set.spec.template
        var metadata = ObjectMeta(namespace: set.metadata.namespace, labels: template.labels, annotations: template.annotations)
        metadata.generateName = set.metadata.name + "-"
        metadata.finalizers = template.finalizers
        metadata.ownerReferences = [OwnerReference(controller: set.metadata, .daemonSet)]
        metadata.labels[RevisionLabels.pod] = revision.hash
        if let generation = revision.generation { metadata.labels[DaemonLabels.templateGeneration] = String(generation) }
        var spec = template.spec.value
        spec.tolerations = placements.tolerations(of: set)
        return (metadata, spec)
    }

    private func pod(of template: (metadata: ObjectMeta, spec: PodSpec), on node: String) -> Shared<Pod> {
        var spec = template.spec
        spec.affinity = spec.affinity.pinned(to: node)
        return Shared(Pod(metadata: template.metadata, spec: Shared(spec)))
    }

    private func endedEvent(about set: DaemonSet, _ pod: Pod, on node: String) -> KubernetesEvent {
        pod.status.phase == .failed
            ? event(
                about: set, "FailedDaemonPod", "Found failed daemon pod \(pod.metadata.key) on node \(node), will try to kill it", .warning)
            : event(
                about: set, "SucceededDaemonPod", "Found succeeded daemon pod \(pod.metadata.key) on node \(node), will try to delete it")
    }

    private func event(
        about set: DaemonSet, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: Kind.daemonSet.description, set.metadata.key, uid: set.metadata.uid, reason: reason, message: message,
            severity: severity, source: ControllerName.daemonSet.eventSource)
    }

    // MARK: Ending

    /// Settles expectations of what was not done, then writes the status as the cache shows it by now.
    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        ownWrites.note(outcome, of: key)
        guard let conclusion else { return nil }
        let set = conclusion.set.value
        var plan = Plan<Conclusion>()
        plan.failure = outcome.error
        if let revision = conclusion.creating, outcome.notDone.contains(where: { $0.creates(.controllerRevision) }) {
            for request in outcome.notDone { settle(request, of: key) }
            guard outcome.error?.isAlreadyExists ?? false, isForeign(revision, to: set, view) else { return nil }
            // The name is taken by another template: the next sync tries another name.
            let collided = conclusion.set.with { $0.status.collisionCount = ($0.status.collisionCount ?? 0) &+ 1 }
            plan.then(PlannedCall(.updateStatus(.daemonSet(collided))))
            return plan
        }
        // Refused creations do not keep pods from being deleted.
        let undeleted = outcome.notDone.compactMap { request -> NamespacedName? in
            if case .delete(let object, _) = request, object.kind == .pod { object.name } else { nil }
        }
        if !undeleted.isEmpty, outcome.notDone.contains(where: { $0.creates(.pod) }) {
            for request in outcome.notDone where request.creates(.pod) { settle(request, of: key) }
            plan.steps.append(undeleted.map { deletion(of: $0, for: set) })
            plan.conclusion = conclusion
            return plan
        }
        for request in outcome.notDone { settle(request, of: key) }

        let pods = view.pods(controlledBy: set.metadata.uid).filter { set.spec.selector.matches($0.value.metadata.labels) }
        let nodes = DaemonNodes(set, pods: pods, &placements, view)
        let status = DaemonSetSync(set: set, revision: conclusion.revision, nodes: nodes, now: now).status(observes: conclusion.observes)
        plan.again = conclusion.again
        if set.spec.minReadySeconds > 0, status.numberReady != status.numberAvailable {
            let ripe = now + .seconds(Int(set.spec.minReadySeconds))
            plan.again = min(plan.again ?? ripe, ripe)
        }
        if status != set.status {
            var call = PlannedCall(.updateStatus(.daemonSet(conclusion.set.with { $0.status = status })))
            call.overwritesOnConflict = true
            plan.then(call)
        }
        return plan.steps.isEmpty && plan.again == nil ? nil : plan
    }

    /// A request that was not carried out will not be seen on the watch.
    private mutating func settle(_ request: APIRequest, of key: NamespacedName) {
        switch request {
        case .create(.pod): expectations.creationObserved(of: key)
        case .delete(let object, _) where object.kind == .pod: expectations.deletionObserved(of: key, object.name)
        default: break
        }
    }

    /// Whether the name of a revision that could not be made is taken by another template, or by another owner's revision.
    private func isForeign(_ revision: ControllerRevision, to set: DaemonSet, _ view: SharedInformers) -> Bool {
        guard let present = view.get(ControllerRevision.self, revision.metadata.key)?.value else { return false }
        if let owner = present.metadata.controllerUID, owner != set.metadata.uid { return true }
        return present.template != revision.template
    }
}
