// The nodes that have ready endpoints of a Service: where a load balancer lets clients in under `externalTrafficPolicy: Local`.

import ServiceNetwork

/// Some nodes, each once.
struct LocalNodes: Sendable {
    /// Ascending.
    private let nodes: [NodeNumber]
    /// The same; looked up, never iterated.
    private let members: Set<NodeNumber>

    /// - Parameter found: in any order, a node once or several times.
    init(_ found: [NodeNumber]) {
        var members: Set<NodeNumber> = []
        nodes = found.filter { members.insert($0).inserted }.sorted()
        self.members = members
    }

    func contains(_ node: NodeNumber) -> Bool { members.contains(node) }

    /// The nodes that are in one of the two only, ascending.
    func difference(from other: LocalNodes) -> [Int] {
        let changed = nodes.filter { !other.contains($0) } + other.nodes.filter { !contains($0) }
        return changed.map { Int($0) }.sorted()
    }
}
