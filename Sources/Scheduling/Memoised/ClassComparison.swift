// How the classes of nodes compare, for one search.

import KubernetesAPI

/// Of each class of nodes: whether pods in its topology allow it, how many nodes of it the search found, and what comparison with the
/// others adds to the score of all its nodes.
struct ClassComparison: Sendable {
    enum Standing: UInt8 { case unknown, open, closed }
    private(set) var standings: [Standing] = []
    private(set) var found: [Int32] = []
    private(set) var offsets: [Int64] = []
    /// Whether normalisation left a score that may not stand.
    private(set) var hasInvalidScores = false

    /// A search begins.
    mutating func reset() {
        standings.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        hasInvalidScores = false
    }

    /// Judges the classes that have nodes and were not judged yet.
    mutating func judge(_ answers: NodeAnswers, _ topology: TopologyMemory?, _ nodes: NodeTable) {
        let classes = answers.classes
        let missing = classes.count - standings.count
        if missing > 0 {
            standings.append(contentsOf: repeatElement(.unknown, count: missing))
            found.append(contentsOf: repeatElement(0, count: missing))
        }
        for number in standings.indices where standings[number] == .unknown && classes.memberCounts[number] > 0 {
            standings[number] = topology?.obstacle(classes.row(number), nodes) == nil ? .open : .closed
        }
    }

    /// All nodes of open classes are found; returns their number.
    mutating func findAll(_ answers: NodeAnswers) -> Int {
        var total = 0
        for number in found.indices where standings[number] == .open {
            found[number] = answers.classes.memberCounts[number]
            total += Int(found[number])
        }
        return total
    }

    /// Goes from node to node, counting the open ones, until one more than `wanted` is met.
    /// - Returns: how many nodes were passed, and how many of them are open.
    mutating func walk(
        _ answers: NodeAnswers, from position: Int, steps: Int, wanted: Int
    ) -> (passed: Int, open: Int) {
        var (passed, open) = (0, 0)
        answers.classOfNode.withUnsafeBufferPointer { classOfNode in
            standings.withUnsafeBufferPointer { standings in
                found.withUnsafeMutableBufferPointer { found in
                    var position = position
                    while passed < steps {
                        let number = Int(classOfNode[position])
                        if number >= 0, standings[number] == .open {
                            if open == wanted { return }
                            open += 1
                            found[number] += 1
                        }
                        passed += 1
                        position += 1
                        if position == classOfNode.count { position = 0 }
                    }
                }
            }
        }
        return (passed, open)
    }

    /// Works out what each class found gets from the comparison of all of them.
    mutating func compare(
        _ answers: NodeAnswers, _ plugins: RememberedPlugins, _ topology: TopologyMemory?, _ cluster: ClusterSnapshot,
        _ scratch: inout NodeAnswers.Scratch
    ) {
        let classes = answers.classes
        offsets.removeAll(keepingCapacity: true)
        offsets.append(contentsOf: repeatElement(0, count: found.count))
        scratch.present.removeAll(keepingCapacity: true)
        for number in found.indices where found[number] > 0 { scratch.present.append(Int32(number)) }
        for (level, entry) in plugins.comparedScores.enumerated() {
            scratch.scores.removeAll(keepingCapacity: true)
            for number in scratch.present { scratch.scores.append(classes.value(Int(number), at: answers.topologyLevels + level)) }
            entry.plugin.normalise(&scratch.scores, for: plugins.pod, state: plugins.scoreStates[entry.number])
            for (index, number) in scratch.present.enumerated() { add(scratch.scores[index], entry.weight, to: Int(number)) }
        }
        for (level, entry) in plugins.signatureScores.enumerated() {
            for number in scratch.present {
                let signature = classes.value(Int(number), at: answers.topologyLevels + plugins.comparedScores.count + level)
                add(entry.plugin.score(plugins.pod, signature: signature, in: cluster), entry.weight, to: Int(number))
            }
        }
        guard let topology else { return }
        if let spread = topology.spread, spread.scores {
            spread.addScores(topology, scratch.present, found: found, rows: classes, to: &offsets, cluster.nodes)
        }
        if let affinity = topology.affinity, affinity.scores {
            affinity.addScores(topology, scratch.present, rows: classes, to: &offsets, cluster.nodes)
        }
    }

    private mutating func add(_ score: Int64, _ weight: Int64, to number: Int) {
        guard NodeScore.isValid(score) else {
            hasInvalidScores = true
            return
        }
        offsets[number] += weight * score
    }

    /// The best of some nodes, walked through from a position: their total, how many have it and where the first of them stands.
    func best(_ answers: NodeAnswers, from position: Int, steps: Int) -> (total: Int64, ties: Int, position: Int) {
        var (best, ties, winner) = (Int64.min, 0, position)
        answers.classOfNode.withUnsafeBufferPointer { classOfNode in
            answers.scoreOfNode.withUnsafeBufferPointer { scoreOfNode in
                standings.withUnsafeBufferPointer { standings in
                    offsets.withUnsafeBufferPointer { offsets in
                        var position = position
                        for _ in 0..<steps {
                            let number = Int(classOfNode[position])
                            if number >= 0, standings[number] == .open {
                                let total = scoreOfNode[position] + offsets[number]
                                if total > best {
                                    (best, ties, winner) = (total, 1, position)
                                } else if total == best {
                                    ties += 1
                                }
                            }
                            position += 1
                            if position == classOfNode.count { position = 0 }
                        }
                    }
                }
            }
        }
        return (best, ties, winner)
    }

    /// Whether a node is feasible and has exactly this total.
    func isTied(_ position: Int, _ total: Int64, _ answers: NodeAnswers) -> Bool {
        let number = Int(answers.classOfNode[position])
        return number >= 0 && standings[number] == .open && answers.scoreOfNode[position] + offsets[number] == total
    }
}
