// One scheduling cycle for one pod: PreFilter, Filter, PreScore, Score, the choice. No queue, no time, no API.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/>

import KubernetesAPI

/// What a cycle found.
package enum CycleOutcome: Sendable {
    /// `score`: the weighted sum of the winner; 0 where only one node was feasible and none was scored.
    case node(NodeSlot, score: Int64, evaluated: Int, feasible: Int)
    case noFit(FilterFailure, evaluated: Int)
    /// The cluster has no nodes.
    case noNodes
}

/// The plain path of the scheduler: every plugin is asked about every node looked at.
///
/// Holds the place where the next search starts and buffers that are reused from pod to pod.
package struct SchedulingAlgorithm: Sendable {
    /// Index in the node list at which the next search starts, so that all nodes get their turn in sampled searches.
    package private(set) var nextStartNodeIndex = 0
    private let percentageOfNodesToScore: Int

    private var batch = FilterBatch()
    private var feasible: [NodeSlot] = []
    private var rejected: [NodeSlot] = []
    private var verdicts: [NodeVerdict] = []
    private var totals: [Int64] = []
    private var scores: [Int64] = []
    private var filterStates: [PluginState?] = []
    private var scoreStates: [PluginState?] = []

    package init(percentageOfNodesToScore: Int = 0, nextStartNodeIndex: Int = 0) {
        self.percentageOfNodesToScore = percentageOfNodesToScore
        self.nextStartNodeIndex = nextStartNodeIndex
    }

    /// Finds the node for a pod.
    /// - Parameter draw: picks one of several nodes that are equally good: a number below its argument.
    package mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: SchedulerCache, draw: (Int) -> Int
    ) -> CycleOutcome {
        var record: Decision?
        return schedule(pod, profile, cache, evaluateAll: false, record: &record, draw: draw)
    }

    /// As ``schedule(_:_:_:draw:)``; `record`, if not nil, takes down everything on the way.
    mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: SchedulerCache, evaluateAll: Bool, record: inout Decision?,
        draw: (Int) -> Int
    ) -> CycleOutcome {
        let nodes = cache.nodes
        guard !nodes.order.isEmpty else { return .noNodes }
        let preFilter = runPreFilter(pod, profile, nodes)
        record?.note(preFilter, profile)
        if let rejection = preFilter.rejection {
            let failure = FilterFailure(
                nodeCount: nodes.order.count, preFilterRejection: rejection, nodes: [], verdicts: [], absentReasons: rejection.reasons,
                rejectors: preFilter.rejectors)
            return .noFit(failure, evaluated: 0)
        }

        feasible.removeAll(keepingCapacity: true)
        rejected.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
        let usesNomination = checkNominatedNode(pod, profile, cache, skipped: preFilter.skipped)
        if usesNomination {
            record?.nominatedNodeUsed = true
        } else {
            findFeasible(pod, profile, cache, preFilter, evaluateAll: evaluateAll)
        }
        let evaluated = feasible.count + rejected.count
        record?.note(rejected, verdicts, feasible, profile, pod, nodes)

        guard !feasible.isEmpty else {
            var rejectors = preFilter.rejectors
            for verdict in verdicts { if let plugin = verdict.plugin { rejectors.insert(PluginSet(plugin: plugin)) } }
            var absent: [String] = []
            if preFilter.allowedNames != nil {
                absent = [SchedulingAlgorithm.notInNodeSet(preFilter.restrictors, profile)]
                rejectors.formUnion(preFilter.restrictors)
            }
            let failure = FilterFailure(
                nodeCount: nodes.order.count, preFilterRejection: nil, nodes: rejected, verdicts: verdicts, absentReasons: absent,
                rejectors: rejectors)
            return .noFit(failure, evaluated: evaluated)
        }
        guard feasible.count > 1 else { return .node(feasible[0], score: 0, evaluated: evaluated, feasible: 1) }
        score(pod, profile, nodes, record: &record)
        let (winner, best) = choose(draw)
        return .node(winner, score: best, evaluated: evaluated, feasible: feasible.count)
    }

    // MARK: PreFilter

    struct PreFilterResult {
        var rejection: FilterFailure.PreFilterRejection?
        var rejectors: PluginSet = []
        /// Plugins whose Filter is not asked.
        var skipped: PluginSet = []
        /// The only nodes to look at, sorted; nil: all.
        var allowedNames: [String]?
        var restrictors: PluginSet = []
    }

    private mutating func runPreFilter(_ pod: PodInfo, _ profile: SchedulingProfile, _ nodes: NodeTable) -> PreFilterResult {
        var result = PreFilterResult()
        filterStates.removeAll(keepingCapacity: true)
        filterStates.append(contentsOf: repeatElement(nil, count: profile.plugins.count))
        var refusal: FilterFailure.PreFilterRejection?
        for entry in profile.preFilter {
            switch entry.plugin.preFilter(pod, nodes: nodes) {
            case .proceed(let state): filterStates[entry.number] = state
            case .skip: result.skipped.insert(PluginSet(plugin: entry.number))
            case .restrict(let names, let state):
                filterStates[entry.number] = state
                result.restrictors.insert(PluginSet(plugin: entry.number))
                let common = result.allowedNames.map { known in names.filter { known.contains($0) } } ?? names
                result.allowedNames = common
                if common.isEmpty {
                    result.rejectors.formUnion(result.restrictors)
                    result.rejection = FilterFailure.PreFilterRejection(
                        plugin: nil, rejection: .unschedulableAndUnresolvable,
                        reasons: [SchedulingAlgorithm.emptyIntersection(result.restrictors, profile)])
                    return result
                }
            case .reject(let rejection, let reasons):
                result.rejectors.insert(PluginSet(plugin: entry.number))
                refusal = FilterFailure.PreFilterRejection(plugin: entry.number, rejection: rejection, reasons: reasons)
                if rejection == .unschedulableAndUnresolvable {
                    result.rejection = refusal
                    return result
                }
            }
        }
        if refusal != nil { result.rejectors.formUnion(result.restrictors) }
        result.rejection = refusal
        return result
    }

    private static func emptyIntersection(_ plugins: PluginSet, _ profile: SchedulingProfile) -> String {
        let names = profile.names(of: plugins)
        return names.count == 1
            ? "node(s) didn't satisfy plugin \(names[0])"
            : "node(s) didn't satisfy plugin(s) [\(names.joined(separator: " "))] simultaneously"
    }

    static func notInNodeSet(_ plugins: PluginSet, _ profile: SchedulingProfile) -> String {
        "node(s) didn't satisfy plugin(s) [\(profile.names(of: plugins).joined(separator: " "))]"
    }

    // MARK: Filter

    /// The node preemption made room on comes first: if it passes, no other is looked at.
    private mutating func checkNominatedNode(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: SchedulerCache, skipped: PluginSet
    ) -> Bool {
        guard let name = pod.pod.value.status.nominatedNodeName, let slot = cache.slot(of: name), cache.nodes.objects[slot] != nil
        else { return false }
        batch.reset()
        batch.nodes.append(slot)
        batch.verdicts.append(.feasible)
        filterBatch(pod, profile, cache.nodes, skipped)
        guard batch.isOpen(0) else { return false }
        feasible.append(slot)
        return true
    }

    /// Looks at nodes in the order of the list, from the start index around, until enough feasible ones are found.
    ///
    /// As the real scheduler with one worker does: it stops when it meets one feasible node more than wanted, which is not
    /// counted; infeasible ones met on the way are.
    private mutating func findFeasible(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: SchedulerCache, _ preFilter: PreFilterResult, evaluateAll: Bool
    ) {
        let nodes = cache.nodes
        let total = nodes.order.count
        let list = preFilter.allowedNames?.compactMap { name in cache.slot(of: name).flatMap { nodes.objects[$0] == nil ? nil : $0 } }
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
                batch.nodes.append(list?[index] ?? nodes.order[index])
            }
            batch.verdicts.append(contentsOf: repeatElement(.feasible, count: size))
            filterBatch(pod, profile, nodes, preFilter.skipped)
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

    private func nodesToFind(_ count: Int, _ profile: SchedulingProfile) -> Int {
        if profile.score.isEmpty { return 1 }
        let percentage = profile.percentageOfNodesToScore.map(Int.init) ?? percentageOfNodesToScore
        return NodeSampling.feasibleNodesToFind(nodes: count, percentage: percentage)
    }

    private mutating func filterBatch(_ pod: PodInfo, _ profile: SchedulingProfile, _ nodes: NodeTable, _ skipped: PluginSet) {
        for entry in profile.filter where !skipped.has(entry.number) {
            batch.plugin = entry.number
            entry.plugin.filter(pod, batch: &batch, in: nodes, state: filterStates[entry.number])
        }
    }

    // MARK: Score

    private mutating func score(_ pod: PodInfo, _ profile: SchedulingProfile, _ nodes: NodeTable, record: inout Decision?) {
        totals.removeAll(keepingCapacity: true)
        totals.append(contentsOf: repeatElement(0, count: feasible.count))
        scoreStates.removeAll(keepingCapacity: true)
        scoreStates.append(contentsOf: repeatElement(nil, count: profile.plugins.count))
        guard !profile.score.isEmpty else { return }
        var skipped: PluginSet = []
        for entry in profile.preScore {
            switch entry.plugin.preScore(pod, feasible: feasible, nodes: nodes) {
            case .proceed(let state): scoreStates[entry.number] = state
            case .skip: skipped.insert(PluginSet(plugin: entry.number))
            }
        }
        for entry in profile.score where !skipped.has(entry.number) {
            scores.removeAll(keepingCapacity: true)
            scores.append(contentsOf: repeatElement(0, count: feasible.count))
            entry.plugin.score(pod, feasible: feasible, in: nodes, state: scoreStates[entry.number], scores: &scores)
            if entry.plugin.normalises {
                record?.noteRaw(scores, entry.plugin.name)
                entry.plugin.normalise(&scores, for: pod, state: scoreStates[entry.number])
            }
            for index in scores.indices { totals[index] += entry.weight * scores[index] }
            record?.noteWeighted(scores.map { entry.weight * $0 }, entry.plugin.name)
        }
        record?.totals = totals
    }

    /// One of the nodes with the highest total: the `draw`-th of them in the order they were found.
    private func choose(_ draw: (Int) -> Int) -> (NodeSlot, Int64) {
        var best = totals[0]
        var count = 0
        for total in totals {
            if total > best {
                best = total
                count = 1
            } else if total == best {
                count += 1
            }
        }
        var left = count == 1 ? 0 : draw(count)
        for index in totals.indices where totals[index] == best {
            if left == 0 { return (feasible[index], best) }
            left -= 1
        }
        return (feasible[0], best)
    }
}
