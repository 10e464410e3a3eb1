// A sweep: an experiment whose cases are run apart and kept one by one, so that it can be stopped at any moment and done by many.

/// The cases of an experiment, in a folder.
public struct Sweep: Sendable {
    public let experiment: Experiment
    private let folder: SweepFolder

    /// Reads an experiment with every form of its scenario, and opens its folder, or makes it.
    ///
    /// - Throws: `ScenarioError` for mistakes in the files; `ResultError` if the folder is of something else.
    public init(_ file: String, output: String?) throws {
        experiment = try ExperimentFile.load(file)
        folder = try SweepFolder(Sweep.path(output, experiment), of: experiment)
    }

    /// The folder of a sweep; by default it is called after the experiment.
    static func path(_ output: String?, _ experiment: Experiment) -> String { output ?? PathText.join("results", experiment.name) }

    public var path: String { folder.path }

    /// Runs the cases that are not done.
    ///
    /// - Parameters:
    ///   - jobs: how many at a time; nil: one for each core.
    ///   - finished: called after each with how many of all are done.
    /// - Throws: what a run throws; the cases done by then stay.
    public func run(jobs: Int?, finished: @escaping @Sendable (Int) -> Void = { _ in }) async throws -> ExperimentOutcome {
        folder.tidy()
        let open = (1...experiment.caseCount).filter { !folder.has($0) }
        let done = experiment.caseCount - open.count
        _ = try await Parallel.map(open.count, jobs: jobs ?? Parallel.cores, finished: { finished(done + $0) }) { index in
            try Sweep.run(experiment.case(open[index]), of: experiment, in: folder)
        }
        return try Sweep.collect(experiment, folder)
    }

    private static func run(_ one: Experiment.Case, of experiment: Experiment, in folder: SweepFolder) throws {
        try folder.write(try experiment.run(one), as: one)
    }

    // MARK: Apart

    /// Runs some cases, one after the other, but for those that are done; of the scenario only their forms are read.
    ///
    /// - Parameter cases: from 1; what is beyond the last is left out.
    /// - Returns: how many were run.
    /// - Throws: `ScenarioError` for mistakes in the files or no such case; `ResultError` if the folder is of something else.
    public static func run(_ file: String, cases: ClosedRange<Int>, output: String?) throws -> Int {
        var experiment = try ExperimentFile.expand(file)
        let path = path(output, experiment)
        // Whoever comes first reads everything, so that mistakes are found before the first run.
        if !SweepFolder.isBegun(path) { experiment = try ExperimentFile.load(file) }
        guard cases.lowerBound >= 1, cases.lowerBound <= experiment.caseCount else {
            throw ScenarioError(["--case \(cases.lowerBound): \(file) has cases 1 to \(experiment.caseCount)"])
        }
        var count = 0
        var combination: Int?
        var folder: SweepFolder?
        for number in cases.clamped(to: 1...experiment.caseCount) {
            let one = experiment.case(number)
            if combination != one.combination {
                folder = try SweepFolder(path, of: experiment, combination: one.combination)
                combination = one.combination
            }
            guard let folder, !folder.has(number) else { continue }
            try run(one, of: experiment, in: folder)
            count += 1
        }
        return count
    }

    /// Merges the cases of a folder and writes the tables.
    ///
    /// - Throws: `ResultError` if cases are missing, or the folder is of something else.
    public static func collect(_ file: String, output: String?) throws -> ExperimentOutcome {
        let experiment = try ExperimentFile.expand(file)
        return try collect(experiment, try SweepFolder(existing: path(output, experiment), of: experiment))
    }

    private static func collect(_ experiment: Experiment, _ folder: SweepFolder) throws(ResultError) -> ExperimentOutcome {
        let missing = (1...experiment.caseCount).filter { !folder.has($0) }
        if !missing.isEmpty {
            throw ResultError(
                "\(folder.path): \(missing.count) of \(experiment.caseCount) cases are missing: "
                    + Presentation.ranges(missing, most: 20) + "; `seatrial sweep` runs them")
        }
        var runs: [ComparedRun] = []
        for number in 1...experiment.caseCount { runs.append(try folder.read(experiment.case(number))) }
        let outcome = ExperimentOutcome(experiment, runs: runs)
        try outcome.write(to: folder.path)
        folder.tidy(isComplete: true)
        return outcome
    }

    /// The cases of an experiment, as CSV: number, combination, values, seed, and whether it is done.
    public static func list(_ file: String, output: String?) throws -> String {
        let experiment = try ExperimentFile.expand(file)
        let path = path(output, experiment)
        let folder =
            SweepFolder.isBegun(path) ? try SweepFolder(existing: path, of: experiment) : nil
        var rows = [["case", "combination"] + experiment.factors.map(\.name) + ["seed", "done"]]
        for number in 1...experiment.caseCount {
            let one = experiment.case(number)
            let combination = experiment.combinations[one.combination]
            rows.append(
                [String(number), combination.label] + combination.levels.map(\.label) + [
                    String(one.seed), folder?.has(number) ?? false ? "true" : "false",
                ])
        }
        return rows.map { $0.map(CSVWriter.quoted).joined(separator: ",") + "\n" }.joined()
    }
}
