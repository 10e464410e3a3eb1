// The YAML and JSON reader: structure, limits, errors with positions, and decoding with strict types.

import Testing

@testable import KubernetesAPI

@Suite struct YAMLTests {
    /// The content of a node as JSON-like text with the types resolved.
    private func outline(_ node: YAMLNode) -> String {
        switch node.kind {
        case .scalar: node.scalarType == .string ? JSONText.quoted(node.scalarText ?? "") : (node.scalarText ?? "")
        case .sequence: "[" + node.elements.map(outline).joined(separator: ",") + "]"
        case .mapping: "{" + node.entries.map { "\($0.key):\(outline($0.value))" }.joined(separator: ",") + "}"
        }
    }

    private func outlines(_ text: String, name: String = "a.yaml") throws -> [String] {
        try YAMLFile.parse(text, name: name).documents.map(outline)
    }

    @Test(
        arguments: [
            ("a: 1\nb: [x, 'y', {c: d}]\n", [#"{a:1,b:["x","y",{c:"d"}]}"#]),
            ("---\n# nothing\n---\na: 1\n...\n---\n~\n---\n- b\n", [#"{a:1}"#, #"["b"]"#]),
            ("", []),
            ("a: |\n  x\n  y\nb: !!str 12\nc: ''\n", [#"{a:"x\ny\n",b:"12",c:""}"#]),
            ("base: &b {x: 1, y: [2]}\ncopy: *b\n&k key: *k\n", [#"{base:{x:1,y:[2]},copy:{x:1,y:[2]},key:"key"}"#]),
            ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", [#"{a:{x:1,y:2},b:{x:1,y:3}}"#]),
            ("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n  w: 0\n", [#"{a:{x:1},b:{x:2,z:3},c:{x:1,z:3,w:0}}"#]),
        ])
    func readsYAML(_ text: String, _ expected: [String]) throws {
        #expect(try outlines(text) == expected)
    }

    @Test(
        arguments: [
            (#"{"a":1,"b":"\uD83D\uDE00","c":"\/\u00e9\ud800x"}"#, ["{a:1,b:\"😀\",c:\"/é\u{FFFD}x\"}"]),
            ("{\"a\":1}\n{\"a\":2}\n\n[3]\n", ["{a:1}", "{a:2}", "[3]"]),
            ("{\n\t\"a\": [\n\t\t1,\n\t\ttrue\n\t]\n}\n{\n\t\"b\": null\n}\n", ["{a:[1,true]}", "{b:null}"]),
            ("{\"\(String(repeating: "k", count: 3000))\" : {\"a\": 1}}", ["{\(String(repeating: "k", count: 3000)):{a:1}}"]),
            ("{\"a\":\"x\u{7F}\",\"<<\":{\"b\":\"#no: comment\"}}", [##"{a:"x\u007f",<<:{b:"#no: comment"}}"##]),
            ("\"text\"\n12\n", [#""text""#, "12"]),
        ])
    func readsJSON(_ text: String, _ expected: [String]) throws {
        #expect(try outlines(text, name: "a.jsonl") == expected)
    }

    @Test(
        "Broken files are refused with the place",
        arguments: [
            ("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3:2: "),
            ("a:\n  - b\n c: 1\n", "f.yaml:3:2: "),
            ("a: \"open\n\n", "f.yaml:3:1: "),
            ("a: b: c\n", "f.yaml:1:5: "),
            ("a: 1\nb: 2\na: 3\n", #"f.yaml:3:1: key "a" is already set in this mapping, on line 1"#),
            ("a:\n  x: {name: 1}\n  name: 2\n  'name': 3\n", #"f.yaml:4:3: key "name" is already set in this mapping, on line 3"#),
            ("a: *b\n", "f.yaml:1:4: there is no anchor &b before this alias"),
            ("a: &b\n  c: *b\n", "f.yaml:2:6: alias *b stands inside its own anchor"),
            ("? [a, b]\n: c\n", "f.yaml:1:3: a key must be a scalar, not a sequence"),
            ("a: 1\n<<: 2\n", "f.yaml:2:1: the value of a merge key must be a mapping or a sequence of mappings"),
            ("a: 1\nb: \u{0}\n", "f.yaml:2:4: contains a zero byte, so it is not a text file"),
            ("a: b\n\tc: d\n", "f.yaml:2:"),
            (String(repeating: "[", count: 400), "f.yaml:1:257: is nested more than 256 levels deep"),
        ])
    func refusesBrokenFiles(_ text: String, _ expected: String) {
        let error = #expect(throws: YAMLError.self) { try YAMLFile.parse(text, name: "f.yaml") }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "no error")")
    }

    @Test func refusesInvalidUTF8WithItsLine() {
        let error = #expect(throws: YAMLError.self) { try YAMLFile.parse(Array("a: b\nc: ".utf8) + [0xFF, 0x0A], name: "f.yaml") }
        #expect(error?.line == 2)
    }

    @Test func countsColumnsOfJSONLinesAsWritten() {
        let error = #expect(throws: YAMLError.self) { try YAMLFile.parse("{\"a\":1}\n{\"a\":1,\"a\":2}\n", name: "f.jsonl") }
        #expect(error?.description == #"f.jsonl:2:8: key "a" is already set in this mapping, on line 2"#)
    }

    @Test func boundsAliasBombs() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            bomb += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        let error = #expect(throws: YAMLError.self) { try YAMLFile.parse(bomb, name: "f.yaml") }
        #expect(error?.message == "aliases expand to more than 1000000 nodes")
    }

    @Test(
        "Scalars without quotes have the types kubectl gives them",
        arguments: [
            ("yes", YAMLScalarType.bool), ("On", .bool), ("true", .bool), ("tRue", .string), ("null", .null), ("~", .null), ("", .null),
            ("1", .int), ("0x1F", .int), ("1_000", .int), ("-017", .int), ("089", .float), ("1.10", .float), ("1e3", .float),
            (".5", .float),
            (".inf", .float), ("1.2.3", .string), ("1Gi", .string), ("100m", .string), ("-", .string), ("2024-01-01", .string),
            ("e3", .string),
        ])
    func resolvesScalars(_ text: String, _ type: YAMLScalarType) {
        #expect(Array(text.utf8).withUnsafeBufferPointer(YAMLScalarType.init) == type)
    }

    @Test func reportsWrongValuesWithLineAndPath() throws {
        let file = try YAMLFile.parse(
            """
            spec:
              selector:
                matchLabels:
                  app: web
                  version: 1.10
                matchExpressions:
                - key: tier
                  operator: In
                  values: [a, true]
                  colour: blue
                - none
              resources:
                cpu: 100m
                memory: 1GB
            """, name: "f.yaml")
        let root = try #require(file.documents.first)
        var context = DecodingContext()
        let object = context.object(root, as: TestObject.self)
        #expect(object?.selector.matchLabels == ["app": "web"])
        #expect(object?.resources == [.cpu: Quantity(milli: 100)])
        #expect(context.errorCount == 4)
        #expect(
            context.diagnostics.map(\.description) == [
                #"f.yaml:5: spec.selector.matchLabels[version]: invalid type: got "number", expected "string"; put it in quotes: "1.10""#,
                #"f.yaml:9: spec.selector.matchExpressions[0].values[1]: invalid type: got "boolean", expected "string"; put it in quotes: "true""#,
                #"f.yaml:10: spec.selector.matchExpressions[0].colour: unknown field"#,
                #"f.yaml:11: spec.selector.matchExpressions[1]: invalid type: got "string", expected "object""#,
                #"f.yaml:14: spec.resources[memory]: \#(QuantityError.wrongFormat.description)"#,
            ])
        #expect(context.diagnostics.map(\.severity) == [.error, .error, .warning, .error, .error])
    }

    @Test func readsNumbersAsKubernetesDoes() throws {
        let file = try YAMLFile.parse("cpu: 0.5\nmemory: 1e3\npods: 010\nstorage: '12e6'\nx: ~\n", name: "f.yaml")
        var context = DecodingContext()
        let root = try #require(file.documents.first)
        let decoded = context.object(root, as: ResourceList.self)
        let list = try #require(decoded)
        #expect(list.description == "cpu=500m,memory=1k,pods=8,storage=12e6,x=0")
    }

    @Test func writesStringsThatReadBackUnchanged() throws {
        for text in [
            "", "plain", "quote \" and \\ back", "line\nbreak\ttab", "\u{1}\u{1F}\u{7F}", "é 😀 \u{2028}\u{85}\u{9F}\u{FEFF}\u{FFFF}", "yes",
            "1.0",
        ] {
            let file = try YAMLFile.parse("[\(JSONText.quoted(text))]", name: "f.yaml")
            #expect(file.documents.first?[0]?.scalarText == text)
            #expect(file.documents.first?[0]?.scalarType == .string)
        }
    }
}

private struct TestObject: YAMLFields {
    var selector = LabelSelector()
    var resources = ResourceList()

    init() {}

    mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "spec", "selector", "resources":
            if field == "spec" {
                for (key, inner) in value.entries where !decode(field: key, inner, &context) { context.unknownField(inner) }
            } else if field == "selector" {
                context.read(value, into: &selector)
            } else {
                context.read(value, into: &resources)
            }
        default: return false
        }
        return true
    }
}
