// Reading a LabelSelector: the model for reading any object type.

extension LabelSelector: YAMLFields {
    package init() { self.init(matchLabels: [:]) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "matchLabels": context.read(value, into: &matchLabels)
        case "matchExpressions": context.read(value, into: &matchExpressions)
        default: return false
        }
        return true
    }
}

extension LabelSelectorRequirement: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> LabelSelectorRequirement? {
        guard let fields = RequirementFields(node, &context) else { return nil }
        return LabelSelectorRequirement(key: fields.key, operator: Operator(rawValue: fields.operator ?? ""), values: fields.values)
    }
}
