// One scheduling cycle for one pod: PreFilter, Filter, PreScore, Score, the choice. No queue, no time, no API.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/>

import DiscreteEvents
import KubernetesAPI

/// What a cycle found.
package enum CycleOutcome: Sendable {
    /// `score`: the weighted sum of the winner; 0 where only one node was feasible and none was scored.
    case node(NodeSlot, score: Int64, evaluated: Int, feasible: Int)
    case noFit(FilterFailure, evaluated: Int)
    /// The cluster has no nodes.
    case noNodes
    /// A plugin broke its contract: the attempt fails with these words.
    case broken(String, evaluated: Int, feasible: Int)
}

/// The two ways to a decision, which is the same.
public enum SchedulerPath: String, Hashable, Sendable, CaseIterable {
    /// Every plugin is asked about every node looked at: the reference.
    case plain
    /// Plugins are asked again only where something changed.
    case memoised
}

/// The cycle on either path: the plain one, on which every plugin is asked about every node looked at, stands here and in the two halves
/// beside, the other in ``MemoisedPath``.
///
/// Holds the place where the next search starts and buffers that are reused from pod to pod.
package struct SchedulingAlgorithm: Sendable {
    /// Index in the node list at which the next search starts, so that all nodes get their turn in sampled searches.
    package internal(set) var nextStartNodeIndex = 0
    let percentageOfNodesToScore: Int
    private let path: SchedulerPath
    private var memory: MemoisedPath
    /// nil on the plain path.
    private var dryRuns: DryRunMemory?

    var batch = FilterBatch()
    var feasible: [NodeSlot] = []
    var rejected: [NodeSlot] = []
    var verdicts: [NodeVerdict] = []
    var totals: [Int64] = []
    var scores: [Int64] = []
    var filterStates: [PluginState?] = []
    /// Whether PreFilter ran in the latest cycle; the memoised path does without.
    private var hasPreFiltered = false
    /// Of the latest cycle: PreFilter plugins that were asked, and those that switched their Filter off.
    private var reachedPreFilters: PluginSet = []
    var skippedFilters: PluginSet = []
    var scoreStates: [PluginState?] = []

    /// - Parameter maximumAnswers: how many answers about nodes the memoised path keeps at most.
    package init(
        percentageOfNodesToScore: Int = 0, nextStartNodeIndex: Int = 0, path: SchedulerPath = .memoised,
        maximumAnswers: Int = MemoisedPath.defaultMaximumAnswers
    ) {
        self.path = path
        memory = MemoisedPath(maximumAnswers: maximumAnswers)
        dryRuns = path == .memoised ? DryRunMemory(maximumAnswers: maximumAnswers) : nil
        self.percentageOfNodesToScore = percentageOfNodesToScore
        self.nextStartNodeIndex = nextStartNodeIndex
    }

    mutating func startSearching(at index: Int) { nextStartNodeIndex = index }

    /// Finds the node for a pod. The cache is changed and put back on the way.
    /// - Parameter draw: picks one of several nodes that are equally good: a number below its argument.
    package mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, nominator: Nominator = Nominator(), draw: (Int) -> Int
    ) -> CycleOutcome {
        var record: Decision?
        return schedule(pod, profile, &cache, nominator: nominator, record: &record, draw: draw)
    }

    /// The same; `record`, if not nil, takes down everything on the way, which is the plain one then.
    mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, nominator: Nominator, record: inout Decision?,
        draw: (Int) -> Int
    ) -> CycleOutcome {
        // To pass the cache copies it: nearly always for nothing.
        let nominated = nominator.isEmpty ? NominatedPods() : NominatedPods(nominator, for: pod, in: cache)
        if path == .memoised, record == nil, let outcome = recall(pod, profile, &cache, nominated, draw) { return outcome }
        return schedule(pod, profile, &cache, nominated, evaluateAll: false, record: &record, draw: draw)
    }

    /// The same outcome from memory, if there is a way.
    private mutating func recall(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, _ nominated: NominatedPods, _ draw: (Int) -> Int
    ) -> CycleOutcome? {
        let count = cache.nodes.order.count
        guard count > 0, pod.pod.value.status.nominatedNodeName == nil, (pod.pod.value.nodeName ?? "").isEmpty,
            memory.knows(pod, profile, cache.snapshot)
        else { return nil }
        hasPreFiltered = false
        // What is remembered about nodes does not reckon with nominations.
        let refusals = nominated.isEmpty ? [] : refusals(beside: nominated, pod, profile, &cache.snapshot)
        let outcome = memory.schedule(
            pod, profile, cache.snapshot, wanted: nodesToFind(count, profile), start: nextStartNodeIndex % count, refusals: refusals,
            draw: draw)
        switch outcome {
        case .node(_, _, let evaluated, _), .noFit(_, let evaluated):
            nextStartNodeIndex = (nextStartNodeIndex + evaluated) % count
        case .noNodes, .broken, nil: break
        }
        return outcome
    }

    /// Nodes where the pod would not fit beside those nominated to them.
    private mutating func refusals(
        beside nominated: NominatedPods, _ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: inout ClusterSnapshot
    ) -> [(node: NodeSlot, verdict: NodeVerdict)] {
        _ = runPreFilter(pod, profile, cluster)
        let question = FilterQuestion(
            pod: pod, profile: profile, states: filterStates, skipped: skippedFilters, nominated: nominated)
        var result: [(node: NodeSlot, verdict: NodeVerdict)] = []
        for node in nominated.nodes where cluster.nodes.objects[node] != nil {
            let verdict = question.verdict(on: node, with: nominated[node], in: &cluster)
            if !verdict.isFeasible { result.append((node, verdict)) }
        }
        return result
    }

    /// As ``schedule(_:_:_:nominator:draw:)``; `record`, if not nil, takes down everything on the way.
    mutating func schedule(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, _ nominated: NominatedPods, evaluateAll: Bool,
        record: inout Decision?, draw: (Int) -> Int
    ) -> CycleOutcome {
        let nodeCount = cache.nodes.order.count
        guard nodeCount > 0 else { return .noNodes }
        // Only a copy of the snapshot that outlives a plugin's answer would make trials copy it, too: none is kept here.
        let preFilter = runPreFilter(pod, profile, cache.snapshot)
        record?.note(preFilter, profile)
        if let rejection = preFilter.rejection {
            let failure = FilterFailure(
                nodeCount: nodeCount, preFilterRejection: rejection, nodes: [], verdicts: [], absentReasons: rejection.reasons,
                rejectors: preFilter.rejectors)
            return .noFit(failure, evaluated: 0)
        }

        feasible.removeAll(keepingCapacity: true)
        rejected.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
        let usesNomination = checkNominatedNode(pod, profile, &cache, nominated)
        if usesNomination {
            record?.nominatedNodeUsed = true
        } else {
            findFeasible(pod, profile, &cache, preFilter, nominated, evaluateAll: evaluateAll)
        }
        let evaluated = feasible.count + rejected.count
        record?.note(rejected, verdicts, feasible, profile, pod, cache.snapshot)

        guard !feasible.isEmpty else {
            var rejectors = preFilter.rejectors
            for verdict in verdicts { if let plugin = verdict.plugin { rejectors.insert(PluginSet(plugin: plugin)) } }
            var absent: [String] = []
            if preFilter.allowedNames != nil {
                absent = [SchedulingAlgorithm.notInNodeSet(preFilter.restrictors, profile)]
                rejectors.formUnion(preFilter.restrictors)
            }
            let failure = FilterFailure(
                nodeCount: nodeCount, preFilterRejection: nil, nodes: rejected, verdicts: verdicts, absentReasons: absent,
                rejectors: rejectors)
            return .noFit(failure, evaluated: evaluated)
        }
        guard feasible.count > 1 else { return .node(feasible[0], score: 0, evaluated: evaluated, feasible: 1) }
        if let message = score(pod, profile, cache.snapshot, record: &record) {
            return .broken(message, evaluated: evaluated, feasible: feasible.count)
        }
        let (winner, best) = choose(profile, cache.snapshot, draw)
        return .node(winner, score: best, evaluated: evaluated, feasible: feasible.count)
    }

    /// Asks the PostFilter plugins what can be done about the failure that the cycle just ended with.
    /// - Parameters:
    ///   - random: belongs to the pod and its attempt.
    ///   - waiting: the pods that wait for a permission.
    ///   - explains: look at all nodes and take down what was found.
    mutating func postFilter(
        _ pod: PodInfo, _ failure: FilterFailure, _ profile: SchedulingProfile, _ cache: inout SchedulerCache, _ nominator: Nominator,
        waiting: [PodInfo] = [], random: RandomStream, explains: Bool = false
    ) -> PostFilterResult {
        guard !profile.postFilter.isEmpty else { return PostFilterResult() }
        if !hasPreFiltered { _ = runPreFilter(pod, profile, cache.snapshot) }
        let question = FilterQuestion(
            pod: pod, profile: profile, states: filterStates, skipped: skippedFilters,
            nominated: NominatedPods(nominator, for: pod, in: cache))
        var session = FilterSession(question, nominator: nominator, reached: reachedPreFilters, random: random, explains: explains)
        session.waiting = waiting
        // The session has the cluster to itself while it lasts.
        swap(&session.cache, &cache)
        swap(&session.dryRuns, &dryRuns)
        let result = profile.runPostFilter(pod, failure, in: &session)
        swap(&session.cache, &cache)
        swap(&session.dryRuns, &dryRuns)
        return result
    }

    // MARK: PreFilter

    struct PreFilterResult {
        var rejection: FilterFailure.PreFilterRejection?
        var rejectors: PluginSet = []
        /// Plugins that were asked: a rejection may come before the turn of the others.
        var reached: PluginSet = []
        /// Plugins whose Filter is not asked.
        var skipped: PluginSet = []
        /// The only nodes to look at, sorted; nil: all.
        var allowedNames: [String]?
        var restrictors: PluginSet = []
    }

    private mutating func runPreFilter(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) -> PreFilterResult {
        let result = askPreFilters(pod, profile, cluster)
        hasPreFiltered = true
        reachedPreFilters = result.reached
        skippedFilters = result.skipped
        return result
    }

    private mutating func askPreFilters(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) -> PreFilterResult {
        var result = PreFilterResult()
        filterStates.removeAll(keepingCapacity: true)
        filterStates.append(contentsOf: repeatElement(nil, count: profile.plugins.count))
        var refusal: FilterFailure.PreFilterRejection?
        for entry in profile.preFilter {
            result.reached.insert(PluginSet(plugin: entry.number))
            switch entry.plugin.preFilter(pod, in: cluster) {
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
                // A later refusal takes the place of an earlier one.
                result.rejectors = PluginSet(plugin: entry.number)
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
}
