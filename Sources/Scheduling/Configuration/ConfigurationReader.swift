// Strict decoding: a file becomes a tree of values, or a list of what is wrong with it.

import DiscreteEvents
import KubernetesAPI

/// Something in a file that strict decoding does not accept.
package struct ConfigurationFinding: Sendable {
    /// Where: the value of the field.
    package let place: YAMLNode
    /// What to tell the user; empty: the field does not exist.
    package let message: String
    /// The real scheduler's words for it, without Go's type names. Names the field, so it can stand alone.
    package let original: String
    /// Whether only strict decoding minds: an unknown field. Anything else stops decoding at once.
    package let isStrict: Bool
    /// The plugin whose arguments it is about, as the real scheduler introduces it.
    fileprivate(set) var arguments: (place: String, plugin: String)?
}

/// Why a file makes no configuration: the stage at which it fails and everything found there.
package enum ConfigurationRefusal: Error, Sendable {
    case decoding([ConfigurationFinding])
    case validation([FieldError])
    case construction([SchedulerConfigurationError])

    /// The text with which the real scheduler would stop (without Go's type names).
    package var text: String {
        switch self {
        case .decoding(let findings): ConfigurationReader.text(of: findings)
        case .validation(let errors): FieldError.aggregate(errors)
        case .construction(let problems): problems.first?.description ?? ""
        }
    }
}

/// Reads nodes by their shapes. Findings come in the order in which the real decoder meets the fields.
struct ConfigurationReader {
    private(set) var findings: [ConfigurationFinding] = []
    /// YAML reaches the real decoder as JSON with sorted keys.
    private let sortsKeys: Bool

    /// - Parameter source: the text of the file; decides the order in which fields are met, and is quoted where no kind is given.
    static func read(_ root: YAMLNode, source: String? = nil) throws(ConfigurationRefusal) -> ConfigurationValue {
        let isJSON = source?.first { !$0.isWhitespace } == "{"
        var reader = ConfigurationReader(sortsKeys: !isJSON)
        let value = reader.configuration(root, source ?? "")
        guard let value, reader.findings.isEmpty else { throw .decoding(reader.findings) }
        return value
    }

    private init(sortsKeys: Bool) { self.sortsKeys = sortsKeys }

    private mutating func refuse(_ place: YAMLNode, _ message: String, original: String, isStrict: Bool = false) {
        findings.append(ConfigurationFinding(place: place, message: message, original: original, isStrict: isStrict))
    }

    // MARK: Kinds

    private mutating func configuration(_ root: YAMLNode, _ source: String) -> ConfigurationValue? {
        guard root.kind == .mapping else {
            refuse(
                root, "invalid type: got \"\(ConfigurationReader.typeName(root))\", expected \"object\"",
                original: "couldn't get version/kind; json parse error: json: cannot unmarshal \(ConfigurationReader.goType(root))")
            return nil
        }
        let kind = header("kind", root)
        let version = header("apiVersion", root)
        guard !kind.isEmpty else {
            refuse(
                root, "Object 'Kind' is missing: expected kind: \(ConfigurationSchema.kind)",
                original: "Object 'Kind' is missing in '\(source)'")
            return nil
        }
        guard !version.isEmpty else {
            refuse(
                root, "apiVersion is missing: expected apiVersion: \(ConfigurationSchema.apiVersion)",
                original: "Object 'apiVersion' is missing in '\(source)'")
            return nil
        }
        let isArguments = ConfigurationSchema.pluginsWithArguments.contains { $0 + "Args" == kind }
        guard version == ConfigurationSchema.apiVersion, kind == ConfigurationSchema.kind || isArguments else {
            refuseKind(kind, version, expected: ConfigurationSchema.kind, root)
            return nil
        }
        guard !isArguments else {
            refuse(
                root["kind"] ?? root, "this is \(kind): expected kind: \(ConfigurationSchema.kind)",
                original: "couldn't decode as \(ConfigurationSchema.kind), got \(version), Kind=\(kind): ")
            return nil
        }
        guard let result = value(root, ConfigurationSchema.configuration, at: "", typePath: "") else { return nil }
        // The real decoder stops before the arguments if anything is wrong with the rest; a user wants to hear of everything.
        return readArguments(of: result, root)
    }

