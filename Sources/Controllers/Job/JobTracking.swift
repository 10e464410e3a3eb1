// How ended pods get into a Job's status, each exactly once: first their UIDs are noted, then they lose the finalizer that kept them,
// then they are counted.
// <https://github.com/kubernetes/enhancements/tree/master/keps/sig-apps/2307-job-tracking-without-lingering-pods>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The writes that follow a sync: the status with what is to be counted, the finalizers, the status with what was counted.
struct JobTracking: Sendable {
    /// UIDs noted in a status at most.
    private static let maximumUncounted = 500

    /// The Job with the status to write.
    private(set) var job: Job
    /// Whether it must be written.
    private(set) var needsWrite: Bool
    /// Pods whose finalizer goes.
    private(set) var releases: [Shared<Pod>] = []
    /// Failed or Complete, once nothing is left to wait for.
    private(set) var verdict: Condition?
    let backoff: PodBackoff
    /// What went wrong with the pods; the sync is repeated for it.
    let failure: APIError?
    let again: SimulatedTime?
    /// Tracked pods, by UID.
    private var tracked: Set<UID>
    private var isOverfull = false
    private let terminating: Int

    init(_ sync: JobSync, failure: APIError?, at now: SimulatedTime) {
        let spec = sync.job.value.spec
        let counted = sync.countedStatus()
        job = sync.job.value
        job.status = counted.status
        needsWrite = counted.isNews
        backoff = sync.backoff
        self.failure = failure
        again = sync.again
        terminating = sync.terminating
        tracked = Set(sync.pods.lazy.filter(\.isTracked).map(\.value.metadata.uid))
        if count() { needsWrite = true }
        note(sync, spec)
        if let decision = sync.decision { conclude(decision, at: now) }
    }

    /// Notes ended pods (all pods, if the Job is over), and whose finalizer may go.
    private mutating func note(_ sync: JobSync, _ spec: JobSpec) {
        let known = sync.job.value.status.uncounted ?? UncountedPods()
        let (knownSucceeded, knownFailed) = (Set(known.succeeded), Set(known.failed))
        var uncounted = job.status.uncounted ?? UncountedPods()
        var newIndexes: [Int] = []
        // Indexes get into the status in their order.
        let pods =
            spec.isIndexed ? sync.pods.sorted { ($0.completionIndex ?? -1) < ($1.completionIndex ?? -1) } : sync.pods
        for pod in pods where pod.isTracked {
            let hasFailed = spec.isFailed(pod)
            guard mayRelease(pod, hasFailed: hasFailed, sync) else { continue }
            releases.append(pod)
            let uid = pod.value.metadata.uid
            if pod.value.status.phase == .succeeded, !knownFailed.contains(uid) {
                if let indexes = sync.indexes {
                    if let index = pod.completionIndex, pod.hasValidIndex(spec), !indexes.previous.contains(index) {
                        newIndexes.append(index)
                        needsWrite = true
                    }
                } else if !knownSucceeded.contains(uid) {
                    uncounted.succeeded.append(uid)
                    needsWrite = true
                }
            } else if hasFailed || (sync.decision != nil && sync.decision?.type != .successCriteriaMet) {
                // When a Job has failed, so have all pods that had not ended.
                if !knownFailed.contains(uid), !spec.isIndexed || pod.hasValidIndex(spec), spec.verdict(on: pod).counts {
                    uncounted.failed.append(uid)
                    needsWrite = true
                }
            }
            if newIndexes.count + uncounted.succeeded.count + uncounted.failed.count >= JobTracking.maximumUncounted {
                isOverfull = true
                break
            }
        }
        job.status.uncounted = uncounted
        guard var indexes = sync.indexes else { return }
        indexes.count(newIndexes)
        let text = indexes.succeeded.description
        if text != job.status.completedIndexes { needsWrite = true }
        job.status.succeeded = Int32(indexes.succeeded.count)
        job.status.completedIndexes = text
        let failed = indexes.failed?.description
        if failed != job.status.failedIndexes {
            job.status.failedIndexes = failed
            needsWrite = true
        }
    }

    /// An ended pod may go, unless its successor has to learn from it how often its index failed; all may, when the Job is over.
    private func mayRelease(_ pod: Shared<Pod>, hasFailed: Bool, _ sync: JobSync) -> Bool {
        if job.metadata.isTerminating || sync.decision != nil || pod.value.status.phase == .succeeded { return true }
        guard hasFailed else { return false }
        guard let indexes = sync.indexes, let index = pod.completionIndex else { return true }
        return indexes.replaced[index]?.value.metadata.uid != pod.value.metadata.uid
    }

    /// Puts the interim condition into the status, and remembers the final one.
    private mutating func conclude(_ decision: Condition, at now: SimulatedTime) {
        switch decision.type {
        case .failureTarget:
            job.status.conditions.append(decision)
            needsWrite = true
            verdict = JobSync.condition(.failed, decision.reason, decision.message, at: now)
        case .successCriteriaMet:
            if !job.status.conditions.isTrue(.successCriteriaMet) {
                job.status.conditions.append(decision)
                needsWrite = true
            }
            verdict = JobSync.condition(.complete, decision.reason, decision.message, at: now)
        default: verdict = decision
        }
    }

    /// Counts noted pods that have no finalizer (any more). Returns whether there were any.
    private mutating func count() -> Bool {
        guard var uncounted = job.status.uncounted else { return false }
        let (succeeded, failed) = (uncounted.succeeded.count, uncounted.failed.count)
        uncounted.succeeded.removeAll { !tracked.contains($0) }
        uncounted.failed.removeAll { !tracked.contains($0) }
        job.status.succeeded &+= Int32(succeeded - uncounted.succeeded.count)
        job.status.failed &+= Int32(failed - uncounted.failed.count)
        job.status.uncounted = uncounted
        return succeeded != uncounted.succeeded.count || failed != uncounted.failed.count
    }

    // MARK: Afterwards

    /// The status was written, with this result.
    mutating func wrote(_ stored: Job) {
        job = stored
        needsWrite = false
    }

    /// The finalizers are gone, except from these pods. Returns the Events of a Job that is over now.
    mutating func released(except failed: Set<NamespacedName>, at now: SimulatedTime) -> [KubernetesEvent] {
        for pod in releases where !failed.contains(pod.value.metadata.key) { tracked.remove(pod.value.metadata.uid) }
        if count() { needsWrite = true }
        guard failed.isEmpty, !isOverfull, let verdict, terminating == 0,
            job.status.uncounted.map({ $0.succeeded.isEmpty && $0.failed.isEmpty }) ?? true
        else { return [] }
        var final = verdict
        final.lastTransitionTime = now.truncatedToSeconds
        job.status.conditions.set(final)
        needsWrite = true
        guard verdict.type == .complete else { return [JobEvents.event(about: job, verdict.reason, verdict.message, .warning)] }
        job.status.completionTime = now.truncatedToSeconds
        var events = [JobEvents.event(about: job, "Completed", "Job completed")]
        if let completions = job.spec.completions, job.status.succeeded > completions {
            let message = "Too many succeeded pods running after completion count reached"
            events.insert(JobEvents.event(about: job, "TooManySucceededPods", message, .warning), at: 0)
        }
        return events
    }
}

/// What the Job controller reports.
enum JobEvents {
    static func event(
        about job: Job, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: "Job", job.metadata.key, uid: job.metadata.uid, reason: reason, message: message, severity: severity,
            source: ControllerName.job.eventSource)
    }
}
