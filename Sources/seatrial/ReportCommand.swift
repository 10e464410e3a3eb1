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

    func run() throws {
        let report = try HTMLReport(of: results, to: output)
        try report.write()
        try Terminal.say("Report     \(report.path)")
    }
}
