// Probability distributions of times and sizes: what a scenario says about everything no manifest can say.
// Each is defined by its quantile function: sampling is the quantile of a uniform number. One draw, one value, monotone: so common random
// numbers stay common when parameters change, and a mirrored stream gives mirrored values (antithetic runs).

/// A distribution of non-negative real numbers: seconds, where it stands for a duration; otherwise in whatever unit its parameters have.
///
/// Made by the throwing constructors below, which refuse what is not a distribution; one that exists is sound.
/// ```swift
/// let startUp = try Distribution.lognormal(mean: 4, quantile: 15, at: 0.99)
/// let seconds = startUp.sample(&stream)
/// ```
/// Quantile functions are GSL's `gsl_cdf_*_Pinv`; the families and their parameters are named as in Johnson, Kotz and Balakrishnan,
/// "Continuous Univariate Distributions".
public struct Distribution: Sendable, Hashable {
    /// Which distribution it is.
    public let family: Family

    /// The families, with parameters known to be valid.
    public enum Family: Sendable, Hashable {
        /// Always this value.
        case constant(Double)
        /// Every value between the two equally likely.
        case uniform(low: Double, high: Double)
        /// Time to the next event of a Poisson process.
        case exponential(mean: Double)
        /// Life times: the hazard falls for shapes below 1 and rises above.
        case weibull(shape: Double, scale: Double)
        /// The exponential of a normal variable with this mean and standard deviation.
        case lognormal(logMean: Double, logDeviation: Double)
        /// A sum of `shape` exponentials, for whole shapes (then also called Erlang).
        case gamma(shape: Double, scale: Double)
        /// Power-law tail P(X > x) = (scale / x)^shape from `scale` on (Pareto's first kind).
        case pareto(shape: Double, scale: Double)
        /// The same, given that it is not above `high`: sizes of files and jobs, whose mean a run can show whatever the shape.
        case boundedPareto(shape: Double, low: Double, high: Double)
        /// A normal variable of this mean and deviation *given that it is not negative*; its own mean is a little greater.
        case truncatedNormal(mean: Double, deviation: Double)
        /// Observations, ascending; quantiles between them are interpolated linearly.
        case empirical(sortedValues: [Double])
    }

    init(_ family: Family) {
        self.family = family
    }
}

// MARK: - Constructors

extension Distribution {
    /// Always `value`, which must not be negative.
    public static func constant(_ value: Double) throws(DistributionError) -> Distribution {
        try check(value, "value", of: "constant", isAllowed: value >= 0, allowed: "a finite number, not negative")
        return Distribution(.constant(value))
    }

    /// Always this duration, in seconds; a negative one counts as none.
    public static func constant(_ duration: SimulatedDuration) -> Distribution {
        Distribution(.constant(max(duration, .zero).seconds))
    }

    /// Uniform between `low` (not negative) and `high` (not below `low`).
    public static func uniform(low: Double, high: Double) throws(DistributionError) -> Distribution {
        try check(low, "low", of: "uniform", isAllowed: low >= 0, allowed: "a finite number, not negative")
        try check(high, "high", of: "uniform", isAllowed: high >= low, allowed: "a finite number, not below low (\(low))")
        return Distribution(.uniform(low: low, high: high))
    }

    /// Exponential with this mean, which must be positive.
    public static func exponential(mean: Double) throws(DistributionError) -> Distribution {
        try checkPositive(mean, "mean", of: "exponential")
        return Distribution(.exponential(mean: mean))
    }

    /// Weibull with this shape and scale, both positive: P(X > x) = exp(-(x / scale)^shape).
    public static func weibull(shape: Double, scale: Double) throws(DistributionError) -> Distribution {
        try checkPositive(shape, "shape", of: "weibull")
        try checkPositive(scale, "scale", of: "weibull")
        return Distribution(.weibull(shape: shape, scale: scale))
    }

    /// Lognormal whose logarithm has this mean (any) and standard deviation (positive).
    public static func lognormal(logMean: Double, logDeviation: Double) throws(DistributionError) -> Distribution {
        try check(logMean, "logMean", of: "lognormal", isAllowed: true, allowed: "a finite number")
        try checkPositive(logDeviation, "logDeviation", of: "lognormal")
        return Distribution(.lognormal(logMean: logMean, logDeviation: logDeviation))
    }

