// Reads an experiment: factors, values, design, seeds.

import KubernetesAPI

extension ScenarioDecoder {
    /// An experiment with all its combinations; nil: what is wrong has been reported.
    mutating func experiment(_ document: YAMLNode, file: String) -> Experiment? {
        guard let fields = open(document, ExperimentFormat.experiment) else { return nil }
        _ = string(fields, "apiVersion")
        _ = string(fields, "kind")
        let name = field(fields, "metadata").flatMap { experimentName($0) }
        guard let node = field(fields, "spec"), let spec = open(node, ExperimentFormat.spec) else { return nil }
        let scenario = string(spec, "scenario")
        let factors = factors(spec, node)
        let replications = field(spec, "seeds").flatMap { replicates($0) }
        let warmUp = warmUp(spec).map { WarmUpOverride($0, source: context.position(of: spec["warmUp"] ?? node)) }
        let outputs = outputs(spec, "outputs")
        let share = share(spec, "precision")
        let target = replications.flatMap { untilPrecise(spec, outputs.map(\.name), first: $0) }
        let design = design(spec)
        guard let name, let scenario, let replications, let design, !context.hasErrors else { return nil }
        let most = (target?.precision.limit ?? replications.seeds.count) * (replications.antithetic ? 2 : 1)
        guard let combinations = combinations(factors, design, runs: most, spec["design"] ?? node) else { return nil }
        return Experiment(
            name: name, file: file, factors: factors, combinations: combinations, replications: replications, warmUp: warmUp,
            outputs: outputs.map(\.name), outputPositions: outputs.map(\.position), scenarioFile: location(of: scenario),
            scenarioPosition: context.position(of: spec["scenario"] ?? node),
            precision: share ?? target?.precision.share ?? Comparison.defaultPrecision, untilPrecise: target)
    }

    private mutating func experimentName(_ node: YAMLNode) -> String? {
        guard let fields = open(node, ScenarioFormat.metadata), let name = string(fields, "name") else { return nil }
        _ = string(fields, "description")
        if let value = fields["name"] {
            // It becomes the name of a folder.
            for problem in NameValidation.dns1123Label(name) { context.error(value, "Invalid value: \"\(name)\": \(problem)") }
        }
        return name
    }

    private mutating func outputs(_ spec: Fields, _ name: String) -> [(name: String, position: String)] {
        var outputs: [(name: String, position: String)] = []
        for node in list(spec, name) {
            guard let name = String.decode(node, &context) else { continue }
            if outputs.contains(where: { $0.name == name }) { context.error(node, "\"\(name)\" is given twice") }
            outputs.append((name, context.position(of: node)))
        }
        return outputs
    }

    /// A share above nothing and below the whole: `1%` or 0.01.
    private mutating func share(_ fields: Fields, _ name: String) -> Double? {
        guard let node = field(fields, name) else { return nil }
        guard let text = node.scalarText, let share = Comparison.Precision.share(of: text) else {
            context.error(node, "Invalid value: expected a share below the whole, such as 1% or 0.01")
            return nil
        }
        return share
    }

    /// - Parameters:
    ///   - outputs: what the experiment keeps; empty: everything.
    ///   - first: the seeds of the first round.
    private mutating func untilPrecise(_ spec: Fields, _ outputs: [String], first: Replicates) -> Experiment.PrecisionTarget? {
        guard let node = field(spec, "untilPrecise"), let fields = open(node, ExperimentFormat.untilPrecise) else { return nil }
        if let other = spec["precision"] {
            context.error(other, "untilPrecise says how narrow intervals are wanted: only one of both may be given")
        }
        let own = self.outputs(fields, "outputs")
        for (name, _) in own where !outputs.isEmpty && !outputs.contains(name) {
            context.error(node, "outputs: \"\(name)\" is not among the outputs that the experiment keeps")
        }
        let names = own.isEmpty ? outputs : own.map(\.name)
        if names.isEmpty { context.error(node, "which interval is to be narrow? name figures in outputs, of this or of the experiment") }
        let limit = integer(fields, "maximumSeeds") ?? ExperimentFormat.defaultMaximumSeeds
        if first.seeds.count < 2 { context.error(node, "takes at least 2 seeds to begin with") }
        if limit < first.seeds.count { context.error(node, "maximumSeeds must not be less than the \(first.seeds.count) seeds") }
        let (end, overflow) = (first.seeds.first ?? 0).addingReportingOverflow(UInt64(limit))
        if overflow || first.antithetic && !Replicates.canMirror(0..<end) {
            context.error(node, "there are not \(limit) seeds from \(first.seeds.first ?? 0) on")
        }
        guard let share = share(fields, "share") else { return nil }
        return Experiment.PrecisionTarget(
            precision: Comparison.Precision(share: share, metrics: names, limit: limit), position: context.position(of: node))
    }

