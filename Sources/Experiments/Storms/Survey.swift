// Whether users' own manifests survive what they claim to: every single node lost, every zone lost, every node drained, and storms.
//
// One cluster is brought up per placement; each trial is a fork of it, so nothing a trial breaks is seen by the next.

import APIServer
import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI

/// What a survey tries, and on which cluster.
public struct SurveyPlan: Sendable {
    public var nodes = 30
    public var zones = 3
    public var nodeResources = "cpu: 8, memory: 32Gi, pods: 110, ephemeral-storage: 100Gi"
    public var seed: UInt64 = 1
    /// How many placements are tried: seeds from `seed` on.
    public var placements = 3

    public init() {}

    /// a, b, c, ...
    var zoneNames: [String] { (0..<zones).map { $0 < 26 ? String(UnicodeScalar(UInt8(97 + $0))) : "z\($0)" } }

    /// How long the cluster is given to come up, and to be whole again after a loss.
    static let bringUp = SimulatedDuration.minutes(10)
    static let recovery = SimulatedDuration.minutes(20)
    static let drainTimeout = SimulatedDuration.minutes(10)
}

/// One thing that was found out.
public struct SurveyFinding: Sendable, Hashable {
    public enum Question: Int, Sendable, CaseIterable {
        case runs, spread, node, zone, drain

        var text: String {
            switch self {
            case .runs: "Does everything run?"
            case .spread: "Are the replicas spread?"
            case .node: "Does it survive the loss of any one node?"
            case .zone: "Does it survive the loss of any one zone?"
            case .drain: "Can every node be drained?"
            }
        }
    }
    public var question: Question
    public var isGood: Bool
    public var text: String
    /// The seeds of the placements in which it was so.
    public var seeds: [UInt64]
}

/// What a survey found.
public struct Survey: Sendable {
    public private(set) var findings: [SurveyFinding] = []
    public let contents: String
    public let warnings: [String]
    private let plan: SurveyPlan
    private let scenario: Scenario
    /// What the manifests say.
    private let files: [String]

    public var isGood: Bool { findings.allSatisfy(\.isGood) }

    /// Reads manifests and surveys them, one placement after the other.
    ///
    /// - Parameter finished: called with the number of placements done.
    /// - Throws: `ScenarioError` with every mistake in the manifests.
    public init(_ manifests: [String], _ plan: SurveyPlan, finished: (Int) -> Void = { _ in }) throws(ScenarioError) {
        self.plan = plan
        let missing = manifests.filter { !InputFiles.exists($0) }
        if !missing.isEmpty { throw ScenarioError(missing.map { "no such file: \($0)" }) }
        do throws(ResultError) {
            var texts: [String] = []
            for path in manifests { texts.append(String(decoding: try InputFiles.read(path), as: UTF8.self) + "\n") }
            files = texts
        } catch {
            throw ScenarioError([error.description])
        }
        try Survey.check(plan)
        try Survey.checkKind(of: files, named: manifests)
        do throws(ScenarioError) {
            scenario = try ScenarioFile.load(Survey.fileName, files: [(Survey.fileName, Survey.text(manifests, plan))])
        } catch {
            throw ScenarioError(error.messages.map(Survey.withoutOwnFile))
        }
        guard scenario.configuration.objects.contains(where: \.isWorkload) else {
            throw ScenarioError(["\(manifests.joined(separator: ", ")): no workload, nothing to try"])
        }
        contents = scenario.contents
        warnings = scenario.warnings.map(Survey.withoutOwnFile)
        for number in 0..<plan.placements {
            let seed = plan.seed &+ UInt64(number)
            var placed = scenario
            placed.configuration.seed = seed
            placed.configuration.recording.interval = nil
            placed.configuration.recording.schedulingAttempts = false
            var trial = PlacementTrial(try placed.makeCluster())
            for finding in trial.run() + Fragility.findings(in: scenario.configuration.objects) { add(finding, seed) }
            finished(number + 1)
        }
        findings.sort { ($0.question.rawValue, $0.isGood ? 1 : 0) < ($1.question.rawValue, $1.isGood ? 1 : 0) }
    }

    /// Whether the nodes mean anything, read by themselves so that what is wrong is told of the plan and not of a file nobody wrote.
    private static func check(_ plan: SurveyPlan) throws(ScenarioError) {
        do throws(ScenarioError) {
            _ = try ScenarioFile.load(fileName, files: [(fileName, text([], plan))])
        } catch {
            let field = "resources"
            throw ScenarioError(
                error.messages.map { message in
                    guard let place = message.range(of: field + "[") else {
                        return "--resources: \"\(plan.nodeResources)\" are not the fields of a YAML mapping such as cpu: 8, memory: 32Gi"
                    }
                    return "--resources: " + message[place.upperBound...].replacingOccurrences(of: "]: ", with: ": ")
                })
        }
    }

