// One look at a Job: how many pods it has and wants, whether it has failed or succeeded, and what follows for its pods.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// A Job as a sync sees it, and, once its pods were created or deleted, what its status becomes.
struct JobSync: Sendable {
    /// What the sync does to the Job's pods.
    enum PodChange: Sendable {
        case none
        /// New pods; of an Indexed Job, one for each of these indexes.
        case create(count: Int, indexes: [Int])
        /// Surplus pods, and all pods of a suspended Job: they lose their finalizer and are not counted.
        case delete([Shared<Pod>])
        /// The active pods of a Job that is decided: they keep their finalizer until they are counted.
        case terminate([Shared<Pod>])
    }

    /// Pods created or deleted in one sync at most.
    private static let burst = 500
    /// The shortest time between two syncs because of pods.
    static let batchPeriod = SimulatedDuration.seconds(1)

    let job: Shared<Job>
    let pods: [Shared<Pod>]
    let active: [Shared<Pod>]
    /// The status to be; what was decided before is in it already.
    private(set) var status: JobStatus
    private(set) var activeCount: Int
    private(set) var ready: Int
    private(set) var terminating: Int
    private(set) var succeeded: Int
    private(set) var indexes: IndexProgress?
    /// The back-off as it is once the newly ended pods are in the status.
    let backoff: PodBackoff
    /// FailureTarget or SuccessCriteriaMet, newly found or found before; Failed when FailureTarget stands already.
    private(set) var decision: Condition?
    private(set) var change = PodChange.none
    /// Whether the number of pods was looked after: only then a suspension or its end is reported.
    private var isManaged = false
    private var suspensionChanged = false
    private let expectationsHold: Bool
    /// When to look again.
    private(set) var again: SimulatedTime?

    private var spec: JobSpec { job.value.spec }

    init(_ job: Shared<Job>, pods: [Shared<Pod>], backoff previous: PodBackoff, expectationsHold: Bool, at now: SimulatedTime) {
        let spec = job.value.spec
        self.job = job
        self.pods = pods
        self.expectationsHold = expectationsHold
        status = job.value.status
        let uncounted = status.uncounted ?? UncountedPods()
        status.uncounted = uncounted
        let active = pods.filter(\.isActive)
        self.active = active
        activeCount = active.count
        ready = active.count(where: \.isReady)
        terminating = pods.count { $0.isTerminating && !$0.isTerminal }
        let countedSucceeded = Set(uncounted.succeeded)
        let countedFailed = Set(uncounted.failed)
        let counted = pods.filter { $0.isTracked && (!spec.isIndexed || $0.hasValidIndex(spec)) }
        let newSucceeded = counted.filter { $0.value.status.phase == .succeeded && !countedSucceeded.contains($0.value.metadata.uid) }
        let newFailed = counted.filter { spec.isFailed($0) && !countedFailed.contains($0.value.metadata.uid) }
        succeeded = Int(status.succeeded) + newSucceeded.count + uncounted.succeeded.count
        let failed = Int(status.failed) + newFailed.count { spec.verdict(on: $0).counts } + uncounted.failed.count
        backoff = previous.after(succeeded: newSucceeded, failed: newFailed)
        let started = status.startTime ?? now
        if status.startTime == nil, !spec.suspend { status.startTime = now.truncatedToSeconds }
        if spec.isIndexed {
            let progress = IndexProgress(spec, status, pods: pods, active: active, uncountedFailed: countedFailed)
            indexes = progress
            succeeded = progress.succeeded.count
        }
        decide(failed: failed, started: started, at: now)
        if decision != nil {
            change = .terminate(active)
        } else if expectationsHold, !job.value.metadata.isTerminating {
            isManaged = true
            manage(at: now)
        }
    }

    // MARK: Deciding