    private mutating func replicates(_ node: YAMLNode) -> Replicates? {
        if node.kind == .scalar {
            return integer(node, in: 1...ExperimentFormat.maximumSeeds).map { Replicates((1...UInt64($0)).map { $0 }) }
        }
        guard let fields = open(node, ExperimentFormat.seeds) else { return nil }
        let antithetic = boolean(fields, "antithetic") ?? false
        guard let first = integer(fields, "from"), let count = integer(fields, "count") else { return nil }
        let (last, overflow) = first.addingReportingOverflow(count - 1)
        if overflow {
            context.error(node, "there are not \(count) seeds from \(first) on")
            return nil
        }
        return Replicates(Array(UInt64(first)...UInt64(last)), antithetic: antithetic)
    }

    // MARK: Factors

    private mutating func factors(_ spec: Fields, _ node: YAMLNode) -> [Factor] {
        var factors: [Factor] = []
        if let list = field(spec, "schedulers") {
            factors.append(
                Factor(
                    name: ExperimentTables.scheduler, position: context.position(of: list), domain: .levels(schedulers(spec, list))))
        }
        var paths: [FactorPath] = []
        for element in list(spec, "factors") {
            guard let factor = factor(element, &paths) else { continue }
            if factors.contains(where: { $0.name == factor.name }) {
                context.error(element, "there are two factors named \"\(factor.name)\"")
            }
            if factor.isScheduler, factors.contains(where: \.isScheduler) {
                context.error(element, "there are two factors for the scheduler")
            }
            factors.append(factor)
        }
        if factors.isEmpty, !context.hasErrors { context.error(node, "varies nothing: give schedulers, or factors") }
        return factors
    }

    /// Policies, each called after its file.
    private mutating func schedulers(_ fields: Fields, _ list: YAMLNode) -> [FactorLevel] {
        var levels: [FactorLevel] = []
        for node in self.list(fields, "schedulers") {
            guard let path = String.decode(node, &context) else { continue }
            let label = path == ScenarioFile.defaultPolicy ? path : PathText.baseName(path)
            if levels.contains(where: { $0.label == label }) {
                context.error(node, "two policies are called \"\(label)\", after the names of their files; rename one of them")
            }
            levels.append(FactorLevel(label: label, effect: .scheduler(path == label ? path : location(of: path))))
        }
        if levels.isEmpty { context.error(list, "names no policy") }
        return levels
    }

    private mutating func factor(_ node: YAMLNode, _ known: inout [FactorPath]) -> Factor? {
        guard let fields = open(node, ExperimentFormat.factor) else { return nil }
        let name = factorName(fields)
        let targets = scenarioFields(fields, node, &known)
        var domain: Factor.Domain?
        if let list = field(fields, "schedulers") {
            if !targets.isEmpty { context.error(list, "a factor sets either fields or the scheduler") }
            domain = .levels(schedulers(fields, list))
        } else if targets.isEmpty, !context.hasErrors {
            context.error(node, "one of these is needed: path, paths")
        }
        if let list = field(fields, "levels") { domain = .levels(levels(fields, list, targets)) }
        if let node = field(fields, "range") { domain = range(node).map { .range($0, targets) } }
        guard let name, let domain else { return nil }
        return Factor(name: name, position: context.position(of: node), domain: domain)
    }

