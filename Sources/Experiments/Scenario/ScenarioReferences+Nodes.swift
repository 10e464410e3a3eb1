// Whether there is somebody whom faults and operators' actions can strike.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// All nodes there will ever be: those of the start, those that join, and those that come in the place of others.
struct KnownNodes {
    private var nodes: [Node] = []
    private var names: Set<String> = []
    private var zones: Set<String> = []
    private(set) var zoneNames: [String] = []
    /// Machines that are taken back are replaced, by nodes of the same labels.
    var areReplaced = false

    var count: Int { nodes.count }

    mutating func add(_ node: Node) {
        nodes.append(node)
        names.insert(node.metadata.name)
        if let zone = node.zone, zones.insert(zone).inserted { zoneNames.append(zone) }
    }

    func contains(_ name: String) -> Bool {
        names.contains(name) || (areReplaced && Reclamation.replacedName(name).map(names.contains) ?? false)
    }

    func contains(zone: String) -> Bool { zones.contains(zone) }

    var all: [Node] { nodes }

    func selected(by selection: NodeSelection) -> [Node] { nodes.filter(selection.contains) }
}

extension ScenarioReferences {
    mutating func check(_ selection: NodeSelection, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard nodesAreKnown else { return }
        switch selection {
        case .node(let name) where !nodes.contains(name):
            decoder.context.error(node["node"] ?? node, "there is no node \"\(name)\"")
        case .zone(let name) where !nodes.contains(zone: name):
            let known = nodes.zoneNames.isEmpty ? "the nodes have no zones" : "zones are " + nodes.zoneNames.joined(separator: ", ")
            decoder.context.error(node["zone"] ?? node, "there is no zone \"\(name)\"; \(known)")
        case .labels where nodes.selected(by: selection).isEmpty:
            decoder.context.error(node["selector"] ?? node, "matches no node, neither of the start nor of those that join")
        default: break
        }
    }

    mutating func check(_ fault: DecodedFault, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        switch fault {
        case .nodes(let fault):
            check(fault.nodes, node, &decoder)
            checkGroup(fault, node, &decoder)
            if case .load(let load) = fault.effect { checkDisk(load, on: fault.nodes, node["load"] ?? node, &decoder) }
        case .apiServer, .registry: break
        case .replay(let failures, let file):
            guard nodesAreKnown, let missing = failures.first(where: { !nodes.contains($0.node) }) else { return }
            let place = CSVError(
                file: file, line: missing.line, column: "node", message: "\"\(missing.node)\": there is no node of that name")
            decoder.context.error(node["file"] ?? node, "\(place)")
        }
    }

    /// Nodes without the label fail in no group, and so never.
    private func checkGroup(_ fault: Fault, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard nodesAreKnown, let label = fault.commonTo else { return }
        let selected = nodes.selected(by: fault.nodes)
        let without = selected.count { $0.metadata.labels[label] == nil }
        guard without > 0 else { return }
        let place = node["group"] ?? node
        if without == selected.count {
            decoder.context.error(place, "none of these nodes has a label \"\(label)\": none of them would ever fail")
        } else {
            decoder.context.warning(
                place, "\(without) of these \(selected.count) nodes have no label \"\(label)\": they are in no group and never fail")
        }
    }

    /// A disk that has no size cannot be filled.
    func checkDisk(_ load: OutsideLoad, on selection: NodeSelection, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        let selected = nodes.selected(by: selection)
        if load.inodes > 0 { checkInodes(of: selected, node["inodes"] ?? node, &decoder) }
        guard nodesAreKnown, load.disk > 0 else { return }
        func hasDisk(_ node: Node) -> Bool {
            node.status.capacity[.ephemeralStorage] != nil || node.status.allocatable[.ephemeralStorage] != nil
        }
        guard !selected.isEmpty, !selected.contains(where: hasDisk) else { return }
        decoder.context.warning(node["disk"] ?? node, "none of these nodes has ephemeral-storage: their disks never run full")
    }

    /// Nor are inodes short of which nobody said how many there are.
    private func checkInodes(of selected: [Node], _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard nodesAreKnown, !selected.isEmpty, !selected.contains(where: { eviction($0.metadata.name).inodes > 0 }) else { return }
        decoder.context.warning(node, "no kubelet says how many inodes these nodes have (nodefsInodes): they never run short of them")
    }

    /// The same of what pods use, wherever they run.
    func checkInodes(_ rule: BehaviourRule, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard rule.behaviour.usage.contains(where: { $0.inodes != nil }) else { return }
        checkInodes(of: nodes.all, node["usage"] ?? node, &decoder)
    }
}
