// The figures of many runs, ordered for comparing: by metric, by policy, by seed.

import DiscreteEvents

/// What was observed under each policy with each seed.
struct Observations {
    /// All that any run has, in the order in which they come up.
    private(set) var metrics: [Metric] = []
    private let policies: Int
    private let replications: Replicates
    private let runs: [ComparedRun]
    /// The place in `runs` by policy and seed. Looked up, never iterated.
    private var places: [Key: Int] = [:]

    private struct Key: Hashable {
        var policy: Int
        var seed: UInt64
    }

    init(policies: Int, _ replications: Replicates, _ runs: [ComparedRun]) {
        self.policies = policies
        self.replications = replications
        self.runs = runs
        var known: Set<String> = []
        for (place, run) in runs.enumerated() {
            places[Key(policy: run.policy, seed: run.seed)] = place
            for metric in run.summary.metrics where known.insert(metric.name).inserted { metrics.append(metric) }
        }
    }

    /// A metric's observations by policy, one for each seed: of antithetic runs the mean of both.
    func values(of metric: Metric) -> [[Double?]] {
        (0..<policies).map { policy in
            replications.seeds.map { seed in
                let value = value(of: metric, policy, seed)
                guard replications.antithetic else { return value }
                guard let value, let mirrored = self.value(of: metric, policy, seed | RandomStream.mirror) else { return nil }
                return (value + mirrored) / 2
            }
        }
    }

    private func value(of metric: Metric, _ policy: Int, _ seed: UInt64) -> Double? {
        places[Key(policy: policy, seed: seed)].flatMap { runs[$0].summary[metric.name] }
    }
}
