// Loads an experiment file and checks every form of the scenario it asks for.

import KubernetesAPI

public enum ExperimentFile {
    /// Messages shown at most: what is wrong with a scenario is often wrong with all forms of it.
    private static let maximumMessages = 20

    /// Reads an experiment, and every form of its scenario.
    ///
    /// - Throws: `ScenarioError` with every mistake found, each with file, line and field; those of a scenario name the combination.
    public static func load(_ path: String) throws(ScenarioError) -> Experiment {
        var experiment = try expand(path)
        try check(&experiment)
        return experiment
    }

    /// Reads an experiment without its scenario.
    ///
    /// - Throws: `ScenarioError` with every mistake found, each with file, line and field.
    static func expand(_ path: String) throws(ScenarioError) -> Experiment {
        var decoder = ScenarioDecoder(folder: PathText.split(path).folder)
        let document = try readDocument(path, &decoder)
        let experiment = decoder.experiment(document, file: path)
        let errors = decoder.context.diagnostics.filter { $0.severity == .error }
        guard let experiment, errors.isEmpty else { throw ScenarioError(errors.map(\.description)) }
        return experiment
    }

    /// Whether a file says that it is an experiment; files that cannot be read are none.
    public static func isExperiment(_ path: String) -> Bool {
        guard let bytes = try? InputFiles.read(path), let file = try? YAMLFile.parse(bytes, name: path) else { return false }
        return file.documents.first?["kind"]?.scalarText == ExperimentFormat.kind
    }

    private static func readDocument(_ path: String, _ decoder: inout ScenarioDecoder) throws(ScenarioError) -> YAMLNode {
        do {
            let documents = try YAMLFile.parse(try decoder.read(path, beside: false), name: path).documents.filter { !$0.isNull }
            guard documents.count == 1 else {
                throw ScenarioError(["\(path):1: expected one document, an Experiment; found \(documents.count)"])
            }
            return documents[0]
        } catch let error as ScenarioError {
            throw error
        } catch {
            throw ScenarioError(["\(error)"])
        }
    }

    /// Reads every form of the scenario, and looks whether the figures that are asked for will be there.
    private static func check(_ experiment: inout Experiment) throws(ScenarioError) {
        guard InputFiles.exists(experiment.scenarioFile) else {
            // Scenarios of published traces are not kept with the experiments on them.
            throw ScenarioError([
                "\(experiment.scenarioPosition): no such file: \(experiment.scenarioFile); if it is a published trace, `seatrial import` makes it "
                    + "from the files as published: what is needed stands at the top of \(experiment.file), or in the documentation it names"
            ])
        }
        let overlaps = FactorOverlap(scenarioFile: experiment.scenarioFile)?.messages(experiment.factors.flatMap(\.fields)) ?? []
        if !overlaps.isEmpty { throw ScenarioError(overlaps) }
        var mistakes: [(message: String, combination: Int, count: Int)] = []
        var known: [String] = []
        for combination in experiment.combinations.indices {
            do throws(ScenarioError) {
                let scenario = try experiment.scenario(combination)
                for name in try scenario.metricNames() where !known.contains(name) { known.append(name) }
                for warning in scenario.warnings where !experiment.warnings.contains(warning) { experiment.warnings.append(warning) }
                experiment.scenarioFingerprints.append(scenario.fingerprint)
            } catch {
                for message in error.messages {
                    if let index = mistakes.firstIndex(where: { $0.message == message }) {
                        mistakes[index].count += 1
                    } else {
                        mistakes.append((message, combination, 1))
                    }
                }
            }
        }
        if !mistakes.isEmpty {
            let more = mistakes.count > maximumMessages ? ["... and \(mistakes.count - maximumMessages) more"] : []
            throw ScenarioError(mistakes.prefix(maximumMessages).map { describe($0, experiment) } + more)
        }
        var messages: [String] = []
        for (name, position) in zip(experiment.outputs, experiment.outputPositions) where !known.contains(name) {
            messages.append("\(position): " + MetricNames.unknown(name, among: known))
        }
        if let target = experiment.untilPrecise {
            for name in target.precision.metrics where !experiment.outputs.contains(name) && !known.contains(name) {
                messages.append("\(target.position).outputs: " + MetricNames.unknown(name, among: known))
            }
        }
        for factor in experiment.factors where known.contains(factor.name) {
            messages.append("\(factor.position): \"\(factor.name)\" is the name of a figure in summary.csv: call the factor otherwise")
        }
        if !messages.isEmpty { throw ScenarioError(messages) }
        let repeated = experiment.repeatedCombinations
        if repeated > 0 {
            experiment.warnings.append(
                "\(experiment.file): spec.design: of \(experiment.combinations.count) combinations \(repeated) are the same as an earlier one, and have "
                    + "the same results: the factors have few values")
        }
    }

    /// What is wrong with some forms of the scenario names the first of them.
    private static func describe(_ mistake: (message: String, combination: Int, count: Int), _ experiment: Experiment) -> String {
        if mistake.count == experiment.combinations.count { return mistake.message }
        let more = mistake.count > 1 ? " (and in \(Presentation.count(mistake.count - 1, "other combination")))" : ""
        let label = experiment.combinations[mistake.combination].label
        return "combination \(mistake.combination + 1) (\(label)): \(mistake.message)\(more)"
    }
}
