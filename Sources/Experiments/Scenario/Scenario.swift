// A scenario as it was read: a cluster's configuration, how long to run it, and what must hold.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// A scenario file with everything it names, ready to run.
public struct Scenario: Sendable {
    /// `metadata.name`: the folder of its results.
    public var name: String
    public var summary: String
    /// The base name of the scheduler configuration's file, or `default`.
    public var policy: String
    public var duration: SimulatedDuration
    /// The hour on the wall at time 0, nanoseconds since 1970.
    public var startOnWall: Int64
    public var configuration: ClusterConfiguration
    public var expectations: [Expectation]
    /// Where it was read from; nil: from texts that are on no disk.
    public var origin: ScenarioOrigin?
    /// From a moment on the run is another than the scenario's; nil: it is not.
    public var branch: Branch?
    /// The scenario file first, then every file it was read from, in order of first use.
    public var inputs: [InputFile]
    /// What is no error but should be known: fields the API server would ignore, kinds that have no behaviour here.
    public var warnings: [String]

    /// What is in it, in a line.
    public var contents: String {
        var parts: [String] = []
        let nodes = configuration.nodes.count + configuration.snapshot.count { $0.kind == .node }
        parts.append(Presentation.count(nodes, "node"))
        let objects = configuration.objects + configuration.snapshot
        let deployments = objects.compactMap { object -> Int? in
            if case .deployment(let deployment) = object { Int(deployment.value.spec.replicas) } else { nil }
        }
        if !deployments.isEmpty {
            let replicas = Presentation.count(deployments.reduce(0, +), "replica")
            parts.append("\(Presentation.count(deployments.count, "Deployment")) with \(replicas)")
        }
        if objects.count > deployments.count { parts.append(Presentation.count(objects.count - deployments.count, "other object")) }
        if !configuration.trace.isEmpty { parts.append(Presentation.count(configuration.trace.count, "object") + " of a trace") }
        if !configuration.faults.isEmpty { parts.append(Presentation.count(configuration.faults.count, "fault")) }
        if !configuration.timeline.isEmpty { parts.append(Presentation.count(configuration.timeline.count, "operator action")) }
        if !expectations.isEmpty { parts.append(Presentation.count(expectations.count, "expectation")) }
        return "\(name), \(duration.text): " + parts.joined(separator: ", ")
    }

    /// One fingerprint over all inputs, their names included.
    public var fingerprint: Fingerprint {
        var result = Fingerprint()
        for input in inputs {
            result.add(Array(input.path.utf8))
            result.add([0])
            result.add(Array(input.fingerprint.description.utf8))
            result.add([0])
        }
        return result
    }
}

/// What was typed to get a scenario: with the seed and the duration, enough to run it again.
public struct ScenarioOrigin: Hashable, Sendable {
    /// The path of the scenario file.
    public var file: String
    /// The path of the scheduler configuration that took the place of the scenario's, or `default`; nil: the scenario's own.
    public var scheduler: String?
}

/// A scenario that cannot be run: every mistake that was found, with file, line and field.
public struct ScenarioError: Error, Sendable, CustomStringConvertible {
    public let messages: [String]

    public init(_ messages: [String]) { self.messages = messages }

    public var description: String { messages.joined(separator: "\n") }
}
