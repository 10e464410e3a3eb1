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
        let onDemand = [ResultTables.services, ResultTables.endpoints, ResultTables.requests, ResultTables.nodeUsage].map(\.file)
        #expect(files == (ResultTables.all.map(\.file).filter { !onDemand.contains($0) } + ["run.json"]).sorted())
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

    @Test("A figure that runs do not have is refused before the first run")
    func unknownMetric() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "pack.yaml": FactorTests.files["pack.yaml"] ?? ""])
        try folder.write("scenario.yaml", CommandLineTests.small)
        let run = try seatrial(
            "compare", folder["scenario.yaml"], "--scheduler", "default", "--scheduler", folder["pack.yaml"], "--until-precise", "1%",
            "--metric", "joy", "--output", folder["results"])
        #expect(run.status == 2)
        #expect(run.errors.contains("--metric joy: summary.csv has no figure"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder["results"]))
    }

    @Test(
        "Precision is a share of the whole, and of a figure",
        arguments: [
            (["--until-precise", "200%", "--metric", "pods_created"], "below the whole"),
            (["--until-precise", "1", "--metric", "pods_created"], "below the whole"), (["--until-precise", "1%"], "takes a --metric"),
            (["--precision", "0%"], "below the whole"),
            (["--until-precise", "1%", "--metric", "pods_created", "--precision", "1%"], "give it or --precision"),
        ])
    func precision(options: [String], message: String) throws {
        let scenario = packageRoot + "/scenarios/quickstart/scenario.yaml"
        let run = try seatrial(["compare", scenario, "--scheduler", "default", "--scheduler", "x.yaml"] + options)
        #expect(run.status == 2 && run.errors.contains(message), "\(run.errors)")
    }

    @Test("A comparison of some figures, with mirror images, leaves folders that say so, and tells of runs from before")
    func comparison() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "pack.yaml": FactorTests.files["pack.yaml"] ?? ""])
        try folder.write("scenario.yaml", CommandLineTests.small)
        func compare(_ options: String...) throws -> (status: Int32, output: String, errors: String) {
            try seatrial(
                ["compare", folder["scenario.yaml"], "--scheduler", "default", "--scheduler", folder["pack.yaml"], "--output", folder["r"]]
                    + options)
        }
        let first = try compare("--seeds", "3", "--antithetic", "--metric", "pods_created", "--warm-up", "10s", "--wide")
        #expect(first.status == 0 && first.errors.isEmpty, "\(first.errors)")
        #expect(first.output.hasPrefix("metric") && first.output.contains("pods_created") && !first.output.contains("pods_scheduled"))
        let seeds = try FileManager.default.contentsOfDirectory(atPath: folder["r/test/pack"]).sorted()
        #expect(seeds == ["seed-1", "seed-1-mirrored", "seed-2", "seed-2-mirrored", "seed-3", "seed-3-mirrored"])
        let second = try compare("--seeds", "2")
        #expect(
            second.errors.contains("r/test/pack has 4 runs of other seeds, from earlier: seed-3, seed-1-mirrored, seed-2-mirrored, ..."),
            "\(second.errors)")
        #expect(try seatrial("report", folder["r/test"]).status == 0)
    }

    @Test("A policy whose file's name is no folder's name is refused")
    func namelessPolicy() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "..yaml": FactorTests.files["pack.yaml"] ?? ""])
        try folder.write("scenario.yaml", CommandLineTests.small)
        let run = try seatrial("run", folder["scenario.yaml"], "--scheduler", folder["..yaml"], "--output", folder["results"])
        #expect(run.status == 2)
        #expect(run.errors.contains("rename the file"), "\(run.errors)")
    }

    @Test("A scenario is compared with a finished run under the scheduler that is named")
    func difference() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "pack.yaml": FactorTests.files["pack.yaml"] ?? ""])
        try folder.write("scenario.yaml", CommandLineTests.small)
        _ = try seatrial("run", folder["scenario.yaml"], "--output", folder["results"], "--quiet")
        let results = folder["results/test/default/seed-1"]
        let run = try seatrial("diff", folder["scenario.yaml"], results, "--scheduler", folder["pack.yaml"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(try seatrial("diff", results, results, "--scheduler", "default").status == 2)
        // Said twice it is about each side: both as `pack`, and not.
        let twice = try seatrial(
            "diff", folder["scenario.yaml"], folder["scenario.yaml"], "--scheduler", "default", "--scheduler", folder["pack.yaml"],
            "--seed", "7",
            "--seed", "7-mirrored")
        #expect(twice.output.contains("(test, policy default, seed 7)"), "\(twice.output) \(twice.errors)")
        #expect(twice.output.contains("(test, policy pack, seed 7-mirrored)"), "\(twice.output)")
        let thrice = try seatrial("diff", results, results, "--seed", "1", "--seed", "2", "--seed", "3")
        #expect(thrice.status == 2 && thrice.errors.contains("there are two runs"), "\(thrice.errors)")
        let late = try seatrial("explain", results, "pod/web", "--at", "99h")
        #expect(late.status == 2 && late.errors.contains("outside of the run, which takes 1m"), "\(late.errors)")
    }

    @Test("An expectation that fails in many cases is one line; a sweep ends with 1 for it, the job that merges its cases with 0")
    func sweepExpectations() throws {
        let experiment = FactorTests.experiment(
            "  factors: [{name: machines, path: 'cluster.nodePools[general].count', levels: [2, 3]}]\n  outputs: [pods_created]\n")
        let folder = try TemporaryFolder(FactorTests.files.merging(["experiment.yaml": experiment]) { $1 })
        try folder.write("scenario.yaml", FactorTests.scenario + "  expect: [{nodes: {total: {atLeast: 5}}, at: 30s}]\n")
        let (file, output) = (folder["experiment.yaml"], folder["sweep"])
        let line = "expected nodes at least 5 at 30s: not so in 4 of 4 runs, first under combination machines=2, seed 1: observed 3"
        for command in [["experiment", file, "--output", folder["whole"]], ["sweep", file, "--output", output]] {
            let run = try seatrial(command)
            #expect(run.status == 1 && isOnly(line, in: run.errors), "\(run.status) \(run.errors)")
        }
        let collected = try seatrial("sweep", "collect", file, "--output", output)
        #expect(collected.status == 0 && isOnly(line, in: collected.errors), "\(collected.errors)")
    }

    /// Whether a text is one line that begins so.
    private func isOnly(_ beginning: String, in text: String) -> Bool {
        text.hasPrefix(beginning) && text.split(separator: "\n").count == 1
    }

    @Test("Experiments are validated, and swept in the parts that the arguments name")
    func sweep() throws {
        let experiment = FactorTests.experiment(
            "  factors: [{name: machines, path: 'cluster.nodePools[general].count', levels: [2, 3]}]\n  outputs: [pods_created]\n")
        let folder = try TemporaryFolder(FactorTests.files.merging(["experiment.yaml": experiment]) { $1 })
        let (file, output) = (folder["experiment.yaml"], folder["sweep"])
        let validated = try seatrial("validate", file)
        #expect(validated.output == "\(file): web: 2 combinations of machines (2), 2 seeds: 4 cases\n", "\(validated.errors)")
        #expect(try seatrial("sweep", "run", file, "--case", "3", "--output", output).output == "Cases      3: 1 run\n")
        #expect(try seatrial("sweep", "run", file, "--case", "3-4", "--output", output).output == "Cases      3-4: 1 run, 1 done before\n")
        #expect(try seatrial("sweep", "collect", file, "--output", output).status == 3)
        #expect(try seatrial("sweep", "run", file, "--case", "5", "--output", output).status == 2)
        #expect(try seatrial("sweep", "run", file, "--case", "4-3", "--output", output).status == 2)
        let listed = try seatrial("sweep", "list", file, "--output", output)
        #expect(listed.output.hasPrefix("case,combination,machines,seed,done\n1,machines=2,2,1,false\n"))
        let all = try seatrial("sweep", file, "--output", output, "--jobs", "1")
        #expect(all.status == 0, "\(all.errors)")
        #expect(all.output.contains("machines"))
        let submitted = try seatrial("sweep", "submit", file, "--engine", "slurm", "--write-only", "--output", output)
        #expect(submitted.status == 0 && FileManager.default.isReadableFile(atPath: output + "/slurm/cases.sh"))
        #expect(try seatrial("sweep", "submit", file, "--engine", "kubernetes", "--output", output).status == 0)
        #expect(FileManager.default.isReadableFile(atPath: output + "/kubernetes/cases.yaml"))
        let many = try seatrial("sweep", "submit", file, "--engine", "kubernetes", "--tasks", "100001", "--output", output)
        #expect(many.status == 2 && many.errors.contains("--tasks must be at most 100000"), "\(many.errors)")
        // What was written for engines does not get in the way.
        #expect(try seatrial("sweep", file, "--output", output, "--quiet").status == 0)
    }

    @Test("Help, version and schemas end with 0", arguments: [["--help"], ["--version"], ["schema"], ["schema", "experiment"]])
    func information(arguments: [String]) throws {
        let run = try seatrial(arguments)
        #expect(run.status == 0)
        #expect(!run.output.isEmpty)
    }
}
