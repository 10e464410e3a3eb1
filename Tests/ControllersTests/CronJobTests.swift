// What the CronJob controller decides about one CronJob.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct CronJobTests {
    /// 2026-01-01T00:00:00Z.
    private static let origin: Int64 = 1_767_225_600

    private static func cronJob(_ change: (inout CronJob) -> Void = { _ in }) -> CronJob {
        let template = PodTemplate(spec: Shared(PodSpec(containers: [Container(name: "c")])))
        var cronJob = CronJob(
            metadata: ObjectMeta(name: "tick", namespace: "default"),
            spec: CronJobSpec(schedule: "* * * * *", jobTemplate: JobTemplate(spec: JobSpec(template: template))))
        cronJob.metadata.uid = UID("tick")
        change(&cronJob)
        return cronJob
    }

    private static func job(_ name: String, _ end: ConditionType? = nil, at seconds: Int = 0) -> Shared<Job> {
        var job = Job(metadata: ObjectMeta(name: name, namespace: "default"), spec: cronJob().spec.jobTemplate.spec)
        job.metadata.uid = UID(name)
        if let end {
            job.status.conditions = [Condition(end, .true)]
            if end == .complete { job.status.completionTime = .zero + .seconds(seconds) }
        }
        return Shared(job)
    }

    private static func sync(
        _ cronJob: CronJob, _ jobs: [Shared<Job>] = [], latest: CronJob? = nil, at seconds: Double
    ) -> CronJobSync {
        CronJobSync(
            cronJob, isChanged: false, jobs: jobs, latest: latest, mayLag: false, zones: TimeZoneDatabase(), origin: origin,
            at: SimulatedTime(seconds: seconds))
    }

    private static func active(_ names: String...) -> [CronJobStatus.ActiveJob] {
        names.map { CronJobStatus.ActiveJob(name: $0, uid: UID($0)) }
    }

    @Test("It wakes a tenth of a second after the scheduled time, and names the job after its minute")
    func starts() throws {
        let early = Self.sync(Self.cronJob(), at: 40)
        #expect(early.start == nil)
        #expect(early.wake == .milliseconds(20_100))
        let due = Self.sync(Self.cronJob(), at: 60.1)
        let job = try #require(due.start).job.value
        #expect(job.metadata.name == "tick-\(Self.origin / 60 + 1)")
        #expect(job.metadata.annotations[JobLabels.scheduledTimestamp] == "2026-01-01T00:01:00Z")
        #expect(due.wake == .seconds(60))
        #expect(due.isChanged == false)
    }

    @Test("Only the most recent of missed times is made up for")
    func missed() throws {
        let sync = Self.sync(Self.cronJob(), at: 305)
        #expect(try #require(sync.start).job.value.metadata.name == "tick-\(Self.origin / 60 + 5)")
        let manyMissed = Self.sync(Self.cronJob(), at: 60 * 150)
        #expect(manyMissed.events.map(\.reason) == ["TooManyMissedTimes"])
        #expect(manyMissed.start != nil)
    }

    @Test("After the starting deadline a time is given up")
    func deadline() {
        let sync = Self.sync(Self.cronJob { $0.spec.startingDeadlineSeconds = 30 }, at: 95)
        #expect(sync.start == nil)
        #expect(sync.events.isEmpty)
        #expect(Self.sync(Self.cronJob { $0.spec.startingDeadlineSeconds = 30 }, at: 80).start != nil)
    }

    @Test("What happens while a job runs is up to the concurrency policy")
    func concurrency() throws {
        let running = Self.job("old")
        func sync(_ policy: CronJobSpec.ConcurrencyPolicy) -> CronJobSync {
            Self.sync(
                Self.cronJob {
                    $0.spec.concurrencyPolicy = policy
                    $0.status.active = Self.active("old")
                }, [running], at: 61)
        }
        #expect(try #require(sync(.allow).start).replaced.isEmpty)
        #expect(try #require(sync(.replace).start).replaced == Self.active("old"))
        let forbidden = sync(.forbid)
        #expect(forbidden.start == nil)
        #expect(forbidden.events.map(\.reason) == ["JobAlreadyActive"])
        #expect(forbidden.wake != nil)
    }

    @Test("Jobs that ended leave the list; successes are remembered")
    func finished() {
        let sync = Self.sync(
            Self.cronJob {
                $0.status.active = Self.active("good", "bad", "gone")
                $0.status.lastScheduleTime = .zero + .seconds(60)
            }, [Self.job("good", .complete, at: 70), Self.job("bad", .failed)], at: 80)
        #expect(sync.cronJob.status.active.isEmpty)
        #expect(sync.cronJob.status.lastSuccessfulTime == .zero + .seconds(70))
        #expect(
            sync.events.map(\.message) == [
                "Saw completed job: good, condition: Complete", "Saw completed job: bad, condition: Failed",
                "Active job went missing: gone",
            ])
        #expect(sync.isChanged)
    }

    @Test("A job of one's own that the cache's status does not show yet is no surprise")
    func ownJob() {
        let stale = Self.cronJob { $0.status.lastScheduleTime = .zero }
        let latest = Self.cronJob {
            $0.status.active = Self.active("new")
            $0.status.lastScheduleTime = .zero + .seconds(60)
        }
        let sync = Self.sync(stale, [Self.job("new")], latest: latest, at: 61)
        #expect(sync.events.isEmpty)
        #expect(sync.start == nil)
        #expect(!sync.isChanged)
        #expect(Self.sync(stale, [Self.job("new")], at: 61).events.map(\.reason) == ["UnexpectedJob"])
    }

    @Test("What cannot be read is reported, and nothing starts")
    func mistakes() {
        let zone = Self.sync(Self.cronJob { $0.spec.timeZone = "Middle/Earth" }, at: 61)
        #expect(zone.events.map(\.message) == ["invalid timeZone: \"Middle/Earth\": unknown time zone Middle/Earth"])
        let schedule = Self.sync(Self.cronJob { $0.spec.schedule = "* * *" }, at: 61)
        #expect(schedule.events.map(\.reason) == ["UnparseableSchedule"])
        #expect(zone.start == nil && schedule.start == nil && zone.wake == nil)
        #expect(Self.sync(Self.cronJob { $0.spec.suspend = true }, at: 61).start == nil)
    }

    @Test("Times as mail and as RFC 3339 have them")
    func texts() {
        let time = WallTime(unixSeconds: Self.origin + 90)
        #expect(CronJobText.mail(time) == "Thu, 01 Jan 2026 00:01:30 +0000")
        #expect(CronJobText.timestamp(time, in: TimeZoneRules(firstOffset: 19_800)) == "2026-01-01T05:31:30+05:30")
        #expect(CronJobText.timestamp(time, in: TimeZoneRules(firstOffset: -12_600)) == "2025-12-31T20:31:30-03:30")
    }
}
