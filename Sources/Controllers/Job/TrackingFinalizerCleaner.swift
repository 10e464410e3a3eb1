// Frees pods nobody will count any more: those whose Job is gone or over, and those that lost their owner.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What the cleaner looks at.
enum UntrackedPods: Hashable, Sendable {
    case pod(NamespacedName)
    /// The pods of a Job that is gone or over: by its UID those it controls, by its selector those it controlled.
    case pods(ofJob: UID, namespace: String, LabelSelector)
}

/// The Job controller's second queue, worked on beside its Jobs.
struct TrackingFinalizerCleaner: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: UntrackedPods, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let pods: [Shared<Pod>]
        switch key {
        case .pod(let name): pods = view.pod(name).map { [$0] } ?? []
        case .pods(let job, let namespace, let selector):
            pods = (view.pods(controlledBy: job) + view.orphanedPods(inNamespace: namespace)).filter {
                selector.matches($0.value.metadata.labels)
            }
        }
        // One after another, as the real worker does it.
        return Plan(steps: pods.filter { $0.isTracked && isUncounted($0, view) }.map { [TrackingFinalizerCleaner.removal($0)] })
    }

    /// Whether no Job will remove the pod's finalizer.
    private func isUncounted(_ pod: Shared<Pod>, _ view: SharedInformers) -> Bool {
        guard let reference = pod.value.metadata.controllerReference else { return true }
        guard reference.kind == "Job", reference.apiVersion == "batch/v1" else { return false }
        guard let owner = JobReconciler.owner(of: pod, view), let job = view.get(Job.self, owner)?.value else { return true }
        return job.isOurs && job.isFinished
    }

    static func removal(_ pod: Shared<Pod>) -> PlannedCall {
        var call = PlannedCall(
            .patchMetadata(
                ObjectKey(.pod, pod.value.metadata.key), uid: pod.value.metadata.uid, .removeFinalizer(JobLabels.trackingFinalizer)))
        call.forgives = .notFound
        return call
    }

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<UntrackedPods>,
        at now: SimulatedTime
    ) {
        switch event.object {
        case .pod(let pod):
            guard !pod.value.metadata.finalizers.isEmpty, event.change != .deleted, pod.isTracked else { return }
            // A pod that is not being deleted waits for its Job's next look, unless it has no owner.
            guard pod.isTerminating || pod.value.metadata.controllerUID == nil, isUncounted(pod, view) else { return }
            queue.add(.pod(pod.value.metadata.key))
        case .job(let job):
            let job = job.value
            guard event.change == .deleted || (previous != nil && job.isFinished), let selector = job.spec.selector else { return }
            queue.add(.pods(ofJob: job.metadata.uid, namespace: job.metadata.namespace, selector))
        default: return
        }
    }
}
