// What was found out about every node, and which of it is out of date.

import KubernetesAPI

/// Of each node, by its position in the node list: the verdict of the plugins that look at nothing but the node, the sum of those
/// scores that need no comparison with other nodes, and the class (``NodeClasses``) of what does need it.
struct NodeAnswers: Sendable {
    /// The class, −1 where the node's own verdict refuses the pod.
    private(set) var classOfNode: [Int32]
    /// The sum of the plain scores; of a refused node the verdict.
    private(set) var scoreOfNode: [Int64]
    /// One bit a position: the answer is out of date.
    private var stale: [UInt64]
    private(set) var classes: NodeClasses
    /// Kept once all nodes have been compared, in clusters worth it.
    var bestNodes: BestNodes?
    /// How many levels of the classes are topologies'; those of compared scores and of signatures follow.
    let topologyLevels: Int
    private let hasLevels: Bool
    /// Whether some node had a score that may not stand: what that means for an attempt, the plain path knows.
    private(set) var hasInvalidScores = false

    /// Buffers shared by all boards.
    struct Scratch: Sendable {
        fileprivate var positions: [Int] = []
        fileprivate var batch = FilterBatch()
        fileprivate var feasible: [NodeSlot] = []
        fileprivate var feasiblePositions: [Int] = []
        fileprivate var totals: [Int64] = []
        fileprivate var vertices: [Int32] = []
        var scores: [Int64] = []
        /// The classes that a search found, in order of their numbers.
        var present: [Int32] = []
    }

    /// Nothing is known.
    init(nodes count: Int, topologyLevels: Int, otherLevels: Int) {
        classOfNode = Array(repeating: -1, count: count)
        scoreOfNode = Array(repeating: 0, count: count)
        stale = Array(repeating: .max, count: (count + 63) / 64)
        self.topologyLevels = topologyLevels
        hasLevels = topologyLevels + otherLevels > 0
        classes = NodeClasses(depth: max(1, topologyLevels + otherLevels))
    }

    /// Classes that no node is in any more are not taken back one by one.
    var hasTooManyClasses: Bool { classes.count > 1024 && classes.count > 2 * classOfNode.count }

    mutating func markStale(_ position: Int) { stale[position / 64] |= 1 << UInt64(position % 64) }

    /// Brings the answers about all positions of a range up to date.
    mutating func refresh(
        _ range: Range<Int>, _ plugins: RememberedPlugins, _ topology: TopologyMemory?, _ cluster: ClusterSnapshot,
        _ scratch: inout Scratch
    ) {
        scratch.positions.removeAll(keepingCapacity: true)
        var first = range.lowerBound
        while first < range.upperBound {
            let word = first / 64
            let end = min(range.upperBound, (word + 1) * 64)
            var mask = UInt64.max << UInt64(first % 64)
            if end % 64 != 0 { mask &= UInt64.max >> UInt64(64 - end % 64) }
            var bits = stale[word] & mask
            if bits != 0 {
                stale[word] &= ~mask
                while bits != 0 {
                    scratch.positions.append(word * 64 + bits.trailingZeroBitCount)
                    bits &= bits - 1
                }
            }
            first = end
        }
        guard !scratch.positions.isEmpty else { return }
        filter(plugins, cluster, &scratch)
        if !scratch.feasible.isEmpty { score(plugins, topology, cluster, &scratch) }
    }

    /// Asks the Filter plugins about the nodes at `scratch.positions`.
    private mutating func filter(_ plugins: RememberedPlugins, _ cluster: ClusterSnapshot, _ scratch: inout Scratch) {
        scratch.batch.reset()
        for position in scratch.positions { scratch.batch.nodes.append(cluster.nodes.order[position]) }
        scratch.batch.verdicts.append(contentsOf: repeatElement(.feasible, count: scratch.positions.count))
        for entry in plugins.filters {
            scratch.batch.plugin = entry.number
            entry.plugin.filter(plugins.pod, batch: &scratch.batch, in: cluster, state: plugins.filterStates[entry.number])
        }
        scratch.feasible.removeAll(keepingCapacity: true)
        scratch.feasiblePositions.removeAll(keepingCapacity: true)
        for index in scratch.positions.indices {
            let verdict = scratch.batch.verdicts[index]
            if verdict.isFeasible {
                scratch.feasible.append(scratch.batch.nodes[index])
                scratch.feasiblePositions.append(scratch.positions[index])
            } else {
                set(scratch.positions[index], class: -1, score: verdict.storage)
            }
        }
    }

