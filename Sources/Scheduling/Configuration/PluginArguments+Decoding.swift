// Reading the arguments of plugins (`pluginConfig[].args`).

import KubernetesAPI

/// `apiVersion` and `kind` may stand in arguments and say nothing new.
private func isTypeMeta(_ field: String) -> Bool { field == "apiVersion" || field == "kind" }

/// Reads the arguments of a plugin that takes one field, calling `read` with its value; others are unknown.
private func readOnly(
    _ only: String, of node: YAMLNode, _ context: inout DecodingContext, _ read: (YAMLNode, inout DecodingContext) -> Void
) {
    guard node.kind == .mapping else { return context.expect("object", node) }
    for (field, value) in node.entries {
        if field == only {
            if !value.isNull { read(value, &context) }
        } else if !isTypeMeta(field) {
            context.unknownField(value)
        }
    }
}

/// `resources: [{name, weight}]`.
private func readResources(
    _ node: YAMLNode, _ context: inout DecodingContext
) -> [(resource: NodeResourcesFitArguments.Resource, node: YAMLNode)] {
    var result: [(resource: NodeResourcesFitArguments.Resource, node: YAMLNode)] = []
    guard node.kind == .sequence else {
        context.expect("array", node)
        return result
    }
    for element in node.elements {
        var name = ""
        var weight: Int64 = 0
        for (field, value) in element.entries {
            switch field {
            case "name": context.read(value, into: &name)
            case "weight": context.read(value, into: &weight)
            default: context.unknownField(value)
            }
        }
        // An absent weight is 0, and 0 stands for 1.
        result.append((NodeResourcesFitArguments.Resource(ResourceName(name), weight: weight == 0 ? 1 : weight), element))
    }
    return result
}

extension NodeResourcesFitArguments {
    static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> NodeResourcesFitArguments {
        var result = NodeResourcesFitArguments()
        guard node.kind == .mapping else {
            context.expect("object", node)
            return result
        }
        for (field, value) in node.entries {
            switch field {
            case "ignoredResources":
                var names: [String] = []
                context.read(value, into: &names)
                for (index, name) in names.enumerated() {
                    for problem in NameValidation.qualifiedName(name) {
                        context.error(value[index] ?? value, FieldError.invalid("", name, problem).body)
                    }
                }
                result.ignoredResources = names.map { ResourceName($0) }
            case "ignoredResourceGroups":
                context.read(value, into: &result.ignoredResourceGroups)
                for (index, group) in result.ignoredResourceGroups.enumerated() where group.contains("/") {
                    context.error(
                        value[index] ?? value,
                        FieldError.invalid("", group, "resource group name can't contain '/'").body)
                }
            case "scoringStrategy": if !value.isNull { result.readStrategy(value, &context) }
            default: if !isTypeMeta(field) { context.unknownField(value) }
            }
        }
        return result
    }

    private static let strategies = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"]

    private mutating func readStrategy(_ node: YAMLNode, _ context: inout DecodingContext) {
        guard node.kind == .mapping else { return context.expect("object", node) }
        var type = ""
        var shape: [ScoringStrategy.ShapePoint]?
        for (field, value) in node.entries {
            switch field {
            case "type": context.read(value, into: &type)
            case "resources":
                if value.isNull { continue }
                let read = readResources(value, &context)
                for (resource, element) in read where !(1...100).contains(resource.weight) {
                    context.error(
                        element["weight"] ?? element,
                        "Invalid value: \(resource.weight): resource weight of \(resource.name) not in valid range (0, 100]")
                }
                if !read.isEmpty { resources = read.map(\.resource) }
            case "requestedToCapacityRatio": if !value.isNull { shape = NodeResourcesFitArguments.readShape(value, &context) }
            default: context.unknownField(value)
            }
        }
        switch type {
        case "LeastAllocated": strategy = .leastAllocated
        case "MostAllocated": strategy = .mostAllocated
        case "RequestedToCapacityRatio":
            guard let shape, !shape.isEmpty else {
                return context.error(node, "requestedToCapacityRatio.shape: Required value: at least one point must be specified")
            }
            strategy = .requestedToCapacityRatio(shape)
        default:
            context.error(
                node["type"] ?? node, FieldError.notSupported("", type, supported: NodeResourcesFitArguments.strategies).body)
        }
    }

    private static func readShape(_ node: YAMLNode, _ context: inout DecodingContext) -> [ScoringStrategy.ShapePoint] {
        var result: [ScoringStrategy.ShapePoint] = []
        for (field, value) in node.entries {
            guard field == "shape" else {
                context.unknownField(value)
                continue
            }
            for element in value.elements {
                var point = ScoringStrategy.ShapePoint(utilization: 0, score: 0)
                for (field, value) in element.entries {
                    switch field {
                    case "utilization": context.read(value, into: &point.utilization)
                    case "score": context.read(value, into: &point.score)
                    default: context.unknownField(value)
                    }
                }
                if !(0...100).contains(point.utilization) {
                    context.error(
                        element["utilization"] ?? element, "Invalid value: \(point.utilization): not in valid range [0, 100]")
                } else if let last = result.last, point.utilization <= last.utilization {
                    context.error(
                        element["utilization"] ?? element,
                        "Invalid value: \(point.utilization): values must be sorted in increasing order")
                }
                if !(0...10).contains(point.score) {
                    context.error(element["score"] ?? element, "Invalid value: \(point.score): not in valid range [0, 10]")
                }
                result.append(point)
            }
        }
        return result
    }
}

extension BalancedAllocationArguments {
    static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> BalancedAllocationArguments {
        var result = BalancedAllocationArguments()
        readOnly("resources", of: node, &context) { value, context in
            var names: [ResourceName] = []
            for (resource, element) in readResources(value, &context) {
                if resource.weight != 1 {
                    context.error(element["weight"] ?? element, "Invalid value: \(resource.weight): must be 1")
                }
                if names.contains(resource.name) {
                    context.error(element["name"] ?? element, "Duplicate value: \(GoText.quoted(resource.name.rawValue))")
                }
                names.append(resource.name)
            }
            if !names.isEmpty { result.resources = names }
        }
        return result
    }
}

extension NodeAffinityArguments {
    static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> NodeAffinityArguments {
        var result = NodeAffinityArguments()
        readOnly("addedAffinity", of: node, &context) { value, context in
            for (field, value) in value.entries {
                switch field {
                case "requiredDuringSchedulingIgnoredDuringExecution": context.read(value, into: &result.addedRequiredTerms)
                case "preferredDuringSchedulingIgnoredDuringExecution": context.read(value, into: &result.addedPreferredTerms)
                default: context.unknownField(value)
                }
            }
        }
        return result
    }
}
