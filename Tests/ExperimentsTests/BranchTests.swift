// Branches start from the same state: a fork goes on as the whole run would have.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

@Suite("Branches")
struct BranchTests {
    private static let packing = packageRoot + "/scenarios/packing/scenario.yaml"
    private static let pack = packageRoot + "/scenarios/packing/pack.yaml"

    private func run(
        at: String, schedulers: [String] = [], faults: [String] = [], seeds: [UInt64] = [1], _ folder: TemporaryFolder
    ) async throws -> Comparison {
        let scenario = try ScenarioFile.load(Self.packing)
        let branches = try Branch.all(of: scenario, file: Self.packing, at: at, schedulers: schedulers, faults: faults)
        return try await Branching.run(scenario, branches, seeds: seeds, output: folder.path)
    }

    private func bytes(_ folder: TemporaryFolder, _ branch: String, _ file: String, seed: Int = 1) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder["packing/\(branch)/seed-\(seed)/\(file)"]))
    }

    @Test("A branch on which nothing is otherwise is the run itself")
    func asBefore() async throws {
        let folder = try TemporaryFolder()
        _ = try await run(at: "11m", faults: ["none"], folder)
        let plain = try ScenarioFile.load(Self.packing)
        try plain.run().write(to: folder["plain"])
        for file in ["pods.csv", "events.csv", "recoveries.csv", "summary.csv"] {
            #expect(try bytes(folder, "as-before@11m", file) == Data(contentsOf: URL(fileURLWithPath: folder["plain/" + file])), "\(file)")
        }
    }

    @Test("A fork goes on as the whole run does that takes the same branch")
    func forkAndWhole() async throws {
        let folder = try TemporaryFolder()
        let comparison = try await run(
            at: "20m", schedulers: ["default", Self.pack], faults: ["none", "node-node-3", "zone: b, down: 5m"], seeds: [1, 2], folder)
        #expect(comparison.policies.count == 6 && comparison.runs.count == 12)
        #expect(comparison.policies.contains("pack+zone-b-down-5m@20m"))
        for branch in comparison.policies {
            for seed in [1, 2] {
                let results = folder["packing/\(branch)/seed-\(seed)"]
                let repeated = try RepeatableRun(results).scenario
                #expect(repeated.policy == branch)
                try repeated.run().write(to: folder["again"])
                for file in ["pods.csv", "events.csv", "scheduling.csv", "recoveries.csv", "summary.csv", "run.json"] {
                    let again = try Data(contentsOf: URL(fileURLWithPath: folder["again/" + file]))
                    #expect(try bytes(folder, branch, file, seed: seed) == again, "\(branch) \(seed) \(file)")
                }
            }
        }
    }

    @Test("Branches are the same up to the moment, and a new scheduler places what comes after it by its own policy")
    func difference() async throws {
        let folder = try TemporaryFolder()
        let scenario = try ScenarioFile.load(Self.packing)
        // The scenario loses nodes at that time: pods are placed anew.
        _ = try await run(at: "20m", schedulers: ["default", Self.pack], folder)
        let runs = (try RepeatableRun(folder["packing/default@20m/seed-1"]), try RepeatableRun(folder["packing/pack@20m/seed-1"]))
        let difference = try #require(try FirstDifference.find(between: runs.0, and: runs.1))
        #expect(difference.time > .zero + .minutes(20))
        #expect(difference.left.attempt?.outcome.node != difference.right.attempt?.outcome.node)
        for run in [runs.0, runs.1] {
            let record = try run.scenario.run().record
            #expect(record.pods.allSatisfy { $0.node != nil }, "no pod is forgotten when the scheduler changes")
            #expect(
                record.attempts.filter { $0.start < .zero + .minutes(20) }
                    == (try scenario.run().record.attempts.filter { $0.start < .zero + .minutes(20) }))
        }
    }

    @Test(
        "What makes no branch is refused",
        arguments: [
            ("0s", "none", "--at"), ("10h", "none", "--at"), ("soon", "none", "--at"), ("5m", "zone-x", "there is no zone"),
            ("5m", "earthquake", "expected zone-NAME"), ("5m", "zone: b, at: 1m", "before the branch"), ("5m", "zone: b, dwn: 1m", "dwn"),
            ("5m", "registry: true, down: 1m", "only faults of nodes"), ("5m", "zone: [", "--fault"),
        ])
    func refusals(at: String, fault: String, expected: String) throws {
        let scenario = try ScenarioFile.load(Self.packing)
        do {
            _ = try Branch.all(of: scenario, file: Self.packing, at: at, schedulers: [], faults: [fault])
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(expected), "\(error)")
        }
    }
}