    /// Asks the Score plugins about those of them that are feasible.
    private mutating func score(
        _ plugins: RememberedPlugins, _ topology: TopologyMemory?, _ cluster: ClusterSnapshot, _ scratch: inout Scratch
    ) {
        let count = scratch.feasible.count
        scratch.totals.removeAll(keepingCapacity: true)
        scratch.totals.append(contentsOf: repeatElement(0, count: count))
        for entry in plugins.plainScores {
            NodeAnswers.ask(entry, plugins, cluster, &scratch)
            for index in 0..<count {
                let score = scratch.scores[index]
                guard NodeScore.isValid(score) else {
                    hasInvalidScores = true
                    continue
                }
                scratch.totals[index] += entry.weight * score
            }
        }
        scratch.vertices.removeAll(keepingCapacity: true)
        let first = hasLevels ? NodeClasses.root : classes.child(of: NodeClasses.root, 0)
        scratch.vertices.append(contentsOf: repeatElement(first, count: count))
        if let topology {
            for level in 0..<topologyLevels {
                for index in 0..<count {
                    let value = topology.value(at: level, of: scratch.feasible[index], cluster.nodes)
                    scratch.vertices[index] = classes.child(of: scratch.vertices[index], value)
                }
            }
        }
        for entry in plugins.comparedScores {
            NodeAnswers.ask(entry, plugins, cluster, &scratch)
            for index in 0..<count {
                scratch.vertices[index] = classes.child(of: scratch.vertices[index], scratch.scores[index])
            }
        }
        for entry in plugins.signatureScores {
            for index in 0..<count {
                let signature = entry.plugin.signature(of: plugins.pod, on: scratch.feasible[index], in: cluster)
                scratch.vertices[index] = classes.child(of: scratch.vertices[index], signature)
            }
        }
        for index in 0..<count {
            let number = classes.number(of: scratch.vertices[index])
            set(scratch.feasiblePositions[index], class: number, score: scratch.totals[index])
        }
    }

    private static func ask(
        _ entry: SchedulingProfile.ScoreEntry, _ plugins: RememberedPlugins, _ cluster: ClusterSnapshot, _ scratch: inout Scratch
    ) {
        scratch.scores.removeAll(keepingCapacity: true)
        scratch.scores.append(contentsOf: repeatElement(0, count: scratch.feasible.count))
        entry.plugin.score(
            plugins.pod, feasible: scratch.feasible, in: cluster, state: plugins.scoreStates[entry.number], scores: &scratch.scores)
    }

    /// Another verdict than the plugins', until the answer is out of date.
    mutating func overrule(_ position: Int, with verdict: NodeVerdict) { set(position, class: -1, score: verdict.storage) }

    private mutating func set(_ position: Int, class number: Int32, score: Int64) {
        let (oldClass, oldScore) = (classOfNode[position], scoreOfNode[position])
        if oldClass == number, oldScore == score { return }
        classOfNode[position] = number
        scoreOfNode[position] = score
        if oldClass >= 0 {
            classes.remove(oldClass)
            bestNodes?.remove(position, class: oldClass, score: oldScore, classOfNode, scoreOfNode)
        }
        if number >= 0 {
            classes.add(number)
            bestNodes?.widen(toClasses: classes.count)
            bestNodes?.insert(position, class: number, score: score)
        }
    }

    mutating func buildIndex() {
        var index = BestNodes(positions: classOfNode.count)
        index.widen(toClasses: classes.count)
        for position in classOfNode.indices where classOfNode[position] >= 0 {
            index.insert(position, class: classOfNode[position], score: scoreOfNode[position])
        }
        bestNodes = index
    }
}
