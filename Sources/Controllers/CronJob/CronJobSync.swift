// One look at a CronJob: which of its jobs ended, and whether the next one starts.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What a CronJob's sync decides. All its changes to the status are written at once, at its end.
struct CronJobSync: Sendable {
    /// A job to start, after those it replaces are deleted.
    struct Start: Sendable {
        let scheduledTime: WallTime
        let job: Shared<Job>
        let replaced: [CronJobStatus.ActiveJob]
    }

    /// The CronJob as the cache has it, with the status to be.
    private(set) var cronJob: CronJob
    /// Whether its status must be written.
    private(set) var isChanged: Bool
    private(set) var events: [KubernetesEvent] = []
    private(set) var start: Start?
    /// How long until the next look.
    private(set) var wake: SimulatedDuration?
    /// A newer version the controller wrote itself and the cache does not show yet; what follows is decided by it. The status written
    /// in the end is that of the cache's version all the same, and so refused.
    private var newer: CronJob?

    private var current: CronJob { newer ?? cronJob }

    /// - Parameters:
    ///   - isChanged: whether the status was changed before (by the deletion of old jobs).
    ///   - latest: what the API server would answer if asked for the CronJob.
    ///   - mayLag: whether the cache may lack a job of the CronJob.
    init(
        _ cronJob: CronJob, isChanged: Bool, jobs: [Shared<Job>], latest: CronJob?, mayLag: Bool, zones: TimeZoneDatabase, origin: Int64,
        at now: SimulatedTime
    ) {
        self.cronJob = cronJob
        self.isChanged = isChanged
        look(at: jobs, latest: latest)
        dropMissing(jobs, mayLag: mayLag)
        if current.metadata.isTerminating || !hasKnownZone(zones) || current.spec.suspend { return }
        schedule(zones, origin, at: now)
    }

    // MARK: Jobs

    private mutating func look(at jobs: [Shared<Job>], latest: CronJob?) {
        for job in jobs {
            let uid = job.value.metadata.uid
            let isListed = current.status.lists(uid)
            if !isListed, !job.value.isFinished {
                if let latest, latest.status.lists(uid) {
                    newer = latest
                    continue
                }
                report(
                    "UnexpectedJob", "Saw a job that the controller did not create or forgot: \(job.value.metadata.name)", .warning)
            } else if isListed, job.value.isFinished {
                change { $0.active.removeAll { $0.uid == uid } }
                let condition = job.value.status.conditions.isTrue(.complete) ? "Complete" : "Failed"
                report("SawCompletedJob", "Saw completed job: \(job.value.metadata.name), condition: \(condition)")
            }
            if job.value.status.conditions.isTrue(.complete), let end = job.value.status.completionTime,
                current.status.lastSuccessfulTime.map({ end > $0 }) ?? true
            {
                change { $0.lastSuccessfulTime = end }
            }
        }
    }

    private mutating func dropMissing(_ jobs: [Shared<Job>], mayLag: Bool) {
        if mayLag { return }
        for reference in current.status.active where !jobs.contains(where: { $0.value.metadata.uid == reference.uid }) {
            report("MissingJob", "Active job went missing: \(reference.name)")
            change { $0.active.removeAll { $0.uid == reference.uid } }
        }
    }

    // MARK: Schedule

    private mutating func hasKnownZone(_ zones: TimeZoneDatabase) -> Bool {
        guard let zone = current.spec.timeZone, zones.rules(named: zone) == nil else { return true }
        report("UnknownTimeZone", "invalid timeZone: \(GoText.quoted(zone)): unknown time zone \(zone)", .warning)
        return false
    }

