// Scenario files are read as documented, and the schema, the decoder and the documentation agree.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import Experiments

@Suite("Scenarios")
struct ScenarioTests {
    private func load(_ text: String, _ files: [String: String], _ overrides: ScenarioOverrides = ScenarioOverrides()) throws -> Scenario {
        let folder = try TemporaryFolder(files)
        try folder.write("scenario.yaml", text)
        return try ScenarioFile.load(folder["scenario.yaml"], overrides: overrides)
    }

    @Test("The design's illustration is read as it is")
    func illustration() throws {
        var files = SampleScenarios.everyFieldFiles
        files["shop.yaml"] = SampleScenarios.shop
        let scenario = try load(SampleScenarios.illustration, files)
        #expect(scenario.name == "zone-outage")
        #expect(scenario.policy == "policy")
        #expect(scenario.duration == .minutes(30))
        #expect(scenario.configuration.nodes.map(\.metadata.name).prefix(3) == ["general-0", "general-1", "general-2"])
        #expect(scenario.configuration.nodes.map(\.zone).prefix(4) == ["a", "b", "c", "a"])
        #expect(scenario.configuration.nodes[3].metadata.labels[Node.hostnameLabel] == "general-3")
        #expect(scenario.configuration.nodes[3].metadata.labels["kubernetes.io/arch"] == "amd64")
        #expect(scenario.configuration.faults[0] == Fault(nodes: .zone("b"), schedule: .once(at: .zero + .minutes(5), down: .minutes(10))))
        #expect(scenario.configuration.behaviours.count == 1)
        #expect(scenario.expectations.map(\.subject) == [.available(ObjectKey(.deployment, namespace: "shop", "frontend")), .recovery])
        #expect(scenario.expectations[1].bound == Expectation.Bound(atMost: 420))
        #expect(scenario.inputs.map(\.path) == ["scenario.yaml", "policy.yaml", "node.yaml", "shop.yaml"])
        guard case .setImage(let workload, "web", "frontend:1.15") = scenario.configuration.timeline[0].action else {
            Issue.record("the timeline is wrong")
            return
        }
        #expect(workload == ObjectKey(.deployment, namespace: "shop", "frontend"))
    }

