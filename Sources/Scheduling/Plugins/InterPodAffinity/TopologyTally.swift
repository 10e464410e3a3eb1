// Sums by topology: how many matching pods, or which score, belong to each value of each topology key.

/// A number for each value of the label columns that were counted in.
struct TopologyTally: Sendable {
    /// The columns with sums, in the order of first use.
    private(set) var columns: [Int] = []
    /// The place of a column in ``columns`` and `sums`, −1 without.
    private var places: [Int32] = []
    /// By place, then by value of the column.
    private var sums: [[Int64]] = []
    /// How many sums are not 0.
    private(set) var nonZeroCount = 0

    /// Adds to the sum of the topology that a node belongs to; nothing happens if the node has no such label.
    mutating func add(_ amount: Int64, column: Int, of slot: NodeSlot, _ nodes: NodeTable) {
        let value = Int(nodes.columns[column].valueOfNode[slot])
        guard value >= 0 else { return }
        let place = place(of: column, nodes)
        if value >= sums[place].count {
            sums[place].append(contentsOf: repeatElement(0, count: value + 1 - sums[place].count))
        }
        let before = sums[place][value]
        sums[place][value] = before + amount
        if before == 0, amount != 0 { nonZeroCount += 1 }
        if before != 0, before + amount == 0 { nonZeroCount -= 1 }
    }

    private mutating func place(of column: Int, _ nodes: NodeTable) -> Int {
        if column < places.count, places[column] >= 0 { return Int(places[column]) }
        if column >= places.count { places.append(contentsOf: repeatElement(-1, count: nodes.columns.count - places.count)) }
        places[column] = Int32(columns.count)
        columns.append(column)
        sums.append(Array(repeating: 0, count: nodes.columns[column].values.count))
        return columns.count - 1
    }

    /// The sum of the topology of a column that a node belongs to; 0 without the label or without a sum.
    func sum(_ column: Int, of slot: NodeSlot, _ nodes: NodeTable) -> Int64 {
        guard column < places.count, places[column] >= 0 else { return 0 }
        let values = sums[Int(places[column])]
        let value = Int(nodes.columns[column].valueOfNode[slot])
        return value >= 0 && value < values.count ? values[value] : 0
    }
}
