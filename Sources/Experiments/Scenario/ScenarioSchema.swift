// The JSON Schemas of scenario and experiment files, printed from the tables the decoder reads by.

/// Editors complete and check files with them.
/// <https://json-schema.org/draft/2020-12>
public enum ScenarioSchema {
    /// That of scenario files.
    public static var text: String { document("Seatrial scenario", of: ScenarioFormat.scenario, ScenarioFormat.types).text }

    /// That of experiment files.
    public static var experimentText: String {
        document("Seatrial experiment", of: ExperimentFormat.experiment, ExperimentFormat.types + [ScenarioFormat.metadata]).text
    }

    private static func document(_ title: String, of root: ScenarioType, _ types: [ScenarioType]) -> JSONValue {
        guard case .object(var members) = schema(of: root) else { preconditionFailure("an object's schema is an object") }
        members.insert(.init(key: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")), at: 0)
        members.insert(.init(key: "title", value: .string(title)), at: 1)
        let definitions = types.filter { $0.name != root.name }.map { ($0.name, schema(of: $0)) } + shared
        members.append(.init(key: "$defs", value: .members(definitions)))
        return .object(members)
    }

    private static func schema(of type: ScenarioType) -> JSONValue {
        var members: [(String, JSONValue)] = [("description", .string(type.description)), ("type", .string("object"))]
        let properties = type.fields.map { field in
            (field.name, described(schema(of: field.type), field.description))
        }
        members.append(("properties", .members(properties)))
        members.append(("additionalProperties", .boolean(false)))
        let required = type.fields.filter(\.required).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        if !type.exactlyOne.isEmpty {
            members.append(("oneOf", .array(type.exactlyOne.map { .members([("required", .array([.string($0)]))]) })))
        }
        return .members(members)
    }

    private static func described(_ schema: JSONValue, _ description: String) -> JSONValue {
        guard case .object(let members) = schema else { return schema }
        return .object([.init(key: "description", value: .string(description))] + members.filter { $0.key != "description" })
    }

    private static func schema(of type: FieldType) -> JSONValue {
        switch type {
        case .string, .path: .members([("type", .string("string")), ("minLength", .integer(1))])
        case .boolean: .members([("type", .string("boolean"))])
        case .integer(let range): numeric("integer", range.lowerBound == 0 ? "0" : "\(range.lowerBound)", "\(range.upperBound)")
        case .number(let range): numeric("number", range.lowerBound.description, range.upperBound.description)
        case .duration: reference("duration")
        case .timestamp: .members([("type", .string("string")), ("format", .string("date-time"))])
        case .quantity: reference("quantity")
        case .constant(let values): .members([("enum", .array(values.map { .string($0) }))])
        case .objectName: .members([("type", .string("string")), ("pattern", .string("^[^/]+(/[^/]+)?$"))])
        case .labels: map(.members([("type", .string("string"))]))
        case .resources: map(reference("quantity"))
        case .labelSelector: reference("labelSelector")
        case .distribution: reference("distribution")
        case .kubernetes(let kind): .members([("type", .string("object")), ("title", .string(kind))])
        case .object(let name): reference(name)
        case .anything: .members([])
        case .list(let element): .members([("type", .string("array")), ("items", schema(of: element))])
        case .either(let first, let second): .members([("anyOf", .array([schema(of: first), schema(of: second)]))])
        }
    }

    private static func reference(_ name: String) -> JSONValue { .members([("$ref", .string("#/$defs/" + name))]) }

    private static func numeric(_ type: String, _ minimum: String, _ maximum: String) -> JSONValue {
        .members([("type", .string(type)), ("minimum", .number(minimum)), ("maximum", .number(maximum))])
    }

    private static func map(_ value: JSONValue) -> JSONValue {
        .members([("type", .string("object")), ("additionalProperties", value)])
    }

    /// The values that are no types of ours.
    private static var shared: [(String, JSONValue)] {
        let expression = JSONValue.members([
            ("type", .string("object")),
            (
                "properties",
                .members([
                    ("key", .members([("type", .string("string"))])),
                    ("operator", .members([("enum", .array(["In", "NotIn", "Exists", "DoesNotExist"].map { .string($0) }))])),
                    ("values", .members([("type", .string("array")), ("items", .members([("type", .string("string"))]))])),
                ])
            ),
            ("required", .array([.string("key"), .string("operator")])),
            ("additionalProperties", .boolean(false)),
        ])
        return [
            (
                "duration",
                .members([
                    ("description", .string("A length of time: 250ms, 30s, 1h15m, 2d; 0 needs no unit.")),
                    (
                        "anyOf",
                        .array([
                            .members([
                                ("type", .string("string")),
                                ("pattern", .string("^(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h|d))+$")),
                            ]),
                            .members([("const", .integer(0))]),
                        ])
                    ),
                ])
            ),
            (
                "quantity",
                .members([
                    ("description", .string("A Kubernetes quantity: 500m, 8, 32Gi.")),
                    (
                        "anyOf",
                        .array([
                            .members([
                                ("type", .string("string")),
                                ("pattern", .string("^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$")),
                            ]),
                            .members([("type", .string("number"))]),
                        ])
                    ),
                ])
            ),
            (
                "labelSelector",
                .members([
                    ("description", .string("Labels, as in Deployments: matchLabels and matchExpressions.")), ("type", .string("object")),
                    (
                        "properties",
                        .members([
                            ("matchLabels", map(.members([("type", .string("string"))]))),
                            ("matchExpressions", .members([("type", .string("array")), ("items", expression)])),
                        ])
                    ),
                    ("additionalProperties", .boolean(false)),
                ])
            ),
            ("distribution", distribution),
        ]
    }

    private static var distribution: JSONValue {
        let families = DistributionFormat.families.map { family -> JSONValue in
            let forms = family.forms.map { form -> JSONValue in
                var members: [(String, JSONValue)] = [
                    ("type", .string("object")),
                    ("properties", .members(form.parameters.map { ($0.name, described(schema(of: $0.type), $0.description)) })),
                    ("additionalProperties", .boolean(false)),
                ]
                let required = form.parameters.filter(\.required).map { JSONValue.string($0.name) }
                members.append(("required", .array(required)))
                if form.needsQuantile {
                    members.append(("patternProperties", .members([(DistributionFormat.quantilePattern, reference("duration"))])))
                    members.append(("minProperties", .integer(required.count + 1)))
                }
                return .members(members)
            }
            let value = family.acceptsScalar.map { schema(of: $0) }
            return .members([
                ("description", .string(family.description)), ("type", .string("object")),
                ("properties", .members([(family.name, .members([("anyOf", .array(forms + (value.map { [$0] } ?? [])))]))])),
                ("required", .array([.string(family.name)])), ("additionalProperties", .boolean(false)),
            ])
        }
        return .members([
            ("description", .string("A time: constant as 4s, or random as {lognormal: {mean: 4s, p99: 15s}}.")),
            ("anyOf", .array([reference("duration")] + families)),
        ])
    }
}
