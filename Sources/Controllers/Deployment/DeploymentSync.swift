// One sync of a Deployment: from what the cache shows to the requests that bring it nearer to its spec.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Decides about one Deployment. The order of requests is that of the real controller, and so are the versions they are made
/// against: a status written twice in one sync meets a conflict, is retried after the back-off, and is right then.
struct DeploymentSync {
    /// What is to be done about the end of the plan. In a box of its own: plans are handed on often, and few make a ReplicaSet.
    indirect enum Conclusion: Sendable {
        /// The plan creates this ReplicaSet; if its name is taken, its hash must change.
        case creating(ReplicaSet, for: Deployment)
    }

    private var deployment: Deployment
    private let view: SharedInformers
    private let now: SimulatedTime
    private var plan = Plan<Conclusion>()
    private var newSet: ReplicaSet?
    private var oldSets: [Shared<ReplicaSet>] = []

    static func plan(for stored: Deployment, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        // A selector that selects everything is a mistake; the controller leaves such a Deployment alone.
        if stored.spec.selector.isEmpty { return Plan() }
        var sync = DeploymentSync(deployment: stored, view: view, now: now)
        sync.decide()
        return sync.plan
    }

    private init(deployment: Deployment, view: SharedInformers, now: SimulatedTime) {
        self.deployment = deployment
        self.view = view
        self.now = now
    }

    private mutating func decide() {
        let owned = claim()
        let template = deployment.spec.template
        newSet =
            owned.filter { areEqualIgnoringHash($0.value.spec.template, template) }.min(by: DeploymentSync.isOlder)?.value
        let newUID = newSet?.metadata.uid
        oldSets = owned.filter { $0.value.metadata.uid != newUID }
        if deployment.metadata.isTerminating {
            syncStatus()
            return
        }
        notePause()
        let sizes = sizes
        if deployment.spec.paused || sizes.isScalingEvent {
            adoptNewSet()
            scale()
            if deployment.spec.paused { cleanUp() }
            syncStatus()
            return
        }
        switch deployment.spec.strategy {
        case .recreate: recreate()
        case .rollingUpdate: roll(sizes)
        }
    }

    private static func isOlder(_ left: Shared<ReplicaSet>, _ right: Shared<ReplicaSet>) -> Bool {
        (left.value.metadata.creationTimestamp, left.value.metadata.name)
            < (right.value.metadata.creationTimestamp, right.value.metadata.name)
    }

    // MARK: Ownership

    /// The Deployment's ReplicaSets, after adopting orphans that match its selector and releasing those that do not any more.
    private mutating func claim() -> [Shared<ReplicaSet>] {
        let selector = deployment.spec.selector
        var claimed: [Shared<ReplicaSet>] = []
        var patches: [PlannedCall] = []
        for set in view.replicaSets(controlledBy: deployment.metadata.uid) {
            if selector.matches(set.value.metadata.labels) {
                claimed.append(set)
            } else if !deployment.metadata.isTerminating {
                let references = set.value.metadata.ownerReferences.filter { $0.uid != deployment.metadata.uid }
                patches.append(ownerPatch(set, references))
            }
        }
        if !deployment.metadata.isTerminating {
            for set in view.orphanedReplicaSets(inNamespace: deployment.metadata.namespace)
            where selector.matches(set.value.metadata.labels) && !set.value.metadata.isTerminating {
                patches.append(ownerPatch(set, set.value.metadata.ownerReferences + [ownReference]))
                claimed.append(set)
            }
        }
        for patch in patches { plan.then(patch) }
        return claimed
    }

    private var ownReference: OwnerReference {
        OwnerReference(
            apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name, uid: deployment.metadata.uid, controller: true,
            blockOwnerDeletion: true)
    }

    private func ownerPatch(_ set: Shared<ReplicaSet>, _ references: [OwnerReference]) -> PlannedCall {
        var call = PlannedCall(
            .patchMetadata(ObjectKey(.replicaSet, set.value.metadata.key), uid: set.value.metadata.uid, .ownerReferences(references)))
        call.forgives = .notFound
        return call
    }

    // MARK: Strategies

    /// `before`: the sizes as this sync found them.
    private mutating func roll(_ before: RolloutSizes) {
        let sizes = ensureNewSet() ? sizes : before
        if let resize = sizes.resizeNew() {
            write(resize)
            syncRolloutStatus()
            return
        }
        let shrinking = sizes.shrinkOld()
        for resize in shrinking.resizes { write(resize) }
        if !shrinking.isScaled, deployment.status.isComplete(for: deployment) { cleanUp() }
        syncRolloutStatus()
    }

    private mutating func recreate() {
        adoptNewSet()
        let active = oldSets.filter { $0.value.spec.replicas > 0 }
        for set in active { write(Resize(name: set.value.metadata.name, from: set.value.spec.replicas, to: 0)) }
        if !active.isEmpty || areOldPodsRunning {
            syncRolloutStatus()
            return
        }
        ensureNewSet()
        if let newSet, newSet.spec.replicas != deployment.spec.replicas {
            write(Resize(name: newSet.metadata.name, from: newSet.spec.replicas, to: deployment.spec.replicas))
        }
        if deployment.status.isComplete(for: deployment) { cleanUp() }
        syncRolloutStatus()
    }

