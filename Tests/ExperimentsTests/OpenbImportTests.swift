// The openb trace becomes a scenario that loads, with its GPU demand and its times.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

private let nodes = "sn,cpu_milli,memory_mib,gpu,model\nnode-0,32000,262144,0,\nnode-1,64000,262144,2,P100\n"
private let header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
private let pods =
    header + """
        late,6000,12288,1,460,V100M16|V100M32,LS,Running,500,900,500
        early,12000,16384,2,1000,,LS,Running,100,1300,100
        cpu-only,1000,512,0,0,,BE,Running,100,,100

        """

@Suite("openb import")
struct OpenbImportTests {
    @Test("Nodes and pods keep their resources, models and times")
    func imported() throws {
        let folder = try TemporaryFolder(["n.csv": nodes, "p.csv": pods])
        let trace = try OpenbImport(nodeFile: folder["n.csv"], podFile: folder["p.csv"])
        #expect((trace.nodes, trace.pods, trace.span) == (2, 3, 1200))
        #expect(trace.podsWithoutLifetime == 0)
        try trace.write(to: folder["openb"])
        let scenario = try ScenarioFile.load(folder["openb/scenario.yaml"])
        #expect(scenario.warnings.isEmpty)
        #expect(scenario.configuration.nodes.map(\.metadata.name) == ["node-0", "node-1"])
        let gpuNode = scenario.configuration.nodes[1]
        #expect(gpuNode.status.allocatable["alibabacloud.com/gpu-milli"] == Quantity(2000))
        // No pod asks for it: as a resource it would be a column of nothing.
        #expect(gpuNode.status.allocatable["alibabacloud.com/gpu-count"] == nil)
        #expect(gpuNode.metadata.labels["alibabacloud.com/gpu-card-model"] == "P100")
        #expect(gpuNode.status.allocatable[.memory] == Quantity(bytes: 262_144 << 20))

        let entries = scenario.configuration.trace
        #expect(entries.map(\.object.metadata.name) == ["early", "cpu-only", "late"])
        #expect(entries.map { $0.createAt.sinceStart } == [.zero, .zero, .seconds(400)])
        #expect(entries.map(\.deleteAt) == [.zero + .seconds(1200), nil, .zero + .seconds(800)])
        guard case .pod(let late) = entries[2].object, case .pod(let early) = entries[0].object else {
            Issue.record("no pods")
            return
        }
        #expect(late.value.spec.value.containers[0].resources.requests["alibabacloud.com/gpu-milli"] == Quantity(460))
        #expect(early.value.spec.value.containers[0].resources.requests["alibabacloud.com/gpu-milli"] == Quantity(2000))
        #expect(late.value.metadata.annotations["alibabacloud.com/gpu-milli"] == "460")
        let term = try #require(late.value.spec.value.affinity.requiredNodeTerms?.terms.first?.matchExpressions.first)
        #expect(term.values == ["V100M16", "V100M32"])
        #expect(early.value.spec.value.affinity.requiredNodeTerms == nil)
    }

    @Test("Pods that are deleted in the second of their creation are counted")
    func withoutLifetime() throws {
        let trace = try OpenbImport(
            nodes: Array(nodes.utf8), nodeFile: "n.csv", pods: Array(pods.replacingOccurrences(of: "500,900", with: "500,500").utf8),
            podFile: "p.csv")
        #expect(trace.podsWithoutLifetime == 1)
    }

    @Test("The scheduler's configuration written beside the trace knows its typical pods, and makes a scheduler")
    func fgd() throws {
        let folder = try TemporaryFolder(["n.csv": nodes, "p.csv": pods])
        try OpenbImport(nodeFile: folder["n.csv"], podFile: folder["p.csv"]).write(to: folder["openb"])
        let text = try String(contentsOfFile: folder["openb/fgd.yaml"], encoding: .utf8)
        #expect(text.contains("{cpuMilli: 6000, gpuCount: 1, gpuMilli: 460, pods: 1}"))
        #expect(text.contains("{cpuMilli: 12000, gpuCount: 2, gpuMilli: 1000, pods: 1}"))
        #expect(text.contains("{cpuMilli: 1000, gpuCount: 0, gpuMilli: 0, pods: 1}"))
        let scenario = try ScenarioFile.load(
            folder["openb/scenario.yaml"], overrides: ScenarioOverrides(scheduler: folder["openb/fgd.yaml"]))
        #expect(scenario.policy == "fgd")
        _ = try scenario.makeCluster()
    }

