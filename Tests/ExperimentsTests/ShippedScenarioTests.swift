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

    @Test("The scenario in the README is the one shipped")
    func readme() throws {
        let readme = try String(contentsOfFile: packageRoot + "/README.md", encoding: .utf8)
        let start = try #require(readme.range(of: "```yaml\n"))
        let end = try #require(readme.range(of: "```", range: start.upperBound..<readme.endIndex))
        let shipped = try String(contentsOfFile: packageRoot + "/scenarios/quickstart/scenario.yaml", encoding: .utf8)
        #expect(readme[start.upperBound..<end.lowerBound] == shipped)
    }
}
