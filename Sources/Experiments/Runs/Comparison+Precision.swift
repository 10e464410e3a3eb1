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

        /// Reads a share: `2%` or `0.02`; nil: it is none above nothing and below the whole.
        public static func share(of text: String) -> Double? {
            let isPercentage = text.hasSuffix("%")
            let share = Double(isPercentage ? text.dropLast() : text[...]).map { isPercentage ? $0 / 100 : $0 }
            return share.flatMap { $0 > 0 && $0 < 1 ? $0 : nil }
        }

        /// How many seeds the next round has: what it takes as far as that is known, but at most as many as there were.
        ///
        /// - Parameter needed: runs in all; nil: more than anybody can say.
        func furtherSeeds(_ count: Int, needed: Int?) -> Int { max(0, min(needed ?? limit, 2 * count, limit) - count) }
    }

    /// What to say if the limit came before the precision; nil: it did not.
    ///
    /// - Parameter source: where the precision was asked for.
    /// - Throws: as ``runsNeeded(for:source:)``.
    public func shortfall(of precision: Precision, source: String) throws(ScenarioError) -> String? {
        let needed = try runsNeeded(for: precision.metrics, source: source)
        guard needed.map({ $0 > seeds.count }) ?? true else { return nil }
        let estimate = needed.map { "; about \($0 - seeds.count) more would do" } ?? ""
        return "the precision is not reached after \(seeds.count) seeds (\(source))" + estimate
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
            let needed = try comparison.runsNeeded(for: precision.metrics)
            next = next.upperBound..<(next.upperBound + UInt64(precision.furtherSeeds(count, needed: needed)))
        }
        return comparison
    }

    /// The most runs that any of these metrics needs, those made included; nil: more than anybody can say.
    ///
    /// - Parameter source: where the precision was asked for; nil: on the command line.
    /// - Throws: `ScenarioError` for a metric that runs do not have, or of which no share can be taken.
    public func runsNeeded(for names: [String], source: String? = nil) throws(ScenarioError) -> Int? {
        var most = 2
        for name in names {
            let rows = metrics.filter { $0.metric == name }
            let place = source.map { "\($0): \(name)" } ?? "--metric \(name)"
            guard !rows.isEmpty else {
                throw ScenarioError(["\(place): summary.csv has no such metric"])
            }
            // What differences need is less than what means need; alone, a policy has nothing but its mean.
            for row in rows where policies.count == 1 || row.difference != nil {
                if (row.difference ?? row.mean) == 0, (row.differenceHalfWidth ?? row.standardDeviation) == 0 { continue }
                if rows[0].mean == 0 {
                    throw ScenarioError([
                        "\(place): its mean under \(rows[0].policy) is 0, of which no share can be taken: put another policy first"
                    ])
                }
                guard let needed = row.runsNeeded else { return nil }
                most = max(most, needed)
            }
        }
        return most
    }
}
