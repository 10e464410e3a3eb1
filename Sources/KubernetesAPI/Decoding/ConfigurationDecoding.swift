// Reading ConfigMaps and Secrets, and what pods take from them.

extension ConfigMap: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ConfigMap? {
        var metadata = ObjectMeta()
        var entries = ConfigurationEntries()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            entries.read(field, value, of: "ConfigMap", among: ["data", "binaryData"], &context)
        }
        guard isMapping else { return nil }
        var result = ConfigMap(metadata: metadata, keys: entries.keys)
        result.contents = entries.contents
        return result
    }
}

extension Secret: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Secret? {
        var metadata = ObjectMeta()
        var entries = ConfigurationEntries()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            entries.read(field, value, of: "Secret", among: ["data", "stringData"], &context)
        }
        guard isMapping else { return nil }
        var result = Secret(metadata: metadata, keys: entries.keys)
        result.contents = entries.contents
        return result
    }
}

/// The entries met so far.
private struct ConfigurationEntries {
    var keys: [String] = []
    var contents: UInt64 = 0

    /// Returns false for a field that does not exist.
    mutating func read(
        _ field: String, _ value: YAMLNode, of type: String, among entryFields: [String], _ context: inout DecodingContext
    ) -> Bool {
        guard context.unmodelled(field, value, of: type, into: &contents) else { return false }
        guard entryFields.contains(field), value.kind == .mapping else { return true }
        for (key, _) in value.entries where !keys.contains(key) { keys.append(key) }
        return true
    }
}

extension ConfigurationReference {
    /// What a volume of one of these kinds takes; nil: it is of another kind.
    static func of(volume kind: String, _ node: YAMLNode) -> [ConfigurationReference]? {
        switch kind {
        case "configMap": return [ConfigurationReference(.configMap, node, name: "name")]
        case "secret": return [ConfigurationReference(.secret, node, name: "secretName")]
        case "projected":
            var references: [ConfigurationReference] = []
            guard let sources = node["sources"], sources.kind == .sequence else { return references }
            for source in sources.elements where source.kind == .mapping {
                if let map = source["configMap"] { references.append(ConfigurationReference(.configMap, map, name: "name")) }
                if let secret = source["secret"] { references.append(ConfigurationReference(.secret, secret, name: "name")) }
            }
            return references
        default: return nil
        }
    }

    /// What a container's `env` takes, in order.
    static func of(variables node: YAMLNode) -> [ConfigurationReference] {
        guard node.kind == .sequence else { return [] }
        var references: [ConfigurationReference] = []
        for variable in node.elements where variable.kind == .mapping {
            guard let source = variable["valueFrom"], source.kind == .mapping else { continue }
            if let map = source["configMapKeyRef"] { references.append(ConfigurationReference(.configMap, map, name: "name")) }
            if let secret = source["secretKeyRef"] { references.append(ConfigurationReference(.secret, secret, name: "name")) }
        }
        return references
    }

    /// What a container's `envFrom` takes, in order.
    static func of(sources node: YAMLNode) -> [ConfigurationReference] {
        guard node.kind == .sequence else { return [] }
        var references: [ConfigurationReference] = []
        for source in node.elements where source.kind == .mapping {
            if let map = source["configMapRef"] { references.append(ConfigurationReference(.configMap, map, name: "name")) }
            if let secret = source["secretRef"] { references.append(ConfigurationReference(.secret, secret, name: "name")) }
        }
        return references
    }

    /// Reads a reference whose types have been checked.
    private init(_ source: Source, _ node: YAMLNode, name: String) {
        self.init(source, "")
        guard node.kind == .mapping else { return }
        self.name = node[name]?.scalarText ?? ""
        isOptional = node["optional"].flatMap { $0.scalarText.flatMap(YAMLScalarType.bool) } ?? false
        if let key = node["key"]?.scalarText { keys.append(key) }
        if let items = node["items"], items.kind == .sequence {
            for item in items.elements where item.kind == .mapping { keys.append(item["key"]?.scalarText ?? "") }
        }
    }
}
