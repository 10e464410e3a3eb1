// NodeResourcesAllocatable: nodes by their size.

import KubernetesAPI
import Scheduling
import SchedulingPolicies
import Testing

@Suite("NodeResourcesAllocatable")
struct NodeResourcesAllocatableTests {
    private static let nodes = [
        GPUCluster.node("large", cores: 64, memoryMiB: 65_536, gpus: 0), GPUCluster.node("middle", cores: 32, memoryMiB: 65_536, gpus: 0),
        GPUCluster.node("small", cores: 8, memoryMiB: 65_536, gpus: 0),
    ]

    private static func scores(_ arguments: String) throws -> [Int64] {
        var maker = try DecisionMaker(
            configuration: GPUCluster.configuration("NodeResourcesAllocatable", arguments: arguments), registry: .withPolicies,
            nodes: nodes, pods: [])
        let made = maker.decide(GPUCluster.pod("p", gpuMilli: 0))
        let decision = try #require(made)
        #expect(decision.feasible == ["large", "middle", "small"])
        return try #require(decision.scores.first { $0.plugin == "NodeResourcesAllocatable" }).scores
    }

    @Test("prefers small nodes, or large ones, between the extremes in proportion")
    func modes() throws {
        #expect(try NodeResourcesAllocatableTests.scores("mode: Least, resources: [{name: cpu, weight: 1}]") == [0, 57, 100])
        #expect(try NodeResourcesAllocatableTests.scores("mode: Most, resources: [{name: cpu, weight: 1}]") == [100, 42, 0])
        #expect(try NodeResourcesAllocatableTests.scores("") == [0, 57, 100])
    }

    @Test("amounts whose distance times a hundred is beyond 64 bits are scored in proportion, too")
    func huge() throws {
        let nodes = [("large", Int64(200) << 50), ("middle", Int64(100) << 50), ("small", Int64(100) << 30)].map { name, bytes in
            var node = GPUCluster.node(name, gpus: 0)
            node.status.allocatable[.ephemeralStorage] = Quantity(bytes: bytes)
            return node
        }
        var maker = try DecisionMaker(
            configuration: GPUCluster.configuration(
                "NodeResourcesAllocatable", arguments: "mode: Least, resources: [{name: ephemeral-storage, weight: 1}]"),
            registry: .withPolicies, nodes: nodes, pods: [])
        let made = maker.decide(GPUCluster.pod("p", gpuMilli: 0))
        #expect(try #require(made).scores.first { $0.plugin == "NodeResourcesAllocatable" }?.scores == [0, 50, 100])
    }

    @Test("nodes that are equal in what counts are equally good")
    func equal() throws {
        #expect(try NodeResourcesAllocatableTests.scores("resources: [{name: memory, weight: 3}]") == [0, 0, 0])
    }

    @Test(
        "arguments that make no sense are refused",
        arguments: ["mode: Some", "resources: [{name: cpu}]", "resources: [{name: cpu, weight: 0}]"])
    func broken(arguments: String) {
        #expect(throws: GPUCluster.Refused.self) { try GPUCluster.configuration("NodeResourcesAllocatable", arguments: arguments) }
    }
}
