// seatrial experiment

import ArgumentParser
import Experiments
import Foundation

struct ExperimentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment", abstract: "Run an experiment: one scenario in several forms, with several seeds each.",
        discussion: """
            Every combination of the factors' values runs with every seed, on all cores. Of each run only the figures that the experiment asks \
            for are kept: cases.csv and runs.csv have them run by run, comparison.csv their means and intervals. `seatrial sweep` does the same \
            for experiments that take long.
            """)

    @Argument(help: "The experiment file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var experiment: String

    @Option(help: ArgumentHelp("The folder for all results.", valueName: "dir"), completion: .directory)
    var output = "results"

    @Flag(help: "Print the table only.")
    var quiet = false

    func validate() throws { try Terminal.checkOutput(output) }

    func run() async throws {
        let experiment = try ExperimentFile.load(experiment)
        Terminal.warn(experiment.warnings)
        let began = Terminal.clock
        let shows = Terminal.isWatched && !quiet
        let outcome = try await experiment.run { done, total in
            if shows { Terminal.show("\(done) of \(total) runs, \(String(format: "%.1f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        let folder = experiment.resultFolder(below: output)
        try outcome.write(to: folder)
        try Terminal.say(ExperimentReport(outcome), terminator: "")
        if !quiet {
            let wall = Terminal.clock - began
            let runs = outcome.comparison.runs.count
            try Terminal.say("Results    \(folder)")
            try Terminal.say(String(format: "Wall time  %.2f s for %d runs, %.2f s a run", wall, runs, wall / Double(runs)))
        }
        try Terminal.judge(outcome.comparison, by: "combination", shortfall: outcome.shortfall())
    }
}
