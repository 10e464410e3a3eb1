// What a ReplicaSet's status says of its pods.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// How many pods of a ReplicaSet are in which state: what its status is made of.
struct ReplicaSetCounts: Hashable, Sendable {
    /// Pods that are neither ended nor being deleted.
    private(set) var active = 0
    /// Active pods that are Ready.
    private(set) var ready = 0
    /// Active pods that carry all labels of the template.
    private(set) var fullyLabeled = 0
    /// Pods that are being deleted and have not ended yet.
    private(set) var terminating = 0

    init() {}

    init(_ pods: [Shared<Pod>], template: Labels) {
        for pod in pods {
            var tally = PodTally()
            tally.count(pod, by: 1)
            add(tally, pod.value.metadata.labels, template: template)
        }
    }

    /// Adds pods that carry the same labels.
    mutating func add(_ tally: PodTally, _ labels: Labels, template: Labels) {
        active += tally.active
        ready += tally.ready
        terminating += tally.terminating
        if ReplicaSetCounts.isFullyLabeled(labels, template) { fullyLabeled += tally.active }
    }

    private static func isFullyLabeled(_ labels: Labels, _ wanted: Labels) -> Bool {
        if wanted == labels { return true }
        for (key, value) in wanted where labels[key] != value { return false }
        return true
    }
}

enum ReplicaSetStatusRules {
    /// Counts over active pods, and the ReplicaFailure condition when pods could not be created or deleted.
    ///
    /// - Parameter aging: the active pods if `minReadySeconds` is set, for then their age decides on availability.
    /// - Parameter missing: whether pods were missing (else there were too many) when `failure` happened.
    static func status<Workload: ReplicatedWorkload>(
        of set: Shared<Workload>, _ counts: ReplicaSetCounts, aging: [Shared<Pod>], failure: APIError?, missing: Bool,
        at now: SimulatedTime
    ) -> ReplicaSetStatus {
        let minReadySeconds = set.value.minReadySeconds
        var status = set.value.status
        status.replicas = Int32(counts.active)
        status.fullyLabeledReplicas = Int32(counts.fullyLabeled)
        status.readyReplicas = Int32(counts.ready)
        status.availableReplicas = Int32(
            minReadySeconds == 0 ? counts.ready : aging.count { $0.isAvailable(minReadySeconds: minReadySeconds, at: now) })
        status.terminatingReplicas = Workload.reportsTerminating ? Int32(counts.terminating) : nil
        status.observedGeneration = set.value.metadata.generation
        let noted = status.conditions[.replicaFailure] != nil
        if let failure, !noted {
            status.conditions.append(
                Condition(
                    .replicaFailure, .true, reason: missing ? "FailedCreate" : "FailedDelete", message: failure.description,
                    lastTransitionTime: now.truncatedToSeconds))
        } else if failure == nil, noted {
            status.conditions.removeAll { $0.type == .replicaFailure }
        }
        return status
    }

    /// When the next ready pod becomes available by age alone; nil if none waits for that.
    static func nextAvailability(_ active: [Shared<Pod>], minReadySeconds: Int32, at now: SimulatedTime) -> SimulatedTime? {
        guard minReadySeconds > 0 else { return nil }
        var earliest: SimulatedTime?
        for pod in active {
            guard let ready = pod.value.status.conditions[.ready], ready.status == .true else { continue }
            let available = ready.lastTransitionTime + .seconds(Int(minReadySeconds))
            if available > now { earliest = min(earliest ?? available, available) }
        }
        return earliest
    }
}
