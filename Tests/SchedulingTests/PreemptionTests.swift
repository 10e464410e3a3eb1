// Preemption on random clusters: against the naive one, and that asking leaves no trace.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

/// A crowded random cluster with priorities, start times, budgets and nominations.
private struct CrowdedCluster {
    var cluster: RandomCluster
    private(set) var bound: [Pod] = []
    private(set) var nominated: [Pod] = []
    private(set) var budgets: [PodDisruptionBudget] = []

    init(seed: UInt64) {
        cluster = RandomCluster(seed: seed, nodes: 2 + Int(seed % 9), pods: 40 + Int(seed * 7 % 60))
        for (number, pod) in cluster.bound.enumerated() {
            var pod = pod
            pod.status.startTime = SimulatedTime.zero + .seconds(1000 - number)
            pod.metadata.labels["app"] = cluster.pick(["web", "db", "batch"])
            if cluster.chance(10) { pod.metadata.labels = Labels() }
            bound.append(withPriority(pod))
        }
        for number in 0..<cluster.below(4) {
            var pod = withPriority(cluster.pod(named: "nominated-\(number)"))
            pod.status.nominatedNodeName = cluster.pick(cluster.nodes).metadata.name
            nominated.append(pod)
        }
        for number in 0..<cluster.below(3) {
            var budget = PodDisruptionBudget(metadata: ObjectMeta(name: "budget-\(number)", namespace: "default"))
            budget.spec.selector = LabelSelector(matchLabels: ["app": cluster.pick(["web", "db", "batch"])])
            budget.status.disruptionsAllowed = Int32(cluster.below(3))
            budgets.append(budget)
        }
    }

    mutating func pending(_ number: Int) -> Pod { withPriority(cluster.pod(named: "pending-\(number)")) }

    private mutating func withPriority(_ pod: Pod) -> Pod {
        var pod = pod
        var spec = pod.spec.value
        spec.priority = cluster.pick([-5, 0, 0, 10, 100])
        pod.spec = Shared(spec)
        return pod
    }

    var naive: NaivePreemption { NaivePreemption(nodes: cluster.nodes, pods: bound, nominated: nominated, budgets: budgets) }
}

@Suite("Preemption")
struct PreemptionTests {
    @Test("finds the victims and the nodes of the written rules", arguments: 0..<40 as Range<UInt64>)
    func agreesWithNaive(seed: UInt64) throws {
        var crowded = CrowdedCluster(seed: seed)
        var maker = try DecisionMaker(
            configuration: SchedulerConfiguration(), nodes: crowded.cluster.nodes, pods: crowded.bound + crowded.nominated,
            objects: crowded.budgets.map { APIObject($0) })
        let naive = crowded.naive
        for number in 0..<6 {
            let pod = crowded.pending(number)
            let made = maker.decide(pod)
            let decision = try #require(made)
            #expect(decision.feasible.sorted() == naive.feasible(pod).sorted())
            guard decision.feasible.isEmpty else {
                #expect(decision.preemption == nil && decision.preemptionExplanation == nil)
                continue
            }
            let open = decision.infeasible.filter { $0.rejection == .unschedulable }.map(\.node)
            let expected = naive.candidates(pod, on: open)
            let candidates = decision.preemptionExplanation?.candidates ?? []
            #expect(candidates.map(\.node).sorted() == expected.map(\.node).sorted())
            for candidate in candidates {
                let same = try #require(expected.first { $0.node == candidate.node })
                #expect(candidate.victims == same.victims.map(\.metadata.key))
                #expect(candidate.disruptionBudgetViolations == same.violations)
            }
            let best = naive.best(expected)
            #expect(decision.preemptionExplanation?.best ?? [] == best)
            #expect(decision.preemption?.node == best.first)
            #expect(decision.clearsNomination == expected.isEmpty)
        }
    }

