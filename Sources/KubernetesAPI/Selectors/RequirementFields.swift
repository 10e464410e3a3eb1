// Reading one requirement of a selector: all selectors of the API write theirs alike.

/// A key, an operator and values, before it is known which operators the selector has.
struct RequirementFields {
    var key = ""
    /// nil if it was left out.
    var `operator`: String?
    var values: [String] = []

    /// Reads the requirement `node`. `keyField` is what the selector calls its key.
    init?(_ node: YAMLNode, _ context: inout DecodingContext, key keyField: String = "key") {
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case keyField: context.read(value, into: &key)
            case "operator": context.read(value, into: &`operator`)
            case "values": if !value.isNull { context.read(value, into: &values) }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
    }
}