    private func header(_ name: String, _ root: YAMLNode) -> String { root[name].flatMap { $0.isNull ? nil : $0.scalarText } ?? "" }

    private mutating func refuseKind(_ kind: String, _ version: String, expected: String, _ node: YAMLNode) {
        let isVersion = version != ConfigurationSchema.apiVersion
        let original = "no kind \"\(kind)\" is registered for version \"\(version)\""
        refuse(
            (isVersion ? node["apiVersion"] : node["kind"]) ?? node,
            original + "; expected " + (isVersion ? ConfigurationSchema.apiVersion : expected), original: original)
    }

    // MARK: Plugin arguments

    /// Replaces the arguments of Kubernetes' own plugins by what their shapes make of them.
    private mutating func readArguments(of configuration: ConfigurationValue, _ root: YAMLNode) -> ConfigurationValue {
        var configuration = configuration
        var profiles = configuration.list("profiles")
        for (i, profile) in profiles.enumerated() {
            var entries = profile.list("pluginConfig")
            for (j, entry) in entries.enumerated() {
                let name = entry.text("name")
                guard let shape = ConfigurationSchema.arguments(of: name) else { continue }
                var inner = ConfigurationReader(sortsKeys: sortsKeys)
                let node = root["profiles"]?[i]?["pluginConfig"]?[j]?["args"]
                entries[j]["args"] = inner.arguments(node, shape, of: name)
                for var finding in inner.findings {
                    finding.arguments = (".profiles[\(i)].pluginConfig[\(j)]", name)
                    findings.append(finding)
                }
            }
            if !entries.isEmpty { profiles[i]["pluginConfig"] = .list(entries) }
        }
        if !profiles.isEmpty { configuration["profiles"] = .list(profiles) }
        return configuration
    }

    private mutating func arguments(_ node: YAMLNode?, _ shape: ConfigurationShape, of plugin: String) -> ConfigurationValue? {
        let expected = plugin + "Args"
        var result = ConfigurationValue.emptyObject
        if let node, !node.isNull {
            guard node.kind == .mapping else {
                refuse(
                    node, "invalid type: got \"\(ConfigurationReader.typeName(node))\", expected \"object\"",
                    original: "couldn't get version/kind; json parse error: json: cannot unmarshal \(ConfigurationReader.goType(node))")
                return nil
            }
            let kind = header("kind", node).isEmpty ? expected : header("kind", node)
            let version = header("apiVersion", node).isEmpty ? ConfigurationSchema.apiVersion : header("apiVersion", node)
            let isKnown =
                kind == ConfigurationSchema.kind || ConfigurationSchema.pluginsWithArguments.contains { $0 + "Args" == kind }
            guard version == ConfigurationSchema.apiVersion, isKnown else {
                refuseKind(kind, version, expected: expected, node)
                return nil
            }
            guard kind == expected else {
                let group = ConfigurationSchema.group
                let original = "args for plugin \(plugin) were not of type \(expected).\(group), got \(kind).\(group)"
                refuse(node["kind"] ?? node, original, original: original)
                return nil
            }
            result = value(node, shape, at: "", typePath: "") ?? result
        } else if case .object(let fields) = shape {
            result = ConfigurationReader.absent(fields)
        }
        result["apiVersion"] = .string(ConfigurationSchema.apiVersion)
        result["kind"] = .string(expected)
        return result
    }

    // MARK: Values

