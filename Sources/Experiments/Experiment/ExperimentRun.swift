// Runs an experiment and keeps its figures.

/// What an experiment came to.
public struct ExperimentOutcome: Sendable {
    public var experiment: Experiment
    /// Of the figures asked for only.
    public var comparison: Comparison
}

extension Experiment {
    /// Runs every policy with every seed, on all cores.
    ///
    /// - Parameter finished: called after each run with how many are done.
    /// - Throws: what a run throws; `ScenarioError` for an output that is no metric of the runs.
    public func run(finished: @escaping @Sendable (Int) -> Void = { _ in }) async throws -> ExperimentOutcome {
        let comparison = try await Comparison.run(scenarios, seeds: seeds, output: nil, finished: finished)
        guard !outputs.isEmpty else { return ExperimentOutcome(experiment: self, comparison: comparison) }
        let known = comparison.runs.first?.summary.metrics.map(\.name) ?? []
        let unknown = outputs.filter { !known.contains($0) }
        if !unknown.isEmpty {
            throw ScenarioError(unknown.map { "\(name): spec.outputs: there is no figure \"\($0)\" in summary.csv" })
        }
        let runs = comparison.runs.map { run in
            var run = run
            run.summary = run.summary.keeping(only: outputs)
            return run
        }
        return ExperimentOutcome(
            experiment: self, comparison: Comparison(policies: comparison.policies, seeds: comparison.seeds, runs: runs))
    }

    /// The folder of the results, below a folder for all of them.
    public func resultFolder(below output: String) -> String { PathText.join(output, name) }
}

extension ExperimentOutcome {
    /// Writes `runs.csv` and `comparison.csv` into a folder.
    public func write(to folder: String) throws(ResultError) {
        try Folders.make(folder)
        try comparison.write(to: folder)
    }
}
