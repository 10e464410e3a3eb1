// How nodes become typed values, and where complaints go.
//
// A type says how one of its fields is read (`YAMLFields`); everything else is shared. A value that is wrong is reported with
// its line and path and leaves the field at its default, so one run finds all mistakes of a file. Paths are not tracked while
// decoding: they are worked out from the tape when there is something to report.

/// A type that can be read from a node.
package protocol YAMLDecodable {
    /// The value of a node; nil if it is absent (null) or wrong. What is wrong has been reported then.
    static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Self?
}

/// A type that is read from a mapping, field by field. All an object type has to provide:
///
///     extension ContainerPort: YAMLFields {
///         package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
///             switch field {
///             case "containerPort": context.read(value, into: &containerPort)
///             case "protocol": context.read(value, into: &transport)
///             default: return false
///             }
///             return true
///         }
///     }
package protocol YAMLFields: YAMLDecodable {
    init()

    /// Reads one field, or returns false if there is no such field (which is reported by the caller).
    mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool
}

extension YAMLFields {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Self? {
        guard node.tape.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        var result = Self()
        for (key, value) in node.entries where !result.decode(field: key, value, &context) { context.unknownField(value) }
        return result
    }
}

/// Collects what is found while nodes are decoded.
package struct DecodingContext {
    /// How fields nobody knows are treated.
    package enum UnknownFields: Sendable {
        /// Ignored with a warning, as the API server does.
        case warn
        /// Refused: a misspelt scenario would silently mean something else.
        case refuse
    }

    /// Findings kept; more are only counted, so that a wrong file of a million lines stays readable.
    private static let maximumDiagnostics = 1000

    package private(set) var diagnostics: [Diagnostic] = []
    /// Errors found, including those no longer kept.
    package private(set) var errorCount = 0
    /// Findings that were only counted.
    package private(set) var suppressedCount = 0
    package var unknownFields: UnknownFields
    /// The node paths start from: the object being read. Its own path is empty.
    package private(set) var root: YAMLNode?
    /// What the decoders of Kubernetes objects need to know and remember.
    package var objects = ObjectDecodingState()

    package init(unknownFields: UnknownFields = .warn) {
        self.unknownFields = unknownFields
    }

    package var hasErrors: Bool { errorCount > 0 }

    /// Reads a whole object: paths of findings are relative to it.
    package mutating func object<Value: YAMLDecodable>(_ node: YAMLNode, as type: Value.Type = Value.self) -> Value? {
        let outer = root
        root = node
        defer { root = outer }
        return Value.decode(node, &self)
    }

    /// The same by a reader of one's own.
    package mutating func object<Value>(_ node: YAMLNode, by read: (YAMLNode, inout DecodingContext) -> Value?) -> Value? {
        let outer = root
        root = node
        defer { root = outer }
        return read(node, &self)
    }

    /// Reads something inside an object: paths of findings are relative to it.
    mutating func enter(_ node: YAMLNode, _ body: (inout DecodingContext) -> Void) {
        let outer = root
        root = node
        defer { root = outer }
        body(&self)
    }

    // MARK: Fields

    /// Reads a value; if it is null or wrong, the field keeps what it has.
    @inline(__always)
    package mutating func read<Value: YAMLDecodable>(_ node: YAMLNode, into field: inout Value) {
        if let value = Value.decode(node, &self) { field = value }
    }

    /// Reads an optional value; null leaves it as it is.
    @inline(__always)
    package mutating func read<Value: YAMLDecodable>(_ node: YAMLNode, into field: inout Value?) {
        if let value = Value.decode(node, &self) { field = value }
    }

    /// Reads a list. Elements that are wrong are left out (and reported).
    package mutating func read<Value: YAMLDecodable>(_ node: YAMLNode, into field: inout [Value]) {
        guard node.tape.kind == .sequence else { return expect("array", node) }
        field.removeAll()
        field.reserveCapacity(node.count)
        for element in node.elements {
            if let value = Value.decode(element, &self) { field.append(value) }
        }
    }

    /// Reads an optional list: an empty one is kept apart from none.
    package mutating func read<Value: YAMLDecodable>(_ node: YAMLNode, into field: inout [Value]?) {
        if node.isNull { return }
        var list: [Value] = []
        read(node, into: &list)
        field = list
    }

    /// Reads one of a few constants that is a raw value of the field's type.
    package mutating func read<Value: RawRepresentable>(_ node: YAMLNode, into field: inout Value) where Value.RawValue == String {
        if let value: Value = constant(node) { field = value }
    }

    /// Reads one of a few constants into an optional field.
    package mutating func read<Value: RawRepresentable>(_ node: YAMLNode, into field: inout Value?) where Value.RawValue == String {
        if let value: Value = constant(node) { field = value }
    }

    /// Reads a list of constants.
    package mutating func read<Value: RawRepresentable>(_ node: YAMLNode, into field: inout [Value]) where Value.RawValue == String {
        guard node.tape.kind == .sequence else { return expect("array", node) }
        field = node.elements.compactMap { constant($0) }
    }

    private mutating func constant<Value: RawRepresentable>(_ node: YAMLNode) -> Value? where Value.RawValue == String {
        guard let text = String.decode(node, &self) else { return nil }
        if let value = Value(rawValue: text) { return value }
        error(node, "Unsupported value: \(GoText.quoted(text))")
        return nil
    }

    /// Reads the entries of a map, one call per entry; the caller's closure reads the value.
    package mutating func readMap(_ node: YAMLNode, _ entry: (String, YAMLNode, inout DecodingContext) -> Void) {
        guard node.tape.kind == .mapping else { return expect("object", node) }
        for (key, value) in node.entries { entry(key, value, &self) }
    }

    // MARK: Findings

    /// Reports an error about a node; `inMap` shows its key as `[key]`.
    package mutating func error(_ node: YAMLNode, _ message: String, inMap: Bool = false) {
        errorCount += 1
        add(.error, node, message, inMap)
    }

    /// Reports a warning about a node.
    package mutating func warning(_ node: YAMLNode, _ message: String, inMap: Bool = false) {
        add(.warning, node, message, inMap)
    }

    /// Reports a field nobody knows, given its value.
    package mutating func unknownField(_ value: YAMLNode) {
        let line = value.file.nodes[Int(value.index) - 1].line
        let isRefused = unknownFields == .refuse || value.tape.isEdited
        if isRefused { errorCount += 1 }
        add(isRefused ? .error : .warning, value, "unknown field", false, line: Int(line))
    }

    /// Reports that a node is not what its field wants; null is no error, it means the field is absent.
    package mutating func expect(_ wanted: String, _ node: YAMLNode, inMap: Bool = false) {
        if node.isNull { return }
        let got: String
        switch node.kind {
        case .mapping: got = "object"
        case .sequence: got = "array"
        case .scalar: got = node.scalarType.jsonName
        }
        var message = "invalid type: got \"\(got)\", expected \"\(wanted)\""
        if wanted == "string", node.kind == .scalar { message += "; put it in quotes: \(JSONText.quoted(node.text))" }
        error(node, message, inMap: inMap)
    }

    /// Reports a finding whose place is known already.
    package mutating func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { errorCount += 1 }
        guard diagnostics.count < DecodingContext.maximumDiagnostics else {
            suppressedCount += 1
            return
        }
        diagnostics.append(diagnostic)
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ node: YAMLNode, _ message: String, _ inMap: Bool, line: Int? = nil) {
        guard diagnostics.count < DecodingContext.maximumDiagnostics else {
            suppressedCount += 1
            return
        }
        diagnostics.append(
            Diagnostic(
                severity: severity, file: node.file.name, line: line ?? node.line, field: path(of: node, inMap: inMap), message: message))
    }

    private func path(of node: YAMLNode, inMap: Bool) -> String {
        let start = root.flatMap { $0.file === node.file && $0.index <= node.index ? Int($0.index) : nil }
        let origin = start ?? Int(node.file.roots.last { $0 <= node.index } ?? 0)
        return node.file.path(from: origin, to: Int(node.index), inMap: inMap)
    }

    /// Where a node is, for findings that turn up later: FILE:LINE: FIELD
    package func position(of node: YAMLNode) -> String { "\(node.file.name):\(node.line): \(path(of: node, inMap: false))" }
}
