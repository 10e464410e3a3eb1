// Job: runs pods until enough of them have succeeded.

import DiscreteEvents

/// <https://kubernetes.io/docs/concepts/workloads/controllers/job/>
public struct Job: KubernetesObject {
    public static var kind: Kind { .job }
    public var metadata: ObjectMeta
    public var spec: JobSpec
    public var status: JobStatus

    public init(metadata: ObjectMeta, spec: JobSpec, status: JobStatus = JobStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// Complete or Failed: nothing will run any more.
    public var isFinished: Bool { status.conditions.isTrue(.complete) || status.conditions.isTrue(.failed) }

    public static func erase(_ object: Shared<Job>) -> APIObject { .job(object) }
    public static func cast(_ erased: APIObject) -> Shared<Job>? { if case .job(let object) = erased { object } else { nil } }
}

public struct JobSpec: Hashable, Sendable {
    public enum CompletionMode: String, Hashable, Sendable {
        case nonIndexed = "NonIndexed"
        case indexed = "Indexed"
    }
    /// When a pod that is being deleted is replaced (KEP-3939).
    public enum PodReplacementPolicy: String, Hashable, Sendable {
        case terminatingOrFailed = "TerminatingOrFailed"
        case failed = "Failed"
    }
    public var parallelism: Int32?
    /// nil: a work queue; the first success means that the work is done.
    public var completions: Int32?
    public var completionMode: CompletionMode
    /// nil before defaulting: 6, or without bound where `backoffLimitPerIndex` is set.
    public var backoffLimit: Int32?
    public var backoffLimitPerIndex: Int32?
    public var maxFailedIndexes: Int32?
    public var activeDeadlineSeconds: Int64?
    public var ttlSecondsAfterFinished: Int32?
    public var suspend: Bool
    /// Made by the API server from the job's UID unless `manualSelector` is set.
    public var selector: LabelSelector?
    public var manualSelector: Bool
    public var template: PodTemplate
    public var podFailurePolicy: PodFailurePolicy?
    public var successPolicy: [SuccessPolicyRule]?
    public var podReplacementPolicy: PodReplacementPolicy?
    /// The controller that acts for the job; empty: the job controller.
    public var managedBy: String

    public init(template: PodTemplate) {
        self.template = template
        completionMode = .nonIndexed
        suspend = false
        manualSelector = false
        managedBy = ""
    }
}

/// What a failed pod means for its job (KEP-3329).
public struct PodFailurePolicy: Hashable, Sendable {
    public enum Action: String, Hashable, Sendable {
        case failJob = "FailJob"
        case failIndex = "FailIndex"
        case ignore = "Ignore"
        case count = "Count"
    }
    public enum ExitCodeOperator: String, Hashable, Sendable {
        case isIn = "In"
        case notIn = "NotIn"
    }
    public struct ExitCodes: Hashable, Sendable {
        /// nil: any container.
        public var containerName: String?
        public var `operator`: ExitCodeOperator
        public var values: [Int32]

        public init(_ operator: ExitCodeOperator, _ values: [Int32], containerName: String? = nil) {
            self.operator = `operator`
            self.values = values
            self.containerName = containerName
        }
    }
    public struct ConditionPattern: Hashable, Sendable {
        public var type: ConditionType
        public var status: ConditionStatus

        public init(type: ConditionType, status: ConditionStatus = .true) {
            self.type = type
            self.status = status
        }
    }
    public struct Rule: Hashable, Sendable {
        public var action: Action
        public var onExitCodes: ExitCodes?
        public var onPodConditions: [ConditionPattern]

        public init(_ action: Action, onExitCodes: ExitCodes? = nil, onPodConditions: [ConditionPattern] = []) {
            self.action = action
            self.onExitCodes = onExitCodes
            self.onPodConditions = onPodConditions
        }
    }
    public var rules: [Rule]

    public init(rules: [Rule]) { self.rules = rules }
}

/// When an Indexed job has succeeded before all indexes have (KEP-3998).
public struct SuccessPolicyRule: Hashable, Sendable {
    /// Indexes in the text form of `completedIndexes`; nil: any.
    public var succeededIndexes: String?
    public var succeededCount: Int32?

    public init(succeededIndexes: String? = nil, succeededCount: Int32? = nil) {
        self.succeededIndexes = succeededIndexes
        self.succeededCount = succeededCount
    }
}

public struct JobStatus: Hashable, Sendable {
    public var conditions: [Condition] = []
    public var startTime: SimulatedTime?
    public var completionTime: SimulatedTime?
    public var active: Int32 = 0
    /// nil: not reported.
    public var ready: Int32?
    public var terminating: Int32?
    public var succeeded: Int32 = 0
    public var failed: Int32 = 0
    public var completedIndexes = ""
    /// nil: the job has no back-off limit per index.
    public var failedIndexes: String?
    /// Pods that ended and still have the tracking finalizer; nil: not reported.
    public var uncounted: UncountedPods?

    public init() {}
}

/// `status.uncountedTerminatedPods`.
public struct UncountedPods: Hashable, Sendable {
    public var succeeded: [UID] = []
    public var failed: [UID] = []

    public init() {}
}

extension ConditionType {
    // Jobs.
    public static let complete = ConditionType(rawValue: "Complete")
    public static let failed = ConditionType(rawValue: "Failed")
    public static let failureTarget = ConditionType(rawValue: "FailureTarget")
    public static let successCriteriaMet = ConditionType(rawValue: "SuccessCriteriaMet")
    public static let suspended = ConditionType(rawValue: "Suspended")
}
