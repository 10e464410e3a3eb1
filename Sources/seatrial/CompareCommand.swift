// seatrial compare

import ArgumentParser
import Experiments
import Foundation

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare scheduler policies on one scenario, with error bars.",
        discussion: """
            Every policy runs with every seed, on all cores. Equal seeds draw equal random times under every policy, so differences are \
            taken pair by pair. Each run's results are written as `run` writes them, and comparison.csv beside them.
            """)

    @Argument(help: "The scenario file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: String

    @Option(
        help: "A KubeSchedulerConfiguration, or `default`; give it once for each policy. Differences are to the first.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: [String] = []

    @Option(help: "How many seeds, counted up from the scenario's.")
    var seeds = 5

    @Option(help: "Run so much simulated time instead of the scenario's duration.")
    var duration: String?

    @Option(help: ArgumentHelp("The folder for all results.", valueName: "dir"), completion: .directory)
    var output = "results"

    @Flag(help: "Print the table only.")
    var quiet = false

    func validate() throws {
        try Terminal.checkOutput(output)
        if scheduler.count < 2 { throw ValidationError("Give --scheduler at least twice: a policy alone has nothing to be compared with.") }
        if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 10000.") }
    }

    func run() async throws {
        let scenarios = try scheduler.map { policy in
            try ScenarioFile.load(scenario, overrides: ScenarioOverrides(duration: duration, scheduler: policy))
        }
        for (index, one) in scenarios.enumerated() where scenarios[..<index].contains(where: { $0.policy == one.policy }) {
            throw ScenarioError([
                "two policies are called \"\(one.policy)\": their results would be written to one folder; rename one of the files"
            ])
        }
        Terminal.warn(scenarios[0].warnings)
        let first = scenarios[0].configuration.seed
        let (last, overflow) = first.addingReportingOverflow(UInt64(seeds - 1))
        if overflow { throw ScenarioError(["there are not \(seeds) seeds from \(first) on"]) }

        let began = Terminal.clock
        let total = scenarios.count * seeds
        let shows = Terminal.isWatched && !quiet
        let comparison = try await Comparison.run(scenarios, seeds: Array(first...last), output: output) { done in
            if shows { Terminal.show("\(done) of \(total) runs, \(String(format: "%.1f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        let folder = "\(output)/\(scenarios[0].name)"
        try comparison.write(to: folder)
        try Terminal.say(ComparisonReport(comparison))
        if !quiet {
            try Terminal.say("Results    \(folder)")
            try Terminal.say(String(format: "Wall time  %.2f s for %d runs", Terminal.clock - began, total))
        }
        let failed = comparison.runs.filter { !$0.failed.isEmpty }
        for run in failed {
            for result in run.failed {
                Terminal.complain(
                    "policy \(comparison.policies[run.policy]), seed \(run.seed): expected \(result.expectation), observed \(result.observed)"
                )
            }
        }
        if !failed.isEmpty { throw ExitCode(ExitStatus.expectationFailed) }
    }
}
