// CronJobs: a Job at times that recur.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are CronJobs. What is remembered: what was written last for each, as the API server would tell it.
///
/// A sync goes in three plans: old jobs are deleted; the next job is started, if it is time; the status is written.
struct CronJobReconciler: Reconciler {
    enum Conclusion: Sendable {
        /// Jobs beyond the history limits were deleted, of these.
        case cleaned(CronJob, jobs: [Shared<Job>], surplus: [Shared<Job>])
        /// A job was started, or it was not time for one.
        case started(CronJobSync)
        /// The status was written.
        case written
    }

    private struct OwnWrite: Sendable {
        var latest: CronJob?
        var version: UInt64 = 0
    }

    private static let ownerKind = "CronJob"

    /// When simulated time zero is, in seconds since 1970.
    private let origin: Int64
    private let zones: TimeZoneDatabase
    private var ownWrites: [NamespacedName: OwnWrite] = [:]

    init(origin: Int64, zones: TimeZoneDatabase) {
        self.origin = origin
        self.zones = zones
    }

    // MARK: Syncing

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let cronJob = view.get(CronJob.self, key)?.value else {
            ownWrites[key] = nil
            return Plan()
        }
        let jobs: [Shared<Job>] = view.objects(controlledBy: cronJob.metadata.uid)
        let surplus = CronJobReconciler.surplus(of: jobs, cronJob.spec)
        var plan = Plan<Conclusion>()
        if !surplus.isEmpty {
            plan.steps = [surplus.map { delete(ObjectKey(.job, $0.value.metadata.key), of: cronJob) }]
        }
        plan.conclusion = .cleaned(cronJob, jobs: jobs, surplus: surplus)
        return plan
    }

    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        ownWrites[key, default: OwnWrite()].version = max(ownWrites[key]?.version ?? 0, outcome.writtenVersion)
        switch conclusion {
        case nil: return nil
        case .cleaned(var cronJob, let jobs, let surplus):
            let kept = CronJobReconciler.undeleted(outcome)
            let gone = surplus.filter { !kept.contains($0.value.metadata.name) }.map(\.value.metadata.uid)
            cronJob.status.active.removeAll { gone.contains($0.uid) }
            return begin(key, cronJob, isChanged: !gone.isEmpty, jobs, view, at: now)
        case .started(let sync): return finish(sync, outcome, view, at: now)
        case .written:
            if case .cronJob(let stored)? = outcome.results.last { ownWrites[key]?.latest = stored.value }
            return nil
        }
    }

    private func begin(
        _ key: NamespacedName, _ cronJob: CronJob, isChanged: Bool, _ jobs: [Shared<Job>], _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        let own = ownWrites[key] ?? OwnWrite()
        let latest = own.latest.flatMap { $0.metadata.resourceVersion > cronJob.metadata.resourceVersion ? $0 : nil }
        let sync = CronJobSync(
            cronJob, isChanged: isChanged, jobs: jobs, latest: latest, mayLag: own.version > view.resourceVersion, zones: zones,
            origin: origin, at: now)
        var plan = Plan<Conclusion>()
        plan.events = sync.events
        plan.conclusion = .started(sync)
        guard let start = sync.start else {
            var next = write(sync, at: now)
            next.events = sync.events
            return next
        }
        for replaced in start.replaced {
            plan.then(delete(ObjectKey(.job, namespace: cronJob.metadata.namespace, replaced.name), of: cronJob))
        }
        var call = PlannedCall(.create(.job(start.job)))
        call.keepsResult = true
        call.onSuccess = Shared(CronJobEvents.event(about: cronJob, "SuccessfulCreate", "Created job \(start.job.value.metadata.name)"))
        plan.then(call)
        return plan
    }

    private func finish(
        _ sync: CronJobSync, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        var sync = sync
        guard let start = sync.start else { return nil }
        let kept = CronJobReconciler.undeleted(outcome)
        for replaced in start.replaced where !kept.contains(replaced.name) { sync.deleted(replaced.uid) }
        var problem: APIError?
        var events: [KubernetesEvent] = []
        switch (outcome.results.last, outcome.error) {
        case (.job(let job)?, nil): sync.started(job.value, origin: origin)
        case (_, .alreadyExists(let key)?):
            // It was started before, but the status was not written: make up for that.
            if let job = view.get(Job.self, key.name)?.value, job.metadata.controllerUID == sync.cronJob.metadata.uid,
                !sync.lists(job.metadata.uid)
            {
                sync.started(job, origin: origin)
            }
        case (_, let error?):
            problem = error
            if kept.isEmpty, !error.isNamespaceTerminating {
                events = [CronJobEvents.event(about: sync.cronJob, "FailedCreate", "Error creating job: \(error)", .warning)]
            }
        default: break
        }
        var plan = write(sync, at: now)
        plan.failure = problem
        plan.events = events
        return plan
    }

    /// Writes the status, if it changed.
    private func write(_ sync: CronJobSync, at now: SimulatedTime) -> Plan<Conclusion> {
        var plan = Plan<Conclusion>()
        plan.again = sync.wake.map { now + $0 }
        guard sync.isChanged else { return plan }
        var call = PlannedCall(.updateStatus(.cronJob(Shared(sync.cronJob))))
        call.keepsResult = true
        plan.then(call)
        plan.conclusion = .written
        return plan
    }

    // MARK: Jobs

    private func delete(_ key: ObjectKey, of cronJob: CronJob) -> PlannedCall {
        var call = PlannedCall(.delete(key, DeleteOptions(propagation: .background)))
        call.onSuccess = Shared(CronJobEvents.event(about: cronJob, "SuccessfulDelete", "Deleted job \(key.name.name)"))
        call.onFailure = Shared(CronJobEvents.event(about: cronJob, "FailedDelete", "Deleted job: ", .warning))
        return call
    }

    private static func undeleted(_ outcome: PlanOutcome) -> [String] {
        outcome.notDone.compactMap { if case .delete(let key, _) = $0 { key.name.name } else { nil } }
    }

    /// Finished jobs beyond the history limits, those that started first.
    private static func surplus(of jobs: [Shared<Job>], _ spec: CronJobSpec) -> [Shared<Job>] {
        func oldest(_ type: ConditionType, beyond limit: Int32?) -> [Shared<Job>] {
            guard let limit else { return [] }
            let finished = jobs.filter { $0.value.status.conditions.isTrue(type) }
            return Array(finished.sorted(by: startedBefore).prefix(max(0, finished.count - Int(limit))))
        }
        return oldest(.complete, beyond: spec.successfulJobsHistoryLimit) + oldest(.failed, beyond: spec.failedJobsHistoryLimit)
    }

    private static func startedBefore(_ left: Shared<Job>, _ right: Shared<Job>) -> Bool {
        switch (left.value.status.startTime, right.value.status.startTime) {
        case (let own?, let other?) where own != other: own < other
        case (.some, nil): true
        case (nil, .some): false
        default: left.value.metadata.name < right.value.metadata.name
        }
    }

    // MARK: What wakes it

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        switch event.object {
        case .cronJob(let cronJob):
            let key = cronJob.value.metadata.key
            guard event.change == .modified, case .cronJob(let old)? = previous,
                old.value.spec.schedule != cronJob.value.spec.schedule || old.value.spec.timeZone != cronJob.value.spec.timeZone
            else { return queue.add(key) }
            // Another schedule: the next look is at its next time, not now.
            guard let clock = try? CronJobClock(cronJob.value, zones: zones, origin: origin),
                let wake = clock.nextWake(at: WallTime(now, origin: origin))
            else { return }
            queue.add(key, at: max(now, now + wake))
        case .job(let job):
            if let owner = owner(of: job.value, view) { queue.add(owner) }
            if case .job(let old)? = previous, let owner = owner(of: old.value, view) { queue.add(owner) }
        default: return
        }
    }

    private func owner(of job: Job, _ view: SharedInformers) -> NamespacedName? {
        guard let reference = job.metadata.controllerReference, reference.kind == CronJobReconciler.ownerKind else { return nil }
        let key = NamespacedName(namespace: job.metadata.namespace, name: reference.name)
        return view.get(CronJob.self, key)?.value.metadata.uid == reference.uid ? key : nil
    }
}