    @Test(
        "Broken tables are refused with file, line and column",
        arguments: [
            (nodes, pods.replacingOccurrences(of: "6000", with: "six"), "p.csv:2: cpu_milli:"),
            (nodes, pods.replacingOccurrences(of: "500,900", with: "500,400"), "p.csv:2: deletion_time:"),
            (nodes, pods.replacingOccurrences(of: "early", with: "late"), "p.csv:3: name:"),
            (nodes, pods.replacingOccurrences(of: "early", with: "Early Pod"), "p.csv:3: name:"),
            (nodes, pods.replacingOccurrences(of: "gpu_spec", with: "gpu"), "p.csv:1: gpu_spec:"),
            (nodes, header, "p.csv:1:"),
            (nodes, header + "a,1,1\n", "p.csv:2:"),
            (nodes.replacingOccurrences(of: "32000", with: "-1"), pods, "n.csv:2: cpu_milli:"),
            (nodes.replacingOccurrences(of: "P100", with: ""), pods, "n.csv:3: model:"),
            ("", pods, "n.csv:1:"), (nodes + "\"open,1,1,0,\n", pods, "n.csv:4:"),
        ])
    func broken(nodes: String, pods: String, place: String) throws {
        let folder = try TemporaryFolder(["n.csv": nodes, "p.csv": pods])
        do throws(ScenarioError) {
            _ = try OpenbImport(nodeFile: folder["n.csv"], podFile: folder["p.csv"])
            Issue.record("it was accepted")
        } catch {
            #expect(error.description.contains("/" + place), "\(error)")
        }
    }
}

/// The published trace and a recording of the published experiment: data that stays where it was published. It is read from a folder
/// `shared/traces/openb` beside the repository, where there is one.
private let publishedTrace = URL(fileURLWithPath: packageRoot).deletingLastPathComponent().appendingPathComponent("shared/traces/openb")
    .path

@Suite("Recorded arrivals on openb")
struct OpenbRecordingTests {
    private static let orderTable =
        "arrival_index,name,base_pod,cpu_milli\n0,late,late,6000\n1,cpu-only,cpu-only,1000\n2,late-clone,late,6000\n"
    private static let rankTable = "tiebreak_rank,node\n7,node-0\n3,node-1\n"

    private func folder(
        _ order: String = OpenbRecordingTests.orderTable, _ ranks: String = OpenbRecordingTests.rankTable
    ) throws -> TemporaryFolder {
        try TemporaryFolder(["n.csv": nodes, "p.csv": pods, "o.csv": order, "r.csv": ranks])
    }

    private func imported(_ folder: TemporaryFolder) throws -> OpenbImport {
        let recording = try OpenbRecording(orderFile: folder["o.csv"], rankFile: folder["r.csv"])
        return try OpenbImport(nodeFile: folder["n.csv"], podFile: folder["p.csv"], recording: recording)
    }

    @Test("Pods arrive in the recorded order, copies under their own names, and nodes carry their ranks")
    func order() throws {
        let folder = try folder()
        try imported(folder).write(to: folder["openb"])
        for policy in ["fgd", "best-fit"] {
            let scenario = try ScenarioFile.load(
                folder["openb/scenario.yaml"], overrides: ScenarioOverrides(scheduler: folder["openb/\(policy).yaml"]))
            #expect(scenario.configuration.trace.map(\.object.metadata.name) == ["late", "cpu-only", "late-clone"])
            #expect(scenario.configuration.nodes.map { $0.metadata.labels[OpenbImport.rank] } == ["7", "3"])
            let outcome = try scenario.run()
            #expect(outcome.record.pods.map(\.name.name) == ["late", "cpu-only", "late-clone"])
            #expect(outcome.record.pods.map { Int($0.created.sinceStart.seconds) } == [1, 2, 3])
        }
    }

