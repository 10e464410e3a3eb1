// The fast way to the same decision: plugins are asked only about what changed since the last pod of the same class.

import KubernetesAPI

/// One ``Scoreboard`` for each class of pods, as long as there is room.
package struct MemoisedPath: Sendable {
    /// What pods must have in common to share a board.
    private struct Key: Hashable, Sendable {
        let profile: ObjectIdentifier
        let shape: Int
        let labelSet: LabelSetNumber
        /// Default constraints spread the pods of one owner; nil where the spec has constraints of its own.
        let owner: UID?

        init(_ pod: PodInfo, _ profile: SchedulingProfile) {
            self.profile = ObjectIdentifier(profile)
            shape = pod.shape.number
            labelSet = pod.labelSet
            owner = pod.shape.spreadConstraints.isEmpty ? pod.pod.value.metadata.controllerReference?.uid : nil
        }
    }
    /// nil: there is nothing to remember about pods of this class.
    private var boards: [Scoreboard?] = []
    /// The board of each class; −1 for one that was met once: many pods (of StatefulSets, of Jobs) are the only ones of their class.
    private var numbers: [Key: Int] = [:]
    private var scratch = NodeAnswers.Scratch()
    /// Remembered answers at most, over all boards: beyond it all are forgotten.
    private let maximumAnswers: Int
    package static let defaultMaximumAnswers = 4_000_000

    init(maximumAnswers: Int) { self.maximumAnswers = maximumAnswers }

    /// Whether the pod's decision can be had from memory.
    mutating func knows(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) -> Bool {
        board(for: pod, profile, cluster).map { boards[$0] != nil } ?? false
    }

    /// Finds the node for a pod; nil if the plain path must be taken.
    /// - Parameter refusals: nodes that are refused for a reason no plugin knows of.
    mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot, wanted: Int, start: Int,
        refusals: [(node: NodeSlot, verdict: NodeVerdict)], draw: (Int) -> Int
    ) -> CycleOutcome? {
        guard let number = board(for: pod, profile, cluster) else { return nil }
        boards[number]?.catchUp(with: cluster)
        return boards[number]?.search(from: start, wanted: wanted, refusals: refusals, cluster, &scratch, draw: draw)
    }

    private mutating func board(for pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) -> Int? {
        let key = Key(pod, profile)
        if let known = numbers[key] {
            if known >= 0 { return known }
        } else {
            if numbers.count >= MemoisedPath.maximumClasses { forget() }
            // A ReplicaSet's pods are alike: more will come.
            guard pod.pod.value.metadata.controllerReference?.kind == "ReplicaSet" else {
                numbers[key] = -1
                return nil
            }
        }
        if (boards.count + 1) * cluster.nodes.order.count > maximumAnswers { forget() }
        boards.append(Scoreboard(pod, profile, cluster))
        numbers[key] = boards.count - 1
        return boards.count - 1
    }

    private mutating func forget() {
        boards.removeAll()
        numbers.removeAll()
    }

    private static let maximumClasses = 1_000_000
}
