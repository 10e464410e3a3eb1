// Distributions from what people know of their systems: a mean and one percentile ("4 s on average, 15 s at p99").
//
// All four families have the same geometry. Fix the mean at 1 and let the spread grow from nothing. The quantile at level p starts at 1;
// for upper levels it first rises above the mean, reaches a maximum, and falls again, because ever more of the mean comes from ever rarer,
// ever larger values; for lower levels it falls from the start. So
// - a quantile *above* the mean has two solutions up to the maximum, none beyond. Taken is the one with the smaller spread: it
//   tends to a constant as the quantile tends to the mean, and it is what people have in mind.
// - a quantile *below* the mean has exactly one. It is refused where its spread is so large that no simulation would ever see its mean.
import CGSL

#if canImport(Glibc)
    import Glibc
#endif

extension Distribution {
    /// The lognormal distribution with this mean and this quantile at `level` (0.99 for a p99). Closed form: with z the normal quantile at
    /// `level`, log(quantile / mean) = z s - s²/2 for the logarithm's deviation s.
    ///
    /// Of two solutions the one with the smaller deviation, s < z, is taken. A p99 can be at most 14.97 times the mean.
    /// - Throws: ``DistributionError`` for parameters out of range, and for a mean and quantile that do not go together.
    public static func lognormal(mean: Double, quantile: Double, at level: Double) throws(DistributionError) -> Distribution {
        let problem = try MeanAndQuantile(distribution: "lognormal", mean: mean, quantile: quantile, level: level)
        let normal = gsl_cdf_ugaussian_Pinv(level)
        let discriminant = normal * normal - 2 * problem.logRatio
        if discriminant < 0 { throw problem.tooFarAbove(greatestLogRatio: normal * normal / 2) }
        if normal <= 0, problem.logRatio >= 0 { throw problem.notBelowMean() }
        let root = discriminant.squareRoot()
        // z - root without cancellation: 2 log r / (z + root).
        let deviation = problem.logRatio > 0 ? 2 * problem.logRatio / (normal + root) : normal + root
        try problem.checkSpread(expm1(deviation * deviation).squareRoot())
        return try lognormal(logMean: log(mean) - deviation * deviation / 2, logDeviation: deviation)
    }

    /// The Weibull distribution with this mean and this quantile at `level`.
    ///
    /// Of two solutions the one with the larger shape, hence the smaller spread, is taken.
    /// - Throws: ``DistributionError`` for parameters out of range, and for a mean and quantile that do not go together.
    public static func weibull(mean: Double, quantile: Double, at level: Double) throws(DistributionError) -> Distribution {
        let problem = try MeanAndQuantile(distribution: "weibull", mean: mean, quantile: quantile, level: level)
        let logExceedance = log(-log1p(-level))
        let inverseShape = try problem.spread(upTo: 20) { inverse in
            inverse * logExceedance - gsl_sf_lngamma(1 + inverse)
        }
        let logVariation = gsl_sf_lngamma(1 + 2 * inverseShape) - 2 * gsl_sf_lngamma(1 + inverseShape)
        try problem.checkSpread(expm1(logVariation).squareRoot())
        return try weibull(shape: 1 / inverseShape, scale: mean / exp(gsl_sf_lngamma(1 + inverseShape)))
    }

    /// The gamma distribution with this mean and this quantile at `level`.
    ///
    /// Of two solutions the one with the larger shape, hence the smaller spread, is taken.
    /// - Throws: ``DistributionError`` for parameters out of range, and for a mean and quantile that do not go together.
    public static func gamma(mean: Double, quantile: Double, at level: Double) throws(DistributionError) -> Distribution {
        let problem = try MeanAndQuantile(distribution: "gamma", mean: mean, quantile: quantile, level: level)
        let inverseShape = try problem.spread(upTo: 1000) { inverse in
            // Quantiles of tiny shapes underflow; the floor keeps the function finite and still falling short of every target.
            max(-1e6, log(standardGammaQuantile(level, shape: 1 / inverse) * inverse))
        }
        try problem.checkSpread(inverseShape.squareRoot())
        return try gamma(shape: 1 / inverseShape, scale: mean * inverseShape)
    }

    /// The Pareto distribution with this mean and this quantile at `level`.
    ///
    /// Of two solutions the one with the larger shape, hence the lighter tail, is taken. Shapes below 1.05, whose mean no run would ever
    /// see, are refused.
    /// - Throws: ``DistributionError`` for parameters out of range, and for a mean and quantile that do not go together.
    public static func pareto(mean: Double, quantile: Double, at level: Double) throws(DistributionError) -> Distribution {
        let problem = try MeanAndQuantile(distribution: "pareto", mean: mean, quantile: quantile, level: level)
        let logExceedance = -log1p(-level)
        let inverseShape = try problem.spread(upTo: 1 / 1.05) { inverse in
            log1p(-inverse) + inverse * logExceedance
        }
        return try pareto(shape: 1 / inverseShape, scale: mean * (1 - inverseShape))
    }
}