    @Test("leaves the snapshot as it was", arguments: 0..<20 as Range<UInt64>)
    func leavesNoTrace(seed: UInt64) throws {
        var crowded = CrowdedCluster(seed: seed)
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        for node in crowded.cluster.nodes { cache.setNode(Shared(node)) }
        for pod in crowded.bound { cache.setPod(Shared(pod)) }
        cache.refreshOrder()
        var nominator = Nominator()
        for pod in crowded.nominated { nominator.add(cache.info(Shared(pod))) }
        var algorithm = SchedulingAlgorithm()
        var tried = 0
        for number in 0..<10 {
            let info = cache.info(Shared(crowded.pending(number)))
            let before = Trace(cache.snapshot)
            let outcome = algorithm.schedule(info, profile, &cache, nominator: nominator) { _ in 0 }
            if case .noFit(let failure, _) = outcome {
                let random = RandomStream(seed: seed, purpose: .preemption, owner: UInt64(number))
                _ = algorithm.postFilter(info, failure, profile, &cache, nominator, random: random)
                tried += 1
            }
            #expect(Trace(cache.snapshot) == before)
        }
        #expect(tried > 0)
    }

    /// All of a snapshot that a trial could have changed.
    private struct Trace: Equatable {
        var resources: [NodeResources]
        var ports: [[HostPort]]
        var lists: [[Int32]]
        var generations: [UInt64]
        var gpus: [Int64]
        var pods: [String]

        init(_ snapshot: ClusterSnapshot) {
            let nodes = snapshot.nodes
            resources = nodes.resources
            ports = nodes.ports
            lists = nodes.pods
            generations = nodes.generation
            let gpu = nodes.scalarResources.names.firstIndex(of: RandomCluster.gpu)
            gpus = gpu.map { gpu in (0..<nodes.slotCount).map { nodes.requested(gpu, on: $0) } } ?? []
            pods = snapshot.pods.map { pod in
                pod.map { "\($0.info.pod.value.metadata.uid) \($0.node) \($0.position) \($0.isAssumed)" } ?? "-"
            }
        }
    }

    @Test("looks no further than it must in a large cluster")
    func stopsEarly() throws {
        let nodes = (0..<400).map { number in
            var node = Node(metadata: ObjectMeta(name: "node-\(number)"))
            node.status.allocatable = [.cpu: Quantity(1), .memory: Quantity(bytes: 1 << 30), .pods: Quantity(10)]
            return node
        }
        func pod(_ name: String, priority: Int32, on node: String? = nil) -> Pod {
            var spec = PodSpec(containers: [Container(name: "c")])
            spec.containers[0].resources.requests[.cpu] = Quantity(1)
            spec.priority = priority
            var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec), nodeName: node)
            pod.metadata.uid = UID(name)
            return pod
        }
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        for node in nodes {
            cache.setNode(Shared(node))
            cache.setPod(Shared(pod("on-" + node.metadata.name, priority: 0, on: node.metadata.name)))
        }
        cache.refreshOrder()
        let info = cache.info(Shared(pod("urgent", priority: 1)))
        var algorithm = SchedulingAlgorithm()
        guard case .noFit(let failure, _) = algorithm.schedule(info, profile, &cache, draw: { _ in 0 }) else {
            Issue.record("a full cluster had room")
            return
        }
        var chosen: [String] = []
        for owner in 0..<8 as Range<UInt64> {
            let random = RandomStream(seed: 1, purpose: .preemption, owner: owner)
            let result = algorithm.postFilter(info, failure, profile, &cache, Nominator(), random: random)
            let preemption = try #require(result.preemption)
            #expect(preemption.victims.map { $0.pod.value.metadata.name } == ["on-" + preemption.node])
            chosen.append(preemption.node)
        }
        // The search begins at a random node, and all candidates are alike.
        #expect(Set(chosen).count > 4)
    }

    @Test("a nomination in memory outlives updates that do not speak of it")
    func nominationRules() throws {
        var cache = SchedulerCache()
        func pod(_ node: String?) -> PodInfo {
            var pod = Pod(metadata: ObjectMeta(name: "p", namespace: "default"), spec: Shared(PodSpec()))
            pod.metadata.uid = UID("p")
            pod.status.nominatedNodeName = node
            return cache.info(Shared(pod))
        }
        let (silent, named) = (pod(nil), pod("b"))
        var nominator = Nominator()
        nominator.nominate(silent, to: "a")
        nominator.update(silent, from: silent.pod.value)
        #expect(nominator.node(of: UID("p")) == "a")
        nominator.update(named, from: silent.pod.value)
        #expect(nominator.node(of: UID("p")) == "b" && nominator.pods(on: "a").isEmpty)
        nominator.update(silent, from: named.pod.value)
        #expect(nominator.node(of: UID("p")) == nil && nominator.isEmpty)
        nominator.nominate(named, to: nil)
        #expect(nominator.node(of: UID("p")) == nil && nominator.isEmpty)
    }
}
