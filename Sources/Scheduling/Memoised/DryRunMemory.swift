// Preemption's dry runs, kept as long as the node does not change: pods of one class that find a full cluster ask the same question.

import KubernetesAPI

/// What dry runs found, for each class of pods and each node.
///
/// Kept only where the answer depends on nothing but the node's row and the disruption budgets: no plugin counts pods of other
/// nodes for the pod, and nobody is nominated to the node.
struct DryRunMemory: Sendable {
    private struct Key: Hashable, Sendable {
        let profile: ObjectIdentifier
        let shape: Int
        let labelSet: LabelSetNumber
    }
    private struct Answer: Sendable {
        /// The row's generation for which the answer holds; 0: none is known.
        var generation: UInt64 = 0
        var selection = VictimSelection.infeasible(.noVictims)
    }
    private var tables: [[Answer]] = []
    private var numbers: [Key: Int] = [:]
    private var budgetVersion: UInt64 = 0
    /// The table of the question under way; nil: its answers are not kept.
    private var current: Int?

    /// Remembered answers at most: beyond it all are forgotten.
    private let maximumAnswers: Int

    init(maximumAnswers: Int) { self.maximumAnswers = maximumAnswers }

    /// A search begins.
    mutating func begin(_ question: FilterQuestion, in cluster: ClusterSnapshot) {
        current = nil
        guard question.dependsOnNodeAlone else { return }
        let tooMany = (tables.count + 1) * cluster.nodes.slotCount > maximumAnswers
        if budgetVersion != cluster.objects.budgetVersion || tooMany {
            tables.removeAll()
            numbers.removeAll()
            budgetVersion = cluster.objects.budgetVersion
        }
        let pod = question.pod
        let key = Key(profile: ObjectIdentifier(question.profile), shape: pod.shape.number, labelSet: pod.labelSet)
        if let known = numbers[key] {
            current = known
        } else {
            current = tables.count
            numbers[key] = tables.count
            tables.append([])
        }
        guard let current else { return }
        let missing = cluster.nodes.slotCount - tables[current].count
        if missing > 0 { tables[current].append(contentsOf: repeatElement(Answer(), count: missing)) }
    }

    /// What a dry run on the node would find, if that is known.
    func selection(on node: NodeSlot, _ nodes: NodeTable) -> VictimSelection? {
        guard let current else { return nil }
        let answer = tables[current][node]
        return answer.generation == nodes.generation[node] ? answer.selection : nil
    }

    mutating func keep(_ selection: VictimSelection, on node: NodeSlot, _ nodes: NodeTable) {
        guard let current else { return }
        tables[current][node] = Answer(generation: nodes.generation[node], selection: selection)
    }
}
