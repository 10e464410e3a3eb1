// The order in which nodes are looked at: round-robin over zones, so that a sample of the list spreads over all of them.

import KubernetesAPI

/// Nodes by zone, in the order of addition.
///
/// The list takes the first node of every zone, then the second, and so on; zones stand in the order of their first node.
/// A zone that lost its last node disappears and, when it gets a node again, stands last.
package struct NodeOrder: Sendable {
    /// Region and zone together: zones of the same name in two regions are two.
    private struct Zone: Sendable {
        let name: String
        var nodes: [String]
    }
    private var zones: [Zone] = []
    package private(set) var count = 0

    package init() {}

    /// Region and zone of a node, the older beta labels taking precedence; empty without any.
    static func zoneName(of node: Node) -> String {
        let labels = node.metadata.labels
        let zone = labels[Node.betaZoneLabel] ?? labels[Node.zoneLabel] ?? ""
        let region = labels[Node.betaRegionLabel] ?? labels[Node.regionLabel] ?? ""
        // A separator that no label value may contain.
        return region.isEmpty && zone.isEmpty ? "" : region + ":\u{0}:" + zone
    }

    package mutating func add(_ node: Node) {
        let name = NodeOrder.zoneName(of: node)
        if let index = zones.firstIndex(where: { $0.name == name }) {
            guard !zones[index].nodes.contains(node.metadata.name) else { return }
            zones[index].nodes.append(node.metadata.name)
        } else {
            zones.append(Zone(name: name, nodes: [node.metadata.name]))
        }
        count += 1
    }

    package mutating func remove(_ node: Node) {
        let name = NodeOrder.zoneName(of: node)
        guard let index = zones.firstIndex(where: { $0.name == name }),
            let position = zones[index].nodes.firstIndex(of: node.metadata.name)
        else { return }
        zones[index].nodes.remove(at: position)
        if zones[index].nodes.isEmpty { zones.remove(at: index) }
        count -= 1
    }

    /// A relabelled node goes to the end of its new zone; without a change of zone it keeps its place.
    package mutating func update(_ node: Node, from old: Node) {
        guard NodeOrder.zoneName(of: node) != NodeOrder.zoneName(of: old) else { return }
        remove(old)
        add(node)
    }

    /// All node names, one of each zone in turn.
    package var names: [String] {
        var result: [String] = []
        result.reserveCapacity(count)
        var round = 0
        while result.count < count {
            for zone in zones where round < zone.nodes.count { result.append(zone.nodes[round]) }
            round += 1
        }
        return result
    }
}
