// JSON with its members in the order given, for `run.json` and the schema: Foundation's encoder has no stable order of its own.

import KubernetesAPI

indirect enum JSONValue: Hashable, Sendable {
    case object([Member])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    /// A number as text, exact.
    case number(String)
    case boolean(Bool)
    case null

    struct Member: Hashable, Sendable {
        var key: String
        var value: JSONValue
    }

    /// A number with the digits that tell it from its neighbours; null for none.
    static func number(_ value: Double) -> JSONValue {
        guard value.isFinite else { return .null }
        return .number(value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value))
    }

    static func members(_ pairs: [(String, JSONValue)]) -> JSONValue {
        .object(pairs.map { Member(key: $0.0, value: $0.1) })
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members.first { $0.key == key }?.value } else { nil }
    }

    /// Indented text that ends with a newline.
    var text: String {
        var output = ""
        write(to: &output, indentation: 0)
        return output + "\n"
    }

    /// The same on one line, without blanks.
    var line: String {
        switch self {
        case .string(let text): JSONText.quoted(text)
        case .integer(let value): String(value)
        case .number(let text): text
        case .boolean(let value): value ? "true" : "false"
        case .null: "null"
        case .array(let elements): "[" + elements.map(\.line).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { JSONText.quoted($0.key) + ":" + $0.value.line }.joined(separator: ",") + "}"
        }
    }

    private func write(to output: inout String, indentation: Int) {
        let inner = String(repeating: "  ", count: indentation + 1)
        let outer = String(repeating: "  ", count: indentation)
        switch self {
        case .string(let text): JSONText.append(text, to: &output)
        case .integer(let value): output += String(value)
        case .number(let text): output += text
        case .boolean(let value): output += value ? "true" : "false"
        case .null: output += "null"
        case .array(let elements):
            if elements.isEmpty { return output += "[]" }
            output += "[\n"
            for (index, element) in elements.enumerated() {
                output += inner
                element.write(to: &output, indentation: indentation + 1)
                output += index + 1 < elements.count ? ",\n" : "\n"
            }
            output += outer + "]"
        case .object(let members):
            if members.isEmpty { return output += "{}" }
            output += "{\n"
            for (index, member) in members.enumerated() {
                output += inner
                JSONText.append(member.key, to: &output)
                output += ": "
                member.value.write(to: &output, indentation: indentation + 1)
                output += index + 1 < members.count ? ",\n" : "\n"
            }
            output += outer + "}"
        }
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByFloatLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .boolean(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) { self = .members(elements) }
}
