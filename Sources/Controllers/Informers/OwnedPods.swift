// What a ReplicaSet asks about its pods, counted as they change instead of at each sync: a ReplicaSet of 300 pods is synced some
// hundred times while its pods start, and reading 300 pods each time was a third of the time of a large run.

import KubernetesAPI

/// Pods in the states a ReplicaSet reports.
struct PodTally: Hashable, Sendable {
    /// All pods, ended ones included.
    var total = 0
    /// Neither ended nor being deleted.
    var active = 0
    /// Those of the active ones that are Ready.
    var ready = 0
    /// Being deleted and not ended yet.
    var terminating = 0

    init() {}

    /// One pod.
    init(_ pod: Shared<Pod>) { count(pod, by: 1) }

    mutating func count(_ pod: Shared<Pod>, by step: Int) {
        total += step
        if pod.isTerminal { return }
        if pod.isTerminating {
            terminating += step
        } else {
            active += step
            if pod.isReady { ready += step }
        }
    }

    static func += (left: inout PodTally, right: PodTally) {
        left.total += right.total
        left.active += right.active
        left.ready += right.ready
        left.terminating += right.terminating
    }
}

/// The pods of one controller, by the labels they carry: nearly always the same on all of them, so there is one group.
struct OwnedPods: Sendable {
    private(set) var groups: [(labels: Labels, tally: PodTally)] = []

    /// Whether the pod's controller asks for counts. Those of StatefulSets and Jobs do not, and label every pod otherwise: as many
    /// groups as pods.
    static func areCounted(of pod: Shared<Pod>) -> Bool {
        pod.value.metadata.isControlled(byKind: "ReplicaSet") || pod.value.metadata.isControlled(byKind: "ReplicationController")
    }

    /// Adds (`step` 1) or takes out (-1) one version of a pod.
    mutating func count(_ pod: Shared<Pod>, by step: Int) {
        guard let group = groups.firstIndex(where: { $0.labels == pod.value.metadata.labels }) else {
            var tally = PodTally()
            tally.count(pod, by: step)
            groups.append((pod.value.metadata.labels, tally))
            return
        }
        groups[group].tally.count(pod, by: step)
        if groups[group].tally.total == 0 { groups.remove(at: group) }
    }
}
