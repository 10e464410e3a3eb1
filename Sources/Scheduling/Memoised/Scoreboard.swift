// The memory of one class of pods: kept up to date from the change log, and searched for the best node.

import KubernetesAPI

/// What is known about all nodes for pods of one class.
///
/// Answers are asked for when a search comes by, and again only after a change of the node (``ChangeLog``).
struct Scoreboard: Sendable {
    private let plugins: RememberedPlugins
    private var answers: NodeAnswers
    /// What is said about pods in the nodes' topologies.
    private var topology: TopologyMemory?
    private var comparison = ClassComparison()
    private var orderVersion: UInt64 = 0
    /// The number of the first change not yet taken note of.
    private var nextChange = 0
    /// Verdicts that hold for one search only, by position.
    private var overruled: [(position: Int, verdict: NodeVerdict)] = []

    /// nil if there is nothing to remember about the pod.
    init?(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        guard let plugins = RememberedPlugins(pod, profile, cluster) else { return nil }
        self.plugins = plugins
        topology = TopologyMemory(pod, profile, cluster)
        answers = NodeAnswers(nodes: 0, topologyLevels: 0, otherLevels: 0)
    }

    // MARK: Keeping up

    /// Takes note of what changed since the last search.
    mutating func catchUp(with cluster: ClusterSnapshot) {
        let log = cluster.changes
        if orderVersion != cluster.nodes.orderVersion || nextChange < log.start { forget(cluster) }
        while nextChange < log.end {
            mark(Int(log[nextChange].slot), cluster.nodes)
            nextChange += 1
        }
        catchUpTopology(with: cluster)
        if answers.hasTooManyClasses { forget(cluster) }
    }

    private mutating func catchUpTopology(with cluster: ClusterSnapshot) {
        guard topology != nil else { return }
        if topology?.isCurrent(in: cluster) == false {
            topology = TopologyMemory(plugins.pod, plugins.profile, cluster)
            forget(cluster)
        }
        var marked: [NodeSlot] = []
        topology?.catchUp(with: cluster) { marked.append($0) }
        for slot in marked { mark(slot, cluster.nodes) }
        // A rule that no pod had before makes another level.
        if let topology, topology.levelCount != answers.topologyLevels { forget(cluster) }
    }

    private mutating func mark(_ slot: NodeSlot, _ nodes: NodeTable) {
        let position = Int(nodes.position[slot])
        if position >= 0 { answers.markStale(position) }
    }

    /// Begins anew: every node has to be asked.
    private mutating func forget(_ cluster: ClusterSnapshot) {
        answers = NodeAnswers(
            nodes: cluster.nodes.order.count, topologyLevels: topology?.levelCount ?? 0,
            otherLevels: plugins.comparedScores.count + plugins.signatureScores.count)
        orderVersion = cluster.nodes.orderVersion
        nextChange = cluster.changes.end
    }

    // MARK: Searching

    /// Finds the node: the same nodes are looked at, found feasible and scored alike as on the plain path.
    /// - Parameters:
    ///   - start: position at which the search begins.
    ///   - wanted: the number of feasible nodes after which it ends.
    ///   - refusals: nodes that are refused for a reason no plugin knows of.
    /// - Returns: nil if the plain path must be taken: there are scores that may not stand.
    mutating func search(
        from start: Int, wanted: Int, refusals: [(node: NodeSlot, verdict: NodeVerdict)], _ cluster: ClusterSnapshot,
        _ scratch: inout NodeAnswers.Scratch, draw: (Int) -> Int
    ) -> CycleOutcome? {
        overrule(refusals, cluster, &scratch)
        comparison.reset()
        let count = cluster.nodes.order.count
        let outcome =
            wanted >= count && count > Scoreboard.worthIndexing
            ? searchIndex(from: start, cluster, &scratch, draw: draw)
            : searchList(from: start, wanted: wanted, cluster, &scratch, draw: draw)
        for entry in overruled { answers.markStale(entry.position) }
        overruled.removeAll(keepingCapacity: true)
        if answers.hasInvalidScores {
            // A score that may not stand stays among the answers: the next search asks anew, and finds out whether there is one still.
            forget(cluster)
            return nil
        }
        return comparison.hasInvalidScores ? nil : outcome
    }

