// Follows each failure from the fault to full recovery. Failures overlap: a node that is down already is not taken down once more, and
// each pod and each replacement is counted for one failure.

import DiscreteEvents
import KubernetesAPI

/// What a failure strikes.
struct FailureScope: Sendable {
    /// The nodes that were up until now.
    var nodes: [String]
    /// All nodes that it hits, those that something else keeps down already too.
    var hit: [String]
    /// Those of `nodes` that the API server has as NotReady already: nobody has to notice.
    var seen: [String] = []
    /// The pods on `nodes` that their workloads replace elsewhere, with the numbers of these workloads.
    var pods: [(uid: UID, workload: Int32, wasHealthy: Bool)] = []
    /// How many healthy pods each of these workloads had before.
    var workloads: [(number: Int32, before: Int)] = []
    /// How many pods on `nodes` nobody replaces elsewhere.
    var otherPods = 0
}

/// The open failures and what each still waits for. Rows are written into `RunRecord.recoveries` as they fill.
struct FailureTracker: Sendable {
    private struct Open: Sendable {
        /// Row in `recoveries`.
        let row: Int
        /// The nodes it took down that nobody has noticed yet.
        var unseen: Set<String>
        /// The nodes it hit that are not back.
        var away: Set<String>
        /// The affected pods: whether each has been evicted.
        var affected: [UID: (workload: Int32, isEvicted: Bool)] = [:]
        /// Workloads that lost pods, and how many healthy ones they had.
        var workloads: [(number: Int32, before: Int)] = []
        /// What these have lost.
        var lost = LostPods()
        /// How many evicted pods of each workload have no replacement yet.
        var unreplaced: [Int32: Int] = [:]
        /// How many of the affected pods have not left yet.
        var staying = 0
        /// The nodes were told that they would go: nothing is over before the last of their pods has left.
        let isAnnounced: Bool
        /// They have gone, for good.
        var isGone = false

        /// Whether there is nothing more to be told of it once all is whole again.
        func isOver(_ record: RecoveryRecord) -> Bool {
            record.returned != nil || (isGone && unseen.isEmpty && staying == 0 && unreplaced.isEmpty)
        }

        func concerns(_ workload: Int32) -> Bool { workloads.contains { $0.number == workload } }

        /// Pods are affected, by this failure and by no other.
        mutating func affect(_ scope: FailureScope, _ record: inout RecoveryRecord) {
            for (uid, workload, wasHealthy) in scope.pods {
                if wasHealthy { lost.add(uid, of: workload) }
                guard affected[uid] == nil else { continue }
                affected[uid] = (workload, false)
                staying += 1
                record.affectedPods += 1
            }
            workloads += scope.workloads.filter { !concerns($0.number) }
        }

        /// A pod is another failure's by now.
        mutating func giveUp(_ pod: UID, _ record: inout RecoveryRecord) {
            guard affected[pod]?.isEvicted == false else { return }
            affected[pod] = nil
            lost.settle(pod)
            staying -= 1
            record.affectedPods -= 1
        }
    }
    private var open: [Open] = []

    /// Nodes failed.
    mutating func begin(
        row: Int, _ scope: FailureScope, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        var failure = Open(row: row, unseen: Set(scope.nodes), away: Set(scope.hit), isAnnounced: false)
        take(scope, &recoveries)
        let scope = withLosses(scope)
        recoveries[row].otherPods = scope.otherPods
        failure.affect(scope, &recoveries[row])
        open.append(failure)
        for node in scope.seen { nodeDetected(node, at: now, &recoveries) }
        look(at: open.count - 1, health, at: now, &recoveries)
    }

    /// A machine got its notice; ``struck(row:_:_:at:_:)`` follows. Nothing is noticed before that.
    mutating func announce(
        row: Int, _ scope: FailureScope, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        var failure = Open(row: row, unseen: [], away: Set(scope.hit), isAnnounced: true)
        recoveries[row].otherPods = scope.otherPods
        failure.affect(scope, &recoveries[row])
        open.append(failure)
        look(at: open.count - 1, health, at: now, &recoveries)
    }

    /// A machine that had its notice is gone for good. `scope`: what that took down, if nothing else had done so before.
    mutating func struck(
        row: Int, _ scope: FailureScope, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        lose(scope.hit, &recoveries)
        guard let index = open.firstIndex(where: { $0.row == row }) else { return }
        let scope = withLosses(scope)
        open[index].isGone = true
        recoveries[row].nodes = scope.nodes.count
        open[index].unseen = Set(scope.nodes)
        let before = recoveries[row].affectedPods
        open[index].affect(scope, &recoveries[row])
        // Pods that came after the notice, to a node that nobody had cordoned.
        if recoveries[row].affectedPods > before { recoveries[row].recovered = nil }
        for node in scope.seen { nodeDetected(node, at: now, &recoveries) }
        look(at: index, health, at: now, &recoveries)
    }

    /// The same with what workloads had before the failures that they have not got over yet: what comes for those is not for this one.
    private func withLosses(_ scope: FailureScope) -> FailureScope {
        var scope = scope
        for index in scope.workloads.indices { scope.workloads[index].before += losses(of: scope.workloads[index].number) }
        return scope
    }

    /// How many pods of a workload are missing because of failures; `row`: but for one of them.
    private func losses(of workload: Int32, but row: Int? = nil) -> Int {
        // What is only announced is not lost yet.
        open.reduce(0) { $0 + ($1.row == row || ($1.isAnnounced && !$1.isGone) ? 0 : $1.lost.count(of: workload)) }
    }

