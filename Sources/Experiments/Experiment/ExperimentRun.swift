// Runs an experiment and keeps its figures.

/// What an experiment came to.
public struct ExperimentOutcome: Sendable {
    public var experiment: Experiment
    /// Of the figures asked for only; its policies are the combinations, its runs the cases in order.
    public var comparison: Comparison

    /// - Parameter runs: of all cases, in order.
    init(_ experiment: Experiment, runs: [ComparedRun]) {
        self.experiment = experiment
        comparison = Comparison(
            policies: experiment.combinations.map(\.label), experiment.replications, runs: runs, precision: experiment.precision)
    }

    /// What to say if there were no more seeds before the precision was reached that the file asks for; nil: it was, or it asks for none.
    ///
    /// - Throws: `ScenarioError` for a figure that runs do not have.
    public func shortfall() throws(ScenarioError) -> String? {
        guard let target = experiment.untilPrecise else { return nil }
        return try comparison.shortfall(of: target.precision, source: target.position)
    }
}

extension Experiment {
    /// Runs all cases, on all cores; and where the file asks for a precision, more seeds in rounds as a comparison does until it is reached.
    ///
    /// - Parameter finished: called after each run with how many are done, and how many there will be as far as is known.
    /// - Throws: what a run throws; `ScenarioError` for a figure that runs do not have.
    public func run(finished: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws -> ExperimentOutcome {
        let first = try await runs(done: 0, finished)
        guard let target = untilPrecise else { return ExperimentOutcome(self, runs: first) }
        var whole = self
        // By combination: cases are numbered so.
        var all = first
        while true {
            let outcome = ExperimentOutcome(whole, runs: all)
            let needed = try outcome.comparison.seedsNeeded(for: target.precision.metrics, source: target.position)
            let count = target.precision.furtherSeeds(whole.replications.seeds.count, needed: needed)
            guard count > 0, let last = whole.replications.seeds.last else { return outcome }
            var round = self
            round.replications.seeds = (0..<UInt64(count)).map { last + 1 + $0 }
            let more = try await round.runs(done: all.count, finished)
            let (old, new) = (whole.replications.runs, round.replications.runs)
            all = combinations.indices.flatMap { all[($0 * old)..<(($0 + 1) * old)] + more[($0 * new)..<(($0 + 1) * new)] }
            whole.replications.seeds += round.replications.seeds
        }
    }

    /// Runs the cases of these seeds.
    private func runs(done: Int, _ finished: @escaping @Sendable (Int, Int) -> Void) async throws -> [ComparedRun] {
        let total = done + caseCount
        return try await Parallel.map(caseCount, finished: { finished(done + $0, total) }) { try run(self.case($0 + 1)) }
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
            + (untilPrecise.map { ", and more until \(Presentation.number($0.precision.share * 100)) % precise" } ?? "")
    }
}
