// The names by which Jobs, CronJobs and their pods know each other: labels, annotations, a finalizer.
// <https://kubernetes.io/docs/reference/labels-annotations-taints/>

/// Labels, annotations and the finalizer of Jobs and their pods.
public enum JobLabels {
    /// On pods: the UID of their Job, by which its selector finds them.
    public static let controllerUID = "batch.kubernetes.io/controller-uid"
    public static let legacyControllerUID = "controller-uid"
    /// On pods: the name of their Job.
    public static let jobName = "batch.kubernetes.io/job-name"
    public static let legacyJobName = "job-name"
    /// On pods of an Indexed Job, as label and as annotation: the pod's index.
    public static let completionIndex = "batch.kubernetes.io/job-completion-index"
    /// An annotation of pods of a Job with a back-off limit per index: failures of the index before this pod.
    public static let indexFailureCount = "batch.kubernetes.io/job-index-failure-count"
    /// The same for failures that the pod failure policy ignores.
    public static let indexIgnoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count"
    /// Keeps an ended pod until the Job's status accounts for it.
    public static let trackingFinalizer = "batch.kubernetes.io/job-tracking"
    /// An annotation of a CronJob's jobs: the time they were scheduled for, RFC 3339 in the CronJob's zone.
    public static let scheduledTimestamp = "batch.kubernetes.io/cronjob-scheduled-timestamp"
    /// The value of `spec.managedBy` that means this cluster's own controller.
    public static let builtInController = "kubernetes.io/job-controller"
}
