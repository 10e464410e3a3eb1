// Which field of a scenario a factor sets: a path, and how it is found in the parsed file.

import KubernetesAPI

/// A path such as `cluster.nodePools[general].count`, from the scenario's `spec` on.
///
/// Fields are separated by dots. In brackets stands which element of a list: its number from 0 on, the name it has (`[general]`), or another
/// field of it and that field's text (`[selector.matchLabels.app=web]`); or a key that has dots in it (`resources["nvidia.com/gpu"]`).
/// `cluster.objects[Deployment/shop/frontend].spec.replicas` is a field of an object in one of the manifests.
struct FactorPath: Sendable {
    enum Step: Hashable, Sendable {
        case field(String)
        case bracket(String)
        /// In quotes: a key, whatever it looks like.
        case key(String)
    }

    /// As the experiment spells it.
    let text: String
    let steps: [Step]

    /// - Throws: `FactorPathError` for what is no path.
    init(_ text: String) throws(FactorPathError) {
        self.text = text
        var steps = try FactorPath.parse(text)
        // Messages about scenarios name their fields with it.
        if steps.count > 1, steps.first == .field("spec") { steps.removeFirst() }
        self.steps = steps
        if steps.first == .field("seed") {
            throw FactorPathError("seeds are no factor: every combination runs with all of spec.seeds")
        }
    }

    /// Whether both are about the same field, or one about a part of the other.
    func overlaps(_ other: FactorPath) -> Bool {
        zip(steps, other.steps).allSatisfy { $0 == $1 }
    }

    /// A name, then any number of names after dots, and of brackets.
    private static func parse(_ text: String) throws(FactorPathError) -> [Step] {
        var rest = Substring(text)
        var steps = [Step.field(try name(&rest))]
        while let next = rest.first {
            if next == "[" {
                steps.append(try bracket(&rest))
            } else {
                guard next == "." else { throw FactorPathError("a dot or a bracket is expected before \"\(rest)\"") }
                rest.removeFirst()
                steps.append(.field(try name(&rest)))
            }
        }
        return steps
    }

    private static func name(_ rest: inout Substring) throws(FactorPathError) -> String {
        let name = rest.prefix { !".[]".contains($0) }
        if name.isEmpty { throw FactorPathError(rest.isEmpty ? "there is no name at the end" : "there is no name before \"\(rest)\"") }
        rest = rest.dropFirst(name.count)
        return String(name)
    }

    private static func bracket(_ rest: inout Substring) throws(FactorPathError) -> Step {
        let isQuoted = rest.hasPrefix("[\"")
        let inside = rest.dropFirst(isQuoted ? 2 : 1)
        guard let end = inside.firstRange(of: isQuoted ? "\"]" : "]") else { throw FactorPathError("a bracket is never closed") }
        let text = String(inside[..<end.lowerBound])
        if text.isEmpty { throw FactorPathError("there is nothing in the brackets") }
        rest = inside[end.upperBound...]
        return isQuoted ? .key(text) : .bracket(text)
    }

    // MARK: Objects of manifests