/// A mean and a quantile for which a family's member is wanted.
private struct MeanAndQuantile {
    let distribution: String
    let mean: Double
    let quantile: Double
    let level: Double

    /// The greatest coefficient of variation accepted for a quantile that is not above the mean. With this one, it takes 160,000 samples to
    /// know the mean to within 5 %: beyond, the mean would be a number on paper. (A quantile above the mean bounds the spread by itself.)
    static let greatestVariation = 20.0

    /// log(quantile / mean): what the spread has to bring about.
    var logRatio: Double { log(quantile) - log(mean) }

    init(distribution: String, mean: Double, quantile: Double, level: Double) throws(DistributionError) {
        GSL.prepare()
        guard level > 0, level < 1 else {
            throw .parameter(distribution: distribution, name: "quantile level", value: level, allowed: "between 0 and 1 (0.99 for a p99)")
        }
        try Distribution.checkPositive(mean, "mean", of: distribution)
        try Distribution.checkPositive(quantile, percentileName(level), of: distribution)
        self.distribution = distribution
        self.mean = mean
        self.quantile = quantile
        self.level = level
    }

    /// Solves `logRatio(spread) = log(quantile / mean)` for the spread, a number that is 0 for a constant; the smallest solution.
    ///
    /// Walks outwards on a geometric grid until the function crosses its target, then asks Brent's method for the digits. `logRatio` starts
    /// from 0 at spread 0 and has at most one maximum.
    func spread(upTo limit: Double, logRatio: (Double) -> Double) throws(DistributionError) -> Double {
        let target = self.logRatio
        let smallest = 1e-6
        var points = [smallest]
        while let last = points.last, last < limit { points.append(min(limit, last * 1.1)) }
        let values = points.map(logRatio)
        guard let peak = values.indices.max(by: { values[$0] < values[$1] }) else { throw tooSpread() }
        let bracket: ClosedRange<Double>
        if target > 0 {
            if values[peak] <= 0 { throw notBelowMean() }
            if let reached = values.indices.first(where: { values[$0] >= target }) {
                if reached == 0 { throw tooClose() }
                bracket = points[reached - 1]...points[reached]
            } else {
                // The grid may step over the very top.
                let top = Self.maximum(of: logRatio, in: points[max(0, peak - 1)]...points[min(points.count - 1, peak + 1)])
                let greatest = logRatio(top)
                if greatest < target { throw tooFarAbove(greatestLogRatio: greatest) }
                bracket = points[max(0, peak - 1)]...top
            }
        } else {
            guard let reached = values.indices.first(where: { $0 >= peak && values[$0] <= target }) else { throw tooSpread() }
            if reached == 0 { throw tooClose() }
            bracket = points[reached - 1]...points[reached]
        }
        guard let root = GSL.root(in: bracket, of: { logRatio($0) - target }) else { throw tooSpread() }
        return root
    }

    /// Where a function with one maximum has it, by golden section.
    private static func maximum(of function: (Double) -> Double, in range: ClosedRange<Double>) -> Double {
        let golden = (5.0.squareRoot() - 1) / 2
        var (low, high) = (range.lowerBound, range.upperBound)
        for _ in 0..<100 {
            let left = high - golden * (high - low)
            let right = low + golden * (high - low)
            if function(left) < function(right) { low = left } else { high = right }
        }
        return (low + high) / 2
    }

    /// Refuses tails too heavy, and spreads too small, to mean anything.
    func checkSpread(_ variation: Double) throws(DistributionError) {
        if logRatio <= 0, !(variation <= Self.greatestVariation) { throw tooSpread() }
        if variation < 1e-6 { throw tooClose() }
    }

    func tooFarAbove(greatestLogRatio: Double) -> DistributionError {
        let greatest = mean * exp(greatestLogRatio)
        return refusal("with this mean, the \(percentileName(level)) of a \(distribution) distribution is at most \(greatest)")
    }

    func notBelowMean() -> DistributionError {
        refusal("the \(percentileName(level)) of a \(distribution) distribution is always below its mean")
    }

    func tooClose() -> DistributionError {
        refusal("they are so close that the value hardly varies; write a constant")
    }

    func tooSpread() -> DistributionError {
        let advice = "only tails so heavy that no run would show the mean have them"
        return refusal(quantile <= mean && level > 0.5 ? advice + "; were the two exchanged?" : advice)
    }

    private func refusal(_ reason: String) -> DistributionError {
        .unattainable(distribution: distribution, mean: mean, level: level, quantile: quantile, reason: reason)
    }
}
