// How many nodes are looked at: in big clusters a good node out of many is good enough.

/// The arithmetic of `percentageOfNodesToScore`.
package enum NodeSampling {
    /// Below it all nodes are looked at.
    private static let minimumNodes = 100
    private static let minimumPercentage = 5

    /// The number of feasible nodes after which the search ends.
    /// - Parameters:
    ///   - percentage: 0 adapts: 50 % less 1 % for each 125 nodes, at least 5 %.
    package static func feasibleNodesToFind(nodes: Int, percentage: Int) -> Int {
        guard nodes >= minimumNodes else { return nodes }
        let share = percentage == 0 ? max(minimumPercentage, 50 - nodes / 125) : percentage
        return max(minimumNodes, nodes * share / 100)
    }
}
