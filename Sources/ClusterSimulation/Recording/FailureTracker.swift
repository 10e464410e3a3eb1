// Follows each failure from the fault to full recovery.

import DiscreteEvents
import KubernetesAPI

/// The open failures and what each still waits for. Rows are written into `RunRecord.recoveries` as they fill.
struct FailureTracker: Sendable {
    private struct Open: Sendable {
        /// Row in `recoveries`.
        var row: Int
        var nodes: [String]
        var undetected: Int
        /// The affected pods that are still there: whether each has been evicted.
        var affected: [UID: Bool]
        /// Workloads that lost pods, and how many healthy ones they had.
        var workloads: [(number: Int32, before: Int)]
        var replacements: Int
        /// How many of the affected pods have not left yet.
        var staying: Int
        /// The nodes were told that they would go: nothing is over before the last of their pods has left.
        let isAnnounced: Bool
    }
    private var open: [Open] = []

    var isIdle: Bool { open.isEmpty }

    /// A failure began, or was announced. `pods`: those on the failed nodes; `before`: healthy pods of each affected workload before it.
    mutating func begin(
        row: Int, nodes: [String], pods: [UID], workloads: [(number: Int32, before: Int)], isAnnounced: Bool,
        _ recoveries: inout [RecoveryRecord]
    ) {
        var affected: [UID: Bool] = [:]
        for pod in pods { affected[pod] = false }
        recoveries[row].affectedPods = pods.count
        if workloads.isEmpty { recoveries[row].recovered = recoveries[row].failed }
        open.append(
            Open(
                row: row, nodes: nodes, undetected: nodes.count, affected: affected, workloads: workloads, replacements: 0,
                staying: pods.count, isAnnounced: isAnnounced))
    }

    /// A node's condition Ready turned Unknown or False.
    mutating func nodeDetected(_ node: String, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        for index in open.indices where open[index].undetected > 0 && open[index].nodes.contains(node) {
            let row = open[index].row
            if recoveries[row].firstDetected == nil { recoveries[row].firstDetected = now }
            open[index].undetected -= 1
            if open[index].undetected == 0 { recoveries[row].detected = now }
        }
    }

    /// Deletion of a pod was requested. `byFailure`: because its node was lost, not by somebody who wanted it gone anyway; `byEviction`:
    /// by the Eviction API, as drains do.
    mutating func podLeaves(
        _ pod: UID, byFailure: Bool, byEviction: Bool, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices where open[index].affected[pod] == false {
            let row = open[index].row
            open[index].staying -= 1
            guard byFailure || (byEviction && open[index].isAnnounced) else {
                open[index].affected[pod] = nil
                continue
            }
            open[index].affected[pod] = true
            recoveries[row].evictedPods += 1
            if recoveries[row].firstEvicted == nil { recoveries[row].firstEvicted = now }
            recoveries[row].evicted = now
            recoveries[row].replaced = nil
        }
    }

    /// A pod of a workload was created.
    mutating func podCreated(workload: Int32, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        for index in open.indices where open[index].workloads.contains(where: { $0.number == workload }) {
            let row = open[index].row
            guard open[index].replacements < recoveries[row].evictedPods else { continue }
            open[index].replacements += 1
            if open[index].replacements == recoveries[row].evictedPods { recoveries[row].replaced = now }
        }
    }

    /// The health or the wish of a workload changed.
    mutating func workloadChanged(
        _ workload: Int32, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices where open[index].workloads.contains(where: { $0.number == workload }) {
            look(at: index, health, at: now, &recoveries)
        }
        close(recoveries)
    }

    private func look(at index: Int, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        let failure = open[index]
        guard recoveries[failure.row].recovered == nil, !failure.isAnnounced || failure.staying == 0 else { return }
        let whole = failure.workloads.allSatisfy { entry in
            let wanted = min(entry.before, health.desired[Int(entry.number)] ?? entry.before)
            return health.healthy[Int(entry.number)] >= wanted
        }
        if whole { recoveries[failure.row].recovered = now }
    }

    /// The nodes of an announced failure have gone down: workloads that got over it before need not change any more.
    mutating func struck(row: Int, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        if let index = open.firstIndex(where: { $0.row == row }) { look(at: index, health, at: now, &recoveries) }
    }

    /// A node is up again: what becomes of its pods from here on is not the failure's doing.
    mutating func nodeReturned(pods: [UID]) {
        for index in open.indices {
            for pod in pods where open[index].affected[pod] == false {
                open[index].affected[pod] = nil
                open[index].staying -= 1
            }
        }
    }

    /// A failure is over.
    mutating func returned(row: Int, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        recoveries[row].returned = now
        close(recoveries)
    }

    /// Failures that are over and healed wait for nothing any more.
    private mutating func close(_ recoveries: [RecoveryRecord]) {
        open.removeAll { recoveries[$0.row].returned != nil && recoveries[$0.row].recovered != nil }
    }
}
