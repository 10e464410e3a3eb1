// What becomes of the controllers' objects over a run: replicas wanted and available, conditions, jobs.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Reads the trail of workloads and autoscalers out of commits.
struct WorkloadTrail: Sendable {
    private var jobRows = UIDMap<Int32>()

    mutating func observe(_ event: WatchEvent, into record: inout RunRecord) {
        switch event.object {
        case .deployment, .statefulSet, .daemonSet, .replicaSet, .replicationController:
            observeReplicas(event, &record)
            observeConditions(event, &record)
        case .job(let job):
            observe(job.value, event, &record)
            observeConditions(event, &record)
        case .node, .namespace, .horizontalPodAutoscaler, .podDisruptionBudget: observeConditions(event, &record)
        default: break
        }
    }

    private func observeReplicas(_ event: WatchEvent, _ record: inout RunRecord) {
        guard let now = event.object.replicas else { return }
        let before = event.previous?.replicas
        let available = event.change == .deleted ? 0 : now.available
        if let before, event.change != .deleted, before == now { return }
        record.availability.append(
            AvailabilityChange(time: event.time, workload: event.object.key, desired: now.desired, available: available))
    }

    private func observeConditions(_ event: WatchEvent, _ record: inout RunRecord) {
        if event.change == .deleted { return }
        let conditions = event.object.conditions
        if conditions.isEmpty { return }
        let before = event.previous?.conditions ?? []
        for condition in conditions {
            if let old = before[condition.type], old.status == condition.status, old.reason == condition.reason { continue }
            record.conditions.append(ConditionChange(time: event.time, object: event.object.key, condition: condition))
        }
    }

    private mutating func observe(_ job: Job, _ event: WatchEvent, _ record: inout RunRecord) {
        let row: Int
        if let known = jobRows[job.metadata.uid] {
            row = Int(known)
        } else {
            row = record.jobs.count
            jobRows[job.metadata.uid] = Int32(row)
            let owner = job.metadata.controllerReference.map { $0.kind + "/" + $0.name } ?? ""
            record.jobs.append(JobRecord(name: job.metadata.key, owner: owner, created: event.time))
        }
        let status = job.status
        if record.jobs[row].started == nil, status.startTime != nil { record.jobs[row].started = event.time }
        if record.jobs[row].finished == nil, job.isFinished {
            record.jobs[row].finished = event.time
            let isFailed = status.conditions.isTrue(.failed)
            record.jobs[row].outcome = isFailed ? .failed : .complete
            record.jobs[row].reason = status.conditions[isFailed ? .failed : .complete]?.reason ?? ""
        }
        record.jobs[row].succeededPods = Int(status.succeeded)
        record.jobs[row].failedPods = Int(status.failed)
        if event.change == .deleted {
            record.jobs[row].deleted = event.time
            jobRows[job.metadata.uid] = nil
        }
    }
}

/// Replicas wanted and available.
private struct Replicas: Equatable {
    let desired: Int
    let available: Int
}

extension APIObject {
    /// nil for objects that keep no number of pods of their own: a Deployment's ReplicaSets are the Deployment's.
    fileprivate var replicas: Replicas? {
        switch self {
        case .deployment(let object):
            Replicas(desired: Int(object.value.spec.replicas), available: Int(object.value.status.availableReplicas))
        case .statefulSet(let object):
            Replicas(desired: Int(object.value.spec.replicas), available: Int(object.value.status.availableReplicas))
        case .daemonSet(let object):
            Replicas(desired: Int(object.value.status.desiredNumberScheduled), available: Int(object.value.status.numberAvailable))
        case .replicaSet(let object) where object.value.metadata.controllerUID == nil:
            Replicas(desired: Int(object.value.spec.replicas), available: Int(object.value.status.availableReplicas))
        case .replicationController(let object):
            Replicas(desired: Int(object.value.replicas), available: Int(object.value.status.availableReplicas))
        default: nil
        }
    }

    fileprivate var conditions: [Condition] {
        switch self {
        case .deployment(let object): object.value.status.conditions
        case .replicaSet(let object): object.value.status.conditions
        case .statefulSet(let object): object.value.status.conditions
        case .daemonSet(let object): object.value.status.conditions
        case .replicationController(let object): object.value.status.conditions
        case .job(let object): object.value.status.conditions
        case .node(let object): object.value.status.conditions
        case .horizontalPodAutoscaler(let object): object.value.status.conditions
        default: []
        }
    }
}
