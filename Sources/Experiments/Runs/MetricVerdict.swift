// Who does best in a figure, as far as the intervals allow to say: every policy is compared with every other.

import DiscreteEvents

/// The policies that do best in one metric.
public struct MetricVerdict: Hashable, Sendable {
    /// How sure it is that the others are not as good.
    public enum Certainty: Hashable, Sendable {
        /// Nothing can be said: all of them might be best.
        case none
        /// The 95 % intervals of the differences to the best leave out 0 (``PairedDifference/isSignificant``).
        case interval
        /// They do so in view of how many differences were looked at, too (Holm).
        case amongAll
    }

    public let metric: String
    /// The lowest do "best" where no direction is better.
    public let direction: MetricDirection
    /// The one with the best mean, and those that cannot be told apart from it; empty where nothing can be said.
    public let best: [String]
    public let certainty: Certainty
    private let policies: Int

    init(metric: String, best: [String], _ certainty: Certainty, of policies: Int) {
        self.metric = metric
        direction = MetricDirection(of: metric)
        self.best = best
        self.certainty = certainty
        self.policies = policies
    }

    /// `pack`, `pack?` where only its own interval says so, `lower: pack` where no direction is better, `a or b`; `-`: nobody can say.
    ///
    /// - Parameter mostNames: of more policies than that only their number is told.
    func text(mostNames: Int = 3) -> String {
        if certainty == .none { return "-" }
        let names = best.count > mostNames ? "\(best.count) of \(policies)" : best.joined(separator: " or ")
        let prefix = direction != .neither ? "" : policies == 2 ? "lower: " : "lowest: "
        return prefix + names + (certainty == .interval ? "?" : "")
    }
}

extension Comparison {
    /// What can be said of every metric, in the order of ``metrics``.
    ///
    /// All pairs of policies are tested, in all metrics, and the p-values adjusted for their number: so the best may be picked by its mean and
    /// then be held against each of the others.
    public var verdicts: [MetricVerdict] {
        let observations = Observations(policies: policies.count, replications, runs)
        var tables = observations.metrics.map { PairTable(metric: $0.name, observations.values(of: $0)) }
        // Pairs that never differ are no findings, and count as none.
        let places = tables.indices.flatMap { table in tables[table].pairs.indices.map { (table, $0) } }
            .filter { tables[$0.0].pairs[$0.1].mayDiffer }
        let adjusted = MultipleTests.holm(places.map { tables[$0.0].pairs[$0.1].difference.pValue })
        for (place, pValue) in zip(places, adjusted) { tables[place.0].pairs[place.1].adjustedPValue = pValue }
        return tables.map { $0.verdict(policies) }
    }
}

/// The differences between all policies in one metric.
private struct PairTable {
    struct Pair {
        let one: Int
        let other: Int
        let difference: PairedDifference
        var adjustedPValue = 1.0

        var mayDiffer: Bool { difference.pairingGain != nil || difference.pValue != 1 }

        func isSignificant(_ certainty: MetricVerdict.Certainty) -> Bool {
            difference.isSignificant && (certainty == .interval || adjustedPValue < 0.05)
        }
    }

    let metric: String
    /// By policy; NaN: it was never measured.
    private let means: [Double]
    var pairs: [Pair] = []

    /// - Parameter byPolicy: the observations of each policy, seed by seed.
    init(metric: String, _ byPolicy: [[Double?]]) {
        self.metric = metric
        means = byPolicy.map { Statistics.mean($0.compactMap { $0 }) }
        for one in byPolicy.indices {
            for other in byPolicy.indices.dropFirst(one + 1) {
                let both = zip(byPolicy[one], byPolicy[other]).compactMap { one, other in
                    if let one, let other { (one: one, other: other) } else { nil }
                }
                guard let difference = PairedDifference(of: both.map(\.one), minus: both.map(\.other)) else { continue }
                pairs.append(Pair(one: one, other: other, difference: difference))
            }
        }
    }

    func verdict(_ policies: [String]) -> MetricVerdict {
        let sign = MetricDirection(of: metric) == .higher ? -1.0 : 1.0
        let ranked = means.indices.filter { !means[$0].isNaN }.sorted { (sign * means[$0], $0) < (sign * means[$1], $1) }
        // A policy without the metric cannot be held against the others.
        if let top = ranked.first, ranked.count == policies.count {
            for certainty in [MetricVerdict.Certainty.amongAll, .interval] {
                let group = ranked.filter { $0 == top || !differs($0, top, certainty) }
                if group.count < policies.count {
                    return MetricVerdict(metric: metric, best: group.map { policies[$0] }, certainty, of: policies.count)
                }
            }
        }
        return MetricVerdict(metric: metric, best: [], .none, of: policies.count)
    }

    private func differs(_ policy: Int, _ top: Int, _ certainty: MetricVerdict.Certainty) -> Bool {
        pairs.contains { pair in
            (pair.one, pair.other) == (min(policy, top), max(policy, top)) && pair.isSignificant(certainty)
        }
    }
}
