// The built executable: exit codes, and that nothing is written on bad input.

import Foundation
import Testing

@testable import Experiments

private let executable = (CommandLine.arguments[0] as NSString).deletingLastPathComponent + "/seatrial"

private func seatrial(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) { try seatrial(arguments) }

private func seatrial(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let outputText = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, outputText, errorText)
}

@Suite("Command line", .enabled(if: FileManager.default.isExecutableFile(atPath: executable), "the executable is not beside the tests"))
struct CommandLineTests {
    private static let small = BrokenScenario.base.replacingOccurrences(of: "duration: 10m", with: "duration: 1m")

    @Test(
        "Storms refuse what means nothing",
        arguments: [
            (["--nodes", "3"], "are about your manifests"), (["--zones", "2"], "are about your manifests"),
            (["--resources", "cpu: 1"], "are about your manifests"), (["--seed", "9223372036854775807"], "--seed must be at most"),
            (["--count", "0"], "--count must be from 1"), (["--minutes", "0"], "--minutes must be more"),
            (["there-is-no-such-file.yaml"], "no such file"),
        ])
    func storms(_ arguments: [String], _ complaint: String) throws {
        let process = try seatrial(["storm"] + arguments)
        #expect(process.status == 2 && process.output.isEmpty && process.errors.contains(complaint), "\(process.errors)")
    }

    @Test("A scenario whose expectations hold ends with 0 and leaves its results")
    func good() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", CommandLineTests.small + "  expect: [{deployment: web, available: {atLeast: 3}, at: 1m}]\n")
        let run = try seatrial("run", folder["scenario.yaml"], "--output", folder["results"], "--seed", "5")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("✓"))
        let files = try FileManager.default.contentsOfDirectory(atPath: folder["results/test/default/seed-5"]).sorted()
        let ofTraffic = [ResultTables.services, ResultTables.endpoints, ResultTables.requests].map(\.file)
        #expect(files == (ResultTables.all.map(\.file).filter { !ofTraffic.contains($0) } + ["run.json"]).sorted())
    }

    @Test("An expectation that fails ends with 1, expected beside observed")
    func expectationFails() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", CommandLineTests.small + "  expect: [{deployment: web, available: {atLeast: 4}, at: 1m}]\n")
        let run = try seatrial("run", folder["scenario.yaml"], "--output", folder["results"], "--quiet")
        #expect(run.status == 1)
        #expect(
            run.errors.contains("scenario.yaml:8: expected available replicas of Deployment default/web at least 4 at 1m, observed 3"),
            "\(run.errors)"
        )
        #expect(run.output.isEmpty)
    }

    @Test("Bad input ends with 2 and writes nothing", arguments: ["run", "compare", "validate"])
    func badInput(command: String) throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", CommandLineTests.small + "  seed: many\n")
        let before = try folder.contents()
        let scenario = folder["scenario.yaml"]
        let run =
            switch command {
            case "run": try seatrial("run", scenario, "--output", folder["results"])
            case "compare":
                try seatrial("compare", scenario, "--scheduler", "default", "--scheduler", "default", "--output", folder["results"])
            default: try seatrial("validate", scenario)
            }
        #expect(run.status == 2)
        #expect(run.errors.contains("scenario.yaml:8: spec.seed"), "\(run.errors)")
        #expect(try folder.contents() == before)
    }

    @Test(
        "Wrong arguments end with 2",
        arguments: [
            ["run"], ["fly"], ["run", "x.yaml", "--sed", "1"], ["run", "/nowhere.yaml"], ["compare", "x.yaml"],
            ["run", "x.yaml", "--seed", "-1"], ["run", "."], ["validate", "./"], ["run", "/dev/null"],
            ["run", packageRoot + "/scenarios/quickstart/scenario.yaml", "--output", ""],
            ["run", packageRoot + "/scenarios/quickstart/scenario.yaml", "--scheduler", "."],
        ])
    func wrongArguments(arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardOutput = Pipe()
        process.standardError = Pipe()
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 2)
    }

    @Test("A folder that holds something else is left alone, and the end is 3")
    func foreignFolder() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "results/test/default/seed-1/thesis.txt": "x"])
        try folder.write("scenario.yaml", CommandLineTests.small)
        let run = try seatrial("run", folder["scenario.yaml"], "--output", folder["results"])
        #expect(run.status == 3)
        #expect(run.errors.contains("no run.json"), "\(run.errors)")
        #expect(FileManager.default.fileExists(atPath: folder["results/test/default/seed-1/thesis.txt"]))
    }

    @Test("A report that cannot be printed ends with 3", arguments: ["run", "schema"])
    func fullOutput(command: String) throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", CommandLineTests.small)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = command == "run" ? ["run", folder["scenario.yaml"], "--output", folder["results"]] : [command]
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        process.standardError = Pipe()
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 3)
    }

    @Test("Help, version and schema end with 0", arguments: ["--help", "--version", "schema"])
    func information(argument: String) throws {
        let run = try seatrial(argument)
        #expect(run.status == 0)
        #expect(!run.output.isEmpty)
    }
}
