// A JSON value that can be changed: what a merge patch works on.

import Experiments
import KubernetesAPI

/// A JSON value. Numbers keep their text.
indirect enum JSONTree: Hashable {
    case null
    case bool(Bool)
    case number(String)
    case text(String)
    case list([JSONTree])
    case map([Entry])

    struct Entry: Hashable {
        var key: String
        var value: JSONTree
    }

    init(_ node: YAMLNode) {
        switch node.kind {
        case .sequence: self = .list(node.elements.map { JSONTree($0) })
        case .mapping: self = .map(node.entries.map { Entry(key: $0.key, value: JSONTree($0.value)) })
        case .scalar:
            let text = node.scalarText ?? ""
            switch node.scalarType {
            case .null: self = .null
            case .bool: self = .bool(["true", "y", "yes", "on"].contains(text.lowercased()))
            case .int, .float: self = .number(text)
            case .string: self = .text(text)
            }
        }
    }

    init(_ value: WatchedFields.Value) {
        switch value {
        case .null: self = .null
        case .text(let text): self = .text(text)
        case .integer(let number): self = .number(String(number))
        case .number(let text): self = .number(text)
        case .boolean(let flag): self = .bool(flag)
        case .list(let texts): self = .list(texts.map { .text($0) })
        case .values(let values): self = .list(values.map { JSONTree($0) })
        case .map(let fields): self = .map(fields.map { Entry(key: $0.name, value: JSONTree($0.value)) })
        }
    }

    subscript(key: String) -> JSONTree? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The value at the end of a path of keys.
    func value(_ path: String...) -> JSONTree? {
        var tree = self
        for key in path {
            guard let next = tree[key] else { return nil }
            tree = next
        }
        return tree
    }

    var entries: [Entry] { if case .map(let entries) = self { entries } else { [] } }
    var elements: [JSONTree] { if case .list(let elements) = self { elements } else { [] } }
    var string: String? { if case .text(let text) = self { text } else { nil } }
    var double: Double? { if case .number(let text) = self { Double(text) } else { nil } }
    var integer: Int? { if case .number(let text) = self { Int(text) } else { nil } }

    /// Applies a JSON merge patch: maps are merged, null removes, anything else replaces.
    /// <https://www.rfc-editor.org/rfc/rfc7386>
    func merging(_ patch: JSONTree) -> JSONTree {
        guard case .map(let changes) = patch else { return patch }
        var entries = entries
        for change in changes {
            let index = entries.firstIndex { $0.key == change.key }
            if change.value == .null {
                if let index { entries.remove(at: index) }
            } else if let index {
                entries[index].value = entries[index].value.merging(change.value)
            } else {
                entries.append(Entry(key: change.key, value: JSONTree.map([]).merging(change.value)))
            }
        }
        return .map(entries)
    }

    /// One line of JSON.
    var json: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text): text
        case .text(let text): JSONText.quoted(text)
        case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { JSONText.quoted($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
        }
    }

    /// As differences show it: without quotes.
    var plain: String { string ?? json }
}
