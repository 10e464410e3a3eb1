// seatrial compare

import ArgumentParser
import Experiments
import Foundation

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare scheduler policies on one scenario, with error bars.",
        discussion: """
            Every policy runs with every seed, on all cores. Equal seeds draw equal random times under every policy, so differences are \
            taken pair by pair. Each run's results are written as `run` writes them, and comparison.csv and runs.csv beside them.
            """)

    @Argument(help: "The scenario file.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var scenario: String

    @Option(
        help: "A KubeSchedulerConfiguration, or `default`; give it once for each policy. Differences are to the first.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var scheduler: [String] = []

    @Option(help: "How many seeds, counted up from the scenario's.")
    var seeds = 5

    @Flag(
        help: """
            Run every seed twice, the second time as its mirror image (every uniform draw u as 1 - u); the mean of both is one observation. \
            Narrows the intervals of what grows or falls with the draws.
            """)
    var antithetic = false

    @Option(
        help: """
            Go on with more seeds until the half width of the differences' intervals is at most this share of the first policy's mean, for \
            example 1%. Goes with --metric. Exit code 1 if --max-seeds comes first.
            """)
    var untilPrecise: String?

    @Option(
        help: """
            How narrow intervals are wanted: half their width as a share of the first policy's mean, for example 2%. comparison.csv and --wide \
            tell how many more seeds that takes; default: 5%, or what --until-precise says.
            """)
    var precision: String?

    @Option(help: "A metric of summary.csv to compare, and for --until-precise; once for each; default: all.")
    var metric: [String] = []

    @Option(help: "With --until-precise: seeds at most.")
    var maxSeeds = 1000

    @Option(help: "Run so much simulated time instead of the scenario's duration.")
    var duration: String?

    @Option(
        help: """
            What figures of the steady state leave out at the beginning, for example 10m, or mser5: as much of each series as MSER-5 finds; \
            0s for nothing; default: what the scenario says (measure.warmUp).
            """)
    var warmUp: String?

    @Option(help: ArgumentHelp("The folder for all results.", valueName: "dir"), completion: .directory)
    var output = "results"

    @Flag(help: "Standard deviations, p-values, what the pairing gained and how many more seeds it takes stand in the table, too.")
    var wide = false

    @Flag(help: "Print the table only.")
    var quiet = false

    func validate() throws {
        try Terminal.checkOutput(output)
        if scheduler.count < 2 { throw ValidationError("Give --scheduler at least twice: a policy alone has nothing to be compared with.") }
        if !(1...10_000).contains(seeds) { throw ValidationError("--seeds must be from 1 to 10000.") }
        if !(1...10_000).contains(maxSeeds) { throw ValidationError("--max-seeds must be from 1 to 10000.") }
        if untilPrecise != nil, precision != nil {
            throw ValidationError("--until-precise says how narrow intervals are wanted, too: give it or --precision.")
        }
        _ = try share(precision, "--precision")
        if untilPrecise != nil, metric.isEmpty {
            throw ValidationError("--until-precise takes a --metric: which interval is to be narrow?")
        }
        if untilPrecise != nil, maxSeeds < seeds { throw ValidationError("--max-seeds must not be less than --seeds.") }
        if untilPrecise != nil, seeds < 2 { throw ValidationError("--until-precise takes at least 2 --seeds to begin with.") }
        _ = try wanted
    }

    /// What is run for until it is reached; nil: nothing is.
    private var wanted: Comparison.Precision? {
        get throws {
            try share(untilPrecise, "--until-precise").map { Comparison.Precision(share: $0, metrics: metric, limit: maxSeeds) }
        }
    }

    private func share(_ text: String?, _ option: String) throws -> Double? {
        guard let text else { return nil }
        guard let share = Comparison.Precision.share(of: text) else {
            throw ValidationError("\(option): expected a share below the whole, such as 1% or 0.01, not \"\(text)\".")
        }
        return share
    }

    func run() async throws {
        let warmUp = try warmUp.map { try WarmUpOverride(option: $0) }
        let scenarios = try scheduler.map { policy in
            try ScenarioFile.load(scenario, overrides: ScenarioOverrides(duration: duration, scheduler: policy, warmUp: warmUp))
        }
        for (index, one) in scenarios.enumerated() where scenarios[..<index].contains(where: { $0.policy == one.policy }) {
            throw ScenarioError([
                "two policies are called \"\(one.policy)\": their results would be written to one folder; rename one of the files"
            ])
        }
        try scenarios[0].checkMetrics(metric, option: "--metric")
        Terminal.warn(scenarios[0].warnings)
        let first = scenarios[0].configuration.seed
        let most = max(seeds, untilPrecise == nil ? seeds : maxSeeds)
        let (last, overflow) = first.addingReportingOverflow(UInt64(most))
        if overflow || (antithetic && !Replicates.canMirror(first..<last)) {
            throw ScenarioError(["there are not \(most) seeds from \(first) on"])
        }

        let began = Terminal.clock
        let shows = Terminal.isWatched && !quiet
        let progress: @Sendable (Int, Int) -> Void = { done, total in
            if shows { Terminal.show("\(done) of \(total) runs, \(String(format: "%.1f", Terminal.clock - began)) s") }
        }
        let range = first..<(last - UInt64(most - seeds))
        let comparison: Comparison
        let wanted = try wanted
        if let wanted {
            comparison = try await Comparison.run(
                scenarios, seeds: range, antithetic: antithetic, until: wanted, output: output, finished: progress)
        } else {
            let replications = Replicates(Array(range), antithetic: antithetic)
            let total = scenarios.count * replications.runs
            comparison = try await Comparison.run(
                scenarios, replications, metrics: metric,
                precision: share(precision, "--precision") ?? Comparison.defaultPrecision, output: output
            ) { progress($0, total) }
        }
        if shows { Terminal.clearLine() }
        let folder = "\(output)/\(scenarios[0].name)"
        try comparison.write(to: folder)
        try Terminal.say(ComparisonReport(comparison, isWide: wide))
        if !quiet {
            Terminal.warn(comparison.earlierRuns(in: folder))
            try Terminal.say("Results    \(folder)")
            try Terminal.say(String(format: "Wall time  %.2f s for %d runs", Terminal.clock - began, comparison.runs.count))
        }
        let shortfall = try wanted.flatMap { try comparison.shortfall(of: $0, source: "--max-seeds \(maxSeeds)") }
        try Terminal.judge(comparison, by: "policy", shortfall: shortfall)
    }
}
