// The first half of a scheduling cycle: nodes are looked at until enough are found that can run the pod.

import KubernetesAPI

extension SchedulingAlgorithm {
    /// The node preemption made room on comes first: if it passes, no other is looked at.
    mutating func checkNominatedNode(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, _ nominated: NominatedPods
    ) -> Bool {
        guard let name = pod.pod.value.status.nominatedNodeName, let slot = cache.slot(of: name), cache.nodes.objects[slot] != nil
        else { return false }
        let question = FilterQuestion(
            pod: pod, profile: profile, states: filterStates, skipped: skippedFilters, nominated: nominated)
        guard question.verdict(on: slot, in: &cache.snapshot).isFeasible else { return false }
        feasible.append(slot)
        return true
    }

    /// Looks at nodes in the order of the list, from the start index around, until enough feasible ones are found.
    ///
    /// As the real scheduler with one worker does: it stops when it meets one feasible node more than wanted, which is not
    /// counted; infeasible ones met on the way are.
    mutating func findFeasible(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, _ preFilter: PreFilterResult,
        _ nominated: NominatedPods, evaluateAll: Bool
    ) {
        let order = cache.nodes.order
        let total = order.count
        let list = preFilter.allowedNames.map { SchedulingAlgorithm.existing($0, in: cache) }
        let count = list?.count ?? total
        guard count > 0 else { return }
        let wanted = evaluateAll ? count : nodesToFind(count, profile)
        let start = nextStartNodeIndex % count
        var position = 0
        var isDone = false
        while position < count, !isDone {
            // Most nodes are feasible in most clusters: a first batch of just what is wanted, and one more.
            let size = min(count - position, max(SchedulingAlgorithm.minimumBatch, wanted - feasible.count + 1))
            batch.reset()
            for offset in position..<(position + size) {
                var index = start + offset
                if index >= count { index -= count }
                batch.nodes.append(list?[index] ?? order[index])
            }
            batch.verdicts.append(contentsOf: repeatElement(.feasible, count: size))
            filterBatch(pod, profile, cache.snapshot)
            if !nominated.isEmpty { reckon(with: nominated, pod, profile, &cache.snapshot) }
            for index in batch.indices {
                if batch.verdicts[index].isFeasible {
                    if feasible.count == wanted {
                        isDone = true
                        break
                    }
                    feasible.append(batch.nodes[index])
                } else {
                    rejected.append(batch.nodes[index])
                    verdicts.append(batch.verdicts[index])
                }
            }
            position += size
        }
        nextStartNodeIndex = (nextStartNodeIndex + feasible.count + rejected.count) % total
    }

    private static let minimumBatch = 64

    /// The slots of those names that are names of nodes.
    private static func existing(_ names: [String], in cache: SchedulerCache) -> [NodeSlot] {
        names.compactMap { name in cache.slot(of: name).flatMap { cache.nodes.objects[$0] == nil ? nil : $0 } }
    }

    /// Overrules the verdicts on nodes to which other pods are nominated: the pod must fit beside them, too.
    ///
    /// The real scheduler asks first with the nominated pods and then without; which comes first shows only in the reason.
    private mutating func reckon(
        with nominated: NominatedPods, _ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: inout ClusterSnapshot
    ) {
        let question = FilterQuestion(
            pod: pod, profile: profile, states: filterStates, skipped: skippedFilters, nominated: nominated)
        for index in batch.indices {
            let others = nominated[batch.nodes[index]]
            guard !others.isEmpty else { continue }
            let verdict = question.verdict(on: batch.nodes[index], with: others, in: &cluster)
            if !verdict.isFeasible { batch.verdicts[index] = verdict }
        }
    }

    func nodesToFind(_ count: Int, _ profile: SchedulingProfile) -> Int {
        if !profile.scoresNodes { return 1 }
        let percentage = profile.percentageOfNodesToScore.map(Int.init) ?? percentageOfNodesToScore
        return NodeSampling.feasibleNodesToFind(nodes: count, percentage: percentage)
    }

    private mutating func filterBatch(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        for entry in profile.filter where !skippedFilters.has(entry.number) {
            batch.plugin = entry.number
            entry.plugin.filter(pod, batch: &batch, in: cluster, state: filterStates[entry.number])
        }
    }
}
