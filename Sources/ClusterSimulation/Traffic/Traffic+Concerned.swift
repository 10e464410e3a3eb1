// Which requests a failure of nodes can harm.

import ServiceNetwork

extension Traffic {
    /// Whom a failure of some nodes can harm: the sources whose requests need something on them. Their Service, or one that is called for it, has a ready
    /// endpoint there; or their clients come in there from outside; or, where the nodes are cut off from others, their clients are there.
    func reach(of numbers: [Int], cutOff isCutOff: Bool) -> FailureReach {
        let nodes = Set(numbers)
        let concerned = sources.indices.filter { source in
            let clientsMatter = isCutOff || sources[source].origin == .outside
            if clientsMatter, clients[source].contains(where: { nodes.contains($0.node) }) { return true }
            return targets(of: source).contains { target in
                ports.contains { $0.target == target && $0.ready.contains { nodes.contains(Int(engine.node(of: $0))) } }
            }
        }
        return FailureReach(nodes: numbers.map { NodeNumber($0) }, sources: concerned)
    }

    /// All that a source's requests ask for, calls included.
    private func targets(of source: Int) -> [TrafficTarget] {
        var targets = [sources[source].target]
        if let way = ways.first(where: { $0.source == sources[source].name }), let target = way.target { targets.append(target) }
        var next = 0
        while next < targets.count {
            let entry = configuration.entry(of: targets[next], on: destination(of: targets[next]).way)
            let called = entry.map { configuration.services[$0].calls.joined().map(\.target) } ?? []
            for target in called where !targets.contains(target) { targets.append(target) }
            next += 1
        }
        return targets
    }
}
