// What the repository ships agrees with what the program does: the scenarios' results, and the scenario shown in the README.

import Foundation
import Testing

@testable import Experiments

@Suite("Shipped scenarios")
struct ShippedScenarioTests {
    @Test("Every shipped scenario gives the results kept in results/curated", arguments: SchemaTests.shippedNames)
    func curated(name: String) throws {
        let folder = try TemporaryFolder()
        let outcome = try ScenarioFile.load(packageRoot + "/scenarios/\(name)/scenario.yaml").run()
        #expect(outcome.expectationsHold)
        try outcome.write(to: folder["run"])
        for file in ["summary.csv", "recoveries.csv"] {
            let here = try String(contentsOfFile: folder["run/" + file], encoding: .utf8).split(separator: "\n")
            let kept = try String(contentsOfFile: packageRoot + "/results/curated/\(name)/\(file)", encoding: .utf8).split(separator: "\n")
            let differences = here.difference(from: kept)
            #expect(differences.isEmpty, "\(name)/\(file) differs; if that is intended, run `make curated`:\n\(differences)")
        }
    }

    /// Two cases, of two kinds; a case takes a minute in a debug build.
    @Test("A shipped experiment gives the cases kept in results/curated", arguments: [1, 112])
    func experiment(number: Int) throws {
        let experiment = try ExperimentFile.load(packageRoot + "/scenarios/node-churn/experiment.yaml")
        let kept = "\(packageRoot)/results/curated/\(experiment.name)/cases.csv"
        let table = try CSVTable(InputFiles.read(kept), file: kept)
        #expect(table.rows.count == experiment.caseCount)
        let run = try experiment.run(experiment.case(number))
        let row = table.rows[number - 1]
        #expect(table.text(row, 1) == experiment.combinations[run.policy].label)
        for name in experiment.outputs {
            let value = try #require(Double(table.text(row, try table.column(name))))
            #expect(run.summary[name] == value, "\(name)")
        }
    }

    /// The scheduler policies shipped beside a scenario, the one it runs with first.
    static func policies(of name: String) -> [String] {
        let folder = packageRoot + "/scenarios/\(name)"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []
        let policies = files.map { "\(folder)/\($0)" }.filter { file in
            (try? String(contentsOfFile: file, encoding: .utf8))?.contains("\nkind: KubeSchedulerConfiguration\n") == true
        }
        let own = (try? ScenarioFile.load(folder + "/scenario.yaml"))?.policy ?? "default"
        let first = policies.first { PathText.baseName($0) == own } ?? "default"
        return [first] + policies.filter { $0 != first }
    }

    @Test(
        "Expectations hold under every policy shipped with a scenario, with five seeds, and the figures are those kept",
        arguments: SchemaTests.shippedNames.filter { policies(of: $0).count > 1 })
    func compared(name: String) async throws {
        let folder = try TemporaryFolder()
        let scenarios = try ShippedScenarioTests.policies(of: name).map { policy in
            try ScenarioFile.load(packageRoot + "/scenarios/\(name)/scenario.yaml", overrides: ScenarioOverrides(scheduler: policy))
        }
        let first = try #require(scenarios.first?.configuration.seed)
        let comparison = try await Comparison.run(scenarios, Replicates(Array(first..<first + 5)), output: folder.path)
        for run in comparison.runs {
            for result in run.failed {
                Issue.record("\(comparison.policies[run.policy]), seed \(run.seed): \(result.expectation), observed \(result.observed)")
            }
        }
        try comparison.write(to: folder.path)
        let here = try String(contentsOfFile: folder["comparison.csv"], encoding: .utf8)
        let kept = try String(contentsOfFile: packageRoot + "/results/curated/\(name)/comparison.csv", encoding: .utf8)
        #expect(here == kept, "\(name)/comparison.csv differs; if that is intended, run `make curated`")
    }

    @Test("The scenario in the README is the one shipped")
    func readme() throws {
        let readme = try String(contentsOfFile: packageRoot + "/README.md", encoding: .utf8)
        let start = try #require(readme.range(of: "```yaml\n"))
        let end = try #require(readme.range(of: "```", range: start.upperBound..<readme.endIndex))
        let shipped = try String(contentsOfFile: packageRoot + "/scenarios/quickstart/scenario.yaml", encoding: .utf8)
        #expect(readme[start.upperBound..<end.lowerBound] == shipped)
    }
}
