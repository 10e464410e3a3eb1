// Reads what is not modelled: checks its type against the table of known fields and digests it.

extension DecodingContext {
    /// Reads a field of an API type that has no effect in the simulator.
    ///
    /// - Parameter digest: takes up the field's contents.
    /// - Returns: false if the type has no such field.
    mutating func unmodelled(_ field: String, _ value: YAMLNode, of type: String, into digest: inout UInt64) -> Bool {
        guard let known = KnownFields.field(field, of: type) else { return false }
        if let contents = walk(value, known) { digest = digest &+ ContentDigest.entry(field, contents) }
        return true
    }

    /// Reads a field that has no effect and belongs to no template.
    mutating func ignored(_ field: String, _ value: YAMLNode, of type: String) -> Bool {
        var digest: UInt64 = 0
        return unmodelled(field, value, of: type, into: &digest)
    }

    /// Reads a whole mapping of an API type into a digest; 0 for what means nothing.
    mutating func digest(_ node: YAMLNode, of type: String) -> UInt64 { walk(node, .object(type)) ?? 0 }

    private mutating func walk(_ node: YAMLNode, _ field: KnownField) -> UInt64? {
        if field.isRequired, node.isNull || node.scalarText == "" {
            error(node, "Required value")
            return nil
        }
        let contents = walk(node, field.type)
        // A default spelt out says nothing new.
        if let fallback = field.fallback, node.scalarText == fallback { return nil }
        return contents
    }

    /// The digest of a node of a type; nil if the node says nothing (null, empty collections) or is wrong (reported).
    private mutating func walk(_ node: YAMLNode, _ type: FieldType) -> UInt64? {
        if node.isNull { return nil }
        switch type {
        case .string: return String.decode(node, &self).map { ContentDigest.string($0) }
        case .boolean: return Bool.decode(node, &self).map { ContentDigest.number($0 ? 1 : 0) }
        case .integer32: return Int32.decode(node, &self).map { ContentDigest.number(Int64($0)) }
        case .integer64: return Int64.decode(node, &self).map { ContentDigest.number($0) }
        case .quantity: return Quantity.decode(node, &self).map { ContentDigest.string($0.description) }
        case .intOrString: return IntOrString.decode(node, &self).map { ContentDigest.string($0.description) }
        case .time: return time(node).map { ContentDigest.number($0) }
        case .any: return untyped(node)
        case .dropped:
            warning(node, "has no effect: the API server of Kubernetes 1.36 drops it, its feature gate being off")
            return nil
        case .choice(let supported):
            guard let text = String.decode(node, &self) else { return nil }
            if !supported.contains(text), !text.isEmpty, objects.validates {
                error(node, FieldError.notSupported("", text, supported: supported).body)
            }
            return ContentDigest.string(text)
        case .list(let element): return list(node, element)
        case .map(let element): return map(node, element)
        case .object(let name): return object(node, name)
        }
    }

    private mutating func list(_ node: YAMLNode, _ element: FieldType) -> UInt64? {
        guard node.kind == .sequence else {
            expect("array", node)
            return nil
        }
        if node.count == 0 { return nil }
        var digest = ContentDigest.start
        for value in node.elements { digest = ContentDigest.append(walk(value, element) ?? 0, to: digest) }
        return digest
    }

    private mutating func map(_ node: YAMLNode, _ element: FieldType) -> UInt64? {
        guard node.kind == .mapping else {
            expect("object", node)
            return nil
        }
        if node.count == 0 { return nil }
        var digest = ContentDigest.start
        for (key, value) in node.entries { digest = digest &+ ContentDigest.entry(key, walk(value, element) ?? 0) }
        return digest
    }

    private mutating func object(_ node: YAMLNode, _ type: String) -> UInt64? {
        guard node.kind == .mapping else {
            expect("object", node)
            return nil
        }
        var digest: UInt64 = 0
        var saysSomething = false
        for (key, value) in node.entries {
            guard let known = KnownFields.field(key, of: type) else {
                unknownField(value)
                continue
            }
            guard let contents = walk(value, known) else { continue }
            digest = digest &+ ContentDigest.entry(key, contents)
            saysSomething = true
        }
        requireFields(of: type, in: node)
        return saysSomething ? digest : nil
    }

    /// Reports required fields that are not there at all.
    private mutating func requireFields(of type: String, in node: YAMLNode) {
        for field in KnownFields.required(of: type) where node[field] == nil { error(missing: field, in: node) }
    }

    private mutating func untyped(_ node: YAMLNode) -> UInt64? {
        switch node.kind {
        case .scalar: return node.isNull ? nil : ContentDigest.string(node.scalarText ?? "")
        case .sequence: return list(node, .any)
        case .mapping: return map(node, .any)
        }
    }
}

/// A 64-bit FNV-1a digest of typed contents. Entries of mappings are added up, so their order does not matter.
enum ContentDigest {
    static let start: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x0000_0100_0000_01B3

    static func string(_ text: String) -> UInt64 {
        var copy = text
        return copy.withUTF8 { bytes in bytes.reduce(append(1, to: start)) { ($0 ^ UInt64($1)) &* prime } }
    }

    static func number(_ value: Int64) -> UInt64 { append(UInt64(bitPattern: value), to: append(2, to: start)) }

    /// One entry of a mapping.
    static func entry(_ key: String, _ contents: UInt64) -> UInt64 { append(contents, to: string(key)) }

    /// Takes up eight bytes.
    static func append(_ value: UInt64, to digest: UInt64) -> UInt64 {
        var digest = digest
        var rest = value
        for _ in 0..<8 {
            digest = (digest ^ (rest & 0xFF)) &* prime
            rest >>= 8
        }
        return digest
    }
}
