// The policies' decisions are the same whether plugins are asked about every node or remembered.

import DiscreteEvents
import KubernetesAPI
import Scheduling
import SchedulingPolicies
import Testing

@Suite("Policies on both paths")
struct PolicyPathTests {
    private static let policies = [
        "Random", "DotProd", "GpuClustering", "GpuPacking", "BestFit", "FGD", "NodeResourcesAllocatable",
        "TargetLoadPacking", "LoadVariationRiskBalancing",
    ]

    /// Enough nodes for the index of the best ones.
    private static func nodes(_ stream: inout RandomStream) -> [Node] {
        (0..<280).map { number in
            let gpus = [0, 1, 2, 4, 8][stream.uniform(below: 5)]
            return GPUCluster.node("n-\(number)", cores: Int64(16 + 16 * stream.uniform(below: 4)), gpus: Int64(gpus))
        }
    }

    private static func configuration(_ policy: String) throws -> SchedulerConfiguration {
        let arguments =
            policy == "FGD"
            ? "typicalPods: [{cpuMilli: 4000, gpuCount: 1, gpuMilli: 500, pods: 3}, {cpuMilli: 8000, gpuCount: 2, gpuMilli: 1000, pods: 1}]"
            : ""
        var configuration = try GPUCluster.configuration(policy, arguments: arguments)
        // Random draws among equals; for all others the order of nodes decides.
        if policy != "Random" { configuration.profiles[0].plugins[0].enabled.append(WeightedPlugin("NodeRank")) }
        return configuration
    }

    /// What nodes use, if anybody goes by it.
    private static func report(_ nodes: [Node], _ stream: inout RandomStream) -> LoadReport {
        var entries: [LoadReport.Entry] = []
        for node in nodes {
            let (cpu, memory) = (stream.uniform(), stream.uniform())
            let load = MeasuredLoad(cpu: .init(mean: cpu), memory: .init(mean: memory))
            entries.append(LoadReport.Entry(node: node.metadata.name, latest: load, average: nil))
        }
        return LoadReport(time: .zero, entries: entries)
    }

    @Test("place the same pods on the same nodes, fitting or not", arguments: policies, [1, 2] as [UInt64])
    func agree(policy: String, seed: UInt64) throws {
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("policy tests"), owner: policy)
        let nodes = PolicyPathTests.nodes(&stream)
        let configuration = try PolicyPathTests.configuration(policy)
        func maker(_ path: SchedulerPath) throws -> DecisionMaker {
            try DecisionMaker(configuration: configuration, registry: .withPolicies, path: path, nodes: nodes, pods: [], seed: seed)
        }
        var (plain, memoised) = (try maker(.plain), try maker(.memoised))
        let specs = [0, 300, 500, 500, 810, 1000, 2000, 4000, 8000].map { GPUCluster.spec(cpuMilli: 2000 + $0 / 2, gpuMilli: $0) }
        var placed = 0
        for number in 0..<700 {
            if number % 50 == 0 {
                let report = PolicyPathTests.report(nodes, &stream)
                plain.take(report)
                memoised.take(report)
            }
            let pod = Shared(GPUCluster.pod("p-\(number)", specs[stream.uniform(below: specs.count)]))
            let draw = stream.next()
            func pick(_ count: Int) -> Int { Int(draw % UInt64(count)) }
            let (one, other) = (plain.place(pod, draw: pick), memoised.place(pod, draw: pick))
            #expect(one?.node == other?.node, "pod \(number)")
            if one != nil { placed += 1 }
        }
        // Some find no room in the end.
        #expect(placed > 300 && placed < 700)
    }

    @Test("NodeRank sends pods that find all nodes equal to the same node, another one under another seed")
    func ranks() throws {
        let nodes = (0..<20).map { GPUCluster.node("n-\($0)") }
        func first(_ seed: UInt64) throws -> [String?] {
            var configuration = try GPUCluster.configuration("Random")
            configuration.profiles[0].plugins[0].enabled.append(WeightedPlugin("NodeRank"))
            var maker = try DecisionMaker(configuration: configuration, registry: .withPolicies, nodes: nodes, pods: [], seed: seed)
            return (0..<4).map { number in maker.place(Shared(GPUCluster.pod("p-\(number)", gpuMilli: 0)), draw: { _ in number })?.node }
        }
        let chosen = try (1...8).map { try first($0) }
        #expect(chosen.allSatisfy { Set($0).count == 1 && $0[0] != nil })
        #expect(Set(chosen.map { $0[0] }).count > 1)
    }

    @Test("NodeRank takes the nodes of the least label, and of those of the same one always the same node")
    func labels() throws {
        let nodes = (0..<20).map { number -> Node in
            var node = GPUCluster.node("n-\(number)")
            if number >= 5 { node.metadata.labels["rank"] = number < 10 ? "3" : "4" }
            return node
        }
        let configuration = try GPUCluster.configuration("NodeRank", arguments: "label: rank")
        func first(_ seed: UInt64) throws -> [String?] {
            var maker = try DecisionMaker(configuration: configuration, registry: .withPolicies, nodes: nodes, pods: [], seed: seed)
            return (0..<4).map { number in maker.place(Shared(GPUCluster.pod("p-\(number)", gpuMilli: 0)), draw: { _ in number })?.node }
        }
        let chosen = try (1...8).map { try first($0) }
        let least = Set((5..<10).map { "n-\($0)" })
        #expect(chosen.allSatisfy { Set($0).count == 1 && least.contains($0[0] ?? "") })
        #expect(Set(chosen.map { $0[0] }).count > 1)
    }
}
