// Finished Jobs are deleted when their time to live is over, their pods first.
// <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are Jobs. Nothing is remembered.
struct FinishedJobCollector: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        var plan = Plan<Never>()
        guard let job = view.get(Job.self, key)?.value, let expiry = FinishedJobCollector.expiry(of: job) else { return plan }
        if expiry > now {
            plan.again = expiry
            return plan
        }
        var call = PlannedCall(
            .delete(ObjectKey(.job, key), DeleteOptions(uid: job.metadata.uid, propagation: .foreground)))
        call.forgives = .notFound
        plan.then(call)
        return plan
    }

    /// When a Job's time is over; nil if it does not end, or is being deleted already.
    private static func expiry(of job: Job) -> SimulatedTime? {
        guard let seconds = job.spec.ttlSecondsAfterFinished, !job.metadata.isTerminating else { return nil }
        let end = job.status.conditions.first { ($0.type == .complete || $0.type == .failed) && $0.status == .true }
        return end.map { $0.lastTransitionTime + .seconds(Int(seconds)) }
    }

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        guard case .job(let job) = event.object, event.change != .deleted,
            FinishedJobCollector.expiry(of: job.value) != nil
        else { return }
        queue.add(job.value.metadata.key)
    }
}
