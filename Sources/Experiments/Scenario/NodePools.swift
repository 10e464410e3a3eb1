// Node pools: many nodes from one template.

import DiscreteEvents
import KubernetesAPI

extension ScenarioDecoder {
    /// The nodes of a pool: `NAME-0`, `NAME-1`, ..., zones given out in turn.
    mutating func nodePool(_ node: YAMLNode, _ loader: inout ObjectLoader) -> [Node] {
        let findings = context.diagnostics.count
        let wereKnown = poolsAreKnown
        poolsAreKnown = false
        guard let fields = open(node, ScenarioFormat.nodePool) else { return [] }
        let name = string(fields, "name")
        let count = integer(fields, "count")
        let zones = list(fields, "zones").compactMap { element -> (node: YAMLNode, zone: String)? in
            String.decode(element, &context).map { (element, $0) }
        }
        let template = template(fields, &loader)
        let labels = labels(fields, "labels") ?? Labels()
        let taints = list(fields, "taints").compactMap { taint($0) }
        let eviction = poolEviction(fields)

        if let name, let value = fields["name"] {
            for problem in NameValidation.dns1123Subdomain(name + "-0") { context.error(value, "Invalid value: \"\(name)\": \(problem)") }
        }
        for (index, zone) in zones.enumerated() {
            for problem in NameValidation.labelValue(zone.zone) { context.error(zone.node, "Invalid value: \"\(zone.zone)\": \(problem)") }
            if zone.zone.isEmpty { context.error(zone.node, "must not be empty") }
            if zones[..<index].contains(where: { $0.zone == zone.zone }) { context.error(zone.node, "Duplicate value: \"\(zone.zone)\"") }
        }
        nodeCount += count ?? 0
        if nodeCount > ScenarioFormat.maximumNodes, let value = fields["count"] {
            context.error(value, "makes \(nodeCount) nodes in all; the most a scenario may have is \(ScenarioFormat.maximumNodes)")
            return []
        }
        // Errors elsewhere do not make these nodes unknown.
        guard let name, let count, let template, !context.diagnostics[findings...].contains(where: { $0.severity == .error }) else {
            return []
        }
        poolsAreKnown = wereKnown
        return (0..<count).map { number in
            var node = template
            node.metadata.name = "\(name)-\(number)"
            node.metadata.labels.merge(labels)
            node.metadata.labels[Node.hostnameLabel] = node.metadata.name
            if !zones.isEmpty {
                node.metadata.labels[Node.betaZoneLabel] = nil
                node.metadata.labels[Node.zoneLabel] = zones[number % zones.count].zone
            }
            node.spec.taints += taints
            if let eviction { evictionByNode[node.metadata.name] = eviction }
            return node
        }
    }

    mutating func taint(_ node: YAMLNode) -> Taint? {
        guard let fields = open(node, ScenarioFormat.taint) else { return nil }
        let key = string(fields, "key")
        let value = string(fields, "value") ?? ""
        let effect = string(fields, "effect").flatMap(TaintEffect.init(rawValue:))
        if let key, let node = fields["key"] {
            for problem in NameValidation.qualifiedName(key) { context.error(node, "Invalid value: \"\(key)\": \(problem)") }
        }
        guard let key, let effect else { return nil }
        return Taint(key: key, value: value, effect: effect)
    }

    /// The node the pool's nodes are copies of: what a machine of this kind has, without what one machine had.
    private mutating func template(_ fields: Fields, _ loader: inout ObjectLoader) -> Node? {
        let source = field(fields, "template")
        let resources = field(fields, "resources")
        guard let source else {
            guard let resources else {
                context.error(fields.node, "needs \"template\" or \"resources\"")
                return nil
            }
            return node(of: resources)
        }
        if let resources { context.error(resources, "goes without \"template\"") }
        let loaded = source.kind == .scalar ? loader.load(source, &self) : loader.load(documents: [source])
        let nodes = loaded.compactMap { object -> Node? in if case .node(let node) = object.object { node.value } else { nil } }
        guard let first = nodes.first, loaded.count == 1 else {
            if !loaded.isEmpty { context.error(source, "expected exactly one Node, found \(Presentation.count(loaded.count, "object"))") }
            return nil
        }
        var template = Node(metadata: ObjectMeta(labels: first.metadata.labels, annotations: first.metadata.annotations))
        template.spec.taints = first.spec.taints.filter { !$0.key.hasPrefix("node.kubernetes.io/") }
        template.status.capacity = first.status.capacity
        template.status.allocatable = first.status.allocatable
        template.status.images = first.status.images
        template.status.declaredFeatures = first.status.declaredFeatures
        if first.status.allocatable.isEmpty {
            context.error(source, "the node has neither status.allocatable nor status.capacity: nothing fits on it")
        }
        return template
    }

    private mutating func node(of resources: YAMLNode) -> Node? {
        guard let list = ResourceList.decode(resources, &context) else { return nil }
        for (name, quantity) in list where quantity.sign < 0 { context.error(resources, "\(name): must not be negative") }
        for name in [ResourceName.cpu, .memory] where list[name] == nil {
            context.warning(resources, "has no \(name): nothing that asks for some fits on these nodes")
        }
        var node = Node(metadata: ObjectMeta())
        node.status.capacity = list
        // Without a number of pods nothing could run; a kubelet's default is 110.
        if list[.pods] == nil { node.status.capacity[.pods] = Quantity(110) }
        node.status.allocatable = node.status.capacity
        return node
    }
}
