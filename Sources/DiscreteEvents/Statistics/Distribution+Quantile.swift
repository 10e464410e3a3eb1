// The functions that define a distribution: quantile, cumulative probability, mean.
import CGSL

#if canImport(Glibc)
    import Glibc
#endif

extension Distribution {
    /// The value that is not exceeded with this probability: the inverse of ``probability(upTo:)``. Never decreasing; at 1
    /// infinite for families without an upper end.
    /// - Precondition: `probability` is in 0...1.
    public func quantile(_ probability: Double) -> Double {
        precondition(probability >= 0 && probability <= 1, "a probability is between 0 and 1")
        GSL.prepare()
        return switch family {
        case .constant(let value): value
        case .uniform(let low, let high): min(high, low + (high - low) * probability)
        case .exponential(let mean): gsl_cdf_exponential_Pinv(probability, mean)
        case .weibull(let shape, let scale): gsl_cdf_weibull_Pinv(probability, scale, shape)
        case .lognormal(let logMean, let logDeviation): gsl_cdf_lognormal_Pinv(probability, logMean, logDeviation)
        case .gamma(let shape, let scale): scale * Self.standardGammaQuantile(probability, shape: shape)
        case .pareto(let shape, let scale): gsl_cdf_pareto_Pinv(probability, shape, scale)
        case .boundedPareto(let shape, let low, let high): Self.boundedParetoQuantile(probability, shape: shape, low: low, high: high)
        case .truncatedNormal(let mean, let deviation):
            Self.truncatedNormalQuantile(probability, mean: mean, deviation: deviation)
        case .empirical(let values):
            values.withUnsafeBufferPointer { gsl_stats_quantile_from_sorted_data($0.baseAddress, 1, $0.count, probability) }
        }
    }

    /// How probable it is that the value is `bound` or less: the cumulative distribution function.
    public func probability(upTo bound: Double) -> Double {
        if bound < 0 { return 0 }
        GSL.prepare()
        return switch family {
        case .constant(let value): bound < value ? 0 : 1
        case .uniform(let low, let high): bound < low ? 0 : bound >= high ? 1 : (bound - low) / (high - low)
        case .exponential(let mean): gsl_cdf_exponential_P(bound, mean)
        case .weibull(let shape, let scale): gsl_cdf_weibull_P(bound, scale, shape)
        case .lognormal(let logMean, let logDeviation): gsl_cdf_lognormal_P(bound, logMean, logDeviation)
        case .gamma(let shape, let scale): Self.standardGammaProbability(upTo: bound / scale, shape: shape)
        case .pareto(let shape, let scale): gsl_cdf_pareto_P(bound, shape, scale)
        case .boundedPareto(let shape, let low, let high):
            bound >= high ? 1 : gsl_cdf_pareto_P(bound, shape, low) / gsl_cdf_pareto_P(high, shape, low)
        case .truncatedNormal(let mean, let deviation):
            // From the upper tails, which lose no digits as the lower ones would by subtraction.
            1 - gsl_cdf_ugaussian_Q((bound - mean) / deviation) / gsl_cdf_ugaussian_Q(-mean / deviation)
        case .empirical(let values): Self.empiricalProbability(upTo: bound, sortedValues: values)
        }
    }

    /// The expected value of a sample: infinite for a Pareto distribution of shape 1 or less. For an empirical distribution that of its
    /// interpolated quantile function, in which the smallest and the largest observation count half.
    public var mean: Double {
        GSL.prepare()
        switch family {
        case .constant(let value): return value
        case .uniform(let low, let high): return low + (high - low) / 2
        case .exponential(let mean): return mean
        case .weibull(let shape, let scale): return scale * exp(gsl_sf_lngamma(1 + 1 / shape))
        case .lognormal(let logMean, let logDeviation): return exp(logMean + logDeviation * logDeviation / 2)
        case .gamma(let shape, let scale): return shape * scale
        case .pareto(let shape, let scale): return shape <= 1 ? .infinity : scale * (shape / (shape - 1))
        case .boundedPareto(let shape, let low, let high): return Self.boundedParetoMean(shape: shape, low: low, high: high)
        case .truncatedNormal(let mean, let deviation):
            let ratio = mean / deviation
            let density = exp(-ratio * ratio / 2) / (2 * Double.pi).squareRoot()
            return mean + deviation * density / gsl_cdf_ugaussian_P(ratio)
        case .empirical(let values):
            if values.count == 1 { return values[0] }
            let inner = values.reduce(0, +) - (values[0] + values[values.count - 1]) / 2
            return inner / Double(values.count - 1)
        }
    }
}

