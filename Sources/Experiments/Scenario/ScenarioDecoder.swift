// Reads values of a scenario file against the table of its format. Everything wrong is reported, with its line, in one go.

import DiscreteEvents
import Foundation
import KubernetesAPI
import NodeAgent

/// A file a scenario was read from.
public struct InputFile: Hashable, Sendable {
    /// As the scenario spells it.
    public var path: String
    /// Where it was read.
    public var location: String
    public var bytes: Int
    public var fingerprint: Fingerprint
}

/// The machinery under the readers of the single types: which fields there are, which are missing, and simple values.
struct ScenarioDecoder {
    /// An object of the format, opened for reading: only fields of its type may be asked for.
    struct Fields {
        let node: YAMLNode
        let type: ScenarioType

        /// The value of a field; nil if it is absent or null.
        subscript(name: String) -> YAMLNode? {
            precondition(type.field(name) != nil, "\(type.name) has no field \(name)")
            guard let value = node[name], !value.isNull else { return nil }
            return value
        }
    }

    /// Where relative paths start.
    let folder: String
    /// Files that are not on any disk, by the path that names them.
    private let texts: [String: [UInt8]]
    var context = DecodingContext(unknownFields: .refuse)
    /// Whether every pool could be read: only then is it known which nodes there are.
    var poolsAreKnown = true
    /// Nodes of all pools so far.
    var nodeCount = 0
    /// How kubelets evict, and those that do it in a way of their own, by the names of their nodes.
    var usualEviction = EvictionSettings()
    var evictionByNode: [String: EvictionSettings] = [:]
    /// Every file read, in order of first use.
    private(set) var inputs: [InputFile] = []
    /// Every field asked for, as `Type.field`: a test holds it against the table.
    private(set) var asked: Set<String> = []

    init(folder: String, texts: [String: [UInt8]] = [:]) {
        self.folder = folder
        self.texts = texts
    }

    // MARK: Objects

    /// Opens a mapping as a type of the format; reports fields it does not have and those it lacks.
    mutating func open(_ node: YAMLNode, _ type: ScenarioType) -> Fields? {
        guard node.kind == .mapping else {
            if node.isNull { context.error(node, "is empty; expected \(type.name): \(type.description)") }
            context.expect("object", node)
            return nil
        }
        for (key, value) in node.entries where type.field(key) == nil {
            context.error(value, ScenarioDecoder.unknown(key, in: type))
        }
        let fields = Fields(node: node, type: type)
        for field in type.fields where field.required && fields[field.name] == nil {
            context.error(node, "required field \"\(field.name)\" is missing: \(field.description)")
        }
        if !type.exactlyOne.isEmpty {
            let given = type.exactlyOne.filter { fields[$0] != nil }
            if given.isEmpty { context.error(node, "one of these is needed: " + type.exactlyOne.joined(separator: ", ")) }
            if given.count > 1 { context.error(node, "only one of these may be given: " + given.joined(separator: ", ")) }
        }
        return fields
    }

    private static func unknown(_ key: String, in type: ScenarioType) -> String {
        let close = type.fields.map { ($0.name, editDistance(key.lowercased(), $0.name.lowercased())) }.min { $0.1 < $1.1 }
        if let close, close.1 <= 2 { return "unknown field; did you mean \"\(close.0)\"?" }
        return "unknown field; \(type.name) has " + type.fields.map(\.name).joined(separator: ", ")
    }

    /// How many letters must be changed, added or removed to make one word of the other (Levenshtein).
    private static func editDistance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == right[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }

    /// The value of a field of an opened object; nil if it is absent.
    mutating func field(_ fields: Fields, _ name: String) -> YAMLNode? {
        asked.insert(fields.type.name + "." + name)
        return fields[name]
    }

    // MARK: Fields by type

    mutating func string(_ fields: Fields, _ name: String) -> String? {
        guard let node = field(fields, name), let text = String.decode(node, &context) else { return nil }
        if let field = fields.type.field(name), case .constant(let allowed) = field.type, !allowed.contains(text) {
            context.error(node, "Unsupported value: \"\(text)\": supported values: " + allowed.map { "\"\($0)\"" }.joined(separator: ", "))
            return nil
        }
        if text.isEmpty {
            context.error(node, "must not be empty")
            return nil
        }
        return text
    }

    mutating func boolean(_ fields: Fields, _ name: String) -> Bool? {
        field(fields, name).flatMap { Bool.decode($0, &context) }
    }

    mutating func integer(_ fields: Fields, _ name: String) -> Int? {
        guard let node = field(fields, name) else { return nil }
        guard let field = fields.type.field(name), case .integer(let range) = field.type else {
            preconditionFailure("\(name) is no integer")
        }
        return integer(node, in: range)
    }

    mutating func duration(_ fields: Fields, _ name: String) -> SimulatedDuration? {
        field(fields, name).flatMap { duration($0) }
    }

    /// A duration counted from the start.
    mutating func time(_ fields: Fields, _ name: String) -> SimulatedTime? {
        duration(fields, name).map { .zero + $0 }
    }

    mutating func distribution(_ fields: Fields, _ name: String) -> Distribution? {
        field(fields, name).flatMap { distribution($0) }
    }

