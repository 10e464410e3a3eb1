// Distributions: their functions agree with each other, their constructors do what they promise, and nonsense is refused.
import Testing

@testable import DiscreteEvents

private func everyFamily() throws -> [Distribution] {
    [
        try .constant(3), try .uniform(low: 2, high: 5), try .exponential(mean: 4), try .weibull(shape: 0.8, scale: 30),
        try .weibull(shape: 3, scale: 2), try .lognormal(logMean: 1, logDeviation: 0.7), try .gamma(shape: 2.5, scale: 3),
        try .gamma(shape: 0.3, scale: 10), try .gamma(shape: 0.05, scale: 10), try .gamma(shape: 50_000, scale: 1e-4),
        try .pareto(shape: 2.5, scale: 1), try .boundedPareto(shape: 1.1, low: 0.5, high: 200),
        try .boundedPareto(shape: 1, low: 1, high: 50), try .boundedPareto(shape: 0.4, low: 1, high: 9),
        try .truncatedNormal(mean: 5, deviation: 1),
        try .truncatedNormal(mean: 1, deviation: 3), try .empirical([4, 1, 3, 10, 2, 2]), try .empirical([7]),
    ]
}

/// Constructors by mean and quantile, by name, for tables of arguments.
private enum Solver: String, CaseIterable {
    case lognormal, weibull, gamma, pareto

    func solve(mean: Double, quantile: Double, at level: Double) throws -> Distribution {
        switch self {
        case .lognormal: try .lognormal(mean: mean, quantile: quantile, at: level)
        case .weibull: try .weibull(mean: mean, quantile: quantile, at: level)
        case .gamma: try .gamma(mean: mean, quantile: quantile, at: level)
        case .pareto: try .pareto(mean: mean, quantile: quantile, at: level)
        }
    }
}

private func isClose(_ left: Double, _ right: Double, within tolerance: Double) -> Bool {
    abs(left - right) <= tolerance * max(abs(left), abs(right))
}

@Suite("Distributions")
struct DistributionTests {
    @Test("quantiles never decrease and invert the cumulative probability", arguments: try everyFamily())
    func quantiles(distribution: Distribution) {
        var previous = 0.0
        let inner: [Double] = (1..<1000).map { Double($0) / 1000 }
        let levels: [Double] = [0x1p-53, 1e-12, 1e-6] + inner + [1 - 1e-6, 1 - 1e-12, 1 - 0x1p-53]
        for level in levels {
            let quantile = distribution.quantile(level)
            #expect(quantile.isFinite && quantile >= previous, "\(distribution) at \(level)")
            previous = quantile
            let probability = distribution.probability(upTo: quantile)
            if case .constant = distribution.family {
                #expect(probability == 1)
            } else if case .empirical = distribution.family {
                #expect(probability >= level - 1e-12)
            } else {
                #expect(abs(probability - level) < 1e-9, "\(distribution) at \(level)")
            }
        }
        #expect(distribution.probability(upTo: -1) == 0)
    }

    @Test("the mean is the integral of the quantile function", arguments: try everyFamily())
    func means(distribution: Distribution) {
        // Substituting p = t²(3 - 2t) takes the poles at 0 and 1 away; midpoints avoid the ends.
        let steps = 200_000
        let integral = (0..<steps).map { step -> Double in
            let position = (Double(step) + 0.5) / Double(steps)
            let slope = 6 * position * (1 - position) / Double(steps)
            return distribution.quantile(position * position * (3 - 2 * position)) * slope
        }.reduce(0, +)
        #expect(isClose(integral, distribution.mean, within: 2e-4), "\(distribution): \(integral) and \(distribution.mean)")
    }

    @Test("a bounded Pareto variable is a Pareto variable that is not above the bound")
    func boundedPareto() throws {
        let bounded = try Distribution.boundedPareto(shape: 1.5, low: 2, high: 30)
        let free = try Distribution.pareto(shape: 1.5, scale: 2)
        #expect(bounded.quantile(0) == 2 && bounded.quantile(1) == 30)
        #expect(bounded.probability(upTo: 30) == 1 && bounded.probability(upTo: 2) == 0)
        for value in [2.1, 3, 10, 29] {
            #expect(isClose(bounded.probability(upTo: value), free.probability(upTo: value) / free.probability(upTo: 30), within: 1e-12))
        }
    }

    @Test("a sample is the quantile of one draw")
    func sampling() throws {
        let distribution = try Distribution.weibull(shape: 0.8, scale: 30)
        var stream = RandomStream(seed: 1, purpose: RandomPurpose("test"), owner: 0)
        var uniforms = stream
        for _ in 0..<100 {
            let (sample, uniform) = (distribution.sample(&stream), uniforms.uniform())
            #expect(sample == distribution.quantile(uniform))
        }
        #expect(stream == uniforms)
        let duration = try Distribution.constant(1.5).sampleDuration(&stream)
        #expect(duration == .milliseconds(1500))
    }

    @Test(
        "mean and quantile are reproduced, above the mean and below", arguments: Solver.allCases,
        [(4, 15, 0.99), (4, 4.4, 0.95), (10, 15, 0.9), (10, 8, 0.5), (10, 9.5, 0.6), (1e-3, 3e-3, 0.99), (2_592_000, 8e6, 0.99)]
            as [(Double, Double, Double)])
    fileprivate func meanAndQuantile(solver: Solver, wanted: (mean: Double, quantile: Double, level: Double)) throws {
        let distribution = try solver.solve(mean: wanted.mean, quantile: wanted.quantile, at: wanted.level)
        #expect(isClose(distribution.mean, wanted.mean, within: 1e-9))
        #expect(isClose(distribution.quantile(wanted.level), wanted.quantile, within: 1e-8))
    }

