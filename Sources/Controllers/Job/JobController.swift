// Jobs: pods until enough of them have succeeded.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are Jobs. What is remembered: expectations, the last own write per key, back-offs, and which Jobs may adopt orphans.
///
/// A sync goes in three plans: pods are created or deleted; the status notes what ended and finalizers go; the status counts.
struct JobReconciler: Reconciler {
    enum Conclusion: Sendable {
        /// Pods were created or deleted.
        case managed(JobSync)
        /// Ended pods were noted, and their finalizers removed.
        case tracked(JobTracking)
        /// They were counted; these Events follow.
        case counted([KubernetesEvent], APIError?)
    }

    private static let ownerKind = "Job"

    private var expectations = Expectations()
    private var ownWrites = OwnWrites()
    private var backoffs: [NamespacedName: PodBackoff] = [:]
    /// Jobs that may find orphans to adopt: new ones, and those whose selector or whose namespace's orphans changed.
    private var mayAdopt: Set<NamespacedName> = []

    // MARK: Syncing

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let job = view.get(Job.self, key) else {
            expectations.forget(key)
            ownWrites.forget(key)
            mayAdopt.remove(key)
            backoffs[key] = nil
            return Plan()
        }
        guard job.value.isOurs else { return Plan() }
        if ownWrites.mustWait(key, cacheVersion: view.resourceVersion) { return Plan() }
        if job.value.isFinished {
            backoffs[key] = nil
            return Plan()
        }
        var plan = Plan<Conclusion>()
        let pods = claim(job, view, &plan)
        let sync = JobSync(
            job, pods: pods, backoff: backoffs[key] ?? PodBackoff(),
            expectationsHold: expectations.areSatisfied(for: key, at: now), at: now)
        switch sync.change {
        case .none: break
        case .create(let count, let indexes):
            expectations.expect(creations: count, of: key, at: now)
            create(count, indexes, sync, &plan)
        case .delete(let victims):
            expectations.expect(deletions: victims.map(\.value.metadata.key), of: key, at: now)
            let tracked = victims.filter(\.isTracked)
            if !tracked.isEmpty { plan.steps.append(tracked.map(JobReconciler.finalizerRemoval)) }
            plan.steps.append(victims.map { delete($0, of: job.value) })
        case .terminate(let victims): plan.steps.append(victims.map { delete($0, of: job.value) })
        }
        plan.conclusion = .managed(sync)
        return plan
    }

    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        ownWrites.note(outcome, of: key)
        switch conclusion {
        case nil: return nil
        case .managed(var sync):
            settleExpectations(of: key, outcome)
            let events = sync.settle(outcome, at: now)
            let tracking = JobTracking(sync, failure: outcome.error, at: now)
            var plan = Plan<Conclusion>()
            plan.events = events
            plan.failure = tracking.failure
            plan.again = tracking.again
            plan.looksAgainAnyway = true
            plan.conclusion = .tracked(tracking)
            if tracking.needsWrite { plan.then(JobReconciler.statusUpdate(tracking.job)) }
            if !tracking.releases.isEmpty { plan.steps.append(tracking.releases.map(JobReconciler.finalizerRemoval)) }
            return plan.steps.isEmpty ? count(tracking, outcome, key, events: events, at: now) : plan
        case .tracked(let tracking): return count(tracking, outcome, key, events: [], at: now)
        case .counted(let events, let failure):
            guard outcome.notDone.isEmpty, !events.isEmpty else { return nil }
            var plan = Plan<Conclusion>()
            plan.events = events
            plan.failure = failure
            return plan
        }
    }

    /// The last plan of a sync: what lost its finalizer is counted.
    private mutating func count(
        _ tracking: JobTracking, _ outcome: PlanOutcome, _ key: NamespacedName, events: [KubernetesEvent], at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        var tracking = tracking
        var kept = Set<NamespacedName>()
        for request in outcome.notDone {
            switch request {
            case .updateStatus: return nil
            case .patchMetadata(let key, _, _): kept.insert(key.name)
            default: break
            }
        }
        if tracking.needsWrite {
            guard case .job(let stored)? = outcome.results.last else { return nil }
            tracking.wrote(stored.value)
            backoffs[key] = tracking.backoff
        }
        let finished = tracking.released(except: kept, at: now)
        var plan = Plan<Conclusion>()
        plan.events = events
        plan.failure = outcome.error ?? tracking.failure
        plan.again = tracking.again
        plan.looksAgainAnyway = true
        plan.conclusion = .counted(finished, plan.failure)
        if tracking.needsWrite { plan.then(JobReconciler.statusUpdate(tracking.job)) }
        return plan
    }

    private mutating func settleExpectations(of key: NamespacedName, _ outcome: PlanOutcome) {
        for request in outcome.notDone {
            switch request {
            case .create: expectations.creationObserved(of: key)
            case .delete(let pod, _): expectations.deletionObserved(of: key, pod.name)
            default: break
            }
        }
    }

    // MARK: Requests

    private static func statusUpdate(_ job: Job) -> PlannedCall {
        var call = PlannedCall(.updateStatus(.job(Shared(job))))
        call.keepsResult = true
        return call
    }

    private static func finalizerRemoval(_ pod: Shared<Pod>) -> PlannedCall { TrackingFinalizerCleaner.removal(pod) }

    private func delete(_ pod: Shared<Pod>, of job: Job) -> PlannedCall {
        var call = PlannedCall(.delete(ObjectKey(.pod, pod.value.metadata.key), DeleteOptions(uid: pod.value.metadata.uid)))
        call.forgives = .notFound
        call.onSuccess = Shared(JobEvents.event(about: job, "SuccessfulDelete", "Deleted pod: " + pod.value.metadata.name))
        call.onFailure = Shared(JobEvents.event(about: job, "FailedDelete", "Error deleting: ", .warning))
        return call
    }

    private func create(_ count: Int, _ indexes: [Int], _ sync: JobSync, _ plan: inout Plan<Conclusion>) {
        let created = Shared(JobEvents.event(about: sync.job.value, "SuccessfulCreate", "Created pod: "))
        let refused = Shared(JobEvents.event(about: sync.job.value, "FailedCreate", "Error creating: ", .warning))
        let template = indexes.isEmpty ? JobReconciler.pod(of: sync.job.value) : nil
        var next = 0
        for size in slowStartBatches(count) {
            plan.steps.append(
                (next..<next + size).map { position in
                    let pod = template ?? JobReconciler.pod(of: sync.job.value, index: indexes[position], sync.indexes)
                    var call = PlannedCall(.create(.pod(pod)), onSuccess: created)
                    call.namesResult = true
                    call.onFailure = refused
                    call.forgives = .namespaceTerminating
                    return call
                })
            next += size
        }
    }

    /// A new pod of the template; for an index, with its number in name, host name, label and annotation.
    static func pod(of job: Job, index: Int? = nil, _ progress: IndexProgress? = nil) -> Shared<Pod> {
        let template = job.spec.template
        var metadata = ObjectMeta(namespace: job.metadata.namespace, labels: template.labels, annotations: template.annotations)
        metadata.generateName = job.metadata.name + "-"
        metadata.finalizers = template.finalizers
        if !metadata.finalizers.contains(JobLabels.trackingFinalizer) { metadata.finalizers.append(JobLabels.trackingFinalizer) }
        metadata.ownerReferences = [reference(to: job)]
        var spec = template.spec
        if let index {
            let suffix = "-\(index)"
            metadata.labels[JobLabels.completionIndex] = String(index)
            metadata.annotations[JobLabels.completionIndex] = String(index)
            metadata.generateName = String(job.metadata.name.prefix(longestGeneratedPrefix - suffix.utf8.count - 1)) + suffix + "-"
            spec = spec.with { $0.hostname = job.metadata.name + suffix }
            if job.spec.hasBackoffLimitPerIndex, let (counted, ignored) = progress?.failureCounts(index) {
                metadata.annotations[JobLabels.indexFailureCount] = String(counted)
                if ignored > 0 { metadata.annotations[JobLabels.indexIgnoredFailureCount] = String(ignored) }
            }
        }
        return Shared(Pod(metadata: metadata, spec: spec))
    }

    /// Of a name with five generated characters.
    private static let longestGeneratedPrefix = 58

    private static func reference(to job: Job) -> OwnerReference {
        OwnerReference(
            apiVersion: "batch/v1", kind: ownerKind, name: job.metadata.name, uid: job.metadata.uid, controller: true,
            blockOwnerDeletion: true)
    }

    // MARK: Ownership

    /// The pods that are the Job's, after adopting orphans that match and releasing pods that do not match any more. With the
    /// selector the API server makes, no other pods match.
    private mutating func claim(_ job: Shared<Job>, _ view: SharedInformers, _ plan: inout Plan<Conclusion>) -> [Shared<Pod>] {
        let metadata = job.value.metadata
        guard let selector = job.value.spec.selector else { return [] }
        var calls: [PlannedCall] = []
        var claimed: [Shared<Pod>] = []
        for pod in view.pods(controlledBy: metadata.uid) {
            if selector.matches(pod.value.metadata.labels) {
                claimed.append(pod)
            } else if !metadata.isTerminating {
                let others = pod.value.metadata.ownerReferences.filter { $0.uid != metadata.uid }
                calls.append(ownership(pod, .release(others, finalizer: JobLabels.trackingFinalizer)))
            }
        }
        if !metadata.isTerminating, mayAdopt.remove(metadata.key) != nil {
            for pod in view.orphanedPods(inNamespace: metadata.namespace) {
                guard selector.matches(pod.value.metadata.labels), !pod.isTerminating else { continue }
                let owners = pod.value.metadata.ownerReferences + [JobReconciler.reference(to: job.value)]
                calls.append(ownership(pod, .adoption(owners, finalizer: JobLabels.trackingFinalizer)))
                claimed.append(pod.isTracked ? pod : pod.with { $0.metadata.finalizers.append(JobLabels.trackingFinalizer) })
            }
        }
        if !calls.isEmpty { plan.steps.append(calls) }
        return claimed
    }

    private func ownership(_ pod: Shared<Pod>, _ patch: MetadataPatch) -> PlannedCall {
        var call = PlannedCall(.patchMetadata(ObjectKey(.pod, pod.value.metadata.key), uid: pod.value.metadata.uid, patch))
        call.forgives = .notFound
        return call
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        for key in ownWrites.released(by: view.resourceVersion) { queue.add(key) }
        switch event.object {
        case .pod(let pod):
            guard view.hasAny(.job) else { return }
            observe(event.change, pod, previous: previous.flatMap(Pod.cast), view, &queue, at: now)
        case .job(let job): observe(event.change, job.value, previous: previous.flatMap(Job.cast)?.value, &queue, at: now)
        default: return
        }
    }

    /// New and changed Jobs are synced at once; a written status is news like that of a pod.
    private mutating func observe(
        _ change: WatchEvent.Change, _ job: Job, previous: Job?, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        let key = job.metadata.key
        guard change != .deleted, let previous else {
            // A selector the API server made matches no pod that was there before the Job.
            if change != .deleted, job.spec.manualSelector { mayAdopt.insert(key) }
            // One that began before the simulation is not new: only what its pods did just then is still to be looked at.
            return change != .deleted && job.status.startTime != nil ? queue.add(key, at: now + JobSync.batchPeriod) : queue.add(key)
        }
        if previous.spec.selector != job.spec.selector { mayAdopt.insert(key) }
        if job.isFinished { return }
        if job.metadata.generation == previous.metadata.generation {
            queue.add(key, at: now + JobSync.batchPeriod)
        } else {
            queue.add(key)
        }
        if let start = job.status.startTime, let deadline = job.spec.activeDeadlineSeconds, deadline != previous.spec.activeDeadlineSeconds
        {
            queue.add(key, at: max(now, start + .seconds(Int(deadline))))
        }
    }

    /// Syncs because of pods are batched: at most one a second.
    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers,
        _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        let due = now + JobSync.batchPeriod
        let owner = JobReconciler.owner(of: pod, view)
        if let previous, change != .deleted, previous.value.metadata.ownerReferences != pod.value.metadata.ownerReferences,
            let old = JobReconciler.owner(of: previous, view), old != owner
        {
            queue.add(old, at: due)
        }
        guard let owner else {
            let isNews = previous == nil || previous?.value.metadata.labels != pod.value.metadata.labels
            if pod.value.metadata.ownerReferences.isEmpty, isNews, change != .deleted, !pod.isTerminating {
                wakeAdopters(of: pod, view, &queue, at: due)
            }
            return
        }
        if change == .deleted || pod.isTerminating {
            expectations.deletionObserved(of: owner, pod.value.metadata.key)
            if previous == nil { expectations.creationObserved(of: owner) }
            if view.get(Job.self, owner)?.value.isFinished ?? true { return }
        } else if previous == nil {
            expectations.creationObserved(of: owner)
        }
        queue.add(owner, at: due)
    }

    private mutating func wakeAdopters(
        of pod: Shared<Pod>, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>, at due: SimulatedTime
    ) {
        let jobs: [Shared<Job>] = view.objects(inNamespace: pod.value.metadata.namespace)
        for job in jobs where job.value.spec.selector?.matches(pod.value.metadata.labels) ?? false {
            mayAdopt.insert(job.value.metadata.key)
            queue.add(job.value.metadata.key, at: due)
        }
    }

    /// The Job that controls a pod, if it is there.
    static func owner(of pod: Shared<Pod>, _ view: SharedInformers) -> NamespacedName? {
        let metadata = pod.value.metadata
        for index in metadata.ownerReferences.indices where metadata.ownerReferences[index].controller {
            guard metadata.ownerReferences[index].kind == ownerKind else { return nil }
            let key = NamespacedName(namespace: metadata.namespace, name: metadata.ownerReferences[index].name)
            return view.get(Job.self, key)?.value.metadata.uid == metadata.ownerReferences[index].uid ? key : nil
        }
        return nil
    }
}

extension Job {
    /// Whether this cluster's Job controller looks after it.
    var isOurs: Bool { spec.managedBy.isEmpty || spec.managedBy == JobLabels.builtInController }
}
