// Reading Nodes.

import DiscreteEvents

extension Node: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Node? {
        var result = Node(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.read(value, into: &result.spec)
            case "status": context.read(value, into: &result.status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        result.metadata = metadata
        if context.objects.appliesDefaults, result.status.allocatable.isEmpty {
            result.status.allocatable = result.status.capacity
        }
        return result
    }
}

extension NodeSpec: YAMLFields {
    public init() { self.init(unschedulable: false) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "unschedulable": context.read(value, into: &unschedulable)
        case "taints": context.read(value, into: &taints)
        case "podCIDR": context.read(value, into: &podCIDR)
        case "podCIDRs": context.read(value, into: &podCIDRs)
        case "providerID": context.read(value, into: &providerID)
        default: return context.ignored(field, value, of: "NodeSpec")
        }
        return true
    }
}

extension NodeStatus: YAMLFields {
    public init() { self.init(capacity: ResourceList()) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "capacity": context.read(value, into: &capacity)
        case "allocatable": context.read(value, into: &allocatable)
        case "conditions": context.read(value, into: &conditions)
        case "images": context.read(value, into: &images)
        case "declaredFeatures": context.read(value, into: &declaredFeatures)
        case "volumesInUse": if !value.isNull { context.read(value, into: &volumesInUse) }
        case "volumesAttached":
            if value.isNull { break }
            context.elements(value) { element, context in
                _ = context.digest(element, of: "AttachedVolume")
                if let name = element["name"]?.scalarText { volumesAttached.append(name) }
            }
        default: return context.ignored(field, value, of: "NodeStatus")
        }
        return true
    }
}

extension ContainerImage: YAMLFields {
    package init() { self.init(names: [], sizeBytes: 0) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "names": context.read(value, into: &names)
        case "sizeBytes": context.read(value, into: &sizeBytes)
        default: return false
        }
        return true
    }
}

extension Taint: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Taint? {
        var taint = Taint(key: "", effect: .noSchedule)
        var hasEffect = false
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "key": context.read(value, into: &taint.key)
            case "value": context.read(value, into: &taint.value)
            case "effect":
                hasEffect = !value.isNull
                context.choose(value, into: &taint.effect, of: TaintEffect.names)
            case "timeAdded": context.readInstant(value, into: &taint.timeAdded)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if !hasEffect { context.error(missing: "effect", in: node) }
        return taint
    }
}

extension TaintEffect {
    /// All effects, in the order error messages list them.
    static let names = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
}

extension Toleration: YAMLFields {
    package init() { self.init(key: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "key": context.read(value, into: &key)
        case "operator":
            // An empty operator means Equal, as none does.
            if value.scalarText != "" { context.choose(value, into: &`operator`, of: ["Equal", "Exists"]) }
        case "value": context.read(value, into: &self.value)
        case "effect":
            if value.scalarText != "" { context.choose(value, into: &effect, of: TaintEffect.names) }
        case "tolerationSeconds": context.read(value, into: &tolerationSeconds)
        default: return false
        }
        return true
    }
}
