// Makes a scenario of the openb trace: 1,523 machines and 8,152 pods of a production GPU cluster, as published in CSV.
// <https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023>

import DiscreteEvents
import Foundation
import KubernetesAPI
import SchedulingPolicies

/// The scenario that replays a trace: pods come and go at their recorded times, with their GPU demand.
public struct OpenbImport: Sendable {
    public private(set) var nodes = 0
    public private(set) var pods = 0
    /// Pods whose deletion is recorded in the second of their creation.
    public private(set) var podsWithoutLifetime = 0
    /// From the first creation to the last deletion, seconds.
    public private(set) var span = 0

    /// GPUs are a resource in thousandths; a pod that shares one asks for a part of it.
    public static let gpuMilli = "alibabacloud.com/gpu-milli"
    public static let gpuCount = "alibabacloud.com/gpu-count"
    public static let gpuModel = "alibabacloud.com/gpu-card-model"
    public static let createAt = "seatrial.dev/create-at"
    public static let deleteAt = "seatrial.dev/delete-at"
    /// The label of a node with its place among equally good ones.
    public static let rank = "seatrial.dev/rank"

    /// What the trace does not say, as kubelets have it.
    private static let podsPerNode = 110

    private var nodeText: [UInt8] = []
    private var podText: [UInt8] = []
    /// What each pod of the list asks for.
    private var demands: [(cpuMilli: Int64, demand: GPUDemand)] = []
    private let recording: OpenbRecording?

    /// Reads both tables.
    ///
    /// - Throws: `CSVError` with file, line and column of the first value that is wrong.
    public init(
        nodes nodeBytes: [UInt8], nodeFile: String, pods podBytes: [UInt8], podFile: String, recording: OpenbRecording? = nil
    ) throws(CSVError) {
        self.recording = recording
        try readNodes(CSVTable(nodeBytes, file: nodeFile))
        try readPods(CSVTable(podBytes, file: podFile))
    }

    /// Reads both files.
    ///
    /// - Parameter recording: the order in which pods arrive, instead of their recorded lives.
    /// - Throws: `ScenarioError` for a file that cannot be read, or the first value that is wrong, with file, line and column.
    public init(nodeFile: String, podFile: String, recording: OpenbRecording? = nil) throws(ScenarioError) {
        do {
            try self.init(
                nodes: InputFiles.read(nodeFile), nodeFile: nodeFile, pods: InputFiles.read(podFile), podFile: podFile, recording: recording
            )
        } catch {
            throw ScenarioError(["\(error)"])
        }
    }

    // MARK: Nodes

    private mutating func readNodes(_ table: CSVTable) throws(CSVError) {
        let name = try table.column("sn")
        let cpu = try table.column("cpu_milli")
        let memory = try table.column("memory_mib")
        let gpu = try table.column("gpu")
        let model = try table.column("model")
        var seen: Set<String> = []
        for row in table.rows {
            let nodeName = try OpenbImport.name(table, row, name, &seen)
            let gpus = try table.count(row, gpu, maximum: 1024)
            let card = table.text(row, model)
            if gpus > 0, card.isEmpty { throw table.error(row, model, "a node with GPUs needs their model") }
            if !NameValidation.labelValue(card).isEmpty { throw table.error(row, model, "is no valid label value") }
            var labels = "    kubernetes.io/hostname: \(OpenbImport.quoted(nodeName))\n"
            if !card.isEmpty { labels += "    \(OpenbImport.gpuModel): \(OpenbImport.quoted(card))\n" }
            if let recording { labels += "    \(OpenbImport.rank): \"\(try recording.rank(of: nodeName))\"\n" }
            var resources =
                "    cpu: \(try table.count(row, cpu))m\n    memory: \(try table.count(row, memory))Mi\n    pods: \(OpenbImport.podsPerNode)\n"
            if gpus > 0 { resources += "    \(OpenbImport.gpuMilli): \(gpus * 1000)\n" }
            nodeText +=
                "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: \(OpenbImport.quoted(nodeName))\n  labels:\n\(labels)status:\n  allocatable:\n\(resources)"
                .utf8
            nodes += 1
        }
        if nodes == 0 { throw CSVError(file: table.file, line: 1, column: "", message: "lists no nodes") }
    }

    // MARK: Pods

    private struct Columns {
        let name, cpu, memory, gpus, gpuMilli, models, created, deleted: Int

        init(_ table: CSVTable) throws(CSVError) {
            name = try table.column("name")
            cpu = try table.column("cpu_milli")
            memory = try table.column("memory_mib")
            gpus = try table.column("num_gpu")
            gpuMilli = try table.column("gpu_milli")
            models = try table.column("gpu_spec")
            created = try table.column("creation_time")
            deleted = try table.column("deletion_time")
        }
    }

