// CronJob: starts a Job at times that recur.

import DiscreteEvents

/// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>
public struct CronJob: KubernetesObject {
    public static var kind: Kind { .cronJob }
    public var metadata: ObjectMeta
    public var spec: CronJobSpec
    public var status: CronJobStatus

    public init(metadata: ObjectMeta, spec: CronJobSpec, status: CronJobStatus = CronJobStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<CronJob>) -> APIObject { .cronJob(object) }
    public static func cast(_ erased: APIObject) -> Shared<CronJob>? { if case .cronJob(let object) = erased { object } else { nil } }
}

public struct CronJobSpec: Hashable, Sendable {
    /// What happens at a start while an earlier job still runs.
    public enum ConcurrencyPolicy: String, Hashable, Sendable {
        case allow = "Allow"
        case forbid = "Forbid"
        case replace = "Replace"
    }
    /// In cron's form, five fields or a word like `@hourly`.
    public var schedule: String
    /// A name of the tz database; nil: the controller's own zone, UTC.
    public var timeZone: String?
    public var startingDeadlineSeconds: Int64?
    public var concurrencyPolicy: ConcurrencyPolicy
    public var suspend: Bool
    public var jobTemplate: JobTemplate
    public var successfulJobsHistoryLimit: Int32?
    public var failedJobsHistoryLimit: Int32?

    public init(schedule: String, jobTemplate: JobTemplate) {
        self.schedule = schedule
        self.jobTemplate = jobTemplate
        concurrencyPolicy = .allow
        suspend = false
        successfulJobsHistoryLimit = 3
        failedJobsHistoryLimit = 1
    }
}

/// What the jobs of a CronJob are made from.
public struct JobTemplate: Hashable, Sendable {
    public var labels: Labels
    public var annotations: Labels
    public var spec: JobSpec

    public init(labels: Labels = Labels(), annotations: Labels = Labels(), spec: JobSpec) {
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
    }
}

public struct CronJobStatus: Hashable, Sendable {
    /// A job that runs.
    public struct ActiveJob: Hashable, Sendable {
        public var name: String
        public var uid: UID

        public init(name: String, uid: UID) {
            self.name = name
            self.uid = uid
        }
    }
    public var active: [ActiveJob] = []
    public var lastScheduleTime: SimulatedTime?
    public var lastSuccessfulTime: SimulatedTime?

    public init() {}
}