    @Test("Every field arrives in the configuration")
    func everyField() throws {
        let scenario = try load(SampleScenarios.everyField, SampleScenarios.everyFieldFiles)
        let configuration = scenario.configuration
        #expect(configuration.seed == 7)
        #expect(configuration.timing.requestLatency == .milliseconds(3))
        #expect(configuration.timing.controllerLimit.burst == 60)
        #expect(configuration.controllerManager.nodeMonitorGracePeriod == .seconds(41))
        #expect(configuration.nodeAgent.pullBytesPerSecond == 50e6)
        #expect(configuration.nodeAgent.recordsEvents == false)
        #expect(configuration.scheduler.percentageOfNodesToScore == 50)
        #expect(configuration.recording.interval == .seconds(30))
        #expect(configuration.recording.schedulingAttempts == false)
        #expect(configuration.timeline.map(\.at) == (1...20).map { .zero + .minutes($0) })
        guard case .delete(_, let deletion)? = configuration.timeline.last?.action else {
            Issue.record("no deletion")
            return
        }
        #expect(deletion.propagation == .orphan && deletion.gracePeriodSeconds == 5)
        #expect(configuration.faults.count == 9)
        let traffic = try #require(configuration.traffic)
        #expect(traffic.proxyMode == .ipvs(.weightedLeastConnection) && traffic.proxyTiming.minimumSyncPeriod == .seconds(2))
        #expect(traffic.services[0].capacity == PodCapacity(concurrency: 8, queueLimit: 100) && traffic.services[0].calls.count == 2)
        #expect(traffic.sources[5].target.pod == "web-0" && traffic.recordLifetime == .seconds(5))
        #expect(
            traffic.sources[6].ingress == IngressAddress(host: "shop.example.com", path: "/cart") && traffic.sources[6].origin == .outside)
        #expect(traffic.sources[6].target == traffic.ingress.controller && traffic.ingress.balancing == .ewma)
        #expect(traffic.ingress.className == "nginx" && traffic.ingress.policy.connectionTimeout == .seconds(1))
        #expect(traffic.ingress.policy.timeout == .seconds(9) && traffic.ingress.policy.maximumAttempts == 2)
        #expect(traffic.sources[7].origin == .pods(namespace: "shop", LabelSelector(matchLabels: ["app": "client"])))
        let checks = traffic.healthChecks
        #expect(checks.interval == .seconds(10) && checks.timeout == .seconds(5))
        #expect(checks.unhealthyThreshold == 2 && checks.healthyThreshold == 3)
        #expect(configuration.recording.requestSampling == 50)
        #expect(traffic.sources.map(\.origin)[..<2] == [.outside, .nodes(.zone("a"))])
        #expect(traffic.sources[8].arrivals == .replay([.zero, .zero + .seconds(2)]))
        #expect(configuration.faults[4].commonTo == "disk")
        #expect(configuration.faults[4].probability == 0.5 && configuration.faults[4].cutsPods)
        #expect(
            configuration.faults[5].effect
                == .reclamation(Reclamation(notice: .seconds(30), isHandled: false, replacement: .constant(.minutes(2)))))
        #expect(configuration.faults[6].schedule == .once(at: .zero + .minutes(1), down: .minutes(59)))
        #expect(configuration.faults[7].schedule == .once(at: .zero + .seconds(90), down: nil))
        #expect(
            configuration.apiServerFaults == [
                APIServerFault(.outage, at: .zero + .minutes(9), down: .minutes(1)),
                APIServerFault(
                    .brownout(latencyFactor: 10, delay: .milliseconds(100), errors: 0.1), at: .zero + .minutes(10), down: .minutes(1)),
            ])
        let eviction = try #require(configuration.nodeAgent.evictionByNode["small-1"])
        #expect(eviction.thresholds.map(\.description) == ["memory.available<300Mi", "memory.available<20.0% for 1m"])
        #expect(eviction.thresholds.map(\.minimumReclaim) == [.quantity(50 << 20), .quantity(50 << 20)])
        #expect(eviction.maximumPodGracePeriod == 30 && eviction.monitoringInterval == .seconds(4))
        #expect(eviction.pressureTransitionPeriod == .minutes(2) && configuration.nodeAgent.evictionByNode["big-0"] == nil)
        let trouble = try #require(configuration.controllerManager.attachDetach.disturbances.first)
        #expect(trouble.from == .zero + .minutes(1) && trouble.until == .zero + .minutes(2) && trouble.delay == .seconds(10))
        #expect(trouble.subject == "disk.example.com" && trouble.probability == 0.5)
        #expect(configuration.nodeAgent.volumes.mountDisturbances.map(\.probability) == [0.1])
        #expect(configuration.behaviours[0].behaviour.imageBytes == 100 << 20)
        #expect(configuration.behaviours[0].behaviour.exitCode == 3)
        #expect(configuration.trace.map(\.object.metadata.name) == ["early", "late"])
        #expect(configuration.trace[0].createAt == .zero + .milliseconds(1500))
        #expect(configuration.trace[0].deleteAt == .zero + .seconds(60))
        #expect(configuration.snapshot.count == 2)
        // Two hours before the start.
        #expect(configuration.snapshot[0].metadata.creationTimestamp == .zero - .hours(2))
        #expect(scenario.warnings.contains { $0.contains("1 Role") })
        #expect(scenario.expectations.count == 34)
        for (section, tunables) in Tunables.sections {
            for tunable in tunables {
                #expect(
                    tunable.value(in: configuration) != tunable.value(in: ClusterConfiguration()),
                    "\(section).\(tunable.name) did not arrive")
            }
        }
    }

    @Test("An expectation for one policy is expected under no other", arguments: [("default", [3.0, 0]), ("policy.yaml", [5, 3])])
    func expectationOfPolicy(policy: String, limits: [Double]) throws {
        let folder = try TemporaryFolder(SampleScenarios.everyFieldFiles)
        try folder.write("scenario.yaml", SampleScenarios.everyField)
        let path = policy == "default" ? policy : folder[policy]
        let scenario = try ScenarioFile.load(folder["scenario.yaml"], overrides: ScenarioOverrides(scheduler: path))
        let judged = scenario.expectations.filter { $0.subject == .preempted || $0.subject == .restarts }
        #expect(judged.map(\.bound.atMost) == limits)
        #expect(!scenario.warnings.contains { $0.contains("there is no policy") })
        let misspelt = SampleScenarios.everyField.replacingOccurrences(of: "policy: policy}", with: "policy: polcy}")
        #expect(try load(misspelt, SampleScenarios.everyFieldFiles).warnings.contains { $0.contains("there is no policy polcy") })
    }

    @Test(
        "Claims that nobody will bind are warned of",
        arguments: [
            ("Immediate", "disk.example.com", nil), ("WaitForFirstConsumer", "disk.example.com", nil),
            ("WaitForFirstConsumer", "kubernetes.io/no-provisioner", "default/data (class fast has no volumes)"),
        ])
    func claims(mode: String, provisioner: String, problem: String?) throws {
        let manifest = """
            apiVersion: storage.k8s.io/v1
            kind: StorageClass
            metadata: {name: fast}
            provisioner: \(provisioner)
            volumeBindingMode: \(mode)
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: db-0}
            spec:
              containers: [{name: db, image: db}]
              volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]

            """
        let scenario = try load(
            """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: claims}
            spec:
              duration: 1m
              cluster:
                nodePools: [{name: node, count: 1, resources: {cpu: 1, memory: 1Gi}}]
                objects: [db.yaml]

            """, ["db.yaml": manifest])
        #expect(scenario.warnings.contains { $0.contains("pods with these claims get no node") } == (problem != nil))
        if let problem { #expect(scenario.warnings.contains { $0.contains(problem) }) }
    }

    @Test("Without a start, a snapshot's newest time is time 0")
    func snapshotOrigin() throws {
        let text = SampleScenarios.everyField.replacingOccurrences(of: "  start: 2026-03-01T12:00:00Z\n", with: "")
        let scenario = try load(text, SampleScenarios.everyFieldFiles)
        #expect(scenario.configuration.snapshot[0].metadata.creationTimestamp == .zero)
        #expect(RFC3339.text(scenario.startOnWall) == "2026-03-01T10:00:00Z")
    }

    @Test("The decoder asks for every field of the schema, and for no other")
    func schemaAndDecoderAgree() throws {
        let folder = try TemporaryFolder(SampleScenarios.everyFieldFiles)
        try folder.write("scenario.yaml", SampleScenarios.everyField)
        var reader = ScenarioReader(path: folder["scenario.yaml"], overrides: ScenarioOverrides())
        let scenario = reader.read()
        #expect(scenario != nil && reader.messages(.error).isEmpty, "\(reader.messages(.error))")
        let known = Set(ScenarioFormat.types.flatMap { type in type.fields.map { "\(type.name).\($0.name)" } })
        #expect(reader.decoder.asked.subtracting(known).isEmpty)
        #expect(known.subtracting(reader.decoder.asked).isEmpty)
    }

    @Test("Overrides replace what the file says")
    func overrides() throws {
        let overrides = ScenarioOverrides(seed: 99, duration: "5m", scheduler: "default")
        let scenario = try load(SampleScenarios.everyField, SampleScenarios.everyFieldFiles, overrides)
        #expect(scenario.configuration.seed == 99)
        #expect(scenario.duration == .minutes(5))
        #expect(scenario.policy == "default")
        #expect(scenario.configuration.scheduler.percentageOfNodesToScore == 0)
    }

    @Test("The documentation's pages are those the program prints", arguments: ["results", "scenario"])
    func documentation(page: String) throws {
        let text = try String(contentsOfFile: packageRoot + "/docs/\(page).md", encoding: .utf8)
        #expect(
            text == (page == "results" ? ResultTables.documentation : ScenarioDocumentation.text),
            "run `seatrial docs \(page) > docs/\(page).md`")
    }
}
