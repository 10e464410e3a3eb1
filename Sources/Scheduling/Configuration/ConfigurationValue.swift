// A configuration as a tree of plain values: between the text of a file and the types the scheduler works with.
//
// Defaulting and validation work on this tree, because it can hold what is wrong; and it is what a user is shown when asking for
// the configuration in effect.

import KubernetesAPI

/// A value of JSON. Members of objects keep the order of the API type's fields.
package indirect enum ConfigurationValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case list([ConfigurationValue])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: ConfigurationValue
        package init(_ name: String, _ value: ConfigurationValue) {
            self.name = name
            self.value = value
        }
    }

    package static let emptyObject = ConfigurationValue.object([])

    /// A member of an object; nil if there is none. Setting nil removes it, setting a new one appends it.
    package subscript(name: String) -> ConfigurationValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.name == name }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            members.removeAll { $0.name == name && newValue == nil }
            if let newValue {
                if let index = members.firstIndex(where: { $0.name == name }) {
                    members[index].value = newValue
                } else {
                    members.append(Member(name, newValue))
                }
            }
            self = .object(members)
        }
    }

    // Members as Go reads them: what is absent has the zero value.
    func text(_ name: String) -> String { if case .string(let text)? = self[name] { text } else { "" } }
    func integer(_ name: String) -> Int64 { if case .integer(let number)? = self[name] { number } else { 0 } }
    func flag(_ name: String) -> Bool { self[name] == .boolean(true) }
    func number(_ name: String) -> Double {
        switch self[name] {
        case .integer(let number)?: Double(number)
        case .number(let number)?: number
        default: 0
        }
    }
    func list(_ name: String) -> [ConfigurationValue] { if case .list(let values)? = self[name] { values } else { [] } }
    func texts(_ name: String) -> [String] {
        list(name).map { if case .string(let text) = $0 { text } else { "" } }
    }

    /// Compact JSON.
    package var json: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let number): number == number.rounded() && number.magnitude < 1e15 ? String(Int64(number)) : number.description
        case .string(let text): JSONText.quoted(text)
        case .list(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { JSONText.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
        }
    }

    /// A node as it is, without a schema.
    static func raw(_ node: YAMLNode) -> ConfigurationValue {
        switch node.kind {
        case .mapping: return .object(node.entries.map { Member($0.key, raw($0.value)) })
        case .sequence: return .list(node.elements.map(raw))
        case .scalar:
            var context = DecodingContext()
            switch node.scalarType {
            case .null: return .null
            case .bool: return Bool.decode(node, &context).map { .boolean($0) } ?? .null
            case .int, .float:
                if let number = Int64.decode(node, &context) { return .integer(number) }
                return Double.decode(node, &context).map { .number($0) } ?? .null
            case .string: return .string(node.scalarText ?? "")
            }
        }
    }
}
