// Which figures there will be is known before a run.

import Foundation
import Testing

@testable import Experiments

@Suite("Names of figures")
struct MetricNameTests {
    private static let shipped: [String] = SchemaTests.shippedNames.filter {
        FileManager.default.fileExists(atPath: "\(packageRoot)/results/curated/\($0)/summary.csv")
    }

    @Test("The names known before a run are those of its summary", arguments: shipped)
    func shippedScenarios(name: String) throws {
        let path = "\(packageRoot)/results/curated/\(name)/summary.csv"
        let summary = try CSVTable(InputFiles.read(path), file: path)
        let scenario = try ScenarioFile.load("\(packageRoot)/scenarios/\(name)/scenario.yaml")
        #expect(try scenario.metricNames() == summary.rows.map { summary.text($0, 0) })
    }

    @Test("A name that no run has is refused with those that are alike")
    func unknown() throws {
        let scenario = try ScenarioFile.load(packageRoot + "/scenarios/quickstart/scenario.yaml")
        let refused = #expect(throws: ScenarioError.self) {
            try scenario.checkMetrics(["recovery_mean", "recovery_max", "recovery_mean"], option: "--metric")
        }
        #expect(refused?.messages.count == 2)
        #expect(refused?.messages.first?.hasPrefix("--metric recovery_max: summary.csv has no figure \"recovery_max\"; there are ") == true)
        #expect(refused?.messages.last == "--metric recovery_mean: is given twice")
    }
}
