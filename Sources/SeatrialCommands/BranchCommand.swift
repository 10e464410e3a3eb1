// seatrial branch

import ArgumentParser
import Experiments
import Foundation

struct BranchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "branch", abstract: "Run a scenario up to a moment, then see what becomes of it under other schedulers or faults.",
        discussion: """
            The cluster is warmed up once and forked: every branch starts from the same state. There is a branch for each scheduler with each \
            fault; `--fault none` is a branch on which nothing strikes. A scheduler takes over as a new process does, which lists everything \
            and knows of no earlier attempts.

              seatrial branch scenarios/packing/scenario.yaml --at 10m --scheduler default --scheduler scenarios/packing/pack.yaml
              seatrial branch scenarios/packing/scenario.yaml --at 10m --fault none --fault node-node-3 --fault "zone: b, down: 5m"
            """)

    @Argument(help: "The scenario file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: String

    @Option(help: "When the branches part, for example 1h.")
    var at: String

    @Option(
        help: "A KubeSchedulerConfiguration that takes over, or `default`; once for each.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: [String] = []

    @Option(help: "A fault that strikes: zone-NAME, node-NAME, `none`, or fields as in a scenario's faults; once for each.")
    var fault: [String] = []

    @Option(help: "How many seeds, counted up from the scenario's.")
    var seeds = 1

    @Option(help: ArgumentHelp("The folder for all results.", valueName: "dir"), completion: .directory)
    var output = "results"

    @Flag(help: "Standard deviations, p-values, what the pairing gained and how many more seeds it takes stand in the table, too.")
    var wide = false

    @Flag(help: "Print the table only.")
    var quiet = false

    func validate() throws {
        try Terminal.checkOutput(output)
        if scheduler.isEmpty && fault.isEmpty { throw ValidationError("Give --scheduler or --fault: what is to be otherwise?") }
        if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 10000.") }
    }

    func run() async throws {
        let loaded = try ScenarioFile.load(scenario)
        Terminal.warn(loaded.warnings)
        let branches = try Branch.all(of: loaded, file: scenario, at: at, schedulers: scheduler, faults: fault)
        let first = loaded.configuration.seed
        let began = Terminal.clock
        let total = branches.count * seeds
        let shows = Terminal.isWatched && !quiet
        let comparison = try await Branching.run(loaded, branches, seeds: Array(first..<(first + UInt64(seeds))), output: output) { done in
            if shows { Terminal.show("\(done) of \(total) branches, \(String(format: "%.1f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        let folder = "\(output)/\(loaded.name)"
        try comparison.write(to: folder, prefix: "branch-")
        try Terminal.say(ComparisonReport(comparison, isWide: wide))
        if !quiet {
            try Terminal.say("Results    \(folder)")
            try Terminal.say(String(format: "Wall time  %.2f s for %d branches", Terminal.clock - began, total))
        }
        try Terminal.judge(comparison, by: "branch")
    }
}
