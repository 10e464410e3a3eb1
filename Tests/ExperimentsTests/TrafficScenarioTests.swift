// Requests as scenarios ask for them: from the file to the record of the run.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments

/// A small cluster of four nodes in two zones, with a Deployment `web` of four pods, that runs for some minutes.
struct TrafficScenario {
    var manifests: String
    /// What stands under `spec.traffic`.
    var traffic: String
    /// What stands under `spec` besides.
    var rest = ""
    var duration = "3m"
    var seed = 1

    static let web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 4
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers: [{name: web, image: web, ports: [{containerPort: 80}], resources: {requests: {cpu: 100m}}}]
              topologySpreadConstraints:
                - {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
        """

    func run() throws -> RunOutcome {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: traffic}
            spec:
              duration: \(duration)
              seed: \(seed)
              cluster:
                nodePools: [{name: node, count: 4, zones: [a, b], resources: {cpu: 4, memory: 8Gi, pods: 20}}]
                objects: [objects.yaml]
              workloads: [{selector: {}, start: 1s}]
            \(TrafficScenario.indented(rest, by: 2))
              traffic:
            \(TrafficScenario.indented(traffic, by: 4))
            """
        let folder = try TemporaryFolder(["scenario.yaml": scenario, "objects.yaml": manifests])
        return try ScenarioFile.load(folder["scenario.yaml"]).run()
    }

    private static func indented(_ text: String, by columns: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: columns) + $0 }.joined(separator: "\n")
    }

    static func service(_ name: String = "web", _ spec: String = "") -> String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: \(name)}
        spec: {selector: {app: web}, ports: [{port: 80}]\(spec.isEmpty ? "" : ", " + spec)}
        """
    }
}

@Suite("Traffic in scenarios")
struct TrafficScenarioTests {
    @Test("Error seconds are the seconds in which a request failed")
    func errorSeconds() throws {
        // Nobody is behind the Service: every request is refused.
        let outcome = try TrafficScenario(
            manifests: TrafficScenario.service(),
            traffic: "sources: [{name: slow, service: web, constant: {rate: 0.5}}, {name: fast, service: web, constant: {rate: 5}}]",
            rest: """
                expect:
                  - {source: slow, requests: {errorSeconds: {equals: 30s}, failed: {equals: 30}}, from: 1m, until: 2m}
                  - {source: fast, requests: {errorSeconds: {equals: 1m}, failed: {equals: 300}}, from: 1m, until: 2m}
                  - {requests: {errorSeconds: {equals: 1m}}, from: 1m, until: 2m}
                  - {source: slow, requests: {errorSeconds: {atMost: 29s}}, from: 1m, until: 2m}
                """
        ).run()
        #expect(outcome.expectations.map(\.holds) == [true, true, true, true, true, false])
        #expect(outcome.expectations.last?.observed == "30s")
    }
}
