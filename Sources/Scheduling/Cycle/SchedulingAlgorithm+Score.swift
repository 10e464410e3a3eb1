// The second half of a scheduling cycle: the feasible nodes are scored, and one of the best is taken.

import KubernetesAPI

extension SchedulingAlgorithm {
    /// - Returns: what the attempt fails with, if a plugin gives a score that may not stand; nil: all do.
    mutating func score(
        _ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot, record: inout Decision?
    ) -> String? {
        totals.removeAll(keepingCapacity: true)
        totals.append(contentsOf: repeatElement(0, count: feasible.count))
        scoreStates.removeAll(keepingCapacity: true)
        scoreStates.append(contentsOf: repeatElement(nil, count: profile.plugins.count))
        guard !profile.score.isEmpty else { return nil }
        /// The first node's that has any, of its plugins the first one's.
        var invalid: (node: Int, message: String)?
        var skipped: PluginSet = []
        for entry in profile.preScore {
            switch entry.plugin.preScore(pod, feasible: feasible, in: cluster) {
            case .proceed(let state): scoreStates[entry.number] = state
            case .skip: skipped.insert(PluginSet(plugin: entry.number))
            }
        }
        for entry in profile.score where !skipped.has(entry.number) {
            scores.removeAll(keepingCapacity: true)
            scores.append(contentsOf: repeatElement(0, count: feasible.count))
            entry.plugin.score(pod, feasible: feasible, in: cluster, state: scoreStates[entry.number], scores: &scores)
            if entry.plugin.normalises {
                record?.noteRaw(scores, entry.plugin.name)
                entry.plugin.normalise(&scores, for: pod, state: scoreStates[entry.number])
            }
            if let node = scores.firstIndex(where: { !NodeScore.isValid($0) }) {
                if node < invalid?.node ?? .max { invalid = (node, NodeScore.refusal(of: scores[node], by: entry.plugin.name)) }
                continue
            }
            for index in scores.indices { totals[index] += entry.weight * scores[index] }
            record?.noteWeighted(scores.map { entry.weight * $0 }, entry.plugin.name)
        }
        if let invalid { return invalid.message }
        record?.totals = totals
        return nil
    }

    /// One of the nodes with the highest total: the one the profile's rule prefers, else the `draw`-th in the order they were found.
    func choose(_ profile: SchedulingProfile, _ cluster: ClusterSnapshot, _ draw: (Int) -> Int) -> (NodeSlot, Int64) {
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
        if count > 1, let rule = profile.tieBreak {
            var winner = TieWinner()
            for index in totals.indices where totals[index] == best {
                winner.consider(index, rank: rule.rank(of: feasible[index], in: cluster))
            }
            return (feasible[winner.index], best)
        }
        var left = count == 1 ? 0 : draw(count)
        for index in totals.indices where totals[index] == best {
            if left == 0 { return (feasible[index], best) }
            left -= 1
        }
        return (feasible[0], best)
    }
}
