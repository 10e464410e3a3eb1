// Parts of recorded requests to the API server: their paths, and bodies as far as patches need.

import Foundation
import KubernetesAPI

/// `/apis/apps/v1/namespaces/NAMESPACE/RESOURCE/NAME?query`
struct RequestPath {
    var namespace = ""
    var resource = ""
    var name = ""
    var query: [String: String] = [:]

    init(_ text: String) {
        let halves = text.split(separator: "?", maxSplits: 1).map(String.init)
        for pair in halves.dropFirst().first?.split(separator: "&") ?? [] {
            let sides = pair.split(separator: "=", maxSplits: 1).map { String($0).replacing("+", with: " ").removingPercentEncoding ?? "" }
            query[sides[0]] = sides.count > 1 ? sides[1] : ""
        }
        var parts = halves[0].split(separator: "/").map(String.init)[...]
        parts = parts.dropFirst(parts.first == "api" ? 2 : 3)
        if parts.first == "namespaces", parts.count > 2 {
            namespace = parts[parts.startIndex + 1]
            parts = parts.dropFirst(2)
        }
        resource = parts.first ?? ""
        // Below a name: a subresource.
        name = parts.dropFirst().joined(separator: "/")
    }

    /// The object the path names; nil if it is of no kind that is known here.
    var key: ObjectKey? {
        if let kind = Kind.allCases.first(where: { $0.resource.prefix { $0 != "." } == resource }) {
            return name.contains("/") ? nil : ObjectKey(kind, namespace: kind.isNamespaced ? namespace : "", name)
        }
        return nil
    }
}

/// JSON as far as merging it needs: scalars stay as they were written.
enum JSONValue {
    case scalar(String, isText: Bool)
    case null
    case array([JSONValue])
    case object([(String, JSONValue)])

    init(_ node: YAMLNode) {
        switch node.kind {
        case .scalar: self = node.isNull ? .null : .scalar(node.scalarText ?? "", isText: node.scalarType == .string)
        case .sequence: self = .array(node.elements.map(JSONValue.init))
        case .mapping: self = .object(node.entries.map { ($0.key, JSONValue($0.value)) })
        }
    }

    init?(text: String) {
        guard let node = try? YAMLFile.parse(Array(text.utf8), name: "json").documents.first else { return nil }
        self.init(node)
    }

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == key }?.1
    }

    var string: String? { if case .scalar(let text, true) = self { text } else { nil } }

    var text: String {
        switch self {
        case .scalar(let text, let isText): isText ? JSONText.quoted(text) : text
        case .null: "null"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { JSONText.quoted($0.0) + ":" + $0.1.text }.joined(separator: ",") + "}"
        }
    }
}