    @Test("of two solutions the one with the smaller spread is taken")
    func smallerSpread() throws {
        guard case .lognormal(_, let deviation) = try Distribution.lognormal(mean: 4, quantile: 15, at: 0.99).family else {
            Issue.record("not lognormal")
            return
        }
        #expect(deviation < 2.3263 && deviation > 0)
        guard case .weibull(let shape, _) = try Distribution.weibull(mean: 1, quantile: 4.605170185988091, at: 0.99).family else {
            Issue.record("not weibull")
            return
        }
        // The p99 of an exponential distribution, which is the Weibull distribution of shape 1.
        #expect(isClose(shape, 1, within: 1e-9))
    }

    @Test(
        "mean and quantile that do not go together are refused", arguments: Solver.allCases,
        [(4, 400, 0.99), (15, 4, 0.99), (4, 4, 0.99), (4, 5, 0.2), (4, 4.0000001, 0.99)] as [(Double, Double, Double)])
    fileprivate func unattainable(solver: Solver, wanted: (mean: Double, quantile: Double, level: Double)) {
        let error = #expect(throws: DistributionError.self) {
            try solver.solve(mean: wanted.mean, quantile: wanted.quantile, at: wanted.level)
        }
        guard case .unattainable = error else {
            Issue.record("\(solver.rawValue): \(String(describing: error))")
            return
        }
    }

    @Test("a refusal names the bound")
    func message() {
        let error = #expect(throws: DistributionError.self) { try Distribution.lognormal(mean: 4, quantile: 400, at: 0.99) }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("lognormal distribution: mean 4.0 and p99 400.0 do not go together: "))
        #expect(text.contains("at most 59.8"))
    }

    @Test("parameters out of range are refused by name", arguments: [Double.nan, .infinity, -.infinity, -1, 0])
    func parameters(value: Double) {
        let attempts: [(String, () throws -> Distribution)] = [
            ("mean", { try .exponential(mean: value) }), ("shape", { try .weibull(shape: value, scale: 1) }),
            ("scale", { try .weibull(shape: 1, scale: value) }), ("logDeviation", { try .lognormal(logMean: 0, logDeviation: value) }),
            ("shape", { try .gamma(shape: value, scale: 1) }), ("scale", { try .gamma(shape: 1, scale: value) }),
            ("shape", { try .pareto(shape: value, scale: 1) }), ("scale", { try .pareto(shape: 1, scale: value) }),
            ("mean", { try .truncatedNormal(mean: value, deviation: 1) }),
            ("deviation", { try .truncatedNormal(mean: 1, deviation: value) }), ("high", { try .uniform(low: 2, high: value) }),
            ("shape", { try .boundedPareto(shape: value, low: 1, high: 2) }),
            ("low", { try .boundedPareto(shape: 1, low: value, high: 2) }),
            ("high", { try .boundedPareto(shape: 1, low: 2, high: value) }),
            ("mean", { try .lognormal(mean: value, quantile: 3, at: 0.9) }), ("p90", { try .weibull(mean: 2, quantile: value, at: 0.9) }),
            ("quantile level", { try .gamma(mean: 2, quantile: 3, at: value) }),
        ]
        for (name, attempt) in attempts {
            let error = #expect(throws: DistributionError.self) { try attempt() }
            guard case .parameter(_, name, _, _) = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
        }
        if value != 0 {
            #expect(throws: DistributionError.self) { try Distribution.constant(value) }
            #expect(throws: DistributionError.self) { try Distribution.empirical([1, value]) }
        }
        #expect(throws: DistributionError.self) { try Distribution.empirical([]) }
    }

    @Test("measurements are read from lists and from CSV columns")
    func files() throws {
        let list = "seconds\n# measured in May\n1.5\r\n\n 2 \n0.5"
        #expect(try Distribution.empirical(readingFrom: list, file: "a.txt").family == .empirical(sortedValues: [0.5, 1.5, 2]))
        let table = "\u{FEFF}name,\"run, s\"\n\"a \"\"b\"\", c\",4\nd,3\n"
        #expect(try Distribution.empirical(readingFrom: table, file: "a.csv", column: "run, s").family == .empirical(sortedValues: [3, 4]))
    }

    @Test(
        "unreadable files are refused with file, line and reason",
        arguments: [
            ("1\n2\nx\n", nil, "a:3: \"x\": not a number"), ("1\n-2\n", nil, "a:2: \"-2\": must be a finite number, not negative"),
            ("1,2\n", nil, "a:1: \"1,2\": not one number; to read a CSV file, name the column"),
            ("", nil, "a: no numbers in it; an empirical distribution needs at least one"),
            ("x,y\n1,2\n", "z", "a: no column \"z\"; the columns are x, y"), ("x,y\n1\n", "y", "a:2: \"1\": this row has no column \"y\""),
        ] as [(String, String?, String)])
    func unreadable(text: String, column: String?, message: String) {
        let error = #expect(throws: DistributionError.self) {
            try Distribution.empirical(readingFrom: text, file: "a", column: column)
        }
        #expect(error?.description == message)
    }

    @Test(
        "gamma quantiles are finite and ordered even where GSL's own functions are not",
        arguments: [1e-3, 0.01, 0.05, 0.1, 1, 50, 9999, 10_001, 1e6])
    func gammaShapes(shape: Double) {
        var previous = 0.0
        for step in 1..<2000 {
            let level = Double(step) / 2000
            let quantile = Distribution.standardGammaQuantile(level, shape: shape)
            #expect(quantile.isFinite && quantile >= previous, "shape \(shape) at \(level)")
            previous = quantile
        }
    }
}
