// seatrial explain, diff

import ArgumentParser
import Experiments
import Foundation

/// What both commands that do a run again have in common.
struct RepetitionOptions: ParsableArguments {
    @Option(help: "Nodes shown at most in one list.")
    var limit = 20

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

    @Option(help: "With a scenario file: draw all randomness from this seed (7, or 7-mirrored) instead of the scenario's.")
    var seed: Seed?

    @Option(
        help: "With a scenario file: a KubeSchedulerConfiguration to use instead of the scenario's, or `default`.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: String?

    @Option(
        help: "With a finished run: its scenario file, where it is not found from this folder or one above the results.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: String?

    @OptionGroup var options: RepetitionOptions

    func run() throws {
        let query = try PodQuery(object, namespace: namespace, at: at)
        let repeated = try RepeatableRun(
            path, overrides: ScenarioOverrides(seed: seed?.number, scheduler: scheduler), scenarioFile: scenario)
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
            Both runs are done again side by side, until one does what the other does not do, or not then: a write to the API, something \
            the operator does, a failure, a request that is sent or ends; or until one is over. Exit code 0: they are the same; 1: they differ.

            Of scenario files, --seed and --scheduler say how they are run: once for both sides, or twice, the first for the first run and \
            the second for the second.

              seatrial diff results/packing/default/seed-1 results/packing/pack/seed-1
              seatrial diff scenarios/packing/scenario.yaml scenarios/packing/scenario.yaml \\
                --scheduler default --scheduler scenarios/packing/pack.yaml
            """)

    @Argument(help: "The folder of a run's results, or a scenario file.", completion: .directory)
    var first: String

    @Argument(help: "The folder of another run's results, or a scenario file.", completion: .directory)
    var second: String

    @Option(help: "With scenario files: the seed (7, or 7-mirrored) instead of the scenario's; twice: that of each run.")
    var seed: [Seed] = []

    @Option(
        help: "With scenario files: a KubeSchedulerConfiguration instead of the scenario's, or `default`; twice: that of each run.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: [String] = []

    @Option(
        help:
            "With finished runs: the scenario file, where it is not found from this folder or one above the results; twice: that of each run.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: [String] = []

    @OptionGroup var options: RepetitionOptions

    func validate() throws {
        for (name, count) in [("--seed", seed.count), ("--scheduler", scheduler.count), ("--scenario", scenario.count)] where count > 2 {
            throw ValidationError("\(name) is given \(count) times: there are two runs.")
        }
    }

    func run() throws {
        let (left, right) = try (side(0), side(1))
        let total = min(left.scenario.duration.seconds, right.scenario.duration.seconds)
        let difference = try FirstDifference.find(between: left, and: right, progress: options.progress(total))
        if Terminal.isWatched { Terminal.clearLine() }
        try Terminal.say(FirstDifferenceReport(difference, between: left, and: right, limit: options.limit), terminator: "")
        if difference != nil { throw ExitCode(ExitStatus.expectationFailed) }
    }

    private func side(_ index: Int) throws -> RepeatableRun {
        let path = [first, second][index]
        let areFinished = [RepeatableRun.isFinished(first), RepeatableRun.isFinished(second)]
        // Of a scenario file and a finished run, what is said once is about the one that it can be about.
        func own<Value>(_ values: [Value], forFinished: Bool) -> Value? {
            if values.count == 2 { return values[index] }
            return areFinished[index] == forFinished || areFinished[0] == areFinished[1] ? values.first : nil
        }
        let overrides = ScenarioOverrides(
            seed: own(seed, forFinished: false)?.number, scheduler: own(scheduler, forFinished: false))
        return try RepeatableRun(path, overrides: overrides, scenarioFile: own(scenario, forFinished: true))
    }
}

/// A seed as reports write it: `7`, or `7-mirrored`.
struct Seed: ExpressibleByArgument {
    let number: UInt64

    init?(argument: String) {
        // The number of a mirror image, too.
        guard let number = SeedText.seed(of: argument) ?? UInt64(argument) else { return nil }
        self.number = number
    }
}
