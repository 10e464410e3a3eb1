// seatrial report

import ArgumentParser
import Experiments
import Foundation

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write one HTML page about results, with charts; it needs no network.",
        discussion: """
            Of a run: failures over the state of the cluster, utilisation of nodes over time, latency and errors of requests, tables. Of a \
            comparison (the scenario's folder): the policies with intervals, and a run of each.

              seatrial report results/zone-outage/default/seed-1
              seatrial report results/packing
            """)

    @Argument(help: "The folder of a run's results, or of a scenario with comparison.csv.", completion: .directory)
    var results: String

    @Option(help: ArgumentHelp("The page; default: report.html in the folder.", valueName: "file"), completion: .file(extensions: ["html"]))
    var output: String?

    func validate() throws {
        if output?.isEmpty ?? false { throw ValidationError("--output names no file.") }
    }

    func run() throws {
        let report = try HTMLReport(of: results, to: output)
        try report.write()
        Terminal.warn(report.warnings)
        try Terminal.say("Report     \(report.path)")
    }
}

struct SteadyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steady", abstract: "Cut the warm-up off a long run and give a mean with an interval from batches.",
        discussion: """
            Neighbouring values of one run depend on each other: the mean's interval comes from the means of long batches. Exit code 1: the \
            series has not settled.

              seatrial steady results/node-churn/default/seed-1 --column pods_ready
              seatrial steady results/zone-errors/no-defaults/seed-1 --file services.csv --column rate_per_s \\
                --where source=spread-hasty --batches 10
            """)

    @Argument(help: "The folder of a run's results.", completion: .directory)
    var results: String

    @Option(help: "The column with the numbers.")
    var column: String

    @Option(help: "A table with a column time_s.")
    var file = "cluster.csv"

    @Option(name: .customLong("where"), help: ArgumentHelp("Only rows in which a column has this text.", valueName: "column=text"))
    var condition: String?

    @Option(help: "Leave so much out at the beginning, for example 10m; default: as much as MSER-5 finds.")
    var warmUp: String?

    @Option(help: "Batches.")
    var batches = 20

    func validate() throws {
        if !(2...1000).contains(batches) { throw ValidationError("--batches must be from 2 to 1000.") }
    }

    func run() throws {
        let report = try SteadyStateReport(of: results, file: file, column: column, where: condition, warmUp: warmUp, batches: batches)
        try Terminal.say(report, terminator: "")
        if !report.isSettled { throw ExitCode(ExitStatus.expectationFailed) }
    }
}
