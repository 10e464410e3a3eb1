// Node objects that are deleted while their machines live on: the machines come back, and so does what happens to them.

import Foundation
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Deleted nodes")
struct DeletedNodeTests {
    private static func run(_ spec: String, nodes: Int, seed: Int = 1, objects: String = "") throws -> RunOutcome {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: deleted}
            spec:
              seed: \(seed)
              cluster:
                nodePools: [{name: node, count: \(nodes), resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                \(objects.isEmpty ? "" : "objects: [objects.yaml]")
              expect: [{invariants: hold}]
            """
        let folder = try TemporaryFolder(["scenario.yaml": scenario + "\n" + spec, "objects.yaml": objects])
        return try ScenarioFile.load(folder["scenario.yaml"]).run()
    }

    @Test("A node that fails now and then goes on failing when its object was deleted while it was down")
    func failsOn() throws {
        // Down from some moment in the first minutes; whatever the seed, the object is deleted in one of the forty failures' times.
        let deletions = (1...20).map { "    - {at: \($0 * 7)m, delete: node/node-0}" }.joined(separator: "\n")
        let outcome = try Self.run(
            "  duration: 10h\n  faults: [{nodes: all, mtbf: 10m, mttr: 5m}]\n  timeline:\n" + deletions, nodes: 1)
        #expect(outcome.record.recoveries.count > 25, "\(outcome.record.recoveries.count)")
    }

    @Test("A pod of a StatefulSet that garbage collection called failed may run on unheard of", arguments: [1, 2, 6])
    func collected(seed: Int) throws {
        let outcome = try Self.run(
            """
              duration: 40m
              faults: [{at: 5m, apiServer: {errors: 1}, down: 10m}]
              timeline: [{at: 4m59s, delete: node/node-0}]
            """, nodes: 2, seed: seed,
            objects: """
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: par}
                spec:
                  replicas: 4
                  serviceName: par
                  podManagementPolicy: Parallel
                  selector: {matchLabels: {app: par}}
                  template: {metadata: {labels: {app: par}}, spec: {containers: [{name: p, image: "p:1"}]}}
                """)
        #expect(outcome.expectations.map(\.holds) == [true], "\(outcome.expectations.map(\.observed))")
    }
}
