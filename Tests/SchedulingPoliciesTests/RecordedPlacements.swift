// The published experiment's arrivals and what its simulator did with them: data that stays where it was published. The tests read it from a folder
// `shared/traces/openb` beside the repository, where there is one.

import Foundation
import KubernetesAPI
import SchedulingPolicies

struct RecordedPlacements {
    struct Arrival {
        let name: String
        let cpuMilli: Int64
        let demand: GPUDemand
        let spec: Shared<PodSpec>
        let isClone: Bool
    }

    /// By rank.
    private(set) var nodes: [Node] = []
    private(set) var arrivals: [Arrival] = []

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/traces/openb")

    /// Whether the data is there.
    static var arePresent: Bool { FileManager.default.fileExists(atPath: folder.appendingPathComponent("fgd/seed42_pods.csv").path) }

    private static func rows(_ file: String) throws -> [[Substring]] {
        try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }

    private struct Unreadable: Error {}

    private static func number(_ text: Substring) throws -> Int64 {
        guard let number = Int64(text) else { throw Unreadable() }
        return number
    }

    init() throws {
        var machines: [Substring: [Substring]] = [:]
        for row in try RecordedPlacements.rows("openb_node_list_gpu_node.csv") { machines[row[0]] = row }
        let ranks = try RecordedPlacements.rows("fgd/seed42_nodes.csv").map { (rank: try RecordedPlacements.number($0[0]), name: $0[1]) }
        nodes = try ranks.sorted { $0.rank < $1.rank }.map { _, name in
            guard let row = machines[name] else { throw Unreadable() }
            return GPUCluster.node(
                String(name), cpuMilli: try RecordedPlacements.number(row[1]), memoryMiB: try RecordedPlacements.number(row[2]),
                gpus: try RecordedPlacements.number(row[3]))
        }
        var specs: [[Int64]: Shared<PodSpec>] = [:]
        for row in try RecordedPlacements.rows("fgd/seed42_pods.csv") {
            let amounts = try row[3...6].map(RecordedPlacements.number)
            let demand = amounts[2] == 0 ? GPUDemand.none : GPUDemand(count: Int(amounts[2]), milli: amounts[3])
            let spec = specs[amounts] ?? GPUCluster.spec(cpuMilli: amounts[0], memoryMiB: amounts[1], gpuMilli: demand.total)
            specs[amounts] = spec
            arrivals.append(
                Arrival(name: String(row[1]), cpuMilli: amounts[0], demand: demand, spec: spec, isClone: row[1] != row[2]))
        }
    }

    /// The node of each arrival; empty for a pod that was dropped.
    static func nodes(under policy: String) throws -> [String] { try rows("fgd/placement_seed42_\(policy).csv").map { String($0[2]) } }

    /// The typical pods of the list, as arguments of FGD.
    var typicalPods: [TypicalPod] {
        Fragmentation.typicalPods(of: arrivals.filter { !$0.isClone }.map { ($0.cpuMilli, $0.demand) })
    }

    var fgdArguments: String {
        let pods = typicalPods.map {
            "{cpuMilli: \($0.cpuMilli), gpuMilli: \($0.demand.milli), gpuCount: \($0.demand.count), pods: \($0.pods)}"
        }
        return "typicalPods: [\(pods.joined(separator: ", "))], allPods: \(arrivals.count { !$0.isClone })"
    }
}