    /// The object of a manifest that the path is about; nil: it is about the scenario file.
    var object: ManifestObject? {
        guard steps.count > 2, steps[0] == .field("cluster"), steps[1] == .field("objects"), case .bracket(let name) = steps[2] else {
            return nil
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else { return nil }
        return ManifestObject(kind: parts[0], namespace: parts.count == 3 ? parts[1] : nil, name: parts[parts.count - 1])
    }

    // MARK: Finding

    /// Where a value goes: a node, and the keys that are missing below it.
    struct Place {
        var node: YAMLNode
        var missing: [String] = []
        /// How it was found, with the numbers of elements however the path names them: two paths to one place have the same.
        var steps: [Step] = []

        fileprivate var isList: Bool { missing.isEmpty && node.kind == .sequence }
        fileprivate var isMapping: Bool { missing.isEmpty && node.kind == .mapping }

        /// Goes on to a field, which need not be there.
        fileprivate mutating func enter(_ key: String, _ here: String) throws(FactorPathError) {
            steps.append(.key(key))
            if isMapping, let value = node[key] {
                node = value
                return
            }
            if isList { throw FactorPathError("\(here) is a list: say which element in brackets") }
            if missing.isEmpty, !isMapping, !node.isNull { throw FactorPathError("\(here) is no mapping") }
            missing.append(key)
        }
    }

    /// Follows the path from the scenario's `spec`.
    func place(inSpec spec: YAMLNode) throws(FactorPathError) -> Place { try follow(steps[...], from: spec, "spec") }

    /// Follows what comes after the object.
    func place(in object: YAMLNode) throws(FactorPathError) -> Place { try follow(steps.dropFirst(3), from: object, "the object") }

    private func follow(_ steps: ArraySlice<Step>, from root: YAMLNode, _ name: String) throws(FactorPathError) -> Place {
        var place = Place(node: root)
        var here = name
        for step in steps {
            switch step {
            case .bracket(let selector) where place.isList:
                let index = try FactorPath.index(of: selector, in: place.node, here)
                guard let element = place.node[index] else { preconditionFailure("an element that was found is there") }
                place.node = element
                place.steps.append(.bracket(String(index)))
                here += "[\(selector)]"
            case .bracket where !place.isMapping: throw FactorPathError("\(here) is no list")
            case .field(let key), .key(let key), .bracket(let key):
                try place.enter(key, here)
                here += ".\(key)"
            }
        }
        return place
    }

    private static func index(of selector: String, in list: YAMLNode, _ here: String) throws(FactorPathError) -> Int {
        if let index = Int(selector) {
            guard index >= 0, list[index] != nil else {
                throw FactorPathError("\(here) has \(Presentation.count(list.count, "element")), counted from 0: there is no [\(index)]")
            }
            return index
        }
        let parts = selector.split(separator: "=", maxSplits: 1).map(String.init)
        let (field, wanted) = parts.count == 2 ? (parts[0], parts[1]) : ("name", selector)
        var found: [Int] = []
        var texts: [String] = []
        for (index, element) in list.elements.enumerated() {
            guard let text = text(of: field, in: element) else { continue }
            texts.append(text)
            if text == wanted { found.append(index) }
        }
        if found.count == 1 { return found[0] }
        if found.count > 1 { throw FactorPathError("\(here)[\(selector)] is not one element but \(found.count): use its number") }
        let known = texts.isEmpty ? "; no element has the field \(field)" : "; there are " + texts.joined(separator: ", ")
        throw FactorPathError("\(here) has no element with \(field) \"\(wanted)\"" + known)
    }

    /// The text of a field below an element. Label keys have dots in them: the longest key that fits is taken.
    private static func text(of field: String, in element: YAMLNode) -> String? {
        if let value = element[field] { return value.scalarText }
        for (key, value) in element.entries where field.hasPrefix(key + ".") {
            if let text = text(of: String(field.dropFirst(key.count + 1)), in: value) { return text }
        }
        return nil
    }
}

/// An object by name.
struct ManifestObject: Hashable, Sendable, CustomStringConvertible {
    var kind: String
    /// nil: `default`, or none for kinds that have none.
    var namespace: String?
    var name: String

    var description: String { "\(kind) " + (namespace.map { "\($0)/" } ?? "") + name }

    /// Looks for it among documents and the items of lists.
    func find(in documents: [YAMLNode]) -> YAMLNode? {
        for document in documents {
            if let items = document["items"], items.kind == .sequence, document["kind"]?.scalarText?.hasSuffix("List") ?? false {
                if let found = find(in: Array(items.elements)) { return found }
            } else if document["kind"]?.scalarText == kind, let metadata = document["metadata"], metadata["name"]?.scalarText == name,
                metadata["namespace"]?.scalarText ?? "default" == namespace ?? "default"
            {
                return document
            }
        }
        return nil
    }
}

/// What is wrong with a path.
struct FactorPathError: Error, Sendable {
    let message: String
    init(_ message: String) { self.message = message }
}