    /// Fewer nodes than this are compared one by one.
    private static let worthIndexing = 256
    /// So many nodes at least are brought up to date at a time.
    private static let minimumStep = 64

    private mutating func overrule(
        _ refusals: [(node: NodeSlot, verdict: NodeVerdict)], _ cluster: ClusterSnapshot, _ scratch: inout NodeAnswers.Scratch
    ) {
        for refusal in refusals {
            let position = Int(cluster.nodes.position[refusal.node])
            guard position >= 0 else { continue }
            answers.refresh(position..<(position + 1), plugins, topology, cluster, &scratch)
            answers.overrule(position, with: refusal.verdict)
            overruled.append((position, refusal.verdict))
        }
    }

    /// Looks at node after node, as far as needed.
    private mutating func searchList(
        from start: Int, wanted: Int, _ cluster: ClusterSnapshot, _ scratch: inout NodeAnswers.Scratch, draw: (Int) -> Int
    ) -> CycleOutcome {
        let count = cluster.nodes.order.count
        var (visited, feasible) = (0, 0)
        while visited < count {
            let position = (start + visited) % count
            let step = min(count - visited, max(Scoreboard.minimumStep, wanted - feasible + 1))
            answers.refresh(position..<min(position + step, count), plugins, topology, cluster, &scratch)
            if position + step > count { answers.refresh(0..<(position + step - count), plugins, topology, cluster, &scratch) }
            comparison.judge(answers, topology, cluster.nodes)
            let (passed, open) = comparison.walk(answers, from: position, steps: step, wanted: wanted - feasible)
            visited += passed
            feasible += open
            if passed < step { break }
        }
        guard feasible > 0 else { return failure(from: start, cluster) }
        comparison.compare(answers, plugins, topology, cluster, &scratch)
        let best = comparison.best(answers, from: start, steps: visited)
        let order = cluster.nodes.order
        if feasible == 1 { return .node(order[best.position], score: 0, evaluated: visited, feasible: 1) }
        var position = best.position
        if best.ties > 1, let rule = plugins.profile.tieBreak {
            position = preferred(by: rule, best.total, from: start, steps: visited, cluster)
            return .node(order[position], score: best.total, evaluated: visited, feasible: feasible)
        }
        var left = best.ties == 1 ? 0 : draw(best.ties)
        while left > 0 {
            position += 1
            if position == count { position = 0 }
            if comparison.isTied(position, best.total, answers) { left -= 1 }
        }
        return .node(order[position], score: best.total, evaluated: visited, feasible: feasible)
    }

    /// All nodes are candidates: the best of every class is known, the best of them wins.
    private mutating func searchIndex(
        from start: Int, _ cluster: ClusterSnapshot, _ scratch: inout NodeAnswers.Scratch, draw: (Int) -> Int
    ) -> CycleOutcome {
        let count = cluster.nodes.order.count
        answers.refresh(0..<count, plugins, topology, cluster, &scratch)
        if answers.bestNodes == nil { answers.buildIndex() }
        comparison.judge(answers, topology, cluster.nodes)
        let feasible = comparison.findAll(answers)
        guard feasible > 0 else { return failure(from: start, cluster) }
        comparison.compare(answers, plugins, topology, cluster, &scratch)
        var best = Int64.min
        var tied: [Int32] = []
        for number in scratch.present {
            guard let score = answers.bestNodes?.best(of: Int(number)) else { continue }
            let total = score + comparison.offsets[Int(number)]
            if total > best {
                best = total
                tied.removeAll(keepingCapacity: true)
            }
            if total == best { tied.append(number) }
        }
        var ties = 0
        for number in tied { ties += answers.bestNodes?.tieCount(of: Int(number)) ?? 0 }
        let winner: Int
        if ties > 1, let rule = plugins.profile.tieBreak {
            winner = preferred(by: rule, best, from: start, steps: count, cluster)
        } else {
            winner = tie(ties == 1 ? 0 : draw(ties), best, tied, from: start)
        }
        return .node(cluster.nodes.order[winner], score: feasible == 1 ? 0 : best, evaluated: count, feasible: feasible)
    }