    private mutating func schedule(_ zones: TimeZoneDatabase, _ origin: Int64, at now: SimulatedTime) {
        let spec = current.spec
        if spec.schedule.contains("TZ") {
            report(
                "UnsupportedSchedule",
                "CRON_TZ or TZ used in schedule \(GoText.quoted(spec.schedule)) is not officially supported, see "
                    + "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details", .warning)
        }
        let clock: CronJobClock
        do throws(CronScheduleError) {
            clock = try CronJobClock(current, zones: zones, origin: origin)
        } catch {
            return report("UnparseableSchedule", "unparseable schedule: \(GoText.quoted(spec.schedule)) : \(error)", .warning)
        }
        let wall = WallTime(now, origin: origin)
        let due: CronJobClock.DueStart
        do throws(ScheduleIntervalError) {
            due = try clock.dueStart(at: wall)
        } catch {
            return report("InvalidSchedule", "invalid schedule: \(spec.schedule) : \(error)", .warning)
        }
        wake = clock.nextWake(at: wall)
        guard let time = due.scheduledTime else { return }
        if due.missed == .many {
            report(
                "TooManyMissedTimes",
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew", .warning)
        }
        if let deadline = spec.startingDeadlineSeconds, time + .seconds(Int(deadline)) < wall {
            return report("MissSchedule", "Missed scheduled time to start a job: \(CronJobText.mail(time))", .warning)
        }
        let name = CronJobClock.jobName(cronJob: current.metadata.name, scheduledTime: time)
        if current.status.active.contains(where: { $0.name == name })
            || current.status.lastScheduleTime.map({ WallTime($0, origin: origin) }) == time
        {
            return
        }
        if spec.concurrencyPolicy == .forbid, !current.status.active.isEmpty {
            return report(
                "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")
        }
        start = Start(
            scheduledTime: time, job: job(named: name, for: time, zones),
            replaced: spec.concurrencyPolicy == .replace ? current.status.active : [])
    }

    private func job(named name: String, for time: WallTime, _ zones: TimeZoneDatabase) -> Shared<Job> {
        let template = current.spec.jobTemplate
        var metadata = ObjectMeta(
            name: name, namespace: current.metadata.namespace, labels: template.labels, annotations: template.annotations)
        let zone = current.spec.timeZone.flatMap { zones.rules(named: $0) } ?? .utc
        metadata.annotations[JobLabels.scheduledTimestamp] = CronJobText.timestamp(time, in: zone)
        metadata.ownerReferences = [
            OwnerReference(
                apiVersion: "batch/v1", kind: "CronJob", name: current.metadata.name, uid: current.metadata.uid, controller: true,
                blockOwnerDeletion: true)
        ]
        return Shared(Job(metadata: metadata, spec: template.spec))
    }

    // MARK: What came of it

    /// A job that was to be replaced is deleted.
    mutating func deleted(_ uid: UID) { change { $0.active.removeAll { $0.uid == uid } } }

    /// The job was started.
    mutating func started(_ job: Job, origin: Int64) {
        guard let time = start?.scheduledTime else { return }
        change {
            $0.active.append(CronJobStatus.ActiveJob(name: job.metadata.name, uid: job.metadata.uid))
            $0.lastScheduleTime = time.simulatedTime(origin: origin)
        }
    }

    /// Whether a job is among the active ones already.
    func lists(_ job: UID) -> Bool { current.status.lists(job) }

    private mutating func change(_ change: (inout CronJobStatus) -> Void) {
        if newer == nil { change(&cronJob.status) } else { change(&newer!.status) }
        isChanged = true
    }

    private mutating func report(_ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal) {
        events.append(CronJobEvents.event(about: cronJob, reason, message, severity))
    }
}

extension CronJobClock {
    /// The clock of a CronJob; `zones` has the zone it names.
    init(_ cronJob: CronJob, zones: TimeZoneDatabase, origin: Int64) throws(CronScheduleError) {
        self.init(
            schedule: try CronSchedule(schedule: cronJob.spec.schedule, timeZone: cronJob.spec.timeZone, zones: zones),
            created: WallTime(cronJob.metadata.creationTimestamp, origin: origin),
            lastSchedule: cronJob.status.lastScheduleTime.map { WallTime($0, origin: origin) },
            startingDeadline: cronJob.spec.startingDeadlineSeconds.map { .seconds(Int($0)) })
    }
}

extension CronJobStatus {
    fileprivate func lists(_ job: UID) -> Bool { active.contains { $0.uid == job } }
}

/// What the CronJob controller reports.
enum CronJobEvents {
    static func event(
        about cronJob: CronJob, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: "CronJob", cronJob.metadata.key, uid: cronJob.metadata.uid, reason: reason, message: message, severity: severity,
            source: ControllerName.cronJob.eventSource)
    }
}
