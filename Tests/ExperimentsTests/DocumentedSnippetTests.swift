// The YAML that the documentation shows can be read: examples that nobody runs rot.

import Foundation
import Testing

@testable import Experiments

@Suite("Documented snippets")
struct DocumentedSnippetTests {
    private static func text(_ page: String) throws -> String { try String(contentsOfFile: packageRoot + "/" + page, encoding: .utf8) }

    /// The fenced YAML of all pages.
    private static func blocks() throws -> [(page: String, text: String)] {
        let pages = try FileManager.default.contentsOfDirectory(atPath: packageRoot + "/docs").filter { $0.hasSuffix(".md") }.sorted()
        return try (["README.md"] + pages.map { "docs/" + $0 }).flatMap { page in
            try text(page).components(separatedBy: "```yaml\n").dropFirst().map { (page: page, text: $0.components(separatedBy: "```")[0]) }
        }
    }

    /// A cluster with all that snippets name.
    private static let files = [
        "scenario.yaml": """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: documented}
        spec:
          duration: 2h
          cluster:
            nodePools:
              - {name: general, count: 2, resources: {cpu: 8, memory: 16Gi, pods: 10}}
              - {name: worker, count: 4, resources: {cpu: 8, memory: 16Gi, pods: 10}}
            objects: [objects.yaml]

        """,
        "objects.yaml": """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: cart}
        spec:
          selector: {matchLabels: {app: cart}}
          template:
            metadata: {labels: {app: cart}}
            spec: {containers: [{name: cart, image: cart}, {name: log-shipper, image: shipper}]}

        """,
    ]

    @Test("Every block of YAML in the README and on the pages is read")
    func fenced() throws {
        var kinds: [String: Int] = [:]
        for block in try Self.blocks() {
            let folder = try TemporaryFolder(Self.files)
            let scenario = folder["scenario.yaml"]
            var text = try String(contentsOfFile: scenario, encoding: .utf8)
            let kind = block.text.firstMatch(of: #/(?m)^kind: (\w+)/#).map { String($0.1) } ?? "fields"
            kinds[kind, default: 0] += 1
            do {
                switch kind {
                case "Scenario":
                    let path = packageRoot + "/scenarios/quickstart"
                    try folder.write("web.yaml", String(contentsOfFile: path + "/web.yaml", encoding: .utf8))
                    text = block.text
                case "Experiment":
                    try experiment(block.text)
                    continue
                case "KubeSchedulerConfiguration":
                    try folder.write("scheduler.yaml", block.text)
                    text += "  scheduler: scheduler.yaml\n"
                case "fields": text += block.text.split(separator: "\n").map { "  \($0)\n" }.joined()
                default: try folder.write("objects.yaml", block.text)
                }
                try folder.write("scenario.yaml", text)
                _ = try ScenarioFile.load(scenario)
            } catch {
                Issue.record("\(block.page): \(error)\n\(block.text)")
            }
        }
        #expect(Set(kinds.keys).isSuperset(of: ["Scenario", "Experiment", "KubeSchedulerConfiguration", "PodGroup", "fields"]), "\(kinds)")
    }

    /// Of the shipped scenario that its page is about; `[...]` stands for tolerations.
    private func experiment(_ text: String) throws {
        let source = packageRoot + "/scenarios/node-churn/"
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasSuffix(".yaml") {
            files[name] = try String(contentsOfFile: source + name, encoding: .utf8)
        }
        files["experiment.yaml"] = text.replacingOccurrences(of: "[...]", with: "[{operator: Exists}]")
        let folder = try TemporaryFolder(files)
        #expect(try ExperimentFile.load(folder["experiment.yaml"]).combinations.count == 18)
    }

    @Test("Every factor, value, design and number of seeds that the page about experiments shows within a sentence is read")
    func inline() throws {
        var read: [String] = []
        let page = try Self.text("docs/experiments.md").components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 0 }.map(
            \.element)
        for match in page.joined().matches(of: #/`([^`]+)`/#) {
            let span = match.1.replacingOccurrences(of: "\n", with: " ")
            let start = "name: start, path: 'workloads[0].start'"
            let spec: String
            if span.hasPrefix("{name:"), span.contains("path:") {
                spec = "factors: [\(span)]"
            } else if span.hasPrefix("{name:"), span.contains("value:") {
                spec = "factors: [{\(start), levels: [\(span), 1s]}]"
            } else if span.hasPrefix("range:") {
                spec = "factors: [{\(start), \(span)}]\n  design: {sobol: {combinations: 4}}"
            } else if span.hasPrefix("{latinHypercube:") || span.hasPrefix("{sobol:") {
                spec = "factors: [{\(start), range: {from: 0.5, to: 8, unit: s}}]\n  design: \(span)"
            } else if ["seeds:", "precision:", "untilPrecise:", "warmUp:"].contains(where: span.hasPrefix) {
                spec = "factors: [{\(start), levels: [1s, 2s]}]\n  \(span)"
            } else {
                continue
            }
            read.append(String(span.prefix { $0 != ":" }))
            let seeds = span.hasPrefix("seeds:") ? "" : "  seeds: 3\n"
            let folder = try TemporaryFolder(Self.files)
            let scenario = try String(contentsOfFile: folder["scenario.yaml"], encoding: .utf8)
            try folder.write("scenario.yaml", scenario + "  workloads: [{selector: {}, start: 1s}]\n")
            try folder.write(
                "experiment.yaml",
                "apiVersion: seatrial.dev/v1alpha1\nkind: Experiment\nmetadata: {name: documented}\nspec:\n  scenario: scenario.yaml\n"
                    + "\(seeds)  \(spec)\n")
            #expect(throws: Never.self, "\(span)") { try ExperimentFile.load(folder["experiment.yaml"]) }
        }
        for kind in ["{name", "range", "{latinHypercube", "{sobol", "seeds", "precision", "untilPrecise", "warmUp"] {
            #expect(read.contains(kind), "\(kind): \(read)")
        }
    }
}
