// Failures that cut nodes off from other nodes, not only from the control plane.

import DiscreteEvents

/// Which nodes are cut off from which others, and by what.
struct Partitions: Sendable {
    /// By node: the failures that cut it off, ascending. Nodes with the same ones reach each other.
    private var failures: [[Int]] = []

    mutating func cut(_ node: Int, by failure: Int) {
        while failures.count <= node { failures.append([]) }
        failures[node].append(failure)
        failures[node].sort()
    }

    /// A failure is over for a node. Returns whether it had cut the node off.
    mutating func heal(_ node: Int, of failure: Int) -> Bool {
        guard node < failures.count, let place = failures[node].firstIndex(of: failure) else { return false }
        failures[node].remove(at: place)
        return true
    }

    /// The sides on which so many nodes are, the one of those that nothing cuts off being 0; nil: all are on that.
    func sides(of count: Int) -> [Int32]? {
        var kinds: [[Int]] = [[]]
        var sides: [Int32] = []
        for node in 0..<count {
            let own = node < failures.count ? failures[node] : []
            if let known = kinds.firstIndex(of: own) {
                sides.append(Int32(known))
            } else {
                sides.append(Int32(kinds.count))
                kinds.append(own)
            }
        }
        return kinds.count == 1 ? nil : sides
    }
}
