// PodTopologySpread and InterPodAffinity against the naive reference, over random clusters.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

/// A random cluster whose pods have labels, namespaces, terms and constraints.
private struct TopologyScene {
    var cluster: RandomCluster
    let nodes: [Node]
    var naive: NaiveTopology
    let objects: [APIObject]
    var spread = PodTopologySpreadArguments()
    var affinity = InterPodAffinityArguments()

    init(seed: UInt64) {
        cluster = RandomCluster(seed: seed, nodes: 2 + Int(seed % 13), pods: Int(seed * 7 % 50))
        var nodes = cluster.nodes
        // A label without a value is a value.
        for index in nodes.indices where cluster.chance(8) { nodes[index].metadata.labels[Node.zoneLabel] = "" }
        var pods: [Pod] = []
        for var pod in cluster.bound {
            pod = cluster.withTopology(pod)
            if cluster.chance(10) { pod.metadata.deletionTimestamp = .zero }
            pods.append(pod)
        }
        var services: [Service] = []
        for (number, selector) in [["app": "web"], ["tier": "back"], Labels()].enumerated() where cluster.chance(60) {
            services.append(Service(metadata: ObjectMeta(name: "service-\(number)", namespace: "default"), selector: selector))
        }
        let sets = (0..<2).map { number in
            ReplicaSet(
                metadata: ObjectMeta(name: "set-\(number)", namespace: "default"),
                spec: ReplicaSetSpec(
                    selector: LabelSelector(matchLabels: number == 0 ? ["app": "web"] : ["app": "db", "tier": "back"]),
                    template: PodTemplate(spec: Shared(PodSpec()))))
        }
        self.nodes = nodes
        naive = NaiveTopology(
            nodes: nodes, pods: pods, namespaces: RandomCluster.namespaceLabels, services: services, replicaSets: sets)
        objects =
            ["default", "team-a", "team-b"].map {
                APIObject(Namespace(metadata: ObjectMeta(name: $0, labels: RandomCluster.namespaceLabels[$0] ?? Labels())))
            } + services.map { APIObject($0) } + sets.map { APIObject($0) }
        if cluster.chance(40) {
            spread.defaultingType = .list
            spread.defaultConstraints = cluster.defaultConstraints()
        }
        affinity.hardPodAffinityWeight = Int32(cluster.pick([0, 1, 1, 50]))
        affinity.ignorePreferredTermsOfExistingPods = cluster.chance(30)
    }

    /// The built-in defaults, or the profile's.
    var defaults: [TopologySpreadConstraint] {
        if spread.defaultingType == .list { return spread.defaultConstraints }
        return [(Int32(3), Node.hostnameLabel), (5, Node.zoneLabel)].map {
            TopologySpreadConstraint(maxSkew: $0.0, topologyKey: $0.1, whenUnsatisfiable: .scheduleAnyway, labelSelector: nil)
        }
    }

    /// Nothing but the two plugins filters and scores.
    var configuration: SchedulerConfiguration {
        let plugins = [WeightedPlugin("PodTopologySpread", weight: 2), WeightedPlugin("InterPodAffinity", weight: 2)]
        var configuration = SchedulerConfiguration()
        configuration.profiles[0].plugins = [
            ExtensionPointConfiguration(.filter, enabled: plugins, disabled: ["*"]),
            ExtensionPointConfiguration(.score, enabled: plugins, disabled: ["*"]),
        ]
        configuration.profiles[0].arguments = [
            PluginConfiguration(name: "PodTopologySpread", arguments: .podTopologySpread(spread)),
            PluginConfiguration(name: "InterPodAffinity", arguments: .interPodAffinity(affinity)),
        ]
        return configuration
    }

    mutating func pending(_ number: Int) -> Pod {
        var pod = cluster.withTopology(cluster.pod(named: "pending-\(number)"))
        // These plugins do not mind which nodes the pod asks for, except for what is counted.
        pod.spec = Shared(pod.spec.value)
        return pod
    }
}

