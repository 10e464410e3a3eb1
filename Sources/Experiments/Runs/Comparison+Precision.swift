// Runs as many seeds as it takes: until intervals are as narrow as wanted.

import DiscreteEvents

extension Comparison {
    /// How narrow which intervals are to become.
    public struct Precision: Hashable, Sendable {
        /// The half width of the interval of a difference (with one policy: of the mean), as a share of the first policy's mean.
        public var share: Double
        /// Names of metrics as in summary.csv.
        public var metrics: [String]
        /// Seeds at most.
        public var limit: Int

        public init(share: Double, metrics: [String], limit: Int) {
            self.share = share
            self.metrics = metrics
            self.limit = limit
        }
    }

    /// Runs every policy with more and more seeds, until the intervals of some metrics are narrow enough.
    ///
    /// How many it takes is estimated anew after each round, which at most doubles their number, for the deviation of a few runs is no
    /// good guide. To stop when an interval happens to be narrow makes it miss the truth a little more often than 5 % of the time.
    /// - Parameters:
    ///   - seeds: those of the first round, counted up.
    ///   - finished: called after each run with how many are done and how many there will be as far as is known.
    /// - Throws: `ScenarioError` for a metric that runs do not have; what a run throws.
    public static func run(
        _ scenarios: [Scenario], seeds: Range<UInt64>, antithetic: Bool = false, until precision: Precision, output: String,
        finished: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> Comparison {
        var comparison = Comparison(
            policies: scenarios.map(\.policy), Replicates([], antithetic: antithetic), runs: [], precision: precision.share)
        var next = seeds
        while !next.isEmpty {
            let replications = Replicates(Array(next), antithetic: antithetic)
            let (done, total) = (comparison.runs.count, comparison.runs.count + replications.runs * scenarios.count)
            let more = try await run(scenarios, replications, metrics: precision.metrics, output: output) { finished(done + $0, total) }
            comparison = Comparison(
                policies: comparison.policies, Replicates(comparison.seeds + more.seeds, antithetic: antithetic),
                runs: comparison.runs + more.runs, precision: precision.share)
            let count = comparison.seeds.count
            let needed = try comparison.runsNeeded(for: precision.metrics) ?? precision.limit
            let target = min(needed, 2 * count, precision.limit)
            next = next.upperBound..<(next.upperBound + UInt64(max(0, target - count)))
        }
        return comparison
    }

    /// The most runs that any of these metrics needs, those made included; nil: more than anybody can say.
    ///
    /// - Throws: `ScenarioError` for a metric that runs do not have, or of which no share can be taken.
    public func runsNeeded(for names: [String]) throws(ScenarioError) -> Int? {
        var most = 2
        for name in names {
            let rows = metrics.filter { $0.metric == name }
            guard !rows.isEmpty else {
                throw ScenarioError(["--metric \(name): summary.csv has no such metric"])
            }
            // What differences need is less than what means need; alone, a policy has nothing but its mean.
            for row in rows where policies.count == 1 || row.difference != nil {
                if (row.difference ?? row.mean) == 0, (row.differenceHalfWidth ?? row.standardDeviation) == 0 { continue }
                if rows[0].mean == 0 {
                    throw ScenarioError([
                        "--metric \(name): its mean under \(rows[0].policy) is 0, of which no share can be taken: put another policy first"
                    ])
                }
                guard let needed = row.runsNeeded else { return nil }
                most = max(most, needed)
            }
        }
        return most
    }
}
