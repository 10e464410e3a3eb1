// Sweeps: cases kept one by one, killed, continued, spread over processes, and always the same bytes in the end.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

private let executable = (CommandLine.arguments[0] as NSString).deletingLastPathComponent + "/seatrial"

@Suite("Sweeps")
struct SweepTests {
    private static let experiment = FactorTests.experiment(
        """
          factors:
            - {name: machines, path: "cluster.nodePools[general].count", levels: [2, 3]}
            - {name: replicas, path: "cluster.objects[Deployment/web].spec.replicas", levels: [2, 6]}

        """)

    private func folder(_ experiment: String = experiment) throws -> TemporaryFolder {
        try TemporaryFolder(FactorTests.files.merging(["experiment.yaml": experiment]) { $1 })
    }

    /// All files of a folder with their contents.
    private func contents(_ path: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var isFolder: ObjCBool = false
            let file = path + "/" + name
            if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue {
                files[name] = try Data(contentsOf: URL(fileURLWithPath: file))
            }
        }
        return files
    }

    @Test("A sweep gives what the experiment gives, case files and a table of cases besides")
    func sameAsExperiment() async throws {
        let folder = try folder()
        let outcome = try await ExperimentFile.load(folder["experiment.yaml"]).run()
        try outcome.write(to: folder["whole"])
        let sweep = try Sweep(folder["experiment.yaml"], output: folder["sweep"])
        _ = try await sweep.run(jobs: 2)
        let (whole, parts) = try (contents(folder["whole"]), contents(folder["sweep"]))
        #expect(whole.keys.sorted() == ["cases.csv", "comparison.csv", "runs.csv"])
        for (name, data) in whole { #expect(parts[name] == data, "\(name)") }
        #expect(parts.keys.count { $0.hasPrefix("cases/") } == 8)
    }

    @Test("Cases run apart, in any order and more than once, are merged to the same bytes")
    func apart() async throws {
        let folder = try folder()
        _ = try await Sweep(folder["experiment.yaml"], output: folder["whole"]).run(jobs: 1)
        #expect(try Sweep.run(folder["experiment.yaml"], cases: 7...100, output: folder["parts"]) == Sweep.Part(run: 2, done: 0, failed: 0))
        #expect(
            try Sweep.list(folder["experiment.yaml"], output: folder["parts"]).hasSuffix(
                "6,machines=3 replicas=2,3,2,2,false\n7,machines=3 replicas=6,3,6,1,true\n8,machines=3 replicas=6,3,6,2,true\n"))
        let missing = #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["parts"]) }
        #expect(missing?.description.contains("6 of 8 cases are missing: 1-6") == true)
        #expect(try Sweep.run(folder["experiment.yaml"], cases: 1...7, output: folder["parts"]) == Sweep.Part(run: 6, done: 1, failed: 0))
        _ = try Sweep.collect(folder["experiment.yaml"], output: folder["parts"])
        #expect(try contents(folder["parts"]) == contents(folder["whole"]))
    }

    @Test("A case that does not exist, and a folder of something else, are refused")
    func refused() throws {
        let folder = try folder()
        let beyond = #expect(throws: ScenarioError.self) { try Sweep.run(folder["experiment.yaml"], cases: 9...9, output: folder["sweep"]) }
        #expect(beyond?.description.contains("has cases 1 to 8") == true)
        #expect(!FileManager.default.fileExists(atPath: folder["sweep"]))
        try folder.write("other/thesis.txt", "x")
        let foreign = #expect(throws: ResultError.self) { try Sweep(folder["experiment.yaml"], output: folder["other"]) }
        #expect(foreign?.description.contains("holds no sweep") == true)
        #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["nowhere"]) }
    }

    @Test(
        "A folder begun with another experiment is refused; comments change nothing",
        arguments: [
            ("levels: [2, 3]", "levels: [2, 4]", "the experiment changed since this sweep was begun"),
            ("count: 2}", "count: 3}", "the experiment changed"), ("count: 2}", "count: 2, antithetic: true}", "the experiment changed"),
            ("name: web", "name: other", "this is a sweep of the experiment \"web\""),
            ("  seeds:", "  outputs: [pods_created]\n  seeds:", "the experiment changed"), ("  seeds:", "  # nothing\n  seeds:", nil),
        ])
    func changedExperiment(old: String, new: String, message: String?) throws {
        let folder = try folder()
        _ = try Sweep.run(folder["experiment.yaml"], cases: 1...1, output: folder["sweep"])
        try folder.write("experiment.yaml", SweepTests.experiment.replacingOccurrences(of: old, with: new))
        guard let message else {
            #expect(try Sweep.run(folder["experiment.yaml"], cases: 1...1, output: folder["sweep"]).run == 0)
            return
        }
        let refused = #expect(throws: ResultError.self) { try Sweep.run(folder["experiment.yaml"], cases: 1...2, output: folder["sweep"]) }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
        #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["sweep"]) }
    }

    @Test("A folder whose scenario changed, or of another version, is refused")
    func changedScenario() throws {
        let folder = try folder()
        _ = try Sweep.run(folder["experiment.yaml"], cases: 1...1, output: folder["sweep"])
        try folder.write("web.yaml", webManifest + "# \n")
        let changed = #expect(throws: ResultError.self) { try Sweep.run(folder["experiment.yaml"], cases: 2...2, output: folder["sweep"]) }
        #expect(changed?.description.contains("the files of the scenario changed") == true)
        try folder.write("web.yaml", webManifest)
        let manifest = try String(contentsOfFile: folder["sweep/sweep.json"], encoding: .utf8)
        try folder.write("sweep/sweep.json", manifest.replacingOccurrences(of: "\"\(SeatrialVersion.current)\"", with: "\"0.0.1\""))
        let old = #expect(throws: ResultError.self) { try Sweep(folder["experiment.yaml"], output: folder["sweep"]) }
        #expect(old?.description.contains("was begun by seatrial 0.0.1") == true)
    }

    @Test("Damaged cases, and those of other seeds, are missing: all of them are told of, and none is taken for a result")
    func damaged() throws {
        let folder = try folder()
        _ = try Sweep.run(folder["experiment.yaml"], cases: 1...7, output: folder["sweep"])
        let text = try String(contentsOfFile: folder["sweep/cases/000003.json"], encoding: .utf8)
        try folder.write("sweep/cases/000003.json", String(text.prefix(100)))
        try folder.write("sweep/cases/000005.json", text.replacingOccurrences(of: "\"seed\": 1", with: "\"seed\": 4"))
        let refused = #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["sweep"]) }
        #expect(
            refused?.description.hasSuffix(
                "3 of 8 cases are missing: 3, 5, 8 (of these there are damaged files: 3, 5); `seatrial sweep` runs them") == true)
    }

    @Test(
        "A case whose file is empty or damaged is not done, and is run again to the same bytes",
        arguments: ["", "{", "{\"case\": 3}", "none"])
    func runAgain(wrong: String) async throws {
        let folder = try folder()
        _ = try Sweep.run(folder["experiment.yaml"], cases: 1...8, output: folder["sweep"])
        let before = try contents(folder["sweep"] + "/cases")
        try folder.write("sweep/cases/000003.json", wrong)
        #expect(try Sweep.list(folder["experiment.yaml"], output: folder["sweep"]).contains("\n3,machines=2 replicas=6,2,6,1,false\n"))
        let refused = #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["sweep"]) }
        #expect(refused?.description.contains("1 of 8 cases are missing: 3 (of these there are damaged files: 3)") == true)
        let sweep = try Sweep(folder["experiment.yaml"], output: folder["sweep"])
        var warnings: [String] = []
        _ = try await sweep.run(jobs: 1, warn: { warnings += $0 })
        #expect(warnings.count == 1 && warnings.first?.hasSuffix("run again: 3") == true)
        #expect(try contents(folder["sweep"] + "/cases") == before)
        _ = try await sweep.run(jobs: 1, warn: { warnings += $0 })
        #expect(warnings.count == 1)
        let whole = try contents(folder["sweep"])
        try folder.write("sweep/cases/000003.json", wrong)
        #expect(try Sweep.run(folder["experiment.yaml"], cases: 2...3, output: folder["sweep"]) == Sweep.Part(run: 1, done: 1, failed: 0))
        _ = try Sweep.collect(folder["experiment.yaml"], output: folder["sweep"])
        #expect(try contents(folder["sweep"]) == whole)
    }

    @Test("A figure that was changed in a case's file is no result: the case is damaged, and run again to the same bytes")
    func changedFigure() async throws {
        let folder = try folder()
        _ = try Sweep.run(folder["experiment.yaml"], cases: 1...8, output: folder["sweep"])
        let text = try String(contentsOfFile: folder["sweep/cases/000005.json"], encoding: .utf8)
        let value = try #require(text.firstRange(of: #/"value": [0-9.]+/#))
        try folder.write("sweep/cases/000005.json", text.replacingCharacters(in: value, with: "\"value\": 4711"))
        #expect(try Sweep.list(folder["experiment.yaml"], output: folder["sweep"]).contains("\n5,machines=3 replicas=2,3,2,1,false\n"))
        let refused = #expect(throws: ResultError.self) { try Sweep.collect(folder["experiment.yaml"], output: folder["sweep"]) }
        #expect(refused?.description.contains("1 of 8 cases are missing: 5 (of these there are damaged files: 5)") == true)
        _ = try await Sweep(folder["experiment.yaml"], output: folder["sweep"]).run(jobs: 1)
        #expect(try String(contentsOfFile: folder["sweep/cases/000005.json"], encoding: .utf8) == text)
    }

    @Test("Cases in which expectations do not hold are counted")
    func failedExpectations() throws {
        let folder = try folder()
        try folder.write("scenario.yaml", FactorTests.scenario + "  expect: [{nodes: {total: {atLeast: 4}}, at: 30s}]\n")
        #expect(try Sweep.run(folder["experiment.yaml"], cases: 1...8, output: folder["sweep"]) == Sweep.Part(run: 8, done: 0, failed: 4))
    }

    @Test(
        "200 cases, killed at random moments and continued, end with the bytes of an undisturbed sweep",
        .enabled(if: FileManager.default.isExecutableFile(atPath: executable), "the executable is not beside the tests"))
    func killed() throws {
        let folder = try folder(
            FactorTests.experiment(
                """
                  factors:
                    - {name: machines, path: "cluster.nodePools[general].count", levels: [2, 3, 4, 5]}
                    - {name: replicas, path: "cluster.objects[Deployment/web].spec.replicas", levels: [1, 2, 3, 4, 5]}

                """
            ).replacingOccurrences(of: "count: 2}", with: "count: 10}"))
        func start(_ output: String) throws -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = ["sweep", folder["experiment.yaml"], "--output", folder[output], "--quiet"]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }
        let whole = try start("whole")
        whole.waitUntilExit()
        #expect(whole.terminationStatus == 0)
        var moments = RandomStream(seed: 1, purpose: RandomPurpose("moments to kill a sweep at"), owner: 0)
        var kills = 0
        while kills < 12 {
            let process = try start("killed")
            Thread.sleep(forTimeInterval: 0.4 * moments.uniform())
            guard process.isRunning else { break }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            kills += 1
        }
        // On any machine the first moments come before the end.
        #expect(kills > 1)
        let last = try start("killed")
        last.waitUntilExit()
        #expect(last.terminationStatus == 0)
        let (undisturbed, disturbed) = try (contents(folder["whole"]), contents(folder["killed"]))
        #expect(undisturbed.count == 204)
        #expect(undisturbed == disturbed)
    }
}