    /// The position of that of the equally good nodes which the profile's rule prefers.
    private func preferred(
        by rule: any TieBreakPlugin, _ best: Int64, from start: Int, steps: Int, _ cluster: ClusterSnapshot
    ) -> Int {
        let count = answers.classOfNode.count
        var winner = TieWinner()
        for offset in 0..<steps {
            let position = start + offset < count ? start + offset : start + offset - count
            guard comparison.isTied(position, best, answers) else { continue }
            winner.consider(position, rank: rule.rank(of: cluster.nodes.order[position], in: cluster))
        }
        return winner.index
    }

    /// The position of the `k`-th of the equally good nodes, counted from `start` around the list.
    private func tie(_ k: Int, _ best: Int64, _ tied: [Int32], from start: Int) -> Int {
        let count = answers.classOfNode.count
        let stretch = BestNodes.stretch
        var left = k
        for range in [start..<count, 0..<start] {
            var position = range.lowerBound
            while position < range.upperBound {
                let end = min(range.upperBound, (position / stretch + 1) * stretch)
                let isWhole = position % stretch == 0 && (end % stretch == 0 || end == count)
                if isWhole, let ties = answers.bestNodes?.tieCount(of: tied, inStretch: position / stretch), ties <= left {
                    left -= ties
                } else {
                    for position in position..<end where comparison.isTied(position, best, answers) {
                        if left == 0 { return position }
                        left -= 1
                    }
                }
                position = end
            }
        }
        return start
    }

    // MARK: Failing

    /// Nobody fits: all verdicts in the order of the search.
    private func failure(from start: Int, _ cluster: ClusterSnapshot) -> CycleOutcome {
        let order = cluster.nodes.order
        var nodes: [NodeSlot] = []
        var verdicts: [NodeVerdict] = []
        nodes.reserveCapacity(order.count)
        verdicts.reserveCapacity(order.count)
        for offset in order.indices {
            var position = start + offset
            if position >= order.count { position -= order.count }
            nodes.append(order[position])
            verdicts.append(verdict(at: position, cluster.nodes))
        }
        for entry in overruled {
            let offset = entry.position - start
            verdicts[offset < 0 ? offset + order.count : offset] = entry.verdict
        }
        var rejectors: PluginSet = []
        for verdict in verdicts { if let plugin = verdict.plugin { rejectors.insert(PluginSet(plugin: plugin)) } }
        let failure = FilterFailure(
            nodeCount: order.count, preFilterRejection: nil, nodes: nodes, verdicts: verdicts, absentReasons: [], rejectors: rejectors)
        return .noFit(failure, evaluated: order.count)
    }

    /// The verdict on a node that cannot run the pod: that of the first plugin, in the profile's order, that refuses it.
    private func verdict(at position: Int, _ nodes: NodeTable) -> NodeVerdict {
        let number = answers.classOfNode[position]
        if number >= 0 { return topology?.obstacle(answers.classes.row(Int(number)), nodes) ?? .feasible }
        let own = NodeVerdict(storage: answers.scoreOfNode[position])
        guard let topology, let plugin = own.plugin, plugins.filterPosition(of: plugin) > topology.firstFilterPosition,
            let other = topology.obstacle(on: nodes.order[position], nodes), let otherPlugin = other.plugin,
            plugins.filterPosition(of: otherPlugin) < plugins.filterPosition(of: plugin)
        else { return own }
        return other
    }
}
