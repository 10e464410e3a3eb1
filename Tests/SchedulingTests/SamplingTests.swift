// Which nodes a cycle looks at: their order, their number, where the next search starts.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Node sampling")
struct SamplingTests {
    @Test(
        "number of feasible nodes wanted",
        arguments: [
            (99, 0, 99), (100, 0, 100), (1000, 0, 420), (5000, 0, 500), (6000, 0, 300), (15000, 0, 750), (1000, 5, 100), (5000, 100, 5000),
            (2000, 33, 660),
        ])
    func wanted(nodes: Int, percentage: Int, expected: Int) {
        #expect(NodeSampling.feasibleNodesToFind(nodes: nodes, percentage: percentage) == expected)
    }

    @Test(
        "the search stops at the first feasible node too many and the next one starts behind what was counted",
        arguments: 0..<20 as Range<UInt64>)
    func rotation(seed: UInt64) throws {
        var cluster = RandomCluster(seed: seed, nodes: 300, pods: 0)
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        cache.refreshOrder()
        var algorithm = SchedulingAlgorithm()
        for number in 0..<10 {
            let pod = cluster.pod(named: "p\(number)")
            let info = cache.info(Shared(pod))
            let naive = NaiveScheduler(nodes: cluster.nodes, pods: [])
            let fits = Set(naive.decide(pod).map(\.node))
            guard pod.spec.value.affinity.requiredNodeTerms == nil else { continue }
            let start = algorithm.nextStartNodeIndex
            let wanted = NodeSampling.feasibleNodesToFind(nodes: 300, percentage: 0)
            var (feasible, visited) = (0, 0)
            for offset in 0..<300 {
                let name = cache.nodes.names[cache.nodes.order[(start + offset) % 300]]
                if fits.contains(name) {
                    if feasible == wanted { break }
                    feasible += 1
                }
                visited += 1
            }
            switch algorithm.schedule(info, profile, &cache, draw: { _ in 0 }) {
            case .node(let slot, _, let evaluated, let found):
                #expect(evaluated == visited)
                #expect(found == feasible)
                #expect(fits.contains(cache.nodes.names[slot]))
            case .noFit(_, let evaluated):
                #expect(feasible == 0)
                #expect(evaluated == 300)
            case .noNodes, .broken: Issue.record("there are nodes, and scores are valid")
            }
            #expect(algorithm.nextStartNodeIndex == (start + visited) % 300)
        }
    }

    @Test func listGoesRoundTheZones() {
        var cache = SchedulerCache()
        func node(_ name: String, _ zone: String) -> Shared<Node> {
            Shared(Node(metadata: ObjectMeta(name: name, labels: [Node.zoneLabel: zone])))
        }
        func order() -> [String] { cache.nodes.order.map { cache.nodes.names[$0] } }
        for (name, zone) in [("1", "b"), ("2", "b"), ("3", "a"), ("4", "b"), ("5", "a")] { cache.setNode(node(name, zone)) }
        cache.refreshOrder()
        #expect(order() == ["1", "3", "2", "5", "4"])
        // A mere change of zone leaves the list as it is until a node comes or goes.
        cache.setNode(node("1", "a"))
        cache.refreshOrder()
        #expect(order() == ["1", "3", "2", "5", "4"])
        cache.removeNode("2")
        cache.refreshOrder()
        #expect(order() == ["4", "3", "5", "1"])
    }
}