    /// A distribution of something that happens again and again: with no time between, a run would never get anywhere.
    mutating func distribution(_ fields: Fields, _ name: String, meanAtLeast least: Double) -> Distribution? {
        guard let node = field(fields, name), let distribution = distribution(node) else { return nil }
        if distribution.mean < least {
            context.error(
                node,
                "is \(SimulatedDuration(seconds: distribution.mean).text) on average: it must be at least \(SimulatedDuration(seconds: least).text), "
                    + "for it happens again and again")
        }
        return distribution
    }

    mutating func objectName(_ fields: Fields, _ name: String) -> NamespacedName? {
        field(fields, name).flatMap { objectName($0) }
    }

    mutating func quantity(_ fields: Fields, _ name: String) -> Quantity? {
        guard let node = field(fields, name), let quantity = Quantity.decode(node, &context) else { return nil }
        if quantity.sign < 0 {
            context.error(node, "must not be negative")
            return nil
        }
        return quantity
    }

    mutating func labels(_ fields: Fields, _ name: String) -> Labels? {
        guard let node = field(fields, name), let labels = Labels.decode(node, &context) else { return nil }
        for error in LabelSelector.validate(labels: labels, at: "") { context.error(node, error.body) }
        return labels
    }

    mutating func selector(_ fields: Fields, _ name: String) -> LabelSelector? {
        guard let node = field(fields, name), let selector = LabelSelector.decode(node, &context) else { return nil }
        for error in selector.validate(at: "") { context.error(node, error.description) }
        return selector
    }

    /// The elements of a list field, each with its node.
    mutating func list(_ fields: Fields, _ name: String) -> [YAMLNode] {
        guard let node = field(fields, name) else { return [] }
        guard node.kind == .sequence else {
            context.expect("array", node)
            return []
        }
        return Array(node.elements)
    }

    // MARK: Values

    mutating func integer(_ node: YAMLNode, in range: ClosedRange<Int>) -> Int? {
        if node.kind == .scalar, !node.isQuoted, let text = node.scalarText, Int(text) == nil, UInt64(text) != nil {
            context.error(node, "Invalid value: \(text): must not be greater than \(range.upperBound)")
            return nil
        }
        guard let value = Int.decode(node, &context) else { return nil }
        if range.contains(value) { return value }
        let limit = value < range.lowerBound ? "less than \(range.lowerBound)" : "greater than \(range.upperBound)"
        context.error(node, "Invalid value: \(value): must not be \(limit)")
        return nil
    }

    mutating func number(_ node: YAMLNode, in range: ClosedRange<Double>) -> Double? {
        guard let value = Double.decode(node, &context) else { return nil }
        if range.contains(value) { return value }
        let limit = value < range.lowerBound ? "less than \(range.lowerBound)" : "greater than \(range.upperBound)"
        context.error(node, "Invalid value: \(value): must not be \(limit)")
        return nil
    }

    /// A length of time that is not negative.
    mutating func duration(_ node: YAMLNode) -> SimulatedDuration? {
        if node.kind == .scalar, !node.isQuoted, let text = node.scalarText, text != "0", Double(text) != nil {
            context.error(node, "a duration needs a unit: \(text)s for seconds")
            return nil
        }
        guard let duration = context.duration(node) else { return nil }
        if duration < .zero {
            context.error(node, "must not be negative")
            return nil
        }
        if duration > .seconds(ScenarioFormat.maximumDurationSeconds) {
            context.error(node, "is longer than 20 years, the most a scenario may ask for")
            return nil
        }
        return duration
    }

    /// `namespace/name`, or a name in `default`.
    mutating func objectName(_ node: YAMLNode) -> NamespacedName? {
        guard let text = String.decode(node, &context) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), !parts.contains("") else {
            context.error(node, "Invalid value: \"\(text)\": expected namespace/name")
            return nil
        }
        return NamespacedName(namespace: parts.count == 2 ? parts[0] : "default", name: parts[parts.count - 1])
    }

    // MARK: Files

    /// The contents of the file that a node names.
    mutating func file(_ node: YAMLNode) -> [UInt8]? {
        guard let path = String.decode(node, &context) else { return nil }
        if path.isEmpty {
            context.error(node, "names no file")
            return nil
        }
        do {
            return try read(path)
        } catch {
            context.error(node, error.description)
            return nil
        }
    }

    /// The contents of a file, whose fingerprint is kept. `beside`: it is looked for beside the scenario, and known by the path
    /// as spelled there; otherwise it was named on the command line, and is known by its name alone.
    mutating func read(_ path: String, beside: Bool = true) throws(ResultError) -> [UInt8] {
        let place = beside ? location(of: path) : path
        let bytes: [UInt8]
        if let text = texts[path] { bytes = text } else { bytes = try InputFiles.read(place) }
        let name = beside ? path : PathText.split(path).name
        if !inputs.contains(where: { $0.path == name }) {
            inputs.append(InputFile(path: name, location: place, bytes: bytes.count, fingerprint: Fingerprint(of: bytes)))
        }
        return bytes
    }

    func location(of path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : PathText.join(folder, path)
    }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