    /// Gamma with this shape and scale, both positive; its mean is their product.
    public static func gamma(shape: Double, scale: Double) throws(DistributionError) -> Distribution {
        try checkPositive(shape, "shape", of: "gamma")
        try checkPositive(scale, "scale", of: "gamma")
        return Distribution(.gamma(shape: shape, scale: scale))
    }

    /// Pareto with this shape (tail index) and scale (smallest value), both positive. The mean is infinite for shapes up to 1.
    public static func pareto(shape: Double, scale: Double) throws(DistributionError) -> Distribution {
        try checkPositive(shape, "shape", of: "pareto")
        try checkPositive(scale, "scale", of: "pareto")
        return Distribution(.pareto(shape: shape, scale: scale))
    }

    /// Pareto with this shape between `low` (positive) and `high` (above it).
    public static func boundedPareto(shape: Double, low: Double, high: Double) throws(DistributionError) -> Distribution {
        try checkPositive(shape, "shape", of: "pareto")
        try checkPositive(low, "low", of: "pareto")
        try check(high, "high", of: "pareto", isAllowed: high > low, allowed: "a finite number above the least value (\(low))")
        return Distribution(.boundedPareto(shape: shape, low: low, high: high))
    }

    /// Normal with this mean and standard deviation (both positive, of the variable before truncation), given that it is not negative.
    public static func truncatedNormal(mean: Double, deviation: Double) throws(DistributionError) -> Distribution {
        try checkPositive(mean, "mean", of: "normal")
        try checkPositive(deviation, "deviation", of: "normal")
        return Distribution(.truncatedNormal(mean: mean, deviation: deviation))
    }

    /// The distribution of these observations, in any order: at least one, none negative.
    public static func empirical(_ values: [Double]) throws(DistributionError) -> Distribution {
        if values.isEmpty {
            throw .parameter(distribution: "empirical", name: "number of values", value: 0, allowed: "at least 1")
        }
        for value in values {
            try check(value, "value", of: "empirical", isAllowed: value >= 0, allowed: "a finite number, not negative")
        }
        return Distribution(.empirical(sortedValues: values.sorted()))
    }

    static func checkPositive(_ value: Double, _ name: String, of distribution: String) throws(DistributionError) {
        try check(value, name, of: distribution, isAllowed: value > 0, allowed: "a finite number above 0")
    }

    private static func check(
        _ value: Double, _ name: String, of distribution: String, isAllowed: Bool, allowed: String
    ) throws(DistributionError) {
        if value.isFinite && isAllowed { return }
        throw .parameter(distribution: distribution, name: name, value: value, allowed: allowed)
    }
}

// MARK: - Sampling

extension Distribution {
    /// A random value: one draw from the stream, through the quantile function.
    public func sample(_ stream: inout RandomStream) -> Double {
        quantile(stream.uniform())
    }

    /// A random duration, for a distribution in seconds; to the nearest nanosecond, saturating.
    public func sampleDuration(_ stream: inout RandomStream) -> SimulatedDuration {
        SimulatedDuration(seconds: sample(&stream))
    }
}

extension Distribution: CustomStringConvertible {
    /// The family and its parameters, such as `weibull(shape: 0.8, scale: 2592000.0)`.
    public var description: String {
        switch family {
        case .constant(let value): "constant(\(value))"
        case .uniform(let low, let high): "uniform(low: \(low), high: \(high))"
        case .exponential(let mean): "exponential(mean: \(mean))"
        case .weibull(let shape, let scale): "weibull(shape: \(shape), scale: \(scale))"
        case .lognormal(let logMean, let logDeviation): "lognormal(logMean: \(logMean), logDeviation: \(logDeviation))"
        case .gamma(let shape, let scale): "gamma(shape: \(shape), scale: \(scale))"
        case .pareto(let shape, let scale): "pareto(shape: \(shape), scale: \(scale))"
        case .boundedPareto(let shape, let low, let high): "boundedPareto(shape: \(shape), low: \(low), high: \(high))"
        case .truncatedNormal(let mean, let deviation): "truncatedNormal(mean: \(mean), deviation: \(deviation))"
        case .empirical(let values): "empirical(\(values.count) values, \(values[0]) ... \(values[values.count - 1]))"
        }
    }
}
