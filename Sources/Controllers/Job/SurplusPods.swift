// Which pods of a Job go when there are too many: of Indexed Jobs first those with an index that is taken or out of range, then, of
// all Jobs, those that got least far.

import DiscreteEvents
import KubernetesAPI

enum SurplusPods {
    /// At least `count` of the active pods.
    static func victims(among active: [Shared<Pod>], count: Int, _ spec: JobSpec) -> [Shared<Pod>] {
        guard spec.isIndexed else { return Array(ranked(active).prefix(count)) }
        var victims: [Shared<Pod>] = []
        var left: [Shared<Pod>] = []
        let sorted = active.sorted { ($0.completionIndex ?? -1) < ($1.completionIndex ?? -1) }
        var start = 0
        while start < sorted.count {
            let index = sorted[start].completionIndex
            var end = start + 1
            while end < sorted.count, sorted[end].completionIndex == index { end += 1 }
            if let index, index < Int(spec.completions ?? 0) {
                // One pod of each index stays: the one that got furthest.
                let group = ranked(Array(sorted[start..<end]))
                victims += group.dropLast()
                left += group.suffix(1)
            } else {
                victims += sorted[start..<end]
            }
            start = end
        }
        if victims.count < count { victims += ranked(left).prefix(count - victims.count) }
        return victims
    }

    /// Unassigned before assigned, Pending before Unknown before Running, not ready before ready, ready for a shorter time first, more
    /// restarts first, younger first.
    private static func ranked(_ pods: [Shared<Pod>]) -> [Shared<Pod>] {
        pods.map { ($0, Rank($0.value)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }

    private struct Rank: Comparable {
        let isAssigned: Bool
        let phase: Int
        let readySince: SimulatedTime?
        let restarts: Int32
        let sidecarRestarts: Int32
        let created: SimulatedTime

        init(_ pod: Pod) {
            isAssigned = pod.nodeName != nil
            phase =
                switch pod.status.phase {
                case .pending: 0
                case .unknown: 1
                default: 2
                }
            readySince = pod.status.readySince
            let sidecars = pod.spec.value.initContainers.filter(\.isSidecar).map(\.name)
            restarts = pod.status.containerStatuses.map(\.restartCount).max() ?? 0
            sidecarRestarts = pod.status.initContainerStatuses.filter { sidecars.contains($0.name) }.map(\.restartCount).max() ?? 0
            created = pod.metadata.creationTimestamp
        }

        static func < (left: Rank, right: Rank) -> Bool {
            if left.isAssigned != right.isAssigned { return !left.isAssigned }
            if left.phase != right.phase { return left.phase < right.phase }
            if (left.readySince == nil) != (right.readySince == nil) { return left.readySince == nil }
            if let own = left.readySince, let other = right.readySince, own != other { return own > other }
            if left.restarts != right.restarts { return left.restarts > right.restarts }
            if left.sidecarRestarts != right.sidecarRestarts { return left.sidecarRestarts > right.sidecarRestarts }
            return left.created > right.created
        }
    }
}
