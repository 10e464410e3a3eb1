// Runs an experiment and keeps its figures.

/// What an experiment came to.
public struct ExperimentOutcome: Sendable {
    public var experiment: Experiment
    /// Of the figures asked for only; its policies are the combinations, its runs the cases in order.
    public var comparison: Comparison

    /// - Parameter runs: of all cases, in order.
    init(_ experiment: Experiment, runs: [ComparedRun]) {
        self.experiment = experiment
        comparison = Comparison(policies: experiment.combinations.map(\.label), experiment.replications, runs: runs)
    }
}

extension Experiment {
    /// Runs all cases, on all cores.
    ///
    /// - Parameter finished: called after each run with how many are done.
    /// - Throws: what a run throws.
    public func run(finished: @escaping @Sendable (Int) -> Void = { _ in }) async throws -> ExperimentOutcome {
        let runs = try await Parallel.map(caseCount, finished: finished) { try run(self.case($0 + 1)) }
        return ExperimentOutcome(self, runs: runs)
    }

    /// Runs one case, and keeps the figures asked for.
    ///
    /// - Throws: `ScenarioError` if the scenario cannot be read or set up in this form.
    func run(_ one: Case) throws(ScenarioError) -> ComparedRun {
        var scenario = try scenario(one.combination)
        scenario.configuration.seed = one.seed
        var run = ComparedRun(policy: one.combination, try scenario.run())
        if !outputs.isEmpty { run.summary = run.summary.keeping(only: outputs) }
        return run
    }

    /// The folder of the results, below a folder for all of them.
    public func resultFolder(below output: String) -> String { PathText.join(output, name) }

    /// What is in it, in a line.
    public var contents: String {
        let factors = factors.map { "\($0.name) (\($0.count))" }.joined(separator: ", ")
        let pairs = replications.antithetic ? " and their mirror images" : ""
        return "\(name): \(Presentation.count(combinations.count, "combination")) of \(factors), "
            + "\(Presentation.count(replications.seeds.count, "seed"))\(pairs): \(Presentation.count(caseCount, "case"))"
    }
}