    @Test("Of equally good nodes the one of the least recorded rank is taken", arguments: ["fgd", "best-fit"])
    func ties(policy: String) throws {
        let folder = try TemporaryFolder([
            "n.csv": "sn,cpu_milli,memory_mib,gpu,model\n" + (0..<5).map { "node-\($0),32000,262144,1,P100\n" }.joined(),
            "p.csv": header + "a,30000,512,0,0,,BE,Running,0,,0\n",
            "o.csv": "arrival_index,name,base_pod\n0,a,a\n1,b,a\n2,c,a\n",
            "r.csv": "tiebreak_rank,node\n4,node-0\n2,node-1\n0,node-2\n3,node-3\n1,node-4\n",
        ])
        try imported(folder).write(to: folder["openb"])
        let scenario = try ScenarioFile.load(
            folder["openb/scenario.yaml"], overrides: ScenarioOverrides(scheduler: folder["openb/\(policy).yaml"]))
        // One pod to a node, for no node has room for two.
        #expect(try scenario.run().record.pods.map(\.node) == ["node-2", "node-4", "node-1"])
    }

    @Test(
        "A recording that does not belong to the trace is refused with file and line",
        arguments: [
            (OpenbRecordingTests.orderTable.replacing("1,cpu", with: "2,cpu"), OpenbRecordingTests.rankTable, "o.csv:3: arrival_index:"),
            (
                OpenbRecordingTests.orderTable.replacing("late-clone,late", with: "x,nobody"), OpenbRecordingTests.rankTable,
                "o.csv:4: base_pod: the list of pods has no \"nobody\""
            ),
            (OpenbRecordingTests.orderTable.replacing("late-clone", with: "late"), OpenbRecordingTests.rankTable, "o.csv:4: name:"),
            (OpenbRecordingTests.orderTable, OpenbRecordingTests.rankTable.replacing("node-1", with: "node-2"), "has no node \"node-1\""),
            (OpenbRecordingTests.orderTable, OpenbRecordingTests.rankTable.replacing("7", with: "first"), "r.csv:2: tiebreak_rank:"),
        ])
    func broken(order: String, ranks: String, message: String) throws {
        let folder = try folder(order, ranks)
        let refused = #expect(throws: ScenarioError.self) { try imported(folder) }
        #expect(refused?.description.contains(message) == true, "\(String(describing: refused))")
    }

    @Test(
        "A run of the imported scenario puts every pod where the published simulator did, and drops those it dropped",
        .enabled(
            if: FileManager.default.fileExists(atPath: publishedTrace + "/fgd/seed42_pods.csv"),
            "the published experiment is not in a folder shared/traces/openb beside the repository"),
        arguments: [("fgd", "FGD"), ("best-fit", "BestFit")])
    func published(policy: String, recorded: String) throws {
        let folder = try TemporaryFolder()
        let recording = try OpenbRecording(
            orderFile: publishedTrace + "/fgd/seed42_pods.csv", rankFile: publishedTrace + "/fgd/seed42_nodes.csv")
        let trace = try OpenbImport(
            nodeFile: publishedTrace + "/openb_node_list_gpu_node.csv", podFile: publishedTrace + "/openb_pod_list_default.csv",
            recording: recording)
        try trace.write(to: folder["openb"])
        let scenario = try ScenarioFile.load(
            folder["openb/scenario.yaml"], overrides: ScenarioOverrides(scheduler: folder["openb/\(policy).yaml"]))
        let placed = try scenario.run().record.pods.map { "\($0.name.name),\($0.node ?? "")" }
        let expected = try String(contentsOfFile: publishedTrace + "/fgd/placement_seed42_\(recorded).csv", encoding: .utf8)
            .split(whereSeparator: \.isNewline).dropFirst().map {
                $0.split(separator: ",", omittingEmptySubsequences: false)[1...2].joined(separator: ",")
            }
        #expect(placed.count == 10_866 && expected.count == 10_866)
        let differences = zip(placed, expected).filter { $0 != $1 }
        #expect(differences.isEmpty, "\(differences.count) disagreements, first \(String(describing: differences.first))")
    }
}
