// Loads an experiment file and the scenario it varies.

import KubernetesAPI

/// Policies, seeds and figures of one scenario, ready to run.
public struct Experiment: Sendable {
    /// `metadata.name`: the folder of its results.
    public var name: String
    /// One for each policy, equal but for the scheduler.
    public var scenarios: [Scenario]
    public var seeds: [UInt64]
    /// Names of metrics, in the order to report them; empty: all.
    public var outputs: [String]
}

public enum ExperimentFile {
    /// Reads an experiment.
    ///
    /// - Throws: `ScenarioError` with every mistake found, each with file, line and field.
    public static func load(_ path: String) throws(ScenarioError) -> Experiment {
        var decoder = ScenarioDecoder(folder: PathText.split(path).folder)
        let document = try readDocument(path, &decoder)
        let plan = readPlan(document, &decoder)
        let errors = decoder.context.diagnostics.filter { $0.severity == .error }
        guard let plan, errors.isEmpty else { throw ScenarioError(errors.map(\.description)) }
        var experiment = Experiment(name: plan.name, scenarios: [], seeds: plan.seeds, outputs: plan.outputs)
        for scheduler in plan.schedulers {
            let file = scheduler == ScenarioFile.defaultPolicy ? scheduler : decoder.location(of: scheduler)
            let scenario = try ScenarioFile.load(
                decoder.location(of: plan.scenario), overrides: ScenarioOverrides(scheduler: file))
            if experiment.scenarios.contains(where: { $0.policy == scenario.policy }) {
                throw ScenarioError([
                    "\(path): two policies are called \"\(scenario.policy)\", after the names of their files; rename one of them"
                ])
            }
            experiment.scenarios.append(scenario)
        }
        return experiment
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

    private struct Plan {
        var name: String
        var scenario: String
        var schedulers: [String]
        var seeds: [UInt64]
        var outputs: [String]
    }

    private static func readPlan(_ document: YAMLNode, _ decoder: inout ScenarioDecoder) -> Plan? {
        guard let fields = decoder.open(document, ExperimentFormat.experiment) else { return nil }
        _ = decoder.string(fields, "apiVersion")
        _ = decoder.string(fields, "kind")
        let name = decoder.field(fields, "metadata").flatMap { readName($0, &decoder) }
        guard let node = decoder.field(fields, "spec"), let spec = decoder.open(node, ExperimentFormat.spec) else { return nil }
        let scenario = decoder.string(spec, "scenario")
        let schedulers = strings(spec, "schedulers", &decoder)
        if schedulers.isEmpty, let list = spec["schedulers"] { decoder.context.error(list, "names no policy") }
        let seeds = decoder.field(spec, "seeds").flatMap { readSeeds($0, &decoder) }
        let outputs = strings(spec, "outputs", &decoder)
        guard let name, let scenario, let seeds else { return nil }
        return Plan(name: name, scenario: scenario, schedulers: schedulers, seeds: seeds, outputs: outputs)
    }

    private static func readName(_ node: YAMLNode, _ decoder: inout ScenarioDecoder) -> String? {
        guard let fields = decoder.open(node, ScenarioFormat.metadata), let name = decoder.string(fields, "name") else { return nil }
        _ = decoder.string(fields, "description")
        if let value = fields["name"] {
            // It becomes the name of a folder.
            for problem in NameValidation.dns1123Label(name) { decoder.context.error(value, "Invalid value: \"\(name)\": \(problem)") }
        }
        return name
    }

    private static func strings(_ fields: ScenarioDecoder.Fields, _ name: String, _ decoder: inout ScenarioDecoder) -> [String] {
        decoder.list(fields, name).compactMap { String.decode($0, &decoder.context) }
    }

    private static func readSeeds(_ node: YAMLNode, _ decoder: inout ScenarioDecoder) -> [UInt64]? {
        guard let fields = decoder.open(node, ExperimentFormat.seeds) else { return nil }
        guard let first = decoder.integer(fields, "from"), let count = decoder.integer(fields, "count") else { return nil }
        let (last, overflow) = first.addingReportingOverflow(count - 1)
        if overflow {
            decoder.context.error(node, "there are not \(count) seeds from \(first) on")
            return nil
        }
        return Array(UInt64(first)...UInt64(last))
    }
}