    /// The value of a node; nil if it is null or wrong.
    private mutating func value(_ node: YAMLNode, _ shape: ConfigurationShape, at path: String, typePath: String) -> ConfigurationValue? {
        if case .raw = shape { return ConfigurationValue.raw(node) }
        if node.isNull { return nil }
        switch shape {
        case .raw: return nil
        case .string:
            guard node.kind == .scalar, node.scalarType == .string else { return mismatch(node, "string", typePath) }
            return .string(node.scalarText ?? "")
        case .boolean:
            guard node.kind == .scalar, node.scalarType == .bool else { return mismatch(node, "boolean", typePath) }
            return ConfigurationValue.raw(node)
        case .int32: return integer(node, Int32.self, typePath)
        case .int64: return integer(node, Int64.self, typePath)
        case .float:
            guard node.kind == .scalar, node.scalarType == .int || node.scalarType == .float else {
                return mismatch(node, "number", typePath)
            }
            return ConfigurationValue.raw(node)
        case .duration: return duration(node, typePath)
        case .list(let element):
            guard node.kind == .sequence else { return mismatch(node, "array", typePath) }
            var values: [ConfigurationValue] = []
            for (index, child) in node.elements.enumerated() {
                let place = path + "[\(index)]"
                values.append(value(child, element, at: place, typePath: typePath) ?? ConfigurationReader.zero(element))
            }
            return .list(values)
        case .labels:
            guard node.kind == .mapping else { return mismatch(node, "object", typePath) }
            var members: [ConfigurationValue.Member] = []
            for (key, child) in entries(of: node) {
                members.append(.init(key, value(child, .string, at: path + "." + key, typePath: typePath) ?? .string("")))
            }
            return .object(members)
        case .object(let fields):
            guard node.kind == .mapping else { return mismatch(node, "object", typePath) }
            return object(node, fields, at: path, typePath: typePath)
        }
    }

    private func entries(of node: YAMLNode) -> [(key: String, value: YAMLNode)] {
        let entries = Array(node.entries)
        return sortsKeys ? entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : entries
    }

    private mutating func object(
        _ node: YAMLNode, _ fields: [ConfigurationField], at path: String, typePath: String
    ) -> ConfigurationValue {
        var values = [ConfigurationValue?](repeating: nil, count: fields.count)
        for (key, child) in entries(of: node) {
            let place = path.isEmpty ? key : path + "." + key
            guard let index = fields.firstIndex(where: { $0.name == key }) else {
                refuse(child, "", original: "unknown field \"\(place)\"", isStrict: true)
                continue
            }
            values[index] = value(child, fields[index].shape, at: place, typePath: typePath.isEmpty ? key : typePath + "." + key)
        }
        return ConfigurationReader.object(fields, values)
    }

    /// An object as it is shown: fields that were not given are there or not as their presence says.
    private static func object(_ fields: [ConfigurationField], _ values: [ConfigurationValue?]) -> ConfigurationValue {
        var members: [ConfigurationValue.Member] = []
        for (field, value) in zip(fields, values) {
            switch (field.presence, value) {
            case (.always, _): members.append(.init(field.name, value ?? zero(field.shape)))
            case (.ifGiven, let value?): members.append(.init(field.name, value))
            case (.unlessEmpty, let value?) where !isEmpty(value): members.append(.init(field.name, value))
            default: break
            }
        }
        return .object(members)
    }

    /// The object of which no field is given.
    static func absent(_ fields: [ConfigurationField]) -> ConfigurationValue {
        object(fields, [ConfigurationValue?](repeating: nil, count: fields.count))
    }

    private static func zero(_ shape: ConfigurationShape) -> ConfigurationValue {
        switch shape {
        case .string: .string("")
        case .boolean: .boolean(false)
        case .int32, .int64, .float: .integer(0)
        case .duration: .string(SimulatedDuration.zero.description)
        case .list, .labels, .raw: .null
        case .object(let fields): absent(fields)
        }
    }

    private static func isEmpty(_ value: ConfigurationValue) -> Bool {
        switch value {
        case .null, .boolean(false), .integer(0), .string(""), .list([]): true
        case .object(let members): members.isEmpty
        default: false
        }
    }