    /// Failed or succeeded: what was found before stands; then failures in the order of their checks, then the success policy.
    private mutating func decide(failed: Int, started: SimulatedTime, at now: SimulatedTime) {
        if let met = status.conditions[.successCriteriaMet], met.status == .true {
            decision = met
        } else if let target = status.conditions[.failureTarget], target.status == .true {
            decision = JobSync.condition(.failed, target.reason, target.message, at: now)
        } else if let message = failJobMessage {
            decision = JobSync.condition(.failureTarget, "PodFailurePolicy", message, at: now)
        } else if failed > spec.effectiveBackoffLimit || hasRestartedTooOften {
            decision = JobSync.condition(
                .failureTarget, "BackoffLimitExceeded", "Job has reached the specified backoff limit", at: now)
        } else if let seconds = spec.activeDeadlineSeconds, !spec.suspend {
            let deadline = started + .seconds(Int(seconds))
            if deadline <= now {
                decision = JobSync.condition(
                    .failureTarget, "DeadlineExceeded", "Job was active longer than specified deadline", at: now)
            } else {
                lookAgain(at: deadline)
            }
        }
        guard decision == nil, let indexes else { return }
        if let failedIndexes = indexes.failed {
            if let maximum = spec.maxFailedIndexes, failedIndexes.count > Int(maximum) {
                decision = JobSync.condition(
                    .failureTarget, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes", at: now)
            } else if failedIndexes.count > 0, failedIndexes.count + indexes.succeeded.count >= Int(spec.completions ?? 0) {
                decision = JobSync.condition(.failureTarget, "FailedIndexes", "Job has failed indexes", at: now)
            }
        }
        if decision == nil, let message = spec.metSuccessRule(indexes.succeeded) {
            decision = JobSync.condition(.successCriteriaMet, "SuccessPolicy", message, at: now)
        }
    }

    /// What the failure policy says of the first pod that fails the whole Job.
    private var failJobMessage: String? {
        if spec.podFailurePolicy == nil { return nil }
        for pod in pods where spec.isFailed(pod) {
            if let message = spec.verdict(on: pod).message { return message }
        }
        return nil
    }

    /// Restarts in place count as failures.
    private var hasRestartedTooOften: Bool {
        guard spec.template.spec.value.restartPolicy == .onFailure else { return false }
        var restarts = 0
        for pod in pods where pod.value.status.phase == .running || pod.value.status.phase == .pending {
            let status = pod.value.status
            for container in status.initContainerStatuses + status.containerStatuses { restarts += Int(container.restartCount) }
        }
        let limit = spec.effectiveBackoffLimit
        return limit == 0 ? restarts > 0 : restarts >= limit
    }

    // MARK: Pods

    private mutating func manage(at now: SimulatedTime) {
        if spec.suspend {
            change = .delete(SurplusPods.victims(among: active, count: active.count, spec))
            return
        }
        let parallelism = Int(spec.parallelism ?? 1)
        var wanted = parallelism
        if let completions = spec.completions {
            wanted = max(0, min(parallelism, Int(completions) - succeeded))
        } else if succeeded > 0 {
            wanted = activeCount
        }
        let surplus = SurplusPods.victims(among: active, count: max(0, activeCount - wanted), spec)
        if !surplus.isEmpty {
            change = .delete(Array(surplus.prefix(JobSync.burst)))
            return
        }
        let missing = wanted - activeCount - (spec.replacesOnlyFailed ? terminating : 0)
        if missing > 0 { create(min(missing, JobSync.burst), at: now) }
    }

    private mutating func create(_ count: Int, at now: SimulatedTime) {
        if !spec.hasBackoffLimitPerIndex {
            let remaining = backoff.remaining(at: now)
            if remaining > .zero { return holdBack(for: remaining, at: now) }
        }
        guard let indexes else {
            change = .create(count: count, indexes: [])
            return
        }
        var pending = indexes.pending(count, pods: pods, active: active)
        if spec.hasBackoffLimitPerIndex {
            let waits = pending.map { (index: $0, wait: indexes.remaining($0, at: now)) }
            let due = waits.filter { $0.wait == .zero }.map(\.index)
            if due.isEmpty, let shortest = waits.map(\.wait).min() { return holdBack(for: shortest, at: now) }
            pending = due
        }
        change = .create(count: pending.count, indexes: pending)
    }

    /// No pod is created for now. The real controller (up to 1.36) then takes the number of active pods for 0, which the API server
    /// refuses while some of them are ready: the status, and the finalizers of ended pods, stay as they are until the wait is over.
    private mutating func holdBack(for wait: SimulatedDuration, at now: SimulatedTime) {
        activeCount = 0
        lookAgain(at: now + max(wait, JobSync.batchPeriod))
    }

    private mutating func lookAgain(at time: SimulatedTime) { again = min(again ?? time, time) }

    // MARK: What came of it

    /// Counts what was created and deleted, and sees whether the Job is complete, was suspended or resumed.
    /// - Returns: Kubernetes Events to record.
    mutating func settle(_ outcome: PlanOutcome, at now: SimulatedTime) -> [KubernetesEvent] {
        var undone = Set<NamespacedName>()
        var failedCreations = 0
        for request in outcome.notDone {
            switch request {
            case .create: failedCreations += 1
            case .delete(let key, _): undone.insert(key.name)
            default: break
            }
        }
        switch change {
        case .none: break
        case .create(let count, _): activeCount += count - failedCreations
        case .delete(let victims), .terminate(let victims):
            let gone = victims.filter { !undone.contains($0.value.metadata.key) }
            activeCount -= gone.count
            terminating += gone.count
            ready -= gone.count(where: \.isReady)
        }
        if decision != nil {
            // As long as some pod may be there that nobody counted, the Job is not over.
            if !undone.isEmpty || !expectationsHold { decision = nil }
            return []
        }
        let isComplete =
            spec.completions.map { succeeded >= Int($0) && activeCount == 0 } ?? (succeeded > 0 && activeCount == 0)
        if isComplete {
            decision = JobSync.condition(
                .successCriteriaMet, "CompletionsReached", "Reached expected number of succeeded pods", at: now)
            return []
        }
        return isManaged ? noteSuspension(at: now) : []
    }

    private mutating func noteSuspension(at now: SimulatedTime) -> [KubernetesEvent] {
        let condition =
            spec.suspend
            ? Condition(.suspended, .true, reason: "JobSuspended", message: "Job suspended", lastTransitionTime: now.truncatedToSeconds)
            : Condition(.suspended, .false, reason: "JobResumed", message: "Job resumed", lastTransitionTime: now.truncatedToSeconds)
        if status.conditions[.suspended] == nil, !spec.suspend { return [] }
        guard status.conditions.set(condition) else { return [] }
        suspensionChanged = true
        // The deadline counts from the last resumption.
        status.startTime = spec.suspend ? nil : now.truncatedToSeconds
        return [JobEvents.event(about: job.value, spec.suspend ? "Suspended" : "Resumed", condition.message)]
    }

    /// The status with the counts of pods, and whether they, or the suspension, make it worth writing.
    func countedStatus() -> (status: JobStatus, isNews: Bool) {
        var result = status
        result.active = Int32(activeCount)
        result.ready = Int32(ready)
        result.terminating = Int32(terminating)
        let isNews =
            suspensionChanged || result.active != status.active || result.ready != status.ready
            || result.terminating != status.terminating
        return (result, isNews)
    }

    static func condition(
        _ type: ConditionType, _ reason: String, _ message: String, at now: SimulatedTime
    ) -> Condition {
        Condition(type, .true, reason: reason, message: message, lastTransitionTime: now.truncatedToSeconds)
    }
}

extension JobSpec {
    var effectiveBackoffLimit: Int { Int(backoffLimit ?? 6) }
}

extension Shared where Value == Pod {
    /// Whether the pod has an index the Job still knows.
    func hasValidIndex(_ spec: JobSpec) -> Bool { completionIndex.map { $0 < Int(spec.completions ?? 0) } ?? false }
}
