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

extension LabelSelectorRequirement: YAMLFields {
    package init() { self.init(key: "", operator: Operator(rawValue: "")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "key": context.read(value, into: &key)
        case "operator": context.read(value, into: &`operator`)
        case "values": context.read(value, into: &values)
        default: return false
        }
        return true
    }
}
