// What would have happened: one run up to a moment, and from there on several, each from the same state.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// Branches of one scenario.
public enum Branching {
    /// Runs a scenario up to a moment once per seed, forks the cluster for each branch, and runs each branch to the end.
    ///
    /// - Parameters:
    ///   - branches: with distinct names, all at the same moment, which lies within the run.
    ///   - finished: called after each branch with how many are done.
    /// - Returns: the branches as policies of a comparison; differences are to the first.
    /// - Throws: what a run throws; nothing is compared then.
    public static func run(
        _ scenario: Scenario, _ branches: [Branch], seeds: [UInt64], output: String, finished: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Comparison {
        let scenarios = branches.map { branch in
            var scenario = scenario
            scenario.branch = branch
            scenario.policy = branch.name
            return scenario
        }
        for seed in seeds {
            for var scenario in scenarios {
                scenario.configuration.seed = seed
                try scenario.checkResultFolder(below: output)
            }
        }
        var runs: [ComparedRun] = []
        for seed in seeds {
            var trunk = scenario
            trunk.configuration.seed = seed
            var warm = try trunk.makeCluster()
            warm.run(until: branches.map(\.at).min() ?? .zero)
            let (state, done) = (warm, runs.count)
            runs += try await Parallel.map(scenarios.count, finished: { finished(done + $0) }) { number in
                var scenario = scenarios[number]
                scenario.configuration.seed = seed
                var cluster = state
                try scenario.branch?.begin(in: &cluster, scenario)
                try scenario.run(&cluster, until: .zero + scenario.duration)
                let outcome = scenario.outcome(of: &cluster)
                try outcome.write(to: scenario.resultFolder(below: output))
                return ComparedRun(policy: number, outcome)
            }
        }
        return Comparison(policies: scenarios.map(\.policy), Replicates(seeds), runs: runs)
    }
}
