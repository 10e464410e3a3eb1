// Values put into a parsed file: the file reads as if it had been written so.

import Testing

@testable import KubernetesAPI

@Suite("Edited YAML files") struct YAMLEditTests {
    private func outline(_ node: YAMLNode) -> String {
        switch node.kind {
        case .scalar: node.scalarType == .string ? JSONText.quoted(node.scalarText ?? "") : (node.scalarText ?? "")
        case .sequence: "[" + node.elements.map(outline).joined(separator: ",") + "]"
        case .mapping: "{" + node.entries.map { "\($0.key):\(outline($0.value))" }.joined(separator: ",") + "}"
        }
    }

    private static let text = """
        a: {b: [1, {c: x}], d: 2}
        e: ~
        ---
        f: 3
        """

    private func follow(_ node: YAMLNode, _ path: [String]) throws -> YAMLNode {
        try path.reduce(node) { node, key in
            if let index = Int(key) { try #require(node[index]) } else { try #require(node[key]) }
        }
    }

    @Test(
        "A value replaces what is there, or is added with the keys above it",
        arguments: [
            (["a", "d"], [], "[5, {new: w}]", #"{a:{b:[1,{c:"x"}],d:[5,{new:"w"}]},e:~}"#),
            (["a", "b", "1", "c"], [], "7", #"{a:{b:[1,{c:7}],d:2},e:~}"#),
            (["a", "b"], [], "nothing", #"{a:{b:"nothing",d:2},e:~}"#),
            (["a", "b", "1"], ["x", "y"], "'5'", #"{a:{b:[1,{c:"x",x:{y:"5"}}],d:2},e:~}"#),
            (["e"], ["x"], "{d: 1}", #"{a:{b:[1,{c:"x"}],d:2},e:{x:{d:1}}}"#),
            ([], ["z"], "null", #"{a:{b:[1,{c:"x"}],d:2},e:~,z:null}"#),
        ] as [([String], [String], String, String)])
    func edits(path: [String], missing: [String], value: String, expected: String) throws {
        let file = try YAMLFile.parse(YAMLEditTests.text, name: "a.yaml")
        let value = try #require(
            try YAMLFile.parse(value, name: "b.yaml").documents.first ?? YAMLFile.parse("[null]", name: "b.yaml").documents[0][0])
        let edited = file.edited(try follow(file.documents[0], path), adding: missing, to: value)
        #expect(edited.documents.map(outline) == [expected, "{f:3}"])
        // The file itself is as it was, and what follows keeps its line.
        #expect(file.documents.map(outline) == [#"{a:{b:[1,{c:"x"}],d:2},e:~}"#, "{f:3}"])
        #expect(try follow(edited.documents[1], ["f"]).line == 4)
    }

    @Test("Edits add up, in any order")
    func several() throws {
        let value = try YAMLFile.parse("{p: [q]}", name: "b.yaml").documents[0]
        var file = try YAMLFile.parse(YAMLEditTests.text, name: "a.yaml")
        file = file.edited(try follow(file.documents[1], ["f"]), to: value)
        file = file.edited(try follow(file.documents[0], ["a", "b", "0"]), to: value)
        file = file.edited(try follow(file.documents[0], ["a"]), adding: ["b2"], to: value)
        #expect(file.documents.map(outline) == [#"{a:{b:[{p:["q"]},{c:"x"}],d:2,b2:{p:["q"]}},e:~}"#, #"{f:{p:["q"]}}"#])
    }

    @Test("An unknown field is an error where it was put in, at the line of the place, and a warning elsewhere")
    func unknownFields() throws {
        let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  nonsense: 1\n  containers: [{name: c, image: i}]\n"
        let file = try YAMLFile.parse(manifest, name: "pod.yaml")
        let value = try YAMLFile.parse("1", name: "b.yaml").documents[0]
        var loader = ManifestLoader()
        #expect(!loader.load(documents: file.documents).hasErrors)
        let edited = file.edited(try follow(file.documents[0], ["spec"]), adding: ["tolerationz"], to: value)
        let result = loader.load(documents: edited.documents)
        #expect(result.diagnostics.filter { $0.severity == .error }.map(\.description) == ["pod.yaml:5: spec.tolerationz: unknown field"])
    }
}
