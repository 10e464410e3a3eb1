// What a Deployment's status says: counts summed over its ReplicaSets, and the conditions that tell how the rollout goes.
// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>

import DiscreteEvents
import KubernetesAPI

enum DeploymentReason {
    static let available = "MinimumReplicasAvailable"
    static let unavailable = "MinimumReplicasUnavailable"
    static let created = "NewReplicaSetCreated"
    static let found = "FoundNewReplicaSet"
    static let updated = "ReplicaSetUpdated"
    static let complete = "NewReplicaSetAvailable"
    static let createFailed = "ReplicaSetCreateError"
    static let timedOut = "ProgressDeadlineExceeded"
    static let paused = "DeploymentPaused"
    static let resumed = "DeploymentResumed"
}

extension DeploymentSpec {
    /// The largest number stands for "no deadline".
    var hasProgressDeadline: Bool { progressDeadlineSeconds != Int32.max }
}

extension DeploymentStatus {
    /// Sets a condition as the Deployment controller does: unchanged if status and reason are; otherwise replaced, at the end.
    mutating func set(_ condition: Condition) {
        var condition = condition
        if let current = conditions[condition.type] {
            if current.status == condition.status, current.reason == condition.reason { return }
            if current.status == condition.status { condition.lastTransitionTime = current.lastTransitionTime }
        }
        remove(condition.type)
        conditions.append(condition)
    }

    mutating func remove(_ type: ConditionType) {
        if conditions.index(of: type) != nil { conditions.removeAll { $0.type == type } }
    }

    /// Whether the rollout is done: every pod is of the new template and available, and nothing older is left.
    func isComplete(for deployment: Deployment) -> Bool {
        updatedReplicas == deployment.spec.replicas && replicas == deployment.spec.replicas
            && availableReplicas == deployment.spec.replicas && observedGeneration >= deployment.metadata.generation
    }

    /// Whether this status shows progress over an older one: more updated, fewer old, more ready, more available.
    func isProgress(over old: DeploymentStatus) -> Bool {
        updatedReplicas > old.updatedReplicas || replicas &- updatedReplicas < old.replicas &- old.updatedReplicas
            || readyReplicas > old.readyReplicas || availableReplicas > old.availableReplicas
    }

    /// Whether the rollout has made no progress for longer than the deadline.
    func isTimedOut(_ spec: DeploymentSpec, at now: SimulatedTime) -> Bool {
        guard spec.hasProgressDeadline, let condition = conditions[.progressing] else { return false }
        if condition.reason == DeploymentReason.complete { return false }
        if condition.reason == DeploymentReason.timedOut { return true }
        return (condition.lastUpdateTime ?? condition.lastTransitionTime) + .seconds(Int(spec.progressDeadlineSeconds)) < now
    }
}

enum DeploymentStatusRules {
    static func condition(
        _ type: ConditionType, _ status: ConditionStatus, _ reason: String, _ message: String, at now: SimulatedTime
    ) -> Condition {
        let time = now.truncatedToSeconds
        return Condition(type, status, reason: reason, message: message, lastTransitionTime: time, lastUpdateTime: time)
    }

    /// The counts and the Available condition.
    static func counted(
        _ deployment: Deployment, newSet: ReplicaSet?, oldSets: [Shared<ReplicaSet>], maxUnavailable: Int32, at now: SimulatedTime
    ) -> DeploymentStatus {
        var status = DeploymentStatus()
        status.observedGeneration = deployment.metadata.generation
        status.collisionCount = deployment.status.collisionCount
        status.conditions = deployment.status.conditions
        status.updatedReplicas = newSet?.status.replicas ?? 0
        var wanted: Int32 = 0
        // A ReplicaSet that has not reported yet has none.
        var terminating: Int32 = 0
        func count(_ set: ReplicaSet) {
            wanted &+= set.spec.replicas
            status.replicas &+= set.status.replicas
            status.readyReplicas &+= set.status.readyReplicas
            status.availableReplicas &+= set.status.availableReplicas
            terminating &+= set.status.terminatingReplicas ?? 0
        }
        for set in oldSets { count(set.value) }
        if let newSet { count(newSet) }
        status.terminatingReplicas = terminating
        status.unavailableReplicas = max(0, wanted &- status.availableReplicas)
        if status.availableReplicas >= deployment.spec.replicas - maxUnavailable {
            status.set(
                condition(.available, .true, DeploymentReason.available, "Deployment has minimum availability.", at: now))
        } else {
            status.set(
                condition(
                    .available, .false, DeploymentReason.unavailable, "Deployment does not have minimum availability.", at: now))
        }
        return status
    }

    /// `counted`, and how the rollout goes: the Progressing and ReplicaFailure conditions.
    static func rollout(
        _ deployment: Deployment, newSet: ReplicaSet?, oldSets: [Shared<ReplicaSet>], maxUnavailable: Int32, at now: SimulatedTime
    ) -> DeploymentStatus {
        var status = counted(deployment, newSet: newSet, oldSets: oldSets, maxUnavailable: maxUnavailable, at: now)
        let current = deployment.status.conditions[.progressing]
        var subject: String {
            newSet.map { "ReplicaSet \"\($0.metadata.name)\"" } ?? "Deployment \"\(deployment.metadata.name)\""
        }
        let wasComplete = status.replicas == status.updatedReplicas && current?.reason == DeploymentReason.complete
        if !deployment.spec.hasProgressDeadline {
            status.remove(.progressing)
        } else if !wasComplete {
            if status.isComplete(for: deployment) {
                status.set(
                    condition(.progressing, .true, DeploymentReason.complete, subject + " has successfully progressed.", at: now))
            } else if status.isProgress(over: deployment.status) {
                var progressing = condition(.progressing, .true, DeploymentReason.updated, subject + " is progressing.", at: now)
                if let current, current.status == .true { progressing.lastTransitionTime = current.lastTransitionTime }
                // Replaced even if it says the same: its update time is what the deadline counts from.
                status.remove(.progressing)
                status.set(progressing)
            } else if status.isTimedOut(deployment.spec, at: now) {
                status.set(
                    condition(.progressing, .false, DeploymentReason.timedOut, subject + " has timed out progressing.", at: now))
            }
        }
        status.remove(.replicaFailure, unless: failure(newSet, oldSets))
        return status
    }

    /// The ReplicaFailure of the new ReplicaSet, or of the first that has one.
    private static func failure(_ newSet: ReplicaSet?, _ oldSets: [Shared<ReplicaSet>]) -> Condition? {
        var reported = newSet?.status.conditions[.replicaFailure]
        for set in oldSets where reported == nil { reported = set.value.status.conditions[.replicaFailure] }
        guard var condition = reported else { return nil }
        condition.lastUpdateTime = condition.lastTransitionTime
        return condition
    }
}

extension DeploymentStatus {
    fileprivate mutating func remove(_ type: ConditionType, unless replacement: Condition?) {
        if let replacement { set(replacement) } else { remove(type) }
    }
}
