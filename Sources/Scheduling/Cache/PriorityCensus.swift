// How many placed pods there are of each priority: who may preempt at all is known without looking at any node.

/// Counts by priority, ascending. Clusters have few distinct priorities.
public struct PriorityCensus: Sendable {
    private var counts: [(priority: Int32, count: Int)] = []

    /// The lowest priority of any counted pod.
    public var lowest: Int32? { counts.first?.priority }

    mutating func add(_ priority: Int32) {
        let index = position(of: priority)
        if index < counts.count, counts[index].priority == priority {
            counts[index].count += 1
        } else {
            counts.insert((priority, 1), at: index)
        }
    }

    mutating func remove(_ priority: Int32) {
        let index = position(of: priority)
        guard index < counts.count, counts[index].priority == priority else { return }
        counts[index].count -= 1
        if counts[index].count == 0 { counts.remove(at: index) }
    }

    /// Where a priority stands or would stand.
    private func position(of priority: Int32) -> Int {
        var (low, high) = (0, counts.count)
        while low < high {
            let middle = (low + high) / 2
            if counts[middle].priority < priority { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