    // MARK: Scalars

    private mutating func integer<Value: FixedWidthInteger & YAMLDecodable>(
        _ node: YAMLNode, _ type: Value.Type, _ typePath: String
    ) -> ConfigurationValue? {
        guard node.kind == .scalar, node.scalarType == .int || node.scalarType == .float else {
            return mismatch(node, "integer", typePath)
        }
        var context = DecodingContext()
        if let number = Value.decode(node, &context) { return .integer(Int64(number)) }
        let message = context.diagnostics.first?.message ?? ""
        refuse(node, message, original: "json: cannot unmarshal number \(node.scalarText ?? "") into field \(typePath)")
        return nil
    }

    private mutating func duration(_ node: YAMLNode, _ typePath: String) -> ConfigurationValue? {
        guard node.kind == .scalar, node.scalarType == .string else { return mismatch(node, "string", typePath) }
        let text = node.scalarText ?? ""
        let problem: DurationTextError
        do throws(DurationTextError) {
            let duration = try SimulatedDuration(text: text)
            // Days are our own: no unit of the real scheduler's files.
            if !text.contains("d") { return .string(duration.description) }
            problem = .unknownUnit(text: text, unit: "d")
        } catch {
            problem = error
        }
        let quoted = GoText.quoted(text)
        let original =
            switch problem {
            case .missingUnit: "time: missing unit in duration \(quoted)"
            case .unknownUnit(_, let unit): "time: unknown unit \(GoText.quoted(unit)) in duration \(quoted)"
            case .malformed, .tooLong: "time: invalid duration \(quoted)"
            }
        refuse(node, String(original.dropFirst("time: ".count)) + ": expected something like \"1h15m30.5s\"", original: original)
        return nil
    }

    private mutating func mismatch(_ node: YAMLNode, _ wanted: String, _ typePath: String) -> ConfigurationValue? {
        var context = DecodingContext()
        context.expect(wanted, node)
        let original = "json: cannot unmarshal \(ConfigurationReader.goType(node)) into field \(typePath)"
        refuse(node, context.diagnostics.first?.message ?? original, original: original)
        return nil
    }

    private static func typeName(_ node: YAMLNode) -> String {
        switch goType(node) {
        case "bool": "boolean"
        case let name: name
        }
    }

    private static func goType(_ node: YAMLNode) -> String {
        switch node.kind {
        case .mapping: "object"
        case .sequence: "array"
        case .scalar:
            switch node.scalarType {
            case .bool: "bool"
            case .int, .float: "number"
            case .null: "null"
            case .string: "string"
            }
        }
    }

    // MARK: Texts

    private static let strict = "strict decoding error: "

    /// How the real scheduler puts everything found into one text: the first error that stops decoding, else all the others, those
    /// in the arguments of plugins last and wrapped.
    static func text(of findings: [ConfigurationFinding]) -> String {
        if let fatal = findings.first(where: { !$0.isStrict }) {
            guard let arguments = fatal.arguments else { return fatal.original }
            // A wrong kind is found after the arguments were read: the text has one introduction less.
            if fatal.original.hasPrefix("args for plugin") { return "decoding \(arguments.place): \(fatal.original)" }
            return "decoding \(arguments.place): decoding args for plugin \(arguments.plugin): \(fatal.original)"
        }
        var texts = findings.filter { $0.arguments == nil }.map(\.original)
        var places: [(place: String, plugin: String)] = []
        for finding in findings {
            if let arguments = finding.arguments, !places.contains(where: { $0.place == arguments.place }) { places.append(arguments) }
        }
        for (place, plugin) in places {
            let fields = findings.filter { $0.arguments?.place == place }.map(\.original).joined(separator: ", ")
            texts.append("decoding \(place): \(strict)decoding args for plugin \(plugin): \(strict)\(fields)")
        }
        return strict + texts.joined(separator: ", ")
    }
}
