// The JSON Schema is a schema that our scenarios conform to and broken ones do not.

import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

/// As much of JSON Schema as our schema uses.
private struct SchemaValidator {
    /// By Swift's own regular expressions: those of Foundation share a cache that tests running side by side can corrupt on Linux.
    private static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let regex = try? Regex(pattern) else { return false }
        return text.firstMatch(of: regex) != nil
    }

    let root: [String: Any]

    func problems(_ value: Any, _ schema: [String: Any], at path: String = "$") -> [String] {
        var problems: [String] = []
        if let reference = schema["$ref"] as? String {
            let name = String(reference.dropFirst("#/$defs/".count))
            guard let target = (root["$defs"] as? [String: Any])?[name] as? [String: Any] else { return ["\(path): no definition \(name)"] }
            problems += self.problems(value, target, at: path)
        }
        if let type = schema["type"] as? String, !has(value, type) { return problems + ["\(path): is no \(type)"] }
        if let allowed = schema["enum"] as? [String], !allowed.contains(value as? String ?? "") {
            problems.append("\(path): not one of \(allowed)")
        }
        if let constant = schema["const"] as? Int, (value as? Double) != Double(constant) { problems.append("\(path): is not \(constant)") }
        if let number = value as? Double {
            if let minimum = schema["minimum"] as? Double, number < minimum { problems.append("\(path): below \(minimum)") }
            if let maximum = schema["maximum"] as? Double, number > maximum { problems.append("\(path): above \(maximum)") }
        }
        if let text = value as? String {
            if let pattern = schema["pattern"] as? String, !SchemaValidator.matches(text, pattern) {
                problems.append("\(path): \(text) does not match \(pattern)")
            }
        }
        for (key, isEnough) in [("anyOf", { $0 >= 1 }), ("oneOf", { $0 == 1 })] as [(String, (Int) -> Bool)] {
            guard let choices = schema[key] as? [[String: Any]] else { continue }
            let fitting = choices.count { self.problems(value, $0, at: path).isEmpty }
            if !isEnough(fitting) { problems.append("\(path): fits \(fitting) of \(choices.count) in \(key)") }
        }
        if let elements = value as? [Any], let items = schema["items"] as? [String: Any] {
            for (index, element) in elements.enumerated() { problems += self.problems(element, items, at: "\(path)[\(index)]") }
        }
        if let object = value as? [String: Any] { problems += members(object, schema, path) }
        return problems
    }

    private func members(_ object: [String: Any], _ schema: [String: Any], _ path: String) -> [String] {
        var problems: [String] = []
        let properties = schema["properties"] as? [String: Any] ?? [:]
        let patterns = schema["patternProperties"] as? [String: [String: Any]] ?? [:]
        for name in schema["required"] as? [String] ?? [] where object[name] == nil { problems.append("\(path): lacks \(name)") }
        if let least = schema["minProperties"] as? Double, Double(object.count) < least { problems.append("\(path): too few members") }
        for (name, value) in object {
            if let property = properties[name] as? [String: Any] {
                problems += self.problems(value, property, at: "\(path).\(name)")
            } else if let pattern = patterns.keys.first(where: { SchemaValidator.matches(name, $0) }) {
                problems += self.problems(value, patterns[pattern] ?? [:], at: "\(path).\(name)")
            } else if let other = schema["additionalProperties"] as? [String: Any] {
                problems += self.problems(value, other, at: "\(path).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                problems.append("\(path): has no \(name)")
            }
        }
        return problems
    }

    private func has(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": value is Bool
        case "integer": (value as? Double).map { $0 == $0.rounded() } ?? false
        case "number": value is Double
        default: false
        }
    }
}

/// A YAML node as the values of JSON, numbers as `Double`.
private func json(_ node: YAMLNode) -> Any {
    switch node.kind {
    case .mapping: return Dictionary(uniqueKeysWithValues: node.entries.map { ($0.key, json($0.value)) })
    case .sequence: return node.elements.map { json($0) }
    case .scalar:
        var context = DecodingContext()
        switch node.scalarType {
        case .int, .float: return Double.decode(node, &context) ?? 0
        case .bool: return Bool.decode(node, &context) ?? false
        case .null: return NSNull()
        case .string: return node.scalarText ?? ""
        }
    }
}

