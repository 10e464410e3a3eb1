// What a dump of a running cluster needs beside its objects: when it was taken, and which kinds only come along.

import KubernetesAPI

package enum Snapshot {
    /// The newest point in time the dump mentions, nanoseconds since 1970: when it was taken, but for some seconds.
    ///
    /// Only fields that tell of the past count: deletion timestamps lie ahead by the grace period.
    package static func newestTime(of documents: [YAMLNode]) -> Int64? {
        var newest: Int64?
        for document in documents { visit(document, &newest) }
        return newest
    }

    private static func visit(_ node: YAMLNode, _ newest: inout Int64?) {
        for element in node.elements { visit(element, &newest) }
        for (key, value) in node.entries {
            if value.kind != .scalar {
                // Annotations and managed fields are no statements about the cluster.
                if key != "annotations", key != "managedFields" { visit(value, &newest) }
            } else if key.hasSuffix("Time") || key.hasSuffix("Timestamp"), key != "deletionTimestamp", let text = value.scalarText,
                let time = RFC3339.nanoseconds(text)
            {
                newest = max(newest ?? time, time)
            }
        }
    }

    /// One warning that names the kinds that have no behaviour here, with their numbers.
    static func warning(about objects: [APIObject]) -> String? {
        var kinds: [(name: String, count: Int)] = []
        for object in objects {
            guard !object.kind.hasBehaviour, !object.isPodGroup else { continue }
            if let index = kinds.firstIndex(where: { $0.name == object.kindName }) {
                kinds[index].count += 1
            } else {
                kinds.append((object.kindName, 1))
            }
        }
        if kinds.isEmpty { return nil }
        let list = kinds.sorted { $0.name < $1.name }.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        return "these kinds have no behaviour yet, their objects and pods only stay as they are: \(list)"
    }
}

extension APIObject {
    /// Whether a scheduler may go by it.
    fileprivate var isPodGroup: Bool { if case .unstructured(let object) = self { object.value.podGroup != nil } else { false } }
}
