// How random times are written in a scenario, and how they are read.

import DiscreteEvents
import KubernetesAPI

/// The families of distributions and the ways to give their parameters.
enum DistributionFormat {
    struct Family: Sendable {
        var name: String
        var description: String
        var forms: [Form] = []
        /// The type of a value given directly, without parameters' names.
        var acceptsScalar: FieldType?
    }

    /// One set of parameters that fixes the distribution.
    struct Form: Sendable {
        var parameters: [ScenarioField]
        /// Whether one quantile (`p50`, `p99`, `p99.9`) belongs to it.
        var needsQuantile = false
    }

    static let quantilePattern = "^p[0-9]{1,2}(\\.[0-9]+)?$"

    private static let positive = FieldType.number(Double.leastNormalMagnitude...1e6)
    private static let mean = ScenarioField("mean", .duration, required: true, "The mean.")
    private static let shape = ScenarioField("shape", positive, required: true, "The shape parameter.")
    private static let scale = ScenarioField("scale", .duration, required: true, "The scale parameter.")
    private static let least = ScenarioField("min", .duration, required: true, "The least value.")
    private static let byMeanAndQuantile = Form(parameters: [mean], needsQuantile: true)

    static let families = [
        Family(name: "constant", description: "Always the same.", acceptsScalar: .duration),
        Family(
            name: "uniform", description: "Evenly between two bounds.",
            forms: [
                Form(parameters: [
                    ScenarioField("min", .duration, required: true, "The lower bound."),
                    ScenarioField("max", .duration, required: true, "The upper bound."),
                ])
            ]),
        Family(name: "exponential", description: "Memoryless.", forms: [Form(parameters: [mean])]),
        Family(
            name: "weibull", description: "Wears out (shape above 1) or in (below 1).",
            forms: [Form(parameters: [shape, scale]), byMeanAndQuantile]),
        Family(
            name: "lognormal", description: "Skewed to the right: start-up and repair times.",
            forms: [
                Form(parameters: [
                    ScenarioField("mu", .number(-50...50), required: true, "The mean of the logarithm of seconds."),
                    ScenarioField("sigma", positive, required: true, "The standard deviation of that logarithm."),
                ]), byMeanAndQuantile,
            ]),
        Family(name: "gamma", description: "Sums of exponential times.", forms: [Form(parameters: [shape, scale]), byMeanAndQuantile]),
        Family(
            name: "pareto", description: "Heavy-tailed; bounded if there is a `max`.",
            forms: [
                Form(parameters: [shape, least]),
                Form(parameters: [shape, least, ScenarioField("max", .duration, required: true, "The greatest value.")]),
                byMeanAndQuantile,
            ]),
        Family(
            name: "normal", description: "Bell-shaped, cut off below 0.",
            forms: [
                Form(parameters: [mean, ScenarioField("standardDeviation", .duration, required: true, "The standard deviation.")])
            ]),
        Family(
            name: "empirical", description: "As measured: a file with one number of seconds a line, or a list of durations.",
            acceptsScalar: .either(.path, .list(.duration))),
    ]
}

extension ScenarioDecoder {
    /// A distribution of times; its unit is the second.
    mutating func distribution(_ node: YAMLNode) -> Distribution? {
        if node.kind == .scalar {
            return duration(node).map { .constant($0) }
        }
        let names = DistributionFormat.families.map(\.name).joined(separator: ", ")
        guard node.kind == .mapping, node.count == 1, let (name, value) = entry(node) else {
            context.error(node, "expected a duration such as 4s, or one distribution: \(names)")
            return nil
        }
        guard let family = DistributionFormat.families.first(where: { $0.name == name }) else {
            context.error(value, "unknown distribution; expected one of \(names)")
            return nil
        }
        if name == "constant" { return duration(value).map { .constant($0) } }
        if name == "empirical" { return empirical(value) }
        guard value.kind == .mapping else {
            context.expect("object", value)
            return nil
        }
        guard let parameters = parameters(of: family, value) else { return nil }
        do throws(DistributionError) {
            return try make(name, parameters)
        } catch {
            context.error(value, error.description)
            return nil
        }
    }

    private func entry(_ node: YAMLNode) -> (String, YAMLNode)? {
        for (key, value) in node.entries { return (key, value) }
        return nil
    }

