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
    /// - Throws: as ``seedsNeeded(for:source:)``.
    public func shortfall(of precision: Precision, source: String) throws(ScenarioError) -> String? {
        let needed = try seedsNeeded(for: precision.metrics, source: source)
        guard needed.map({ $0 > seeds.count }) ?? true else { return nil }
        let gaps = precision.metrics.compactMap { gap(in: $0) }.map { "; " + $0 }
        let estimate = needed.map { "; about \($0 - seeds.count) more would do" } ?? gaps.joined()
        return "the precision is not reached after \(Presentation.count(seeds.count, "seed")) (\(source))" + estimate
    }

    /// Says so if a metric was measured too seldom for any interval, or if no share of it can be taken.
    private func gap(in name: String) -> String? {
        let rows = metrics.filter { $0.metric == name }
        if rows.isEmpty { return "in no run was there anything to measure for \(name)" }
        for policy in judged {
            let row = rows.first { $0.policy == policy }
            if let row, observed(row) > 1 {
                guard hasNoShare(row, base: rows.first { $0.policy == policies[0] }) else { continue }
                let mean = "\(name): its mean\(policies.count == 1 ? "" : " under \(policies[0])") is 0, of which no share can be taken"
                return mean + (policies.count == 1 ? "" : ": put another policy first")
            }
            let both = policies.count == 1 ? policy : "both \(policies[0]) and \(policy)"
            return "\(Presentation.count(row.map(observed) ?? 0, "seed")) had anything to measure for \(name) under \(both)"
        }
        return nil
    }

    /// Whose intervals are to be narrow: those of differences; alone, a policy has nothing but its mean.
    private var judged: ArraySlice<String> { policies.count == 1 ? policies[...] : policies.dropFirst() }

    /// How many observations the interval rests on that is to be narrow.
    private func observed(_ row: ComparedMetric) -> Int { policies.count == 1 ? row.runs : row.pairs ?? 0 }

    /// Whether a precision says nothing about an interval that has a width, because the first policy's mean is 0.
    private func hasNoShare(_ row: ComparedMetric, base: ComparedMetric?) -> Bool { base?.mean == 0 && !isNothing(row) }

    /// Whether there is neither a difference (with one policy: a mean) nor any width of its interval.
    private func isNothing(_ row: ComparedMetric) -> Bool {
        (row.difference ?? row.mean) == 0 && (row.differenceHalfWidth ?? row.standardDeviation) == 0
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
            let needed = try comparison.seedsNeeded(for: precision.metrics)
            next = next.upperBound..<(next.upperBound + UInt64(precision.furtherSeeds(count, needed: needed)))
        }
        return comparison
    }

    /// The most seeds that any of these metrics needs, those made included; nil: more than anybody can say, for too few had it, or no share
    /// of it can be taken so far.
    ///
    /// - Parameter source: where the precision was asked for; nil: on the command line.
    /// - Throws: `ScenarioError` for a metric that runs do not have.
    public func seedsNeeded(for names: [String], source: String? = nil) throws(ScenarioError) -> Int? {
        var most = 2
        var isKnown = true
        for name in names {
            let place = source.map { "\($0): \(name)" } ?? "--metric \(name)"
            guard runs.contains(where: { run in run.summary.metrics.contains { $0.name == name } }) else {
                throw ScenarioError(["\(place): summary.csv has no such metric"])
            }
            let rows = metrics.filter { $0.metric == name }
            let base = rows.first { $0.policy == policies[0] }
            for policy in judged {
                guard let row = rows.first(where: { $0.policy == policy }), observed(row) > 1 else {
                    isKnown = false
                    continue
                }
                if isNothing(row) { continue }
                // Further seeds may bring something; the runs made are kept in any case.
                if hasNoShare(row, base: base) {
                    isKnown = false
                    continue
                }
                if let more = row.moreSeedsNeeded { most = max(most, more == 0 ? 0 : seeds.count + more) } else { isKnown = false }
            }
        }
        return isKnown ? most : nil
    }
}