    /// What is no manifest but a file of ours is told by its own name what it is for.
    private static func checkKind(of files: [String], named names: [String]) throws(ScenarioError) {
        for (name, text) in zip(names, files) {
            let lines = text.split(separator: "\n").map { $0.split(separator: "#", omittingEmptySubsequences: false)[0] }
            guard lines.contains(where: { $0.hasPrefix("apiVersion:") && $0.contains("seatrial.dev/") }) else { continue }
            let isExperiment = lines.contains { $0.hasPrefix("kind:") && $0.contains("Experiment") }
            let (kind, command) = isExperiment ? ("an experiment", "experiment") : ("a scenario", "run")
            throw ScenarioError([
                "\(name): is \(kind), not a manifest; `seatrial \(command) \(name)` runs it, and `seatrial storm` takes the manifests it "
                    + "names"
            ])
        }
    }

    /// A message without the place in the scenario that was made of the plan: nobody wrote that file.
    private static func withoutOwnFile(_ message: String) -> String {
        guard message.hasPrefix(fileName + ":") else { return message }
        let rest = message.dropFirst(fileName.count + 1)
        guard let field = rest.range(of: "spec.cluster.objects") else { return String(rest.drop { $0.isNumber || $0 == ":" || $0 == " " }) }
        return String(rest[field.upperBound...].drop { "[]:0123456789 ".contains($0) })
    }

    private mutating func add(_ finding: SurveyFinding, _ seed: UInt64) {
        if let known = findings.firstIndex(where: { $0.question == finding.question && $0.text == finding.text }) {
            findings[known].seeds.append(seed)
        } else {
            var finding = finding
            finding.seeds = [seed]
            findings.append(finding)
        }
    }

    private static let fileName = "storm"

    /// The cluster, as a scenario that names the manifests.
    private static func text(_ manifests: [String], _ plan: SurveyPlan) -> String {
        // In quotes: YAML reads n and y as false and true.
        let names = plan.zoneNames.map(JSONText.quoted).joined(separator: ", ")
        return """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: storm}
            spec:
              duration: 1h
              cluster:
                nodePools: [{name: node, count: \(plan.nodes), zones: [\(names)], resources: {\(plan.nodeResources)}}]
                objects: [\(manifests.map(JSONText.quoted).joined(separator: ", "))]

            """
    }

    /// The storm of a seed on these manifests: everything that goes wrong in storms, and their operators, on the survey's nodes.
    public func storm(_ seed: UInt64) -> StormScenario {
        let zones = plan.zoneNames
        let pools = zones.enumerated().map { number, zone in
            StormScenario.Pool(
                name: "node-" + zone, zone: zone, rack: zone + "0", count: (plan.nodes + zones.count - 1 - number) / zones.count,
                resources: plan.nodeResources)
        }
        let objects = files.enumerated().map { StormScenario.Piece(file: .init(name: "manifests-\($0).yaml", text: $1)) }
        var generator = StormGenerator(seed: seed, size: .large)
        return generator.make(
            on: pools.filter { $0.count > 0 }, objects, targets: scenario.configuration.objects.map { StormTarget($0) })
    }
}

extension Survey: CustomStringConvertible {
    public var description: String {
        var text = contents.drop { $0 != ":" }.dropFirst(2) + "; \(Presentation.count(plan.placements, "placement")) tried\n"
        for question in SurveyFinding.Question.allCases {
            let answers = findings.filter { $0.question == question }
            if answers.isEmpty { continue }
            text += "\n\(question.text)\n"
            for answer in answers {
                let always = answer.seeds.count == plan.placements
                let seeds = answer.seeds.map(String.init).joined(separator: ", ")
                let place = always ? "" : answer.seeds.count == 1 ? " (seed \(seeds))" : " (seeds \(seeds))"
                text += "  \(answer.isGood ? "✓" : "✗") \(answer.text)\(place)\n"
            }
        }
        return String(text)
    }
}

extension APIObject {
    /// Whether it runs pods, or is one.
    fileprivate var isWorkload: Bool {
        switch self {
        case .pod, .deployment, .replicaSet, .statefulSet, .daemonSet, .replicationController, .job, .cronJob: true
        default: false
        }
    }
}
