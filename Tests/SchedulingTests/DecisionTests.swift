// Decisions of the default profile against the naive scheduler, over random clusters.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Decisions")
struct DecisionTests {
    @Test("agree with a node-by-node evaluation of the rules", arguments: 0..<60 as Range<UInt64>)
    func agreesWithNaive(seed: UInt64) throws {
        var cluster = RandomCluster(seed: seed, nodes: 1 + Int(seed % 23), pods: Int(seed * 3 % 90))
        var maker = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: cluster.nodes, pods: cluster.bound)
        var pods = cluster.bound
        for number in 0..<8 {
            let pod = cluster.pod(named: "pending-\(number)")
            let expected = NaiveScheduler(nodes: cluster.nodes, pods: pods).decide(pod)
            let made = maker.decide(pod)
            let decision = try #require(made)
            #expect(decision.feasible.sorted() == expected.map(\.node).sorted())
            if expected.count > 1 {
                let totals = zip(decision.feasible, decision.totals).sorted { $0.0 < $1.0 }.map(\.1)
                #expect(totals == expected.sorted { $0.node < $1.node }.map { $0.total ?? -1 })
            }
            guard let node = decision.best.first else {
                #expect(decision.message?.hasPrefix("0/\(cluster.nodes.count) nodes are available: ") == true)
                continue
            }
            maker.assume(pod, on: node)
            var placed = pod
            placed.nodeName = node
            pods.append(placed)
        }
    }

    @Test("the batch form of every Filter plugin answers like its form for one node", arguments: 0..<20 as Range<UInt64>)
    func batchesAgreeWithSingles(seed: UInt64) throws {
        var cluster = RandomCluster(seed: seed, nodes: 40, pods: 120)
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        for pod in cluster.bound { cache.setPod(Shared(pod)) }
        cache.refreshOrder()
        for number in 0..<20 {
            let info = cache.info(Shared(cluster.pod(named: "pending-\(number)")))
            for entry in profile.filter {
                var batch = FilterBatch()
                batch.plugin = entry.number
                batch.nodes = cache.nodes.order
                batch.verdicts = Array(repeating: .feasible, count: batch.nodes.count)
                entry.plugin.filter(info, batch: &batch, in: cache.snapshot, state: nil)
                for index in batch.indices {
                    let single = entry.plugin.filter(info, on: batch.nodes[index], in: cache.snapshot, state: nil)
                    #expect(batch.verdicts[index].isFeasible == (single == nil))
                    if let single {
                        #expect(batch.verdicts[index] == NodeVerdict(plugin: entry.number, reasons: single.reasons, single.rejection))
                    }
                }
            }
        }
    }

    @Test func emptyClusterHasItsOwnMessage() throws {
        var cluster = RandomCluster(seed: 1, nodes: 1, pods: 0)
        var maker = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: [], pods: [])
        let made = maker.decide(cluster.pod(named: "p"))
        let decision = try #require(made)
        #expect(decision.message == "no nodes available to schedule pods")
        #expect(!decision.preFilterRan)
    }

    @Test func histogramIsSortedAsText() throws {
        let nodes = (0..<12).map { number in
            var node = Node(metadata: ObjectMeta(name: "n\(number)"))
            node.status.allocatable = [.cpu: Quantity(1), .memory: Quantity(bytes: 1 << 30), .pods: Quantity(10)]
            if number >= 10 { node.spec.taints = [Taint(key: "k", effect: .noSchedule)] }
            return node
        }
        var spec = PodSpec(containers: [Container(name: "c")])
        spec.containers[0].resources.requests[.cpu] = Quantity(2)
        var maker = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: nodes, pods: [])
        let made = maker.decide(Pod(metadata: ObjectMeta(name: "p", namespace: "default"), spec: Shared(spec)))
        let decision = try #require(made)
        #expect(
            decision.message == "0/12 nodes are available: 10 Insufficient cpu, 2 node(s) had untolerated taint(s). "
                + "no new claims to deallocate, preemption: 0/12 nodes are available: 12 Preemption is not helpful for scheduling.")
        #expect(decision.unschedulablePlugins == ["NodeResourcesFit", "TaintToleration"])
    }
}
