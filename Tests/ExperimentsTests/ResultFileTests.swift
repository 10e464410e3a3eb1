// Result files are as documented, complete or not there, and equal for equal runs.

import APIServer
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments
@testable import Scheduling

/// A record with awkward values: quotes, missing times, fractions of seconds, extended resources.
func awkwardRecord() -> RunRecord {
    var record = RunRecord()
    let gpu: ResourceName = "alibabacloud.com/gpu-milli"
    func resource(_ name: ResourceName, _ requested: Double) -> ClusterSample.Resource {
        ClusterSample.Resource(
            name: name, requested: requested, allocatable: 10, utilisation: requested / 10, imbalance: 0.25, usedUtilisation: 0.5)
    }
    for second in [0, 10, 20] {
        var resources = [resource(.cpu, 1.5), resource(.memory, 4)]
        if second > 0 { resources.append(resource(gpu, 3)) }
        record.samples.append(
            ClusterSample(
                time: .zero + .seconds(second), nodes: 3, readyNodes: second == 10 ? 2 : 3, usedNodes: 1, unscheduled: 1, starting: 1,
                running: 4,
                ready: 3,
                succeeded: 0, failed: 0, terminating: 0, resources: resources))
    }
    func pod(_ name: String, created: Int, scheduled: Int?, ready: Int?, reason: String = "") -> PodRecord {
        PodRecord(
            name: NamespacedName(namespace: "shop", name: name), owner: "ReplicaSet/web", created: .zero + .milliseconds(created),
            scheduled: scheduled.map { .zero + .milliseconds($0) }, started: ready.map { .zero + .milliseconds($0) },
            ready: ready.map { .zero + .milliseconds($0) }, finished: nil, deletionRequested: nil, deleted: nil,
            node: scheduled == nil ? nil : "n-0", attempts: 1, restarts: 0, phase: ready == nil ? .pending : .running, reason: reason)
    }
    record.pods = [
        pod("a", created: 1, scheduled: 5, ready: 2005), pod("b", created: 1, scheduled: 5, ready: 4005),
        pod("c", created: 8000, scheduled: nil, ready: nil, reason: "0/3 nodes are available: 3 Insufficient cpu, \"really\".\nnothing"),
    ]
    record.nodes = [
        NodeRecord(
            name: "n-0", zone: "", joined: .zero, left: nil, failures: 1, downTime: .seconds(7), notReadyTime: .milliseconds(6500),
            podsStarted: 2,
            meanUtilisation: [(.cpu, 0.5), (gpu, 0.1)], peakPods: 2)
    ]
    record.attempts = [
        SchedulingAttempt(
            start: .zero + .milliseconds(1), end: .zero + .milliseconds(2), pod: NamespacedName(namespace: "shop", name: "a"), number: 1,
            result: .scheduled, node: "n-0", nodesEvaluated: 3, nodesFeasible: 2, score: 277, nominatedNode: "", victims: 0, message: "")
    ]
    let event = KubernetesEvent(
        about: "Pod", NamespacedName(namespace: "shop", name: "c"), uid: UID("u"), reason: "FailedScheduling", message: "no, \"none\"",
        severity: .warning, source: "default-scheduler")
    record.events = [(.zero + .seconds(8), Shared(event))]
    record.recoveries = [
        RecoveryRecord(
            subject: "zone/b", effect: .crash, nodes: 2, failed: .zero + .seconds(4), down: .zero + .seconds(4),
            firstDetected: .zero + .seconds(50),
            detected: .zero + .seconds(52), affectedPods: 3, otherPods: 1, firstEvicted: nil, evicted: nil, evictedPods: 0, replaced: nil,
            recovered: nil,
            returned: nil, nodesHit: 2)
    ]
    record.availability = [
        AvailabilityChange(time: .zero, workload: ObjectKey(.deployment, namespace: "shop", "web"), desired: 3, available: 0),
        AvailabilityChange(time: .zero + .seconds(5), workload: ObjectKey(.deployment, namespace: "shop", "web"), desired: 3, available: 3),
        AvailabilityChange(
            time: .zero + .seconds(12), workload: ObjectKey(.deployment, namespace: "shop", "web"), desired: 3, available: 2),
        AvailabilityChange(
            time: .zero + .seconds(15), workload: ObjectKey(.deployment, namespace: "shop", "web"), desired: 3, available: 3),
    ]
    record.conditions = [
        ConditionChange(
            time: .zero + .seconds(6), object: ObjectKey(.deployment, namespace: "shop", "web"),
            condition: Condition(.available, .true, reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability."))
    ]
    record.jobs = [JobRecord(name: NamespacedName(namespace: "shop", name: "report"), owner: "CronJob/report", created: .zero)]
    return record
}

func scenario(expecting expectations: [ExpectedOutcome] = []) -> Scenario {
    Scenario(
        name: "test", summary: "", policy: "default", duration: .seconds(30), startOnWall: 0, configuration: ClusterConfiguration(),
        expectations: expectations,
        inputs: [InputFile(path: "scenario.yaml", location: "scenario.yaml", bytes: 1, fingerprint: Fingerprint(of: [1]))], warnings: [])
}

private func outcome(_ record: RunRecord) -> RunOutcome {
    let end = SimulatedTime.zero + .seconds(30)
    var scenario = scenario()
    if record.traffic != nil { scenario.configuration.recording.requestSampling = 7 }
    scenario.configuration.recording.nodeUsage = !record.nodeUsage.isEmpty
    return RunOutcome(scenario: scenario, end: end, record: record, summary: RunSummary(record, end: end), expectations: [])
}

@Suite("Result files")
struct ResultFileTests {
    @Test("Every table has the columns documented, with values of their types", arguments: ResultTables.all)
    func columns(table: ResultTable) throws {
        let folder = try TemporaryFolder()
        var record = awkwardRecord()
        record.traffic = try ResultFileTests.traffic()
        record.nodeUsage = [NodeUsageSample(time: .zero + .seconds(10), node: "n-0", cpu: 0.5, memory: 1e9)]
        try outcome(record).write(to: folder["run"])
        let read = try CSVTable(InputFiles.read(folder["run/" + table.file]), file: table.file)
        #expect(!read.rows.isEmpty)
        var matched = 0
        for (index, name) in read.header.enumerated() {
            let column = try #require(table.columns.first { ResultFileTests.matches(name, $0.name) }, "column \(name) is not documented")
            matched += 1
            for row in read.rows {
                let text = read.text(row, index)
                if text.isEmpty {
                    #expect(column.optional, "\(name) is empty in line \(row.line)")
                    continue
                }
                switch column.type {
                case .time, .number: #expect(Double(text) != nil, "\(name): \(text)")
                case .integer: #expect(Int(text) != nil, "\(name): \(text)")
                case .boolean: #expect(["true", "false"].contains(text))
                case .text: break
                }
            }
        }
        for column in table.columns {
            #expect(read.header.contains { ResultFileTests.matches($0, column.name) }, "\(column.name) is missing")
        }
        #expect(matched == Set(read.header).count, "a column is there twice")
    }

    /// The requests of a cluster whose only pod comes late.
    private static func traffic() throws -> TrafficRecord? {
        let scenario = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: traffic}
            spec:
              duration: 1m
              measure: {requests: 7}
              cluster: {nodePools: [{name: node, count: 2, resources: {cpu: 4, memory: 8Gi}}], objects: [web.yaml, service.yaml]}
              traffic:
                sources: [{name: users, service: web, port: http, poisson: {rate: 50}}]
                services: [{service: web, port: http, serviceTime: 5ms}]
            """
        let service = """
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
            """
        let folder = try TemporaryFolder(["scenario.yaml": scenario, "web.yaml": webManifest, "service.yaml": service])
        return try ScenarioFile.load(folder["scenario.yaml"]).run().record.traffic
    }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        guard pattern.hasSuffix("{resource}") else { return name == pattern }
        return name.hasPrefix(pattern.dropLast("{resource}".count))
    }

    @Test("Values are exact and quoted as RFC 4180 has it")
    func values() throws {
        let folder = try TemporaryFolder()
        try outcome(awkwardRecord()).write(to: folder["run"])
        let pods = try String(contentsOfFile: folder["run/pods.csv"], encoding: .utf8)
        #expect(pods.contains("shop,a,ReplicaSet/web,0.001,0.005,2.005,2.005,,,,n-0,0,0,1,0,Running,\n"))
        #expect(pods.contains("\"0/3 nodes are available: 3 Insufficient cpu, \"\"really\"\".\nnothing\""))
        let cluster = try String(contentsOfFile: folder["run/cluster.csv"], encoding: .utf8)
        #expect(
            cluster.hasPrefix("time_s,nodes,nodes_ready,nodes_used,pods_pending,pods_unscheduled,pods_starting,pods_running,pods_ready,"))
        #expect(
            cluster.contains(
                "requested_cpu_cores,allocatable_cpu_cores,utilisation_cpu,imbalance_cpu,used_nodes_utilisation_cpu,requested_memory_bytes")
        )
        #expect(cluster.contains("requested_alibabacloud.com/gpu-milli"))
        // The first sample knew no GPUs.
        #expect(cluster.split(separator: "\n")[1].hasSuffix(",,,,,"))
    }

    @Test("Equal runs give equal bytes; run.json has the fingerprint of every file")
    func reproducible() throws {
        let folder = try TemporaryFolder()
        let files = try outcome(awkwardRecord()).write(to: folder["one"])
        try outcome(awkwardRecord()).write(to: folder["two"])
        let manifest = try String(contentsOfFile: folder["one/run.json"], encoding: .utf8)
        for file in files {
            let bytes = try InputFiles.read(folder["one/" + file.name])
            #expect(bytes == (try InputFiles.read(folder["two/" + file.name])))
            #expect(bytes.count == file.bytes)
            #expect(Fingerprint(of: bytes) == file.fingerprint)
            if file.name != "run.json" { #expect(manifest.contains(file.fingerprint.description)) }
        }
        let json = try #require(try JSONSerialization.jsonObject(with: Data(manifest.utf8)) as? [String: Any])
        #expect(json["policy"] as? String == "default")
    }

    @Test("An earlier result is replaced as a whole, and nothing temporary stays")
    func replaced() throws {
        let folder = try TemporaryFolder([
            "seed-1/old.csv": "x", "seed-1/run.json": "{\n  \"seatrial\": \"0.1\"}", ".seed-1.partial-999999999/half.csv": "x",
        ])
        try outcome(awkwardRecord()).write(to: folder["seed-1"])
        #expect(try folder.contents() == ["seed-1"])
        #expect(!FileManager.default.fileExists(atPath: folder["seed-1/old.csv"]))
        #expect(FileManager.default.fileExists(atPath: folder["seed-1/run.json"]))
    }

    @Test(
        "What is no result of ours is not replaced, and the message says in words what is in the way",
        arguments: [
            ("file/run", "file of that name"), ("file", "file of that name"), ("foreign", "no run.json"), ("other", "no run.json"),
        ])
    func unwritable(path: String, words: String) throws {
        let files = ["file": "x", "foreign/thesis.txt": "x", "other/run.json": "{\"name\": \"npm\"}"]
        let folder = try TemporaryFolder(files)
        do throws(ResultError) {
            try outcome(awkwardRecord()).write(to: folder[path])
            Issue.record("it was written")
        } catch {
            #expect(error.description.contains(words) && !error.description.contains("Cocoa"), "\(error)")
        }
        for (name, text) in files { #expect(try String(contentsOfFile: folder[name], encoding: .utf8) == text) }
        #expect(try folder.contents() == ["file", "foreign", "other"])
    }

    @Test(
        "The fingerprint is FNV-1a of 128 bits",
        arguments: [("", "6c62272e07bb014262b821756295c58d"), ("a", "d228cb696f1a8caf78912b704e4a8964")])
    func fingerprint(text: String, digits: String) { #expect(Fingerprint(of: text.utf8).description == "fnv1a-128:" + digits) }

    @Test("A watch log shows all fields of what was added and only what changed later")
    func watchLog() throws {
        var pod = Pod(metadata: ObjectMeta(name: "a", namespace: "shop"), spec: Shared(PodSpec(containers: [Container(name: "c")])))
        let first = APIObject(pod)
        pod.nodeName = "n-0"
        pod.status.conditions = [Condition(.podScheduled, .true)]
        let second = APIObject(pod)
        pod.status.conditions = [Condition(.podScheduled, .true), Condition(.ready, .false, reason: "ContainersNotReady")]
        let third = APIObject(pod)
        let events = [
            WatchEvent(.added, first, time: .zero + .milliseconds(12)),
            WatchEvent(.modified, second, previous: first, time: .zero + .microseconds(13_900)),
            WatchEvent(.modified, third, previous: second, time: .zero + .milliseconds(20)),
            WatchEvent(.modified, third, previous: third, time: .zero + .milliseconds(21)),
            WatchEvent(.deleted, third, previous: third, time: .zero + .milliseconds(30)),
        ]
        let folder = try TemporaryFolder()
        let file = try WatchLogWriter.write(events, in: folder.path)
        let text = try String(contentsOfFile: folder["watch.jsonl"], encoding: .utf8)
        #expect(
            text == """
                {"t":12,"ev":"ADDED","kind":"Pod","name":"a","ns":"shop","set":{"phase":"Pending"}}
                {"t":13,"ev":"MODIFIED","kind":"Pod","name":"a","ns":"shop","set":{"node":"n-0","conds":{"PodScheduled":"True"}}}
                {"t":20,"ev":"MODIFIED","kind":"Pod","name":"a","ns":"shop","set":{"conds":{"Ready":"False/ContainersNotReady"}}}
                {"t":30,"ev":"DELETED","kind":"Pod","name":"a","ns":"shop","set":{},"final":{"phase":"Pending","node":"n-0"}}

                """)
        #expect(file.rows == 4)
    }
}