    /// Terminating pods count until they are gone or in a terminal phase.
    private var areOldPodsRunning: Bool {
        oldSets.contains { set in
            set.value.status.replicas > 0 || view.pods(controlledBy: set.value.metadata.uid).contains { !$0.value.isTerminal }
        }
    }

    private mutating func scale() {
        let scaling = sizes.scale()
        for resize in scaling.resizes where scaling.rewritesAnnotations || resize.from != resize.to { write(resize) }
    }

    // MARK: The new ReplicaSet

    /// Numbers of a dump may be any: counting wraps around as in Go.
    private var nextRevision: Int64 { (oldSets.map(\.revision).max() ?? 0) &+ 1 }

    /// Brings revision, annotations and minReadySeconds of an existing new ReplicaSet up to date. Returns whether the set changed.
    @discardableResult
    private mutating func adoptNewSet() -> Bool {
        guard let current = newSet?.metadata.annotations else { return false }
        let annotations = RevisionHistory.annotations(
            of: current, deployment: deployment.metadata.annotations, revision: nextRevision)
        if annotations != current || newSet?.spec.minReadySeconds != deployment.spec.minReadySeconds, var set = newSet {
            set.metadata.annotations = annotations
            set.spec.minReadySeconds = deployment.spec.minReadySeconds
            newSet = set
            var call = PlannedCall(.update(APIObject(set)))
            call.followsOwnWrites = true
            plan.then(call)
            return true
        }
        var changed = noteRevision(annotations[DeploymentAnnotations.revision])
        if deployment.spec.hasProgressDeadline, deployment.status.conditions.index(of: .progressing) == nil {
            let name = newSet?.metadata.name ?? ""
            deployment.status.set(
                DeploymentStatusRules.condition(
                    .progressing, .true, DeploymentReason.found, "Found new replica set \"\(name)\"", at: now))
            changed = true
        }
        if changed { writeStatus() }
        return false
    }

    /// Makes the new ReplicaSet if there is none. Returns whether there is another one, or another version of it, than before.
    @discardableResult
    private mutating func ensureNewSet() -> Bool {
        if newSet != nil { return adoptNewSet() }
        let set = makeNewSet()
        newSet = set
        plan.conclusion = .creating(set, for: deployment)
        var call = PlannedCall(.create(APIObject(set)))
        if set.spec.replicas > 0 {
            call.onSuccess = event("Scaled up replica set \(set.metadata.name) from 0 to \(set.spec.replicas)")
        }
        plan.then(call)
        var changed = noteRevision(set.metadata.annotations[DeploymentAnnotations.revision])
        if deployment.spec.hasProgressDeadline {
            deployment.status.set(
                DeploymentStatusRules.condition(
                    .progressing, .true, DeploymentReason.created, "Created new replica set \"\(set.metadata.name)\"", at: now))
            changed = true
        }
        if changed { writeStatus() }
        return true
    }

    private func makeNewSet() -> ReplicaSet {
        var template = deployment.spec.template
        let hash = podTemplateHash(template, collisions: deployment.status.collisionCount)
        template.labels[DeploymentAnnotations.podTemplateHash] = hash
        var selector = deployment.spec.selector
        selector.matchLabels[DeploymentAnnotations.podTemplateHash] = hash
        var metadata = ObjectMeta(
            name: deployment.metadata.name + "-" + hash, namespace: deployment.metadata.namespace, labels: template.labels)
        metadata.ownerReferences = [ownReference]
        metadata.annotations = RevisionHistory.annotations(
            of: Labels(), deployment: deployment.metadata.annotations, revision: nextRevision)
        let spec = ReplicaSetSpec(
            replicas: sizes.newSetSize(current: 0), minReadySeconds: deployment.spec.minReadySeconds, selector: selector,
            template: template)
        var set = ReplicaSet(metadata: metadata, spec: spec)
        noteSize(in: &set)
        return set
    }

    private mutating func noteRevision(_ revision: String?) -> Bool {
        guard let revision, deployment.metadata.annotations[DeploymentAnnotations.revision] != revision else { return false }
        deployment.metadata.annotations[DeploymentAnnotations.revision] = revision
        return true
    }

    // MARK: Writing sizes

    private var sizes: RolloutSizes {
        RolloutSizes(
            replicas: deployment.spec.replicas, strategy: deployment.spec.strategy, statusReplicas: deployment.status.replicas,
            newSet: newSet.map(DeploymentSync.size), oldSets: oldSets.map { DeploymentSync.size($0.value) })
    }