    private mutating func readPods(_ table: CSVTable) throws(CSVError) {
        let columns = try Columns(table)
        var seen: Set<String> = []
        var lives: [(name: String, created: Int, deleted: Int?, line: Int, text: String)] = []
        for row in table.rows {
            let podName = try OpenbImport.name(table, row, columns.name, &seen)
            let created = try table.count(row, columns.created, maximum: .max / 4)
            let deleted = table.text(row, columns.deleted).isEmpty ? nil : try table.count(row, columns.deleted, maximum: .max / 4)
            if let deleted, deleted < created { throw table.error(row, columns.deleted, "is before the creation at \(created)") }
            let (text, demand) = try OpenbImport.pod(table, row, columns)
            lives.append((podName, created, deleted, row.line, text))
            demands.append(demand)
        }
        guard let first = lives.map(\.created).min() else {
            throw CSVError(file: table.file, line: 1, column: "", message: "lists no pods")
        }
        if let recording {
            var texts: [String: String] = [:]
            for life in lives { texts[life.name] = life.text }
            return try replay(recording, texts)
        }
        lives.sort { ($0.created, $0.line) < ($1.created, $1.line) }
        for life in lives {
            var annotations = "    \(OpenbImport.createAt): \"\(life.created - first)\"\n"
            if let deleted = life.deleted { annotations += "    \(OpenbImport.deleteAt): \"\(deleted - first)\"\n" }
            podText += OpenbImport.filled(life.text, life.name, annotations).utf8
            if life.deleted == life.created { podsWithoutLifetime += 1 }
            span = max(span, (life.deleted ?? life.created) - first)
        }
        pods = lives.count
    }

    /// The pods of a recording, one second after the other.
    ///
    /// - Parameter texts: those of the list, by name.
    private mutating func replay(_ recording: OpenbRecording, _ texts: [String: String]) throws(CSVError) {
        for (index, arrival) in recording.arrivals.enumerated() {
            guard let text = texts[arrival.base] else {
                throw CSVError(
                    file: recording.orderFile, line: arrival.line, column: "base_pod",
                    message: "the list of pods has no \"\(arrival.base)\"")
            }
            podText += OpenbImport.filled(text, arrival.name, "    \(OpenbImport.createAt): \"\(index)\"\n").utf8
        }
        pods = recording.arrivals.count
        span = recording.arrivals.count
    }

    private static func filled(_ text: String, _ name: String, _ annotations: String) -> String {
        text.replacing("@NAME@", with: quoted(name)).replacing("@ANNOTATIONS@\n", with: annotations)
    }

    /// A pod whose name and annotations are to be filled in.
    private static func pod(
        _ table: CSVTable, _ row: CSVTable.Row, _ columns: Columns
    ) throws(CSVError) -> (text: String, demand: (cpuMilli: Int64, demand: GPUDemand)) {
        let gpus = try table.count(row, columns.gpus, maximum: 1024)
        let share = try table.count(row, columns.gpuMilli, maximum: 1000)
        // A share counts only where it is one of one GPU.
        let milli = gpus == 1 ? share : gpus * 1000
        if gpus == 1, share == 0 { throw table.error(row, columns.gpuMilli, "a pod with one GPU needs a share of it from 1 to 1000") }
        var text =
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: @NAME@\n  namespace: default\n  annotations:\n@ANNOTATIONS@\n"
        if gpus > 0 { text += "    \(gpuCount): \"\(gpus)\"\n    \(gpuMilli): \"\(share)\"\n" }
        text += "spec:\n"
        let models = table.text(row, columns.models).split(separator: "|").map(String.init)
        for model in models where !NameValidation.labelValue(model).isEmpty {
            throw table.error(row, columns.models, "\"\(model)\" is no valid label value")
        }
        if !models.isEmpty {
            let values = models.map(quoted).joined(separator: ", ")
            text += "  affinity:\n    nodeAffinity:\n      requiredDuringSchedulingIgnoredDuringExecution:\n        nodeSelectorTerms:\n"
            text += "        - matchExpressions:\n          - {key: \(gpuModel), operator: In, values: [\(values)]}\n"
        }
        text += "  containers:\n  - name: main\n    image: openb\n    resources:\n"
        let cpu = try table.count(row, columns.cpu)
        var requests = "cpu: \(cpu)m, memory: \(try table.count(row, columns.memory))Mi"
        if milli > 0 { requests += ", \(gpuMilli): \(milli)" }
        text += "      requests: {\(requests)}\n"
        // Extended resources cannot be overcommitted: their limit is their request.
        if milli > 0 { text += "      limits: {\(gpuMilli): \(milli)}\n" }
        return (text, (Int64(cpu), GPUDemand(count: gpus, milli: Int64(gpus == 1 ? share : gpus > 0 ? 1000 : 0))))
    }

    static func name(_ table: CSVTable, _ row: CSVTable.Row, _ column: Int, _ seen: inout Set<String>) throws(CSVError) -> String {
        let name = table.text(row, column)
        if let problem = NameValidation.dns1123Subdomain(name).first { throw table.error(row, column, problem) }
        if !seen.insert(name).inserted { throw table.error(row, column, "the name is there twice") }
        return name
    }

