// Which pods of a ReplicaSet go first when there are too many.
// <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-down-a-replicaset>

import DiscreteEvents
import KubernetesAPI

/// Ranks pods for deletion.
package enum DeletionRank {
    /// The annotation that makes a pod cheaper (or dearer) to delete than its equals.
    package static let costAnnotation = "controller.kubernetes.io/pod-deletion-cost"

    /// What the comparison looks at, taken out of the pod once.
    private struct Candidate {
        let index: Int
        let isUnassigned: Bool
        let phase: Int
        let isReady: Bool
        let cost: Int32
        let neighbours: Int
        let readySince: SimulatedTime?
        let restarts: Int32
        let sidecarRestarts: Int32
        let created: SimulatedTime
        let uid: UID
    }

    /// The `count` pods to delete: unassigned before assigned, Pending before Unknown before Running, not ready before ready,
    /// cheaper before dearer, crowded nodes before others, younger (in powers of two of the age) before older, more restarts
    /// before fewer.
    ///
    /// - Parameter related: all pods of the same owner's ReplicaSets, `pods` included: they make a node crowded.
    package static func victims(
        among pods: [Shared<Pod>], related: [Shared<Pod>], count: Int, at now: SimulatedTime
    ) -> [Shared<Pod>] {
        guard count < pods.count else { return pods }
        var crowd: [String: Int] = [:]
        for pod in related where pod.isActive { crowd[pod.value.nodeName ?? "", default: 0] += 1 }
        var candidates = pods.enumerated().map { index, pod in candidate(pod.value, index, crowd) }
        candidates.sort { isBefore($0, $1, at: now) }
        return candidates.prefix(count).map { pods[$0.index] }
    }

    private static func candidate(_ pod: Pod, _ index: Int, _ crowd: [String: Int]) -> Candidate {
        let ready = pod.status.conditions[.ready]
        let phase =
            switch pod.status.phase {
            case .pending: 0
            case .unknown: 1
            default: 2
            }
        let sidecars = pod.spec.value.initContainers.filter(\.isSidecar).map(\.name)
        return Candidate(
            index: index, isUnassigned: pod.nodeName == nil, phase: phase, isReady: ready?.status == .true, cost: cost(of: pod),
            neighbours: crowd[pod.nodeName ?? ""] ?? 0, readySince: ready?.status == .true ? ready?.lastTransitionTime : nil,
            restarts: pod.status.containerStatuses.map(\.restartCount).max() ?? 0,
            sidecarRestarts: pod.status.initContainerStatuses.filter { sidecars.contains($0.name) }.map(\.restartCount).max() ?? 0,
            created: pod.metadata.creationTimestamp, uid: pod.metadata.uid)
    }

    /// The cost in the annotation; 0 if there is none or it is no 32-bit integer written without a plus sign or leading zeros.
    private static func cost(of pod: Pod) -> Int32 {
        guard let text = pod.metadata.annotations[costAnnotation], let first = text.utf8.first else { return 0 }
        let startsWell = first == UInt8(ascii: "-") || text == "0" || (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first)
        return startsWell ? Int32(text) ?? 0 : 0
    }

    private static func isBefore(_ left: Candidate, _ right: Candidate, at now: SimulatedTime) -> Bool {
        if left.isUnassigned != right.isUnassigned { return left.isUnassigned }
        if left.phase != right.phase { return left.phase < right.phase }
        if left.isReady != right.isReady { return !left.isReady }
        if left.cost != right.cost { return left.cost < right.cost }
        if left.neighbours != right.neighbours { return left.neighbours > right.neighbours }
        if let leftSince = left.readySince, let rightSince = right.readySince, leftSince != rightSince {
            return isYounger(leftSince, left.uid, rightSince, right.uid, at: now)
        }
        if left.restarts != right.restarts { return left.restarts > right.restarts }
        if left.sidecarRestarts != right.sidecarRestarts { return left.sidecarRestarts > right.sidecarRestarts }
        if left.created != right.created { return isYounger(left.created, left.uid, right.created, right.uid, at: now) }
        return false
    }

    /// Ages are compared by their power of two, and within one by UID: otherwise scaling down always hits the newest pods, which a
    /// rollout has put on the same node (KEP-2185).
    private static func isYounger(
        _ left: SimulatedTime, _ leftUID: UID, _ right: SimulatedTime, _ rightUID: UID, at now: SimulatedTime
    ) -> Bool {
        let (leftRank, rightRank) = (magnitude(now - left), magnitude(now - right))
        return leftRank == rightRank ? leftUID < rightUID : leftRank < rightRank
    }

    /// The whole part of the base-2 logarithm of an age in nanoseconds; -1 if there is none.
    private static func magnitude(_ age: SimulatedDuration) -> Int {
        age.nanoseconds > 0 ? Int64.bitWidth - 1 - age.nanoseconds.leadingZeroBitCount : -1
    }
}
