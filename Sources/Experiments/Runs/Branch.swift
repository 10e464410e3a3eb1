// What a branch of a run does otherwise, from a moment on.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// A fork of a run: the same cluster up to a moment, and then another scheduler, or faults that strike.
public struct Branch: Sendable {
    /// A scheduler that takes over.
    public struct Takeover: Sendable {
        /// As it was typed: a path, or `default`.
        public var path: String
        public var configuration: SchedulerConfiguration
        /// The base name of the file, or `default`.
        public var policy: String
    }

    /// A fault that strikes in this branch.
    public struct AddedFault: Sendable {
        /// As it was typed.
        public var text: String
        public var fault: Fault
    }

    /// When it parts from the others; after time zero.
    public var at: SimulatedTime
    /// nil: the scheduler stays.
    public var takeover: Takeover?
    /// nil: nothing strikes that the scenario does not know of.
    public var fault: AddedFault?

    public init(at: SimulatedTime, takeover: Takeover? = nil, fault: AddedFault? = nil) {
        self.at = at
        self.takeover = takeover
        self.fault = fault
    }

    /// What its results are called: the policy and the fault.
    public var name: String {
        var parts: [String] = []
        if let takeover { parts.append(takeover.policy) }
        if let fault { parts.append(Branch.label(fault.text)) }
        return (parts.isEmpty ? "as-before" : parts.joined(separator: "+")) + "@" + at.sinceStart.text
    }

    /// A text as part of a folder's name.
    private static func label(_ text: String) -> String {
        var label = ""
        for character in text {
            if character.isLetter || character.isNumber || character == "." {
                label.append(character)
            } else if !label.hasSuffix("-"), !label.isEmpty {
                label.append("-")
            }
        }
        while label.hasSuffix("-") { label.removeLast() }
        return label
    }

    /// Takes a cluster onto this branch.
    func begin(in cluster: inout Cluster, _ scenario: Scenario) throws(ScenarioError) {
        do {
            if let takeover { try cluster.replaceScheduler(by: takeover.configuration) }
        } catch {
            throw ScenarioError(["\(takeover?.path ?? scenario.name): \(error)"])
        }
        if let fault { cluster.add(fault.fault) }
    }
}

// MARK: - Reading

extension Branch {
    /// The branches for each scheduler with each fault, as they were typed; `none` is no fault.
    ///
    /// - Throws: `ScenarioError` for anything that cannot be read, a moment outside of the run, and branches of one name.
    public static func all(
        of scenario: Scenario, file: String, at text: String, schedulers: [String], faults: [String]
    ) throws(ScenarioError) -> [Branch] {
        let at: SimulatedTime
        do throws(DurationTextError) {
            at = .zero + (try SimulatedDuration(text: text))
        } catch {
            throw ScenarioError(["--at: \(error)"])
        }
        guard at > .zero, at < .zero + scenario.duration else {
            throw ScenarioError(["--at: must lie within the run of \(scenario.duration.text)"])
        }
        var branches: [Branch] = []
        for scheduler in schedulers.isEmpty ? [nil] : schedulers.map(Optional.some) {
            var takeover: Takeover?
            if let scheduler { takeover = try Takeover(scheduler, for: file) }
            for fault in faults.isEmpty ? ["none"] : faults {
                var branch = Branch(at: at, takeover: takeover)
                if fault != "none" { branch.fault = try AddedFault(fault, at: at, in: scenario) }
                if branches.contains(where: { $0.name == branch.name }) {
                    throw ScenarioError(["two branches are called \"\(branch.name)\": their results would be written to one folder"])
                }
                branches.append(branch)
            }
        }
        return branches
    }
}

extension Branch.Takeover {
    /// Reads a KubeSchedulerConfiguration as the scenario's is read.
    ///
    /// - Parameter file: the scenario's file, which is read with the configuration in the place of its own.
    /// - Throws: `ScenarioError` with every mistake found.
    public init(_ path: String, for file: String) throws(ScenarioError) {
        let scenario = try ScenarioFile.load(file, overrides: ScenarioOverrides(scheduler: path))
        self.init(path: path, configuration: scenario.configuration.scheduler, policy: scenario.policy)
    }
}

extension Branch.AddedFault {
    /// Reads a fault: `zone-NAME`, `node-NAME`, or the fields of an entry of a scenario's `faults`, which strikes at the branch unless
    /// it says otherwise.
    ///
    /// - Throws: `ScenarioError` for what is no fault of nodes, or strikes nobody, or too early.
    public init(_ text: String, at time: SimulatedTime, in scenario: Scenario) throws(ScenarioError) {
        self.text = text
        var entry = text
        if !text.contains(":") {
            let parts = text.split(separator: "-", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["zone", "node"].contains(parts[0]) else {
                throw ScenarioError([
                    "--fault \(text): expected zone-NAME, node-NAME, or fields as in a scenario's faults: \"zone: b, down: 10m\""
                ])
            }
            entry = "\(parts[0]): \(JSONText.quoted(parts[1]))"
        }
        let source = "--fault \"\(text)\""
        var decoder = ScenarioDecoder(folder: "")
        let decoded: DecodedFault?
        do {
            var document = try YAMLFile.parse("{\(entry)}", name: source).documents.first
            if let node = document, node["at"] == nil, node["mtbf"] == nil {
                document = try YAMLFile.parse("{at: \(time.sinceStart.secondsText)s, \(entry)}", name: source).documents.first
            }
            decoded = document.flatMap { node in
                let fault = decoder.fault(node)
                var references = ScenarioReferences(scenario.configuration)
                if let fault { references.check(fault, node, &decoder) }
                return fault
            }
        } catch {
            throw ScenarioError(["\(error)"])
        }
        let errors = decoder.context.diagnostics.filter { $0.severity == .error }
        if !errors.isEmpty { throw ScenarioError(errors.map(\.description)) }
        guard case .nodes(let fault)? = decoded else { throw ScenarioError(["\(source): only faults of nodes can strike in a branch"]) }
        if case .once(let at, _) = fault.schedule, at < time {
            throw ScenarioError(["\(source): is at \(at.clock), before the branch at \(time.clock)"])
        }
        self.fault = fault
    }
}
