// How a pod of a Job ended: failed or not, when, and what the Job's failure policy makes of it.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy>

import DiscreteEvents
import KubernetesAPI

extension Shared where Value == Pod {
    /// Whether the Job's status does not account for the pod yet.
    var isTracked: Bool { value.metadata.finalizers.contains(JobLabels.trackingFinalizer) }

    /// The index of an Indexed Job's pod; nil if it has none.
    var completionIndex: Int? {
        guard let text = value.metadata.annotations[JobLabels.completionIndex], let index = Int(text), index >= 0 else { return nil }
        return index
    }

    /// When the pod ended: the end of its last container; of a pod that nobody reported about, the best guess.
    var finishTime: SimulatedTime {
        if let time = lastContainerEnd { return time }
        let metadata = value.metadata
        if let ready = value.status.conditions[.ready], ready.status == .false { return ready.lastTransitionTime }
        if let deletion = metadata.deletionTimestamp { return deletion - .seconds(Int(metadata.deletionGracePeriodSeconds ?? 0)) }
        return metadata.creationTimestamp
    }

    private var lastContainerEnd: SimulatedTime? {
        var last: SimulatedTime?
        for container in value.status.containerStatuses {
            guard case .terminated(let termination) = container.state else { return nil }
            last = max(last ?? termination.finishedAt, termination.finishedAt)
        }
        return last
    }
}

/// What a failed pod means for its Job.
struct PodFailureVerdict: Hashable, Sendable {
    /// The action of the rule that matched, if one did.
    var action: PodFailurePolicy.Action?
    /// Whether it counts towards the back-off limit.
    var counts = true
    /// Why the Job fails at once.
    var message: String?
}

extension JobSpec {
    /// Whether a pod that is being deleted is waited for before it counts as failed and is replaced (KEP-3939).
    var replacesOnlyFailed: Bool { podReplacementPolicy == .failed || podFailurePolicy != nil }

    var isIndexed: Bool { completionMode == .indexed }
    var hasBackoffLimitPerIndex: Bool { isIndexed && backoffLimitPerIndex != nil }

    /// Whether a pod has failed. One that is being deleted has, unless the Job waits for its end.
    func isFailed(_ pod: Shared<Pod>) -> Bool {
        if pod.value.status.phase == .failed { return true }
        if replacesOnlyFailed { return false }
        return pod.isTerminating && pod.value.status.phase != .succeeded
    }

    /// The verdict of the first rule of the failure policy that matches a failed pod.
    func verdict(on pod: Shared<Pod>) -> PodFailureVerdict {
        guard let podFailurePolicy else { return PodFailureVerdict() }
        let name = "\(pod.value.metadata.namespace)/\(pod.value.metadata.name)"
        for (index, rule) in podFailurePolicy.rules.enumerated() {
            let what: String
            if let codes = rule.onExitCodes {
                guard let (container, exitCode) = codes.match(pod.value.status) else { continue }
                what = "Container \(container) for pod \(name) failed with exit code \(exitCode)"
            } else {
                guard let pattern = rule.onPodConditions.first(where: { $0.matches(pod.value.status) }) else { continue }
                what = "Pod \(name) has condition \(pattern.type)"
            }
            switch rule.action {
            case .ignore: return PodFailureVerdict(action: .ignore, counts: false)
            case .count, .failIndex: return PodFailureVerdict(action: rule.action)
            case .failJob:
                return PodFailureVerdict(
                    action: .failJob, message: "\(what) matching \(rule.action.rawValue) rule at index \(index)")
            }
        }
        return PodFailureVerdict()
    }
}

extension PodFailurePolicy.ExitCodes {
    /// The first container, then init container, that ended badly with a code the rule is about.
    fileprivate func match(_ status: PodStatus) -> (container: String, exitCode: Int32)? {
        match(status.containerStatuses) ?? match(status.initContainerStatuses)
    }

    private func match(_ statuses: [ContainerStatus]) -> (container: String, exitCode: Int32)? {
        for status in statuses {
            guard case .terminated(let termination) = status.state, termination.exitCode != 0,
                containerName == nil || containerName == status.name,
                values.contains(termination.exitCode) == (self.operator == .isIn)
            else { continue }
            return (status.name, termination.exitCode)
        }
        return nil
    }
}

extension PodFailurePolicy.ConditionPattern {
    fileprivate func matches(_ pod: PodStatus) -> Bool { pod.conditions[type]?.status == status }
}