    /// Pods that go down with a node now are no longer what an announced failure will take.
    private mutating func take(_ scope: FailureScope, _ recoveries: inout [RecoveryRecord]) {
        for index in open.indices where open[index].isAnnounced {
            for pod in scope.pods { open[index].giveUp(pod.uid, &recoveries[open[index].row]) }
        }
    }

    /// Nodes that are gone for good: no failure waits for them any more.
    private mutating func lose(_ nodes: [String], _ recoveries: inout [RecoveryRecord]) {
        for index in open.indices {
            for node in nodes { open[index].away.remove(node) }
            let row = open[index].row
            if open[index].away.isEmpty, recoveries[row].returned == nil { recoveries[row].returned = recoveries[row].lastBack }
        }
        close(recoveries)
    }

    // MARK: Nodes

    /// A node's condition Ready turned Unknown or False.
    mutating func nodeDetected(_ node: String, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        for index in open.indices where open[index].unseen.remove(node) != nil {
            let row = open[index].row
            if recoveries[row].firstDetected == nil { recoveries[row].firstDetected = now }
            if open[index].unseen.isEmpty, recoveries[row].unnoticedNodes == 0 { recoveries[row].detected = now }
        }
    }

    /// A node is up again: what becomes of its pods from here on is no failure's doing.
    /// `duplicates`: how many of its pods had been evicted and run still.
    mutating func nodeReturned(
        _ node: String, pods: [UID], duplicates: Int, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices where open[index].away.remove(node) != nil {
            let row = open[index].row
            if duplicates > 0, recoveries[row].nodeNames.contains(node) { recoveries[row].duplicates += duplicates }
            if open[index].unseen.remove(node) != nil { recoveries[row].unnoticedNodes += 1 }
            recoveries[row].nodesBack += 1
            recoveries[row].lastBack = now
            if open[index].away.isEmpty { recoveries[row].returned = now }
            for pod in pods where open[index].affected[pod]?.isEvicted == false {
                open[index].affected[pod] = nil
                open[index].staying -= 1
            }
        }
        close(recoveries)
    }

    // MARK: Pods

    /// Deletion of a pod was requested. `byFailure`: because its node was lost, not by somebody who wanted it gone anyway; `byEviction`:
    /// by the Eviction API, as drains do.
    mutating func podLeaves(
        _ pod: UID, byFailure: Bool, byEviction: Bool, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices {
            guard let (workload, isEvicted) = open[index].affected[pod], !isEvicted else { continue }
            let row = open[index].row
            open[index].staying -= 1
            guard byFailure || (byEviction && open[index].isAnnounced) else {
                open[index].affected[pod] = nil
                continue
            }
            open[index].affected[pod] = (workload, true)
            open[index].unreplaced[workload, default: 0] += 1
            recoveries[row].evictedPods += 1
            if recoveries[row].firstEvicted == nil { recoveries[row].firstEvicted = now }
            recoveries[row].evicted = now
            recoveries[row].replaced = nil
        }
    }

    /// A pod of a workload was created: in the place of the one that the oldest failure took, if one took any. `identity`: its name, if
    /// that is what it has in common with the one it replaces.
    mutating func podCreated(
        _ pod: UID, workload: Int32, identity: String?, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices where open[index].lost.created(pod, of: workload, identity: identity) { break }
        guard let index = open.firstIndex(where: { $0.unreplaced[workload] != nil }), let count = open[index].unreplaced[workload] else {
            return
        }
        open[index].unreplaced[workload] = count > 1 ? count - 1 : nil
        if open[index].unreplaced.isEmpty { recoveries[open[index].row].replaced = now }
    }

    /// A pod will not become healthy any more.
    mutating func podEnded(_ pod: UID, identity: String?) {
        for index in open.indices { open[index].lost.left(pod, identity: identity) }
    }

    // MARK: Workloads

    /// The health of a pod, or the wish of a workload changed. `healthy`: a pod that has become so.
    mutating func workloadChanged(
        _ workload: Int32, healthy pod: UID? = nil, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]
    ) {
        for index in open.indices {
            if let pod { open[index].lost.settle(pod) }
            if open[index].concerns(workload) { look(at: index, health, at: now, &recoveries) }
        }
        close(recoveries)
    }

    private mutating func look(at index: Int, _ health: WorkloadHealth, at now: SimulatedTime, _ recoveries: inout [RecoveryRecord]) {
        let failure = open[index]
        guard recoveries[failure.row].recovered == nil, !failure.isAnnounced || failure.staying == 0 else { return }
        let isWhole = failure.workloads.allSatisfy { entry in
            let wanted = min(entry.before, health.desired[Int(entry.number)] ?? entry.before)
            let healthy = health.healthy[Int(entry.number)]
            // What others took is theirs to make good.
            return healthy >= wanted
                || (failure.lost.isMadeGood(entry.number) && healthy + losses(of: entry.number, but: failure.row) >= wanted)
        }
        guard isWhole else { return }
        recoveries[failure.row].recovered = now
        // What was made good in another way than pod by pod.
        open[index].lost = LostPods()
    }

    /// Failures that are over and healed wait for nothing any more.
    private mutating func close(_ recoveries: [RecoveryRecord]) {
        open.removeAll { recoveries[$0.row].recovered != nil && $0.isOver(recoveries[$0.row]) }
    }
}
