// seatrial sweep: an experiment whose cases are kept one by one

import ArgumentParser
import Experiments
import Foundation

struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Run a large experiment case by case, stopped and continued at will, on one machine or on many.",
        discussion: """
            A case is one run: a combination of the factors' values with one seed. Each case is kept in a file of its own as soon as it is \
            done. `seatrial sweep EXPERIMENT` runs those that are missing on all cores and merges them; killed at any moment, it goes on where \
            it was, and ends with the same bytes. The other commands are for doing the same on many machines that share a folder.

              seatrial sweep scenarios/node-churn/experiment.yaml --output results/node-patience
            """,
        subcommands: [
            SweepAllCommand.self, SweepRunCommand.self, SweepCollectCommand.self, SweepListCommand.self, SweepSubmitCommand.self,
        ],
        defaultSubcommand: SweepAllCommand.self)
}

/// What all parts of a sweep need to know.
struct SweepOptions: ParsableArguments {
    @Argument(help: "The experiment file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var experiment: String

    @Option(
        help: ArgumentHelp("The folder of the sweep; default: results/ and the experiment's name.", valueName: "dir"),
        completion: .directory)
    var output: String?

    func validate() throws { if let output { try Terminal.checkOutput(output) } }
}

struct SweepAllCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "Run all cases that are not done, and merge them; what `sweep` does when no other command is named.")

    @OptionGroup var options: SweepOptions

    @Option(help: "Cases at a time; default: one for each core.")
    var jobs: Int?

    @Flag(help: "Print the table only.")
    var quiet = false

    func validate() throws {
        if let jobs, !(1...1024).contains(jobs) { throw ValidationError("--jobs must be from 1 to 1024.") }
    }

    func run() async throws {
        let sweep = try Sweep(options.experiment, output: options.output)
        Terminal.warn(sweep.experiment.warnings)
        let began = Terminal.clock
        let shows = Terminal.isWatched && !quiet
        let total = sweep.experiment.caseCount
        let outcome = try await sweep.run(jobs: jobs, warn: Terminal.warn) { done in
            if shows { Terminal.show("\(done) of \(total) cases, \(String(format: "%.1f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        try Terminal.say(ExperimentReport(outcome), terminator: "")
        if !quiet {
            try Terminal.say("Results    \(sweep.path)")
            try Terminal.say(String(format: "Wall time  %.2f s", Terminal.clock - began))
        }
        try Terminal.judge(outcome.comparison, by: "combination")
    }
}

struct SweepRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run some cases, those that are done left out.",
        discussion: """
            Expectations that do not hold are counted and kept with the case, and are no error here, for a batch system would run the case again: \
            `sweep collect` tells of them, and `sweep` ends with exit code 1.
            """)

    @OptionGroup var options: SweepOptions

    @Option(name: .customLong("case"), help: ArgumentHelp("Which: 17, or 11-20. What is beyond the last case is left out.", valueName: "n"))
    var cases: String

    func validate() throws { _ = try range }

    private var range: ClosedRange<Int> {
        get throws {
            let parts = cases.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = parts[0], let last = parts[parts.count - 1], parts.count <= 2, first >= 1, first <= last else {
                throw ValidationError("--case: expected a number from 1 on, or two as in 11-20, not \"\(cases)\".")
            }
            return first...last
        }
    }

    func run() throws {
        let part = try Sweep.run(options.experiment, cases: range, output: options.output)
        var text = "Cases      \(cases): \(part.run) run"
        if part.done > 0 { text += ", \(part.done) done before" }
        if part.failed > 0 { text += "; expectations do not hold in \(part.failed) of those run" }
        try Terminal.say(text)
    }
}

struct SweepCollectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Merge all cases into cases.csv, runs.csv and comparison.csv; exit code 3 if some are missing or damaged.",
        discussion: """
            Expectations that do not hold are told of, and are no error here: the job of a batch system that merged everything has not failed. \
            `seatrial sweep EXPERIMENT`, which then finds nothing to run, ends with exit code 1.
            """)

    @OptionGroup var options: SweepOptions

    func run() throws {
        let outcome = try Sweep.collect(options.experiment, output: options.output)
        try Terminal.say(ExperimentReport(outcome), terminator: "")
        for line in outcome.comparison.failures(by: "combination") { Terminal.complain(line) }
    }
}

struct SweepListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print the cases as CSV: number, values, seed, and whether they are done.")

    @OptionGroup var options: SweepOptions

    func run() throws { try Terminal.say(Sweep.list(options.experiment, output: options.output), terminator: "") }
}
