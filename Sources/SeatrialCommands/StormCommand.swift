// seatrial storm

import ArgumentParser
import Experiments
import Foundation

struct StormCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storm", abstract: "Everything goes wrong at once: hunt for broken invariants, or try your own manifests.",
        discussion: """
            Without manifests: each storm is a random cluster with workloads of every kind, faults and operators, drawn from its seed, and then \
            left alone. Invariants are checked after every event, and that all has come to rest at the end. A storm that breaks one is made as \
            small as it gets and written as an ordinary scenario.

            With manifests: whether your budgets, spreading and replicas survive what they claim to, on a cluster of --nodes in --zones: each \
            node lost, each zone lost, each node drained, each on its own; and storms of faults with the invariants checked.

            Exit code 0: all holds. 1: an invariant was broken, or something does not survive. 2: an argument or a manifest is wrong.
            """)

    @Argument(help: "Manifests to try; none: random clusters.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var manifests: [String] = []

    @Option(help: "With manifests: how many nodes; default: 30.")
    var nodes: Int?

    @Option(help: "With manifests: how many zones; default: 3.")
    var zones: Int?

    @Option(
        help: ArgumentHelp(
            "With manifests: what pods may use of each node; default: \"\(SurveyPlan().nodeResources)\".", valueName: "fields"))
    var resources: String?

    @Option(help: "The seed of the first storm; the next have the next seeds. With manifests also that of the first placement.")
    var seed: UInt64 = 1

    @Option(help: "How many storms; default: 1000 (with manifests 20), or as many as fit into --minutes.")
    var count: Int?

    @Option(help: "Go on for so many minutes of wall time.")
    var minutes: Double?

    @Option(
        help: ArgumentHelp("The folder for the scenario of a storm that breaks an invariant.", valueName: "dir"), completion: .directory)
    var output = "storms"

    /// Scenario files take seeds up to 2^63 - 1: that of the last storm, too.
    private static let lastSeed: UInt64 = 1_000_000_000_000_000_000
    private static let mostStorms = 1_000_000_000

    func validate() throws {
        try Terminal.checkOutput(output)
        if let count, !(1...Self.mostStorms).contains(count) { throw ValidationError("--count must be from 1 to \(Self.mostStorms).") }
        if let minutes, !(minutes > 0) { throw ValidationError("--minutes must be more than 0.") }
        if seed > Self.lastSeed { throw ValidationError("--seed must be at most \(Self.lastSeed).") }
        if let nodes, !(1...10_000).contains(nodes) { throw ValidationError("--nodes must be from 1 to 10000.") }
        if let zones, !(1...100).contains(zones) { throw ValidationError("--zones must be from 1 to 100.") }
        if manifests.isEmpty, nodes != nil || zones != nil || resources != nil {
            throw ValidationError("--nodes, --zones and --resources are about your manifests; without any, the seeds decide.")
        }
    }

    func run() async throws {
        if manifests.isEmpty { try await hunt() } else { try await survey() }
    }

    // MARK: Random clusters

    private func hunt() async throws {
        let began = Terminal.clock
        let series = try await storms(1000, since: began) { try StormScenario.make(seed: $0).run() }
        guard let failure = series.failure, let storm = failure.storm else {
            try Terminal.say(figures(series, since: began) + ": no invariant was broken")
            return
        }
        try Terminal.say(figures(series, since: began))
        try show(failure, storm)
        throw ExitCode(ExitStatus.expectationFailed)
    }

    // MARK: Manifests

    private func survey() async throws {
        var plan = SurveyPlan()
        plan.nodes = nodes ?? plan.nodes
        plan.zones = zones ?? plan.zones
        plan.nodeResources = resources ?? plan.nodeResources
        plan.seed = seed
        let began = Terminal.clock
        let shows = Terminal.isWatched
        let survey = try Survey(manifests, plan) { done in
            if shows { Terminal.show("\(done) of \(plan.placements) placements, \(String(format: "%.0f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        Terminal.warn(survey.warnings)
        try Terminal.say(survey)
        let stormy = Terminal.clock
        let series = try await storms(20, since: stormy) { try survey.storm($0).run() }
        try Terminal.say("Do the cluster's own rules hold in storms?")
        let verdict = series.failure?.violation.map { "✗ seed \(series.failure?.seed ?? 0), at \($0.time): \($0)" }
        try Terminal.say("  " + (verdict ?? "✓ yes: " + figures(series, since: stormy)))
        if let failure = series.failure, let storm = failure.storm { try show(failure, storm) }
        if !survey.isGood || series.failure != nil { throw ExitCode(ExitStatus.expectationFailed) }
    }

    // MARK: Both

    /// Makes a storm that broke an invariant small, tells of it and writes its scenario.
    private func show(_ failure: StormOutcome, _ storm: StormScenario) throws {
        try Terminal.say("Seed \(failure.seed) broke an invariant; making the storm of \(storm.contents) smaller")
        let small = failure.shrunk()
        try Terminal.say(StormReport(small))
        let folder = "\(output)/seed-\(failure.seed)"
        try small.storm?.write(to: folder)
        try Terminal.say("Run it     \(StormScenario.command(in: folder))")
    }

    private func storms(
        _ usual: Int, since began: Double, _ run: @escaping @Sendable (UInt64) throws -> StormOutcome
    ) async throws -> StormSeries {
        let end = minutes.map { began + $0 * 60 }
        let shows = Terminal.isWatched
        let series = try await StormSeries.run(
            from: seed, most: count ?? (minutes == nil ? usual : nil), run: run, goesOn: { end.map { Terminal.clock < $0 } ?? true }
        ) { series in
            if shows { Terminal.show("storm \(series.count), \(String(format: "%.0f", Terminal.clock - began)) s") }
        }
        if shows { Terminal.clearLine() }
        return series
    }

    private func figures(_ series: StormSeries, since began: Double) -> String {
        let wall = Terminal.clock - began
        let storms = series.count == 1 ? "1 storm" : "\(series.count) storms"
        let speed = Double(series.handledEvents) / max(wall, 1e-6)
        return "\(storms) from seed \(seed) in " + String(format: "%.1f s (%.0f events/s)", wall, speed)
    }
}