@Suite("Schema")
struct SchemaTests {
    private let validator: SchemaValidator
    private let experiments: SchemaValidator
    static let shippedNames = (try? FileManager.default.contentsOfDirectory(atPath: packageRoot + "/scenarios"))?.sorted() ?? []

    init() throws {
        validator = try SchemaTests.validator(ScenarioSchema.text)
        experiments = try SchemaTests.validator(ScenarioSchema.experimentText)
    }

    private static func validator(_ schema: String) throws -> SchemaValidator {
        let root = try #require(try JSONSerialization.jsonObject(with: Data(schema.utf8)) as? [String: Any])
        return SchemaValidator(root: doubles(root) as? [String: Any] ?? [:])
    }

    /// All numbers as `Double`, so that they compare; truth values stay.
    private static func doubles(_ value: Any) -> Any {
        if let object = value as? [String: Any] { return object.mapValues(doubles) }
        if let array = value as? [Any] { return array.map(doubles) }
        if let number = value as? NSNumber, !(value is Bool) { return number.doubleValue }
        return value
    }

    private func problems(_ text: String) throws -> [String] {
        let document = try #require(try YAMLFile.parse(text, name: "scenario.yaml").documents.first)
        return validator.problems(json(document), validator.root)
    }

    @Test("Samples conform", arguments: [SampleScenarios.everyField, SampleScenarios.illustration])
    func samples(text: String) throws { #expect(try problems(text).isEmpty) }

    @Test("Shipped scenarios conform and load without a warning", arguments: shippedNames)
    func shipped(name: String) throws {
        let path = packageRoot + "/scenarios/\(name)/scenario.yaml"
        #expect(try problems(String(contentsOfFile: path, encoding: .utf8)).isEmpty)
        let scenario = try ScenarioFile.load(path)
        #expect(scenario.name == name)
        #expect(scenario.warnings.isEmpty)
    }

    private func problems(ofExperiment text: String) throws -> [String] {
        let document = try #require(try YAMLFile.parse(text, name: "experiment.yaml").documents.first)
        return experiments.problems(json(document), experiments.root)
    }

    @Test("Shipped experiments conform to the schema of experiments", arguments: ["node-churn", "gpu-sharing"])
    func shippedExperiments(name: String) throws {
        let path = packageRoot + "/scenarios/\(name)/experiment.yaml"
        #expect(try problems(ofExperiment: String(contentsOfFile: path, encoding: .utf8)).isEmpty)
    }

    @Test(
        "Experiments in all their forms conform",
        arguments: [
            "  seeds: 4\n", "  seeds: {from: 0, count: 3, antithetic: true}\n  warmUp: mser5\n",
            "  seeds: 4\n  warmUp: 10m\n  design: grid\n",
            "  seeds: 4\n  design: {sobol: {combinations: 8}}\n  outputs: [pods_created]\n",
            "  seeds: 4\n  factors: [{name: x, path: a.b, range: {from: 1, to: 2, step: 0.5, unit: s}}, {name: other, paths: [a, b], levels: [1, a, null]}]\n",
        ])
    func experimentForms(spec: String) throws { #expect(try problems(ofExperiment: Self.experiment(spec)).isEmpty) }

    @Test(
        "Experiments that the decoder refuses for their form do not",
        arguments: [
            "", "  seeds: 0\n", "  seeds: {from: 1}\n", "  seed: 4\n", "  seeds: 4\n  warmUp: welch\n", "  seeds: 4\n  design: random\n",
            "  seeds: 4\n  factors: [{name: x, path: a, levels: [1], range: {from: 1, to: 2}}]\n",
            "  seeds: 4\n  factors: [{path: a, levels: [1]}]\n",
        ])
    func brokenExperiments(spec: String) throws { #expect(try !problems(ofExperiment: Self.experiment(spec)).isEmpty) }

    private static func experiment(_ spec: String) -> String {
        "apiVersion: seatrial.dev/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  scenario: s.yaml\n" + spec
    }

    @Test(
        "What the decoder refuses for its form, the schema refuses too",
        arguments: BrokenScenario.all.filter {
            [
                "a misspelt field", "a negative count", "no duration", "two actions", "an effect there is not", "no selector",
                "an unknown distribution", "a duration that is none", "a bad quantity",
            ].contains($0.name)
        })
    func broken(scenario: BrokenScenario) throws { #expect(try !problems(scenario.text).isEmpty) }
}