    private static func size(_ set: ReplicaSet) -> ReplicaSetSize {
        let annotations = set.metadata.annotations
        return ReplicaSetSize(
            name: set.metadata.name, created: set.metadata.creationTimestamp.nanoseconds, replicas: set.spec.replicas,
            available: set.status.availableReplicas,
            desiredAnnotation: annotations[DeploymentAnnotations.desiredReplicas].flatMap { Int32($0) },
            maximumAnnotation: annotations[DeploymentAnnotations.maxReplicas].flatMap { Int32($0) })
    }

    private func noteSize(in set: inout ReplicaSet) {
        set.metadata.annotations[DeploymentAnnotations.desiredReplicas] = String(deployment.spec.replicas)
        set.metadata.annotations[DeploymentAnnotations.maxReplicas] = String(sizes.maximum)
    }

    /// Writes a size and the annotations that go with it; the status of this sync is still that of the sizes before.
    private mutating func write(_ resize: Resize) {
        let stored: ReplicaSet?
        if let newSet, newSet.metadata.name == resize.name {
            stored = newSet
        } else {
            stored =
                resized.first { $0.metadata.name == resize.name }
                ?? oldSets.first { $0.value.metadata.name == resize.name }?.value
        }
        guard var set = stored else { return }
        let before = set
        set.spec.replicas = resize.to
        noteSize(in: &set)
        guard set != before else { return }
        resized.removeAll { $0.metadata.name == resize.name }
        resized.append(set)
        var call = PlannedCall(.update(APIObject(set)))
        call.followsOwnWrites = true
        if resize.from != resize.to {
            let direction = resize.from < resize.to ? "up" : "down"
            call.onSuccess = event("Scaled \(direction) replica set \(resize.name) from \(resize.from) to \(resize.to)")
        }
        plan.then(call)
    }

    /// Sets as this plan has written them.
    private var resized: [ReplicaSet] = []

    private mutating func cleanUp() {
        for set in RevisionHistory.surplus(oldSets, limit: deployment.spec.revisionHistoryLimit) {
            var call = PlannedCall(
                .delete(ObjectKey(.replicaSet, set.value.metadata.key), DeleteOptions(uid: set.value.metadata.uid)))
            call.forgives = .notFound
            plan.then(call)
        }
    }

    private func event(_ message: String) -> Shared<KubernetesEvent> {
        Shared(
            KubernetesEvent(
                about: "Deployment", deployment.metadata.key, uid: deployment.metadata.uid, reason: "ScalingReplicaSet",
                message: message, source: ControllerName.deployment.eventSource))
    }

    // MARK: Status

    /// A pause stops the progress deadline's clock, a resumption starts it anew.
    private mutating func notePause() {
        guard deployment.spec.hasProgressDeadline else { return }
        let current = deployment.status.conditions[.progressing]
        if current?.reason == DeploymentReason.timedOut { return }
        let isNoted = current?.reason == DeploymentReason.paused
        guard deployment.spec.paused != isNoted else { return }
        let (reason, message) =
            isNoted
            ? (DeploymentReason.resumed, "Deployment is resumed") : (DeploymentReason.paused, "Deployment is paused")
        deployment.status.set(DeploymentStatusRules.condition(.progressing, .unknown, reason, message, at: now))
        writeStatus()
    }

    private mutating func writeStatus() { plan.then(PlannedCall(.updateStatus(APIObject(deployment)))) }

    private var maxUnavailable: Int32 {
        RolloutSizes.limits(deployment.spec.strategy, replicas: deployment.spec.replicas).unavailable
    }

    private mutating func syncStatus() {
        let status = DeploymentStatusRules.counted(
            deployment, newSet: newSet, oldSets: oldSets, maxUnavailable: maxUnavailable, at: now)
        guard status != deployment.status else { return }
        deployment.status = status
        writeStatus()
    }

    private mutating func syncRolloutStatus() {
        let status = DeploymentStatusRules.rollout(
            deployment, newSet: newSet, oldSets: oldSets, maxUnavailable: maxUnavailable, at: now)
        if status == deployment.status {
            watchDeadline(status)
            return
        }
        deployment.status = status
        writeStatus()
    }

    /// How often the real controller looks, by its work queue's shortest back-off, in the last second of a deadline.
    private static let lastLooks = SimulatedDuration.milliseconds(5)

    /// Looks again when the progress deadline has passed, for nothing else might happen until then.
    private mutating func watchDeadline(_ status: DeploymentStatus) {
        guard deployment.spec.hasProgressDeadline, let condition = deployment.status.conditions[.progressing],
            !status.isComplete(for: deployment), condition.reason != DeploymentReason.timedOut
        else { return }
        let updated = condition.lastUpdateTime ?? condition.lastTransitionTime
        let deadline = updated + .seconds(Int(deployment.spec.progressDeadlineSeconds))
        if deadline - now >= .seconds(1) {
            plan.again = deadline + .seconds(1)
        } else if condition.reason != DeploymentReason.complete {
            // Of all its looks until then only the one that finds the deadline passed has consequences.
            plan.again = max(now, deadline) + DeploymentSync.lastLooks
        }
    }
}
