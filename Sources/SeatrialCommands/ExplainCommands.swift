// seatrial explain, diff

import ArgumentParser
import Experiments
import Foundation

/// How a run is named: the folder of its results, or a scenario file.
struct RunOptions: ParsableArguments {
    @Option(help: "With a scenario file: draw all randomness from this seed instead of the scenario's.")
    var seed: UInt64?

    @Option(
        help: "With a scenario file: a KubeSchedulerConfiguration to use instead of the scenario's, or `default`.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: String?

    @Option(help: "Nodes shown at most in one list.")
    var limit = 20

    var overrides: ScenarioOverrides { ScenarioOverrides(seed: seed, scheduler: scheduler) }

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    /// A line of progress, if somebody watches.
    func progress(_ total: Double) -> ((ReachedTime) -> Void)? {
        guard Terminal.isWatched else { return nil }
        var shown = Terminal.clock
        return { reached in
            guard Terminal.clock - shown > 0.2 else { return }
            shown = Terminal.clock
            Terminal.show(String(format: "%3.0f %%", total > 0 ? min(1, reached.sinceStart.seconds / total) * 100 : 100))
        }
    }
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell the life of a pod in a run, and why the scheduler decided as it did.",
        discussion: """
            The run is done again from its scenario, which must not have changed: results hold what happened, a repetition tells why. The \
            latest decision about the pod is explained, every filter's verdict and every score, as the scheduler saw them then.

              seatrial explain results/quickstart/default/seed-1 pod/NAME
              seatrial explain scenarios/quickstart/scenario.yaml pod/NAME --at 5m
            """)

    @Argument(help: ArgumentHelp("The folder of a run's results, or a scenario file.", valueName: "run"), completion: .directory)
    var path: String

    @Argument(help: "pod/NAME, or pod/NAMESPACE/NAME.")
    var object: String

    @Option(name: .shortAndLong, help: "The pod's namespace.")
    var namespace = "default"

    @Option(help: "Explain the latest decision begun by this time of the run, for example 5m30s, instead of the last one.")
    var at: String?

    @OptionGroup var options: RunOptions

    func run() throws {
        let query = try PodQuery(object, namespace: namespace, at: at)
        let repeated = try RepeatableRun(path, overrides: options.overrides)
        let story = try PodStory(
            of: query.pod, in: repeated, at: query.time, progress: options.progress(repeated.scenario.duration.seconds))
        if Terminal.isWatched { Terminal.clearLine() }
        try Terminal.say(PodStoryReport(story, limit: options.limit), terminator: "")
    }
}

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Find where two runs part, and explain both decisions.",
        discussion: """
            Both runs are done again side by side, until one makes a write to the API that the other does not make, or not then. Exit code \
            0: they are the same; 1: they differ.

              seatrial diff results/packing/default/seed-1 results/packing/pack/seed-1
            """)

    @Argument(help: "The folder of a run's results, or a scenario file.", completion: .directory)
    var first: String

    @Argument(help: "The folder of another run's results, or a scenario file.", completion: .directory)
    var second: String

    @OptionGroup var options: RunOptions

    func run() throws {
        // Of a scenario file and a finished run, what is said about seed and scheduler is about the scenario.
        let bothFinished = RepeatableRun.isFinished(first) && RepeatableRun.isFinished(second)
        let (left, right) = try (run(first, bothFinished), run(second, bothFinished))
        let total = min(left.scenario.duration.seconds, right.scenario.duration.seconds)
        let difference = try FirstDifference.find(between: left, and: right, progress: options.progress(total))
        if Terminal.isWatched { Terminal.clearLine() }
        try Terminal.say(FirstDifferenceReport(difference, between: left, and: right, limit: options.limit), terminator: "")
        if difference != nil { throw ExitCode(ExitStatus.expectationFailed) }
    }

    private func run(_ path: String, _ bothFinished: Bool) throws -> RepeatableRun {
        let overrides = RepeatableRun.isFinished(path) && !bothFinished ? ScenarioOverrides() : options.overrides
        return try RepeatableRun(path, overrides: overrides)
    }
}
