// What storms found, in the simulator or in their own judge, each as a small scenario that is in order now.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import APIServer
@testable import ClusterSimulation
@testable import Experiments

@Suite("Found by storms")
struct FoundByStormsTests {
    @Test(
        "Pods that their kubelets evict again and again for what they hold of the disk are no controller's fault",
        arguments: ["usage: {disk: 2Gi}", "emptyDirs: [{volume: cache, size: 2Gi}]"])
    func outgrowsItsDisk(behaviour: String) throws {
        let manifest = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  volumes: [{name: cache, emptyDir: {sizeLimit: 1Gi}}]
                  containers: [{name: web, image: "web:1", resources: {limits: {ephemeral-storage: 1Gi}}}]
            """
        let text = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: disk}
            spec:
              duration: 20m
              cluster:
                nodePools: [{name: node, count: 2, resources: {cpu: 4, memory: 8Gi, pods: 30, ephemeral-storage: 100Gi}}]
                objects: [web.yaml]
              workloads: [{selector: {matchLabels: {app: web}}, \(behaviour)}]
              expect: [{invariants: converge}]
            """
        let run = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", text), ("web.yaml", manifest)]).run()
        #expect(run.record.violation == nil, "\(run.record.violation?.detail ?? "")")
        #expect((run.summary["pods_failed"] ?? 0) > 10)
    }

    /// Kept as files: what a seed's storm is made of changes when storms learn something new.
    @Test(
        "Storms that broke an invariant once do so no more",
        arguments: ["seed-210", "seed-917", "seed-1066", "seed-1655", "seed-5867", "seed-880000374"])
    func finds(storm: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Storms")
        let run = try ScenarioFile.load(folder.appending(path: storm).appending(path: StormScenario.fileName).path).run()
        #expect(run.record.violation == nil, "\(run.record.violation?.detail ?? "")")
        #expect(run.expectationsHold && run.record.handledEvents > 100)
    }

    @Test("A sidecar whose kubelet stops before its startup probe has passed lets the others begin when it is back", arguments: 1...5)
    func sidecarResumes(stop: Int) throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: sidecar}
            spec:
              duration: 5m
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads: [{selector: {matchLabels: {app: web}}, start: 1s}]
              faults: [{at: \(stop)s, node: node-0, effect: kubelet, down: 30s}]
            """
        let pod = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  initContainers: [{name: side, image: "side:1", restartPolicy: Always, startupProbe: {tcpSocket: {port: 80}, periodSeconds: 3}}]
                  containers: [{name: main, image: "app:1"}]
            """
        let record = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", pod)]).run().record
        #expect(record.availability.last?.available == 1)
    }

    /// Found by the storm of seed 1461.
    @Test("A container that is being killed for its probe is gone in the end, though its node has less or more cpu for it meanwhile")
    func killedAtOtherPace() throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: killed}
            spec:
              duration: 20m
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 1, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads:
                - selector: {matchLabels: {app: web}}
                  start: {uniform: {min: 500ms, max: 2s}}
                  readyAfterRestart: 22s
                  usage: {cpu: 400m, startupCPU: "2"}
              faults: [{at: 100s, nodes: all, down: 10s}]
            """
        let pod = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 6
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers:
                    - {name: main, image: "web:1", livenessProbe: {exec: {command: [check]}, periodSeconds: 1, failureThreshold: 1}}
            """
        let record = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", pod)]).run().record
        // None of them ever answers in time: they are killed and started again to the end.
        #expect(record.pods.count == 6 && record.pods.allSatisfy { $0.restarts >= 8 }, "\(record.pods.map(\.restarts))")
    }

    /// Found by the storm of seed 9290.
    @Test("A container whose service comes while its kubelet is stopped is ready when the kubelet is back")
    func serviceCameUnheard() throws {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: unheard}
            spec:
              duration: 5m
              cluster:
                nodePools: [{name: node, count: 2, resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [web.yaml]
              workloads:
                - {selector: {matchLabels: {app: web}}, waitsFor: {service: default/db}}
                - {selector: {matchLabels: {app: db}}, ready: 60s}
              faults: [{at: 30s, node: node-0, effect: kubelet, down: 70s}]
              expect:
                - {deployment: default/web, available: {atMost: 0}, until: 100s}
                - {deployment: default/web, available: {atLeast: 1}, from: 110s}
            """
        func deployment(_ name: String, on node: String) -> String {
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name)}
            spec:
              selector: {matchLabels: {app: \(name)}}
              template:
                metadata: {labels: {app: \(name)}}
                spec:
                  nodeSelector: {kubernetes.io/hostname: \(node)}
                  containers: [{name: main, image: "app:1", readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}}]
            ---

            """
        }
        let service = "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 80}]}}"
        let objects = deployment("web", on: "node-0") + deployment("db", on: "node-1") + service
        let run = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", objects)]).run()
        #expect(run.expectationsHold)
    }
}
