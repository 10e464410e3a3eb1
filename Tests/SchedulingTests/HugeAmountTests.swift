// Amounts near and beyond 64 bits: they saturate, and never wrap into a decision.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Huge amounts")
struct HugeAmountTests {
    private static let hugeCPU = Quantity(9_223_372_036_854_775)
    private static let hugeMemory = Quantity(bytes: Int64.max)

    private func node(_ name: String, cpu: Quantity = Quantity(4), memory: Quantity = Quantity(bytes: 8 << 30)) -> Node {
        var node = Node(metadata: ObjectMeta(name: name))
        node.status.allocatable = [.cpu: cpu, .memory: memory, .pods: Quantity(5000)]
        return node
    }

    private func pod(_ name: String, cpu: Quantity, containers: Int = 1) -> Pod {
        var container = Container(name: "c")
        container.resources.requests[.cpu] = cpu
        let spec = PodSpec(containers: Array(repeating: container, count: containers))
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec))
        pod.metadata.uid = UID(name)
        return pod
    }

    private func configuration(_ strategy: ScoringStrategy) -> SchedulerConfiguration {
        var arguments = NodeResourcesFitArguments()
        arguments.strategy = strategy
        arguments.resources.append(.init(.ephemeralStorage))
        var configuration = SchedulerConfiguration()
        configuration.profiles[0].arguments = [
            PluginConfiguration(name: "NodeResourcesFit", arguments: .nodeResourcesFit(arguments))
        ]
        return configuration
    }

    @Test(
        "the largest nodes are scored by every strategy",
        arguments: [
            .leastAllocated, .mostAllocated,
            .requestedToCapacityRatio([.init(utilization: 0, score: 0), .init(utilization: 100, score: 10)]),
        ] as [ScoringStrategy])
    func largestNodes(strategy: ScoringStrategy) throws {
        let nodes = (0..<100).map { node("n\($0)", cpu: Self.hugeCPU, memory: Self.hugeMemory) }
        for configuration in [SchedulerConfiguration(), configuration(strategy)] {
            var maker = try DecisionMaker(configuration: configuration, nodes: nodes, pods: [])
            maker.assume(pod("first", cpu: Self.hugeCPU), on: "n0")
            let made = maker.decide(pod("p", cpu: Quantity(1)))
            let decision = try #require(made)
            #expect(decision.feasible.count == 99)
            #expect(!decision.best.isEmpty)
        }
    }

    @Test("scores of huge and of sane resources agree")
    func scoresAgree() {
        let strategies: [ScoringStrategy] = [
            .leastAllocated, .mostAllocated,
            .requestedToCapacityRatio([.init(utilization: 0, score: 10), .init(utilization: 100, score: 0)]),
        ]
        let whole = Int64.max / 1000 * 1000
        for strategy in strategies {
            for part in 0...1000 as ClosedRange<Int64> {
                #expect(
                    strategy.score(requested: whole / 1000 * part, allocatable: whole)
                        == strategy.score(requested: part, allocatable: 1000))
            }
        }
    }

    @Test("a sum of requests beyond 64 bits fits nowhere", arguments: [2, 3000, 4096])
    func hugeSum(containers: Int) throws {
        var maker = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: [node("n")], pods: [])
        let made = maker.decide(pod("p", cpu: Self.hugeCPU, containers: containers))
        #expect(made?.message?.hasPrefix("0/1 nodes are available: 1 Insufficient cpu. ") == true)
    }

    @Test("a node's account holds more than 64 bits, and is exact again when the pods have left")
    func account() {
        var cache = SchedulerCache()
        cache.setNode(Shared(node("n", cpu: Self.hugeCPU)))
        var small = pod("small", cpu: Quantity(1))
        small.nodeName = "n"
        cache.setPod(Shared(small))
        for number in 0..<5 {
            var pod = pod("huge-\(number)", cpu: Self.hugeCPU)
            pod.nodeName = "n"
            cache.setPod(Shared(pod))
        }
        #expect(cache.nodes.resources[0].requestedMilliCPU == .max)
        #expect(cache.nodes.resources[0].nonZeroMilliCPU == .max)
        for number in 0..<5 { cache.removePod(UID("huge-\(number)")) }
        #expect(cache.nodes.resources[0].requestedMilliCPU == 1000)
        #expect(cache.nodes.resources[0].nonZeroMilliCPU == 1000)
    }
}