    private static func quoted(_ text: String) -> String { JSONText.quoted(text) }

    // MARK: Files

    /// The scenario file.
    public var scenario: String { recording == nil ? lives : arrivals }

    /// Pods arrive in a recorded order, and stay.
    private var arrivals: String {
        """
        # Replays a recorded experiment on the openb trace: \(pods) pods arrive in its order, one a second, and never leave; one for which no node
        # has room is given up at once. Of equally good nodes the plugin NodeRank of fgd.yaml and best-fit.yaml takes that of the least
        # \(OpenbImport.rank), a label with the recorded rank. pods.csv of a run has each pod's node: what the recording has under that policy.
        #
        #   seatrial run scenario.yaml --scheduler fgd.yaml
        #
        # Written by `seatrial import openb --order ... --ranks ...`.
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata:
          name: openb-recorded
          description: A recorded order of arrival on the openb trace.
        spec:
          duration: \(pods + 60)s
          seed: 1
          cluster:
            objects: [nodes.yaml]
            trace: pods.yaml
            arrivals: {interval: 1s, patience: 500ms}
          measure:
            interval: 1m
            events: false
            allocation:
              - {resource: \(OpenbImport.gpuMilli), at: [90, 95, 100, 130]}

        """
    }

    /// Pods come and go at their recorded times.
    private var lives: String {
        """
        # Replays the openb trace: \(nodes) nodes, \(pods) pods, created and deleted at their recorded times.
        # To the default scheduler a node's GPUs are one pool of thousandths (\(OpenbImport.gpuMilli)): a share may be made of what is left
        # on several cards. Policies with the plugin GPUShare, as that of fgd.yaml, give each pod cards of its own.
        # Written by `seatrial import openb`.
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata:
          name: openb
          description: The openb trace with its recorded lifetimes and GPU demand.
        spec:
          duration: \(span + 60)s
          seed: 1
          cluster:
            objects: [nodes.yaml]
            trace: pods.yaml
          measure: {interval: 1h}

        """
    }

    /// A scheduler's configuration with the policy FGD, which has to know the list's typical pods.
    public var fgdConfiguration: String {
        let pods = Fragmentation.typicalPods(of: demands).map {
            "            - {cpuMilli: \($0.cpuMilli), gpuCount: \($0.demand.count), gpuMilli: \($0.demand.milli), pods: \($0.pods)}\n"
        }
        return configuration(
            "FGD", "Fragmentation gradient descent for the workload of the openb trace: the kinds of pods that make up 95 % of the list.")
                + """
                      - name: FGD
                        args:
                          allPods: \(demands.count)
                          typicalPods:

                """ + pods.map { "        " + $0 }.joined()
    }

    /// A scheduler's configuration with the policy BestFit.
    private var bestFitConfiguration: String {
        configuration("BestFit", "The node on which the pod leaves the least; of equally good ones that of the least rank.")
    }

    /// A profile of what fits and one GPU policy, up to the policy's arguments; with a recording, NodeRank goes by its ranks.
    private func configuration(_ policy: String, _ title: String) -> String {
        """
        # \(title)
        # Written by `seatrial import openb`.
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        percentageOfNodesToScore: 100
        profiles:
          - schedulerName: default-scheduler
            plugins:
              multiPoint:
                disabled: [{name: "*"}]
                enabled:
                  [{name: PrioritySort}, {name: NodeAffinity}, {name: NodeResourcesFit}, {name: GPUShare}, {name: \(policy)},
                   {name: NodeRank}, {name: DefaultBinder}]
              score:
                disabled: [{name: NodeAffinity}, {name: NodeResourcesFit}]
            pluginConfig:

        """ + (recording == nil ? "" : "      - {name: NodeRank, args: {label: \(OpenbImport.rank)}}\n")
    }

    /// Writes scenario.yaml, nodes.yaml, pods.yaml and fgd.yaml, with a recording best-fit.yaml too, into a folder, made if need be; other files in it stay.
    public func write(to folder: String) throws(ResultError) {
        try Folders.make(folder)
        var files = [
            ("nodes.yaml", nodeText), ("pods.yaml", podText), ("fgd.yaml", Array(fgdConfiguration.utf8)),
            ("scenario.yaml", Array(scenario.utf8)),
        ]
        if recording != nil { files.append(("best-fit.yaml", Array(bestFitConfiguration.utf8))) }
        for (name, bytes) in files {
            let temporary = ".\(name).partial-\(getpid())"
            var file = try BufferedFile(name: temporary, in: folder)
            file.withBuffer { $0 += bytes }
            _ = try file.finish(rows: 0)
            guard rename(PathText.join(folder, temporary), PathText.join(folder, name)) == 0 else {
                throw ResultError("cannot write \(PathText.join(folder, name)): \(String(cString: strerror(errno)))")
            }
        }
    }
}