    /// Parameters by name in seconds or as plain numbers, and the quantile.
    private struct Parameters {
        var values: [String: Double] = [:]
        var quantile: (probability: Double, value: Double)?

        subscript(name: String) -> Double { values[name] ?? 0 }
        func has(_ name: String) -> Bool { values[name] != nil }
    }

    private mutating func parameters(of family: DistributionFormat.Family, _ node: YAMLNode) -> Parameters? {
        var result = Parameters()
        var isGood = true
        for (key, value) in node.entries {
            if let field = family.forms.lazy.flatMap(\.parameters).first(where: { $0.name == key }) {
                let number: Double?
                if case .number(let range) = field.type {
                    number = self.number(value, in: range)
                } else {
                    number = duration(value)?.seconds
                }
                if let number { result.values[key] = number } else { isGood = false }
            } else if family.forms.contains(where: \.needsQuantile), let probability = ScenarioDecoder.probability(key) {
                if result.quantile != nil {
                    context.error(value, "give one quantile only")
                    isGood = false
                }
                if let seconds = duration(value)?.seconds { result.quantile = (probability, seconds) } else { isGood = false }
            } else {
                context.unknownField(value)
                isGood = false
            }
        }
        guard isGood else { return nil }
        let fits = family.forms.contains { form in
            form.needsQuantile == (result.quantile != nil) && form.parameters.count == result.values.count
                && form.parameters.allSatisfy { result.has($0.name) }
        }
        if fits { return result }
        let forms = family.forms.map { form in
            (form.parameters.map(\.name) + (form.needsQuantile ? ["a quantile such as p99"] : [])).joined(separator: " and ")
        }
        context.error(node, "\(family.name) needs " + forms.joined(separator: ", or "))
        return nil
    }

    /// 0.99 for `p99`, 0.999 for `p99.9`.
    private static func probability(_ name: String) -> Double? {
        guard name.hasPrefix("p"), name.dropFirst().allSatisfy({ $0.isNumber || $0 == "." }), let percent = Double(name.dropFirst()),
            percent > 0, percent < 100
        else { return nil }
        return percent / 100
    }

    private func make(_ name: String, _ parameters: Parameters) throws(DistributionError) -> Distribution {
        let mean = parameters["mean"]
        if let (level, quantile) = parameters.quantile {
            switch name {
            case "weibull": return try .weibull(mean: mean, quantile: quantile, at: level)
            case "lognormal": return try .lognormal(mean: mean, quantile: quantile, at: level)
            case "gamma": return try .gamma(mean: mean, quantile: quantile, at: level)
            case "pareto": return try .pareto(mean: mean, quantile: quantile, at: level)
            default: preconditionFailure("\(name) is not fitted to a quantile")
            }
        }
        switch name {
        case "uniform": return try .uniform(low: parameters["min"], high: parameters["max"])
        case "exponential": return try .exponential(mean: mean)
        case "weibull": return try .weibull(shape: parameters["shape"], scale: parameters["scale"])
        case "lognormal": return try .lognormal(logMean: parameters["mu"], logDeviation: parameters["sigma"])
        case "gamma": return try .gamma(shape: parameters["shape"], scale: parameters["scale"])
        case "pareto" where parameters.has("max"):
            return try .boundedPareto(shape: parameters["shape"], low: parameters["min"], high: parameters["max"])
        case "pareto": return try .pareto(shape: parameters["shape"], scale: parameters["min"])
        case "normal": return try .truncatedNormal(mean: mean, deviation: parameters["standardDeviation"])
        default: preconditionFailure("no distribution \(name)")
        }
    }

    private mutating func empirical(_ node: YAMLNode) -> Distribution? {
        var values: [Double] = []
        if node.kind == .sequence {
            for element in node.elements {
                guard let value = duration(element) else { return nil }
                values.append(value.seconds)
            }
        } else {
            guard let bytes = file(node) else { return nil }
            for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                let text = String(decoding: line, as: UTF8.self).trimmed
                if text.isEmpty || text.hasPrefix("#") { continue }
                guard let value = Double(text), value.isFinite, value >= 0 else {
                    context.error(node, "line \(index + 1) of the file: \(text): expected a number of seconds")
                    return nil
                }
                values.append(value)
            }
        }
        do throws(DistributionError) {
            return try .empirical(values)
        } catch {
            context.error(node, error.description)
            return nil
        }
    }
}