@Suite("Topology")
struct TopologyTests {
    @Test("spreading and affinity agree with the rules counted out", arguments: 0..<150 as Range<UInt64>, [SchedulerPath.plain, .memoised])
    func agreesWithNaive(seed: UInt64, path: SchedulerPath) throws {
        var scene = TopologyScene(seed: seed)
        var maker = try DecisionMaker(
            configuration: scene.configuration, path: path, nodes: scene.nodes, pods: scene.naive.pods, objects: scene.objects)
        for number in 0..<6 {
            let pod = scene.pending(number)
            let made = maker.decide(pod)
            let decision = try #require(made)
            // The path is taken by attempts; it remembers a class of pods from the second on.
            _ = maker.attempt(pod) { _ in 0 }
            let attempt = maker.attempt(pod) { $0 - 1 }
            #expect(attempt?.node.map { decision.best.contains($0) } ?? decision.best.isEmpty)
            #expect(attempt?.feasible == decision.feasible.count)
            let names = decision.allowedNodes
            let candidates = scene.nodes.filter { names?.contains($0.metadata.name) ?? true }
            var reasons: [String: String] = [:]
            for node in candidates {
                reasons[node.metadata.name] =
                    scene.naive.spreadObstacle(pod, node, defaults: scene.defaults) ?? scene.naive.affinityObstacle(pod, node)
            }
            if decision.preFilterRejection == nil {
                #expect(
                    Dictionary(uniqueKeysWithValues: decision.infeasible.map { ($0.node, $0.reasons.joined(separator: ", ")) }) == reasons)
                #expect(decision.feasible.count == candidates.count - reasons.count)
            }
            let feasible = decision.feasible.compactMap { name in scene.nodes.first { $0.metadata.name == name } }
            if feasible.count > 1 { expectScores(decision, pod, feasible, scene) }
            guard let node = decision.best.first else { continue }
            maker.assume(pod, on: node)
            var placed = pod
            placed.nodeName = node
            scene.naive.pods.append(placed)
        }
    }

    private func expectScores(_ decision: Decision, _ pod: Pod, _ feasible: [Node], _ scene: TopologyScene) {
        let spread = scene.naive.spreadScores(
            pod, feasible, defaults: scene.defaults, requiresAll: scene.spread.defaultingType == .list)
        let affinity = scene.naive.affinityScores(
            pod, feasible, hardWeight: Int64(scene.affinity.hardPodAffinityWeight),
            ignoresOthers: scene.affinity.ignorePreferredTermsOfExistingPods)
        for (name, expected) in [("PodTopologySpread", spread), ("InterPodAffinity", affinity)] {
            #expect(decision.rawScores.first { $0.plugin == name }?.scores == expected?.raw)
            #expect(decision.scores.first { $0.plugin == name }?.scores == expected?.normalised.map { 2 * $0 })
        }
    }

    @Test("a pod told of afterwards counts like one that was there", arguments: 0..<60 as Range<UInt64>)
    func extensionsAgreeWithCountingAnew(seed: UInt64) throws {
        var scene = TopologyScene(seed: seed)
        var table = NodeTable()
        let profile = try SchedulingProfile(scene.configuration.profiles[0], registry: PluginRegistry(), nodes: &table)
        // What the real plugins count differently when told afterwards is left out.
        let others = scene.naive.pods.filter { !$0.metadata.isTerminating }
        var cache = SchedulerCache(nodes: table)
        for object in scene.objects { cache.set(object) }
        for node in scene.nodes { cache.setNode(Shared(node)) }
        for pod in others { cache.setPod(Shared(pod)) }
        cache.refreshOrder()
        for number in 0..<4 {
            guard let other = others.isEmpty ? nil : others[scene.cluster.below(others.count)] else { continue }
            var pod = scene.pending(number)
            var spec = pod.spec.value
            spec.topologySpreadConstraints.removeAll { $0.labelSelector?.isEmpty ?? false }
            pod.spec = Shared(spec)
            let info = cache.info(Shared(pod))
            let otherInfo = cache.info(Shared(other))
            let slot = try #require(other.nodeName.flatMap { cache.slot(of: $0) })
            let with = cache
            cache.removePod(other.metadata.uid)
            for entry in profile.filter {
                guard let plugin = entry.plugin as? any PreFilterExtensions & FilterPlugin else { continue }
                var stateWith: PluginState?
                var stateWithout: PluginState?
                guard case .proceed(let first) = plugin.preFilter(info, in: with.snapshot),
                    case .proceed(let second) = plugin.preFilter(info, in: cache.snapshot)
                else { continue }
                (stateWith, stateWithout) = (first, second)
                var added = stateWithout
                plugin.add(otherInfo, on: slot, to: &added, for: info, in: with.snapshot)
                var removed = stateWith
                plugin.remove(otherInfo, on: slot, from: &removed, for: info, in: cache.snapshot)
                for node in cache.nodes.order {
                    let verdict = plugin.filter(info, on: node, in: with.snapshot, state: stateWith)
                    #expect(plugin.filter(info, on: node, in: with.snapshot, state: added) == verdict)
                    let verdictWithout = plugin.filter(info, on: node, in: cache.snapshot, state: stateWithout)
                    #expect(plugin.filter(info, on: node, in: cache.snapshot, state: removed) == verdictWithout)
                }
            }
            cache.setPod(Shared(other))
        }
    }

    @Test("of equally small domains the third is forgotten, as in the real scheduler")
    func smallestDomainsForget() {
        var domains = SpreadDomains(values: 3)
        for value in 0..<3 { domains.add(0, value: value) }
        domains.settle()
        #expect(domains.least(minDomains: 1) == 0)
        domains.change(by: 1, value: 0)
        #expect(domains.least(minDomains: 1) == 0)
        domains.change(by: 1, value: 1)
        // The domain of value 2 still has no pods.
        #expect(domains.least(minDomains: 1) == 1)
        #expect(domains.least(minDomains: 4) == 0)
    }

    @Test("a constraint without any domain forbids nothing, unless domains are asked for")
    func noDomains() {
        let domains = SpreadDomains(values: 0)
        #expect(domains.least(minDomains: 0) == Int(Int32.max))
        #expect(domains.least(minDomains: 1) == 0)
    }
}
