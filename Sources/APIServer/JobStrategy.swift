// What the API server does to Jobs beside storing them: it makes their selector as they are created, and refuses a status that
// contradicts itself.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-selector>

import KubernetesAPI

extension Job {
    /// Completes a new Job that has its UID: defaults (a CronJob's template has none), and, unless `manualSelector` is set, labels on
    /// the pods by which only this Job selects them.
    mutating func prepareForCreation() {
        applyDefaults()
        if !spec.manualSelector {
            // A Job without labels of its own has those of its pods.
            let sharesLabels = metadata.labels == spec.template.labels
            let uid = metadata.uid.text
            let generated = [
                (JobLabels.legacyJobName, metadata.name), (JobLabels.jobName, metadata.name), (JobLabels.legacyControllerUID, uid),
                (JobLabels.controllerUID, uid),
            ]
            for (key, value) in generated where !spec.template.labels.has(key) { spec.template.labels[key] = value }
            var selector = spec.selector ?? LabelSelector()
            if !selector.matchLabels.has(JobLabels.controllerUID) { selector.matchLabels[JobLabels.controllerUID] = uid }
            spec.selector = selector
            if sharesLabels { metadata.labels = spec.template.labels }
        }
    }

    /// Keeps what was generated for the stored Job and a manifest applied over it does not say.
    mutating func keepGenerated(of stored: Job) {
        spec.selector = spec.selector ?? stored.spec.selector
        for (key, value) in stored.spec.template.labels where Job.generatedLabels.contains(key) && !spec.template.labels.has(key) {
            spec.template.labels[key] = value
        }
    }

    private static let generatedLabels = [
        JobLabels.legacyJobName, JobLabels.jobName, JobLabels.legacyControllerUID, JobLabels.controllerUID,
    ]

    /// Why the API server refuses a status over the stored one; nil if it takes it.
    ///
    /// Only what the Job controller of Kubernetes 1.36 does get wrong: while new pods are held back after a failure it reports no active
    /// pods, though some may be ready (<https://github.com/kubernetes/kubernetes/pull/139457>).
    static func problem(of status: JobStatus, over stored: JobStatus) -> String? {
        guard status.ready != stored.ready || status.active != stored.active, let ready = status.ready, ready > status.active else {
            return nil
        }
        return "status.ready: Invalid value: \(ready): cannot set more ready pods than active"
    }
}
