// What all object decoders share: the options of a load, specs seen before, and the API server's way of putting things.
//
// Decoders follow one pattern: a loop over the fields of a mapping, a switch over those the simulator models, and the table of
// known fields (KnownFields.swift) for all others.

import DiscreteEvents

/// State of a load that decoders need beside the findings.
package struct ObjectDecodingState: Sendable {
    /// The wall-clock time of simulated time zero, in whole seconds since 1970.
    package var origin: Int64 = 0
    /// Whether fields left out get the API server's defaults.
    package var appliesDefaults = true
    /// Whether objects are checked as the API server checks them.
    package var validates = true
    var specs = PodSpecPool()
    /// The `name` fields of the volume mounts of the pod spec being read, to be looked up once its volumes are known.
    var volumeMountNames: [YAMLNode] = []

    package init() {}
}

extension DecodingContext {
    /// Calls `field` for every entry of a mapping that is not null, and reports those it does not know (returns false for).
    ///
    /// Returns false if the node is no mapping (which is reported).
    @inline(__always) @discardableResult
    mutating func fields(_ node: YAMLNode, _ field: (String, YAMLNode, inout DecodingContext) -> Bool) -> Bool {
        guard node.kind == .mapping else {
            expect("object", node)
            return false
        }
        for (key, value) in node.entries where !field(key, value, &self) { unknownField(value) }
        return true
    }

    /// Calls `element` for every element of a sequence.
    @inline(__always)
    mutating func elements(_ node: YAMLNode, _ element: (YAMLNode, inout DecodingContext) -> Void) {
        guard node.kind == .sequence else { return expect("array", node) }
        for value in node.elements { element(value, &self) }
    }

    /// Reads one of a few constants; anything else is reported with those that are supported.
    mutating func choose<Choice: RawRepresentable>(_ node: YAMLNode, of supported: [String]) -> Choice?
    where Choice.RawValue == String {
        guard let text = String.decode(node, &self) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        error(node, FieldError.notSupported("", text, supported: supported).body)
        return nil
    }

    mutating func choose<Choice: RawRepresentable>(_ node: YAMLNode, into field: inout Choice, of supported: [String])
    where Choice.RawValue == String {
        if let choice: Choice = choose(node, of: supported) { field = choice }
    }

    mutating func choose<Choice: RawRepresentable>(_ node: YAMLNode, into field: inout Choice?, of supported: [String])
    where Choice.RawValue == String {
        if let choice: Choice = choose(node, of: supported) { field = choice }
    }

    /// The same where another value is not just unsupported: `refusal` says what is wrong with it. Empty means left out.
    mutating func choose<Choice: RawRepresentable>(_ node: YAMLNode, into field: inout Choice, orElse refusal: (String) -> FieldError)
    where Choice.RawValue == String {
        guard let text = String.decode(node, &self), !text.isEmpty else { return }
        if let choice = Choice(rawValue: text) { field = choice } else { error(node, refusal(text).body) }
    }

    /// Reports a choice that was left out.
    mutating func requireChoice(_ field: String, of supported: [String], in node: YAMLNode) {
        guard objects.validates, node[field]?.isNull ?? true else { return }
        let list = supported.map(GoText.quoted).joined(separator: " ")
        error(missing: field, in: node, "Required value: valid values: [\(list)]")
    }

    /// Reports something about a field that a mapping does not have.
    package mutating func error(missing field: String, in node: YAMLNode, _ message: String = "Required value") {
        let place = path(of: node)
        add(
            Diagnostic(
                severity: .error, file: node.file.name, line: node.line, field: place.isEmpty ? field : place + "." + field,
                message: message))
    }

    /// Reports an error of validation, whose path starts at the object `root`, on the line of that field.
    mutating func report(_ finding: FieldError, in root: YAMLNode) {
        add(
            Diagnostic(
                severity: .error, file: root.file.name, line: root.line(ofField: finding.field), field: finding.field,
                message: finding.body))
    }

    /// The path of a node from the object being read.
    func path(of node: YAMLNode) -> String {
        guard let root, root.file === node.file, root.index <= node.index else { return "" }
        return node.file.path(from: Int(root.index), to: Int(node.index), inMap: false)
    }

    /// Reads a point in time as simulated time.
    mutating func instant(_ node: YAMLNode) -> SimulatedTime? {
        guard let nanoseconds = time(node) else { return nil }
        let (origin, tooFar) = objects.origin.multipliedReportingOverflow(by: 1_000_000_000)
        let (sinceOrigin, overflow) = nanoseconds.subtractingReportingOverflow(origin)
        guard !tooFar, !overflow else {
            error(node, "is more than 292 years from the start of the simulation")
            return nil
        }
        return SimulatedTime(nanoseconds: sinceOrigin)
    }

    mutating func readInstant(_ node: YAMLNode, into field: inout SimulatedTime) {
        if let value = instant(node) { field = value }
    }

    mutating func readInstant(_ node: YAMLNode, into field: inout SimulatedTime?) {
        if let value = instant(node) { field = value }
    }
}

extension YAMLNode {
    /// The line of a field given by its path, or of the innermost part of the path that exists.
    ///
    /// Understands `spec.containers[0].resources.requests[cpu]`; map keys in brackets may contain dots.
    func line(ofField path: String) -> Int {
        var node = self
        var rest = Substring(path)
        while !rest.isEmpty {
            var component: Substring
            if rest.first == "[" {
                component = rest.dropFirst().prefix { $0 != "]" }
                rest = rest.dropFirst(component.count + 2)
            } else {
                component = rest.prefix { $0 != "." && $0 != "[" }
                rest = rest.dropFirst(component.count)
            }
            if rest.first == "." { rest.removeFirst() }
            guard let next = node.child(component) else { break }
            node = next
        }
        // The value of a key may start on the next line; people look for the key.
        return node.index > index ? node.keyLine : line
    }

    private func child(_ component: Substring) -> YAMLNode? {
        switch kind {
        case .mapping: self[String(component)]
        case .sequence: Int(component).flatMap { self[$0] }
        case .scalar: nil
        }
    }

    /// The line of the key this node is the value of, or of the node itself.
    private var keyLine: Int {
        let before = file.nodes[Int(index) - 1]
        return before.kind == .key ? Int(before.line) : line
    }
}