    private mutating func factorName(_ fields: Fields) -> String? {
        guard let name = string(fields, "name"), let node = fields["name"] else { return nil }
        if !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }) {
            context.error(node, "Invalid value: \"\(name)\": letters, digits, and _ - . in between: it becomes the name of a column")
        }
        if ExperimentTables.reserved.contains(name) {
            context.error(node, "Invalid value: \"\(name)\": results have a column of this name")
        }
        return name
    }

    private mutating func scenarioFields(_ fields: Fields, _ node: YAMLNode, _ known: inout [FactorPath]) -> [Factor.ScenarioField] {
        var nodes = list(fields, "paths")
        if let path = field(fields, "path") { nodes.append(path) }
        if fields["path"] != nil, let paths = fields["paths"] { context.error(paths, "only one of these may be given: path, paths") }
        var result: [Factor.ScenarioField] = []
        for node in nodes {
            guard let text = String.decode(node, &context) else { continue }
            do throws(FactorPathError) {
                let path = try FactorPath(text)
                if let other = known.first(where: { $0.overlaps(path) }) {
                    context.error(node, "is about the same field as \(other.text), or a part of it")
                }
                known.append(path)
                result.append(Factor.ScenarioField(path: path, position: context.position(of: node)))
            } catch {
                context.error(node, "Invalid value: \"\(text)\": \(error.message)")
            }
        }
        return result
    }

    private mutating func levels(_ fields: Fields, _ list: YAMLNode, _ targets: [Factor.ScenarioField]) -> [FactorLevel] {
        var levels: [FactorLevel] = []
        for node in self.list(fields, "levels") {
            guard let (label, value) = level(node) else { continue }
            if levels.contains(where: { $0.label == label }) { context.error(node, "there are two levels called \"\(label)\"") }
            levels.append(FactorLevel(label: label, effect: .edits(targets.map { ScenarioEdit(field: $0, value: value) })))
        }
        if levels.isEmpty { context.error(list, "has no levels") }
        return levels
    }

    private mutating func level(_ node: YAMLNode) -> (label: String, value: YAMLNode)? {
        switch node.kind {
        case .scalar: return (node.isNull ? "null" : node.scalarText ?? "", node)
        case .sequence:
            context.error(node, "a list needs a name: {name: ..., value: [...]}")
            return nil
        case .mapping:
            guard let fields = open(node, ExperimentFormat.level), let label = string(fields, "name") else { return nil }
            // null is a value here.
            guard let value = node["value"] else {
                context.error(node, "required field \"value\" is missing; null takes the field away")
                return nil
            }
            return (label, value)
        }
    }

    private mutating func range(_ node: YAMLNode) -> FactorRange? {
        guard let fields = open(node, ExperimentFormat.range) else { return nil }
        let unit = string(fields, "unit") ?? ""
        if let node = fields["unit"], !unit.allSatisfy({ $0.isLetter || $0 == "%" }) {
            context.error(node, "Invalid value: \"\(unit)\": a unit has letters only")
            return nil
        }
        let step = number(fields, "step")
        guard let from = number(fields, "from"), let to = number(fields, "to") else { return nil }
        guard from < to else {
            context.error(node, "must go from a lesser to a greater number")
            return nil
        }
        if let step, step > to - from, let node = fields["step"] {
            context.error(node, "is more than there is between the ends")
            return nil
        }
        if let step, (to - from) / step > Double(Int32.max), let node = fields["step"] {
            context.error(node, "makes more than \(Int32.max) values")
            return nil
        }
        return FactorRange(from: from, to: to, step: step, unit: unit)
    }

    private mutating func number(_ fields: Fields, _ name: String) -> Double? {
        guard let node = field(fields, name) else { return nil }
        guard let field = fields.type.field(name), case .number(let range) = field.type else { preconditionFailure("\(name) is no number") }
        return number(node, in: range)
    }

    // MARK: Design

    private mutating func design(_ spec: Fields) -> ExperimentDesign? {
        guard let node = field(spec, "design") else { return .grid }
        if node.kind == .scalar {
            if node.scalarText == ExperimentFormat.grid { return .grid }
            context.error(node, "Unsupported value: \"\(node.scalarText ?? "")\": expected grid, {latinHypercube: ...} or {sobol: ...}")
            return nil
        }
        guard let fields = open(node, ExperimentFormat.design) else { return nil }
        if let node = field(fields, "latinHypercube"), let hypercube = open(node, ExperimentFormat.latinHypercube) {
            let seed = UInt64(integer(hypercube, "seed") ?? 1)
            return integer(hypercube, "combinations").map { .latinHypercube(combinations: $0, seed: seed) }
        }
        if let node = field(fields, "sobol"), let sobol = open(node, ExperimentFormat.sobol) {
            return integer(sobol, "combinations").map { .sobol(combinations: $0) }
        }
        return nil
    }

    private mutating func combinations(
        _ factors: [Factor], _ design: ExperimentDesign, runs: Int, _ node: YAMLNode
    ) -> [Experiment.Combination]? {
        if let problem = design.problem(with: factors) {
            context.error(node, problem)
            return nil
        }
        let count = design.count(factors)
        guard let count, count <= ExperimentFormat.maximumCases / runs else {
            let made = count.map { "\($0) combinations with \(runs) runs each are" } ?? "the combinations are"
            context.error(node, "\(made) more than \(ExperimentFormat.maximumCases) runs, the most an experiment may ask for")
            return nil
        }
        return design.choices(factors).enumerated().map { number, choice in
            let levels = zip(factors, choice).map { $0.level($1) }
            let isPolicy = factors.count == 1 && factors[0].isScheduler
            let text = isPolicy ? levels[0].label : zip(factors, levels).map { "\($0.name)=\($1.label)" }.joined(separator: " ")
            // Combinations that a design chooses may be equal in all that their names tell.
            return Experiment.Combination(levels: levels, label: design.isGrid ? text : "\(number + 1): \(text)")
        }
    }
}
