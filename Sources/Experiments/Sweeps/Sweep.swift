// A sweep: an experiment whose cases are run apart and kept one by one, so that it can be stopped at any moment and done by many.

/// The cases of an experiment, in a folder.
public struct Sweep: Sendable {
    public let experiment: Experiment
    private let folder: SweepFolder

    /// Reads an experiment with every form of its scenario, and opens its folder, or makes it.
    ///
    /// - Throws: `ScenarioError` for mistakes in the files; `ResultError` if the folder is of something else.
    public init(_ file: String, output: String?) throws {
        experiment = try Sweep.load(file)
        folder = try SweepFolder(Sweep.path(output, experiment), of: experiment)
    }

    /// An experiment with every form of its scenario.
    private static func load(_ file: String) throws(ScenarioError) -> Experiment { try countable(ExperimentFile.load(file)) }

    /// An experiment without its scenario.
    static func expand(_ file: String) throws(ScenarioError) -> Experiment { try countable(ExperimentFile.expand(file)) }

    /// - Throws: `ScenarioError` if nobody can say beforehand how many cases there will be.
    private static func countable(_ experiment: Experiment) throws(ScenarioError) -> Experiment {
        guard let target = experiment.untilPrecise else { return experiment }
        throw ScenarioError([
            "\(target.position): a sweep's cases are numbered before the first is run: run it with `seatrial experiment`, or take this away"
        ])
    }

    /// The folder of a sweep; by default it is called after the experiment.
    static func path(_ output: String?, _ experiment: Experiment) -> String { output ?? PathText.join("results", experiment.name) }

    public var path: String { folder.path }

    /// What some cases came to, run apart.
    public struct Part: Hashable, Sendable {
        /// Cases that were run.
        public var run = 0
        /// Cases that had been done before.
        public var done = 0
        /// Those run in which expectations do not hold.
        public var failed = 0
    }

    /// Runs the cases that are not done.
    ///
    /// - Parameters:
    ///   - jobs: how many at a time; nil: one for each core.
    ///   - warn: told of cases whose files cannot be read, before they are run again.
    ///   - finished: called after each with how many of all are done.
    /// - Throws: what a run throws; the cases done by then stay.
    public func run(
        jobs: Int?, warn: ([String]) -> Void = { _ in }, finished: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> ExperimentOutcome {
        folder.tidy()
        let kept = (1...experiment.caseCount).map { folder.read(experiment.case($0)) }
        let open = kept.indices.filter { kept[$0] == nil }.map { $0 + 1 }
        let done = experiment.caseCount - open.count
        let damaged = open.filter { folder.has($0) }
        if !damaged.isEmpty {
            warn(["\(path): the files of these cases are damaged, so they are run again: \(Presentation.ranges(damaged, most: 20))"])
        }
        _ = try await Parallel.map(open.count, jobs: jobs ?? Parallel.cores, finished: { finished(done + $0) }) { index in
            _ = try Sweep.run(experiment.case(open[index]), of: experiment, in: folder)
        }
        return try Sweep.collect(experiment, folder, kept: kept)
    }

    private static func run(_ one: Experiment.Case, of experiment: Experiment, in folder: SweepFolder) throws -> ComparedRun {
        let run = try experiment.run(one)
        try folder.write(run, as: one)
        return run
    }

    // MARK: Apart

    /// Runs some cases, one after the other, but for those that are done; of the scenario only their forms are read.
    ///
    /// - Parameter cases: from 1; what is beyond the last is left out.
    /// - Throws: `ScenarioError` for mistakes in the files or no such case; `ResultError` if the folder is of something else.
    public static func run(_ file: String, cases: ClosedRange<Int>, output: String?) throws -> Part {
        var experiment = try expand(file)
        let path = path(output, experiment)
        // Whoever comes first reads everything, so that mistakes are found before the first run.
        if !SweepFolder.isBegun(path) { experiment = try load(file) }
        guard cases.lowerBound >= 1, cases.lowerBound <= experiment.caseCount else {
            throw ScenarioError(["--case \(cases.lowerBound): \(file) has cases 1 to \(experiment.caseCount)"])
        }
        var part = Part()
        var combination: Int?
        var folder: SweepFolder?
        for number in cases.clamped(to: 1...experiment.caseCount) {
            let one = experiment.case(number)
            if combination != one.combination {
                folder = try SweepFolder(path, of: experiment, combination: one.combination)
                combination = one.combination
            }
            guard let folder else { continue }
            if folder.read(one) != nil {
                part.done += 1
            } else {
                part.run += 1
                if try !run(one, of: experiment, in: folder).failed.isEmpty { part.failed += 1 }
            }
        }
        return part
    }

    /// Merges the cases of a folder and writes the tables.
    ///
    /// - Throws: `ResultError` if cases are missing or damaged, or the folder is of something else.
    public static func collect(_ file: String, output: String?) throws -> ExperimentOutcome {
        let experiment = try expand(file)
        return try collect(experiment, try SweepFolder(existing: path(output, experiment), of: experiment))
    }

    /// - Parameter kept: the cases, in their order, as far as they have been read.
    private static func collect(
        _ experiment: Experiment, _ folder: SweepFolder, kept: [ComparedRun?]? = nil
    ) throws(ResultError) -> ExperimentOutcome {
        let runs = (1...experiment.caseCount).map { kept?[$0 - 1] ?? folder.read(experiment.case($0)) }
        let missing = runs.indices.filter { runs[$0] == nil }.map { $0 + 1 }
        if !missing.isEmpty {
            let damaged = missing.filter { folder.has($0) }
            throw ResultError(
                "\(folder.path): \(missing.count) of \(experiment.caseCount) cases are missing: " + Presentation.ranges(missing, most: 20)
                    + (damaged.isEmpty ? "" : " (of these there are damaged files: \(Presentation.ranges(damaged, most: 20)))")
                    + "; `seatrial sweep` runs them")
        }
        let outcome = ExperimentOutcome(experiment, runs: runs.compactMap { $0 })
        try outcome.write(to: folder.path)
        folder.tidy(isComplete: true)
        return outcome
    }

    /// The cases of an experiment, as CSV: number, combination, values, seed, and whether it is done.
    public static func list(_ file: String, output: String?) throws -> String {
        let experiment = try expand(file)
        let path = path(output, experiment)
        let folder =
            SweepFolder.isBegun(path) ? try SweepFolder(existing: path, of: experiment) : nil
        var rows = [["case", "combination"] + experiment.factors.map(\.name) + ["seed", "done"]]
        for number in 1...experiment.caseCount {
            let one = experiment.case(number)
            let combination = experiment.combinations[one.combination]
            rows.append(
                [String(number), combination.label] + combination.levels.map(\.label) + [
                    SeedText.text(one.seed), folder?.read(one) != nil ? "true" : "false",
                ])
        }
        return rows.map { $0.map(CSVWriter.quoted).joined(separator: ",") + "\n" }.joined()
    }
}
