// config_validation: what a KubeSchedulerConfiguration comes to, or the text with which it is refused.

import Foundation
import KubernetesAPI
import Scheduling

enum ConfigurationTable {
    static func difference(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        let text = try input.text("yaml")
        let stage = try want.text("stage")
        let documents: [YAMLNode]
        do throws(YAMLError) {
            documents = try YAMLFile.parse(text, name: "configuration").documents
        } catch {
            return try syntax(error, want)
        }
        guard let document = documents.first else { throw MalformedCase("no document") }
        do throws(ConfigurationRefusal) {
            let effective = try EffectiveConfiguration.read(document, source: text)
            return LoopDifference.between(recorded(want), ours(effective))
        } catch {
            return try refusal(error, stage, want)
        }
    }

    // MARK: Refusals

    private static func refusal(_ refusal: ConfigurationRefusal, _ stage: String, _ want: YAMLNode) throws -> LoopDifference? {
        switch refusal {
        case .decoding:
            let recorded = want["error"]?.scalarText ?? ""
            var got = refusal.text
            if recorded.contains(valueOfType), let field = got.range(of: " into field ") { got.removeSubrange(field.lowerBound...) }
            return LoopDifference.between("\(stage): \(withoutGo(recorded))", "decode: \(got)")
        case .validation(let errors):
            let texts = errors.map(\.description).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let recorded = want["errors"]?.elements.compactMap(\.scalarText) ?? []
            return LoopDifference.between("\(stage): \(recorded)", "validate: \(texts)")
                ?? LoopDifference.between(want["aggregate"]?.scalarText ?? "", refusal.text)
        case .construction:
            return LoopDifference.between("\(stage): \(want["error"]?.scalarText ?? "")", "build: \(refusal.text)")
        }
    }

    // The texts only Go can produce, and what is compared instead:
    //
    // - `in scheme "pkg/...go:29"` after an unknown kind: where a variable stands in Go's sources. Left out.
    // - `into Go struct field Type.path of type T`: Go's types. The path and the type found are compared.
    // - `into Go value of type T`: likewise, without a path.
    private static let valueOfType = " into Go value of type "

    private static func withoutGo(_ text: String) -> String {
        var text = text
        if let scheme = text.range(of: " in scheme \"") { text.removeSubrange(scheme.lowerBound...) }
        if let start = text.range(of: "into Go struct field "),
            let end = text.range(of: " of type ", range: start.upperBound..<text.endIndex)
        {
            let path = text[start.upperBound..<end.lowerBound].split(separator: ".").dropFirst().joined(separator: ".")
            text = text[..<start.lowerBound] + "into field " + path
        }
        if let value = text.range(of: valueOfType) { text.removeSubrange(value.lowerBound...) }
        return text
    }

    // - YAML that is none: Go's library is a port of ours, but counts lines in its own way. The problem is compared.
    // - A key given twice: Go's readers find it after reading, ours while reading. The key is compared, and in YAML the line.
    private static func syntax(_ error: YAMLError, _ want: YAMLNode) throws -> LoopDifference? {
        let recorded = try want.text("error")
        guard try want.text("stage") == "decode" else { return LoopDifference(expected: recorded, got: error.description) }
        if let key = error.message.split(separator: "\"").dropFirst().first, error.message.contains("is already set in this mapping") {
            if recorded.hasPrefix("strict decoding error: duplicate field "), recorded.hasSuffix("\(key)\"") { return nil }
            return LoopDifference.between(
                recorded, "strict decoding error: yaml: unmarshal errors:\n  line \(error.line): key \"\(key)\" already set in map")
        }
        let isSame = recorded.hasPrefix("yaml: ") && error.message.contains(recorded.components(separatedBy: ": ").last ?? "")
        return isSame ? nil : LoopDifference(expected: recorded, got: error.description)
    }

    // MARK: Configurations that are accepted

    private static func recorded(_ want: YAMLNode) -> String {
        var profiles: [String] = []
        for (name, profile) in want["profiles"]?.entries.map({ ($0.key, $0.value) }) ?? [] {
            let percentage = profile["percentageOfNodesToScore"]?.scalarText ?? "-"
            let plugins = profile["plugins"]?.entries.filter { $0.key != "placementScore" }.map { $0.key + ":" + $0.value.comparisonText }
            let arguments = profile["args"]?.entries.map { $0.key + ":" + $0.value.comparisonText }
            profiles.append("\(name) \(percentage)\n\(lines(plugins ?? []))\n\(lines(arguments ?? []))")
        }
        let config = want["config"]?.entries.map { $0.key + ":" + $0.value.comparisonText } ?? []
        let stage = want["stage"]?.scalarText ?? ""
        let refusal = want["error"]?.scalarText ?? want["aggregate"]?.scalarText ?? ""
        return "\(stage) \(refusal)\n\(lines(config))\n\(profiles.sorted().joined(separator: "\n"))"
    }

    private static func ours(_ effective: EffectiveConfiguration) -> String {
        let profiles = effective.profiles.map { profile in
            let percentage = profile.percentageOfNodesToScore.map { String($0) } ?? "-"
            return "\(profile.schedulerName) \(percentage)\n\(lines(members(profile.plugins)))\n\(lines(members(profile.arguments)))"
        }
        return "ok \n\(lines(members(effective.fields)))\n\(profiles.sorted().joined(separator: "\n"))"
    }

    private static func lines(_ texts: [String]) -> String { texts.sorted().joined(separator: "\n") }

    private static func members(_ value: ConfigurationValue) -> [String] {
        guard case .object(let members) = value else { return [] }
        return members.map { $0.name + ":" + $0.value.comparisonText }
    }
}

extension ConfigurationValue {
    /// As ``YAMLNode/comparisonText``.
    fileprivate var comparisonText: String {
        switch self {
        case .null: return ""
        case .string(let text): return text
        case .boolean, .integer, .number: return json
        case .list(let values): return listText(values.map(\.comparisonText))
        case .object(let members): return mapText(members.map { ($0.name, $0.value.comparisonText) })
        }
    }
}