// MARK: - What GSL does not have, or not always

extension Distribution {
    /// The quantile of a Pareto variable given that it is not above `high`. From the upper tail, which loses no digits where the density is low.
    private static func boundedParetoQuantile(_ probability: Double, shape: Double, low: Double, high: Double) -> Double {
        let beyond = gsl_cdf_pareto_Q(high, shape, low)
        return min(high, gsl_cdf_pareto_Qinv(beyond + (1 - probability) * (1 - beyond), shape, low))
    }

    /// The integral of the quantile function; the shape 1 is a limit in which a power turns into a logarithm.
    private static func boundedParetoMean(shape: Double, low: Double, high: Double) -> Double {
        let logRatio = log(low / high)
        let power = shape == 1 ? -logRatio : -expm1((shape - 1) * logRatio) / (shape - 1)
        return low * shape * power / -expm1(shape * logRatio)
    }

    /// The shapes for which GSL's gamma functions are used. Measured against each other, they are good to 1e-9 in here; below, the
    /// inverse often gives up (returns NaN); above, from about 30,000 on, the probability itself is wrong near the mean, even negative.
    private static let reliableGammaShapes = 0.2...10_000.0

    /// The quantile of the gamma distribution of scale 1.
    ///
    /// For large shapes by Wilson and Hilferty's transformation ("The distribution of chi-square", 1931): the cube root of a gamma
    /// variable is nearly normal. From shape 10,000 on its error is below 3e-5 standard deviations, which are themselves at most
    /// 1 % of the mean. For small shapes the root of the probability is bracketed, on a logarithmic axis.
    static func standardGammaQuantile(_ probability: Double, shape: Double) -> Double {
        GSL.prepare()
        if probability <= 0 { return 0 }
        if probability >= 1 { return .infinity }
        if shape > reliableGammaShapes.upperBound {
            let normal = gsl_cdf_ugaussian_Pinv(probability)
            return shape * pow(1 - 1 / (9 * shape) + normal / (3 * shape.squareRoot()), 3)
        }
        if shape >= reliableGammaShapes.lowerBound {
            let quantile = gsl_cdf_gamma_Pinv(probability, shape, 1)
            if quantile.isFinite { return quantile }
        }
        // From the upper tail where that is the smaller number, to keep its digits.
        func excess(_ logarithm: Double) -> Double {
            let value = exp(logarithm)
            return probability < 0.5
                ? gsl_cdf_gamma_P(value, shape, 1) - probability : (1 - probability) - gsl_cdf_gamma_Q(value, shape, 1)
        }
        // exp(-745) is the smallest number a Double holds: a quantile below is zero.
        let lowest = -745.0
        let highest = log(shape + 1000 * (1 + shape.squareRoot()))
        if excess(lowest) >= 0 { return 0 }
        return GSL.root(in: lowest...highest, of: excess).map(exp) ?? .nan
    }

    /// The cumulative probability of the gamma distribution of scale 1; the inverse of ``standardGammaQuantile(_:shape:)``.
    private static func standardGammaProbability(upTo bound: Double, shape: Double) -> Double {
        if shape <= reliableGammaShapes.upperBound { return gsl_cdf_gamma_P(bound, shape, 1) }
        return gsl_cdf_ugaussian_P(3 * shape.squareRoot() * (pow(bound / shape, 1 / 3) - 1 + 1 / (9 * shape)))
    }

    private static func truncatedNormalQuantile(_ probability: Double, mean: Double, deviation: Double) -> Double {
        // Of the whole normal variable's upper tail, this much remains above the value. The mean is positive, so at least half of all.
        let above = gsl_cdf_ugaussian_P(mean / deviation) * (1 - probability)
        let standardised =
            above < 0.5
            ? gsl_cdf_ugaussian_Qinv(above)
            : gsl_cdf_ugaussian_Pinv(gsl_cdf_ugaussian_Q(mean / deviation) + gsl_cdf_ugaussian_P(mean / deviation) * probability)
        return max(0, mean + deviation * standardised)
    }

    /// The inverse of linear interpolation between order statistics.
    private static func empiricalProbability(upTo bound: Double, sortedValues values: [Double]) -> Double {
        // The number of values not above the bound, by bisection.
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            if values[middle] <= bound { low = middle + 1 } else { high = middle }
        }
        if low == 0 { return 0 }
        if low == values.count { return 1 }
        let fraction = (bound - values[low - 1]) / (values[low] - values[low - 1])
        return (Double(low - 1) + fraction) / Double(values.count - 1)
    }
}
