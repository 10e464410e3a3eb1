// seatrial run

import ArgumentParser
import Experiments
import Foundation
import Scheduling

extension SchedulerPath: ExpressibleByArgument {}

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a scenario, write its results and say what happened.")

    @Argument(help: "The scenario file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: String

    @Option(help: "Draw all randomness from this seed (7, or 7-mirrored) instead of the scenario's.")
    var seed: Seed?

    @Option(help: "Run so much simulated time instead of the scenario's duration, for example 2h.")
    var duration: String?

    @Option(help: ArgumentHelp("The folder for all results.", valueName: "dir"), completion: .directory)
    var output = "results"

    @Option(
        help: "A KubeSchedulerConfiguration to use instead of the scenario's; \"default\" for the default one.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: String?

    @Option(
        help: """
            How the scheduler comes to its decisions: memoised remembers what plugins said about nodes that did not change, plain asks \
            every plugin about every node. The results are the same.
            """)
    var schedulerPath = SchedulerPath.memoised

    @Flag(help: "Write every event of the API's watch to watch.jsonl.")
    var watchLog = false

    @Flag(
        help: """
            Write trace.json, a timeline for Perfetto (ui.perfetto.dev) or chrome://tracing: a track per node, a slice per pod, arrows from \
            failures to the pods that replace what was lost.
            """)
    var trace = false

    @Flag(help: "Print failed expectations only.")
    var quiet = false

    func validate() throws { try Terminal.checkOutput(output) }

    func run() throws {
        var loaded = try ScenarioFile.load(
            scenario, overrides: ScenarioOverrides(seed: seed?.number, duration: duration, scheduler: scheduler))
        loaded.configuration.recording.watchLog = watchLog
        loaded.configuration.recording.trace = trace
        loaded.configuration.schedulerPath = schedulerPath
        Terminal.warn(loaded.warnings)

        try loaded.checkResultFolder(below: output)

        let began = Terminal.clock
        let outcome = try loaded.run(progress: progress(loaded, since: began))
        let simulated = Terminal.clock
        if Terminal.isWatched, !quiet { Terminal.clearLine() }
        let folder = loaded.resultFolder(below: output)
        try outcome.write(to: folder)

        let report = RunReport(outcome)
        if !quiet {
            try Terminal.say(report)
            try Terminal.say("Results    \(folder)")
            let wall = max(simulated - began, 1e-6)
            let speed = loaded.duration.seconds / wall
            try Terminal.say(
                String(
                    format: "Wall time  %.2f s, %.0f times faster than the cluster, %.0f events/s; results written in %.2f s",
                    wall, speed, Double(outcome.record.handledEvents) / wall, Terminal.clock - simulated))
        }
        Terminal.warn(outcome.refusedAtStart)
        if !outcome.expectationsHold {
            for failure in report.failures { Terminal.complain(failure) }
            throw ExitCode(ExitStatus.expectationFailed)
        }
    }

    /// A line of progress a few times a second, if somebody watches.
    private func progress(_ scenario: Scenario, since began: Double) -> ((ReachedTime) -> Void)? {
        guard Terminal.isWatched, !quiet else { return nil }
        var shown = began
        let total = scenario.duration.seconds
        return { reached in
            let now = Terminal.clock
            guard now - shown > 0.2 else { return }
            shown = now
            let share = total > 0 ? min(1, reached.sinceStart.seconds / total) : 1
            Terminal.show(
                String(format: "%3.0f %%  ", share * 100) + Presentation.progress(reached, of: scenario.duration)
                    + String(format: ", %.1f s", now - began))
        }
    }
}
