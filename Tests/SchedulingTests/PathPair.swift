// A random cluster that both paths of the scheduler decide about, step by step: every step demands the same of both.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

/// Two algorithms that see the same cluster.
struct PathPair {
    var cluster: RandomCluster
    var cache: SchedulerCache
    var plain: SchedulingAlgorithm
    var memoised: SchedulingAlgorithm
    let profile: SchedulingProfile
    var templates: [Pod] = []
    var placed: [Pod] = []
    var nominator = Nominator()
    var serial = 0
    var preemptions = 0

    /// - Parameter forgets: what is remembered, of answers and of changes, is little.
    init(seed: UInt64, nodes: Int, percentage: Int, hasTopology: Bool, forgets: Bool = false) throws {
        cluster = RandomCluster(seed: seed, nodes: nodes, pods: nodes * 2)
        var configuration = PathPair.profile(&cluster)
        if hasTopology, cluster.chance(30) {
            var arguments = PodTopologySpreadArguments()
            arguments.defaultingType = .list
            arguments.defaultConstraints = cluster.defaultConstraints()
            configuration.arguments = [PluginConfiguration(name: "PodTopologySpread", arguments: .podTopologySpread(arguments))]
        }
        var table = NodeTable()
        profile = try SchedulingProfile(configuration, registry: PluginRegistry(), nodes: &table)
        cache = SchedulerCache(nodes: table, changes: forgets ? ChangeLog(kept: 3) : ChangeLog())
        for node in cluster.nodes { cache.setNode(Shared(node)) }
        placed = cluster.bound
        if hasTopology { for index in placed.indices { placed[index] = cluster.withTopology(placed[index]) } }
        for index in placed.indices where cluster.chance(60) { placed[index] = cluster.withPriority(placed[index]) }
        for pod in placed { cache.setPod(Shared(pod)) }
        plain = SchedulingAlgorithm(percentageOfNodesToScore: percentage, path: .plain)
        memoised =
            forgets
            ? SchedulingAlgorithm(percentageOfNodesToScore: percentage, path: .memoised, maximumAnswers: 3 * nodes)
            : SchedulingAlgorithm(percentageOfNodesToScore: percentage, path: .memoised)
        for number in 0..<6 {
            let pod = cluster.pod(named: "template-\(number)")
            templates.append(cluster.withVolumes(cluster.withPriority(hasTopology ? cluster.withTopology(pod) : pod)))
        }
        for number in 0..<3 { changeVolume(number) }
        guard hasTopology else { return }
        for name in RandomCluster.namespaces { changeNamespace(name) }
        for _ in 0..<4 { changeSelectors() }
    }

    mutating func step() {
        switch cluster.below(100) {
        case 0..<70: schedule()
        case 70..<85: removePod()
        case 85..<94: changeNode()
        case 94: changeVolume(cluster.below(3))
        case 95: startPod()
        case 96: changeBudget()
        case 97: nominate()
        case 98: changeSelectors()
        default: changeNamespace(cluster.pick(RandomCluster.namespaces))
        }
    }

    /// Room on a node is kept for a pod that waits, or no longer.
    private mutating func nominate() {
        if cluster.chance(30) { nominator = Nominator() }
        guard !cache.nodes.order.isEmpty else { return }
        serial += 1
        var pod = templates[cluster.below(templates.count)]
        pod.metadata.name = "nominated-\(serial)"
        pod.metadata.uid = UID("uid-\(serial)")
        let node = cache.nodes.order[cluster.below(cache.nodes.order.count)]
        nominator.nominate(cache.info(Shared(pod)), to: cache.nodes.names[node])
    }

    /// The default profile, or one without some plugins and with other weights.
    private static func profile(_ cluster: inout RandomCluster) -> ProfileConfiguration {
        var profile = ProfileConfiguration()
        guard cluster.chance(40) else { return profile }
        var changes = ExtensionPointConfiguration(.multiPoint)
        for name in ["TaintToleration", "NodeAffinity", "PodTopologySpread", "InterPodAffinity", "ImageLocality", "NodeResourcesFit"] {
            if cluster.chance(15) {
                changes.disabled.append(name)
            } else if cluster.chance(30) {
                changes.enabled.append(WeightedPlugin(name, weight: Int32(1 + cluster.below(20))))
            }
        }
        profile.plugins.append(changes)
        if cluster.chance(30) {
            // The order of Filter decides whose reason counts.
            let first = cluster.pick(["InterPodAffinity", "PodTopologySpread", "NodeDeclaredFeatures"])
            if !changes.disabled.contains(first) {
                profile.plugins.append(ExtensionPointConfiguration(.filter, enabled: [WeightedPlugin(first)]))
            }
        }
        return profile
    }

    /// A volume of some zone and the claim bound to it come, go or change.
    private mutating func changeVolume(_ number: Int) {
        var volume = PersistentVolume(metadata: ObjectMeta(name: "volume-\(number)"), phase: .bound)
        if cluster.chance(70) { volume.metadata.labels[Node.zoneLabel] = cluster.pick(RandomCluster.zones) }
        for namespace in RandomCluster.namespaces {
            var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "claim-\(number)", namespace: namespace), phase: .bound)
            claim.spec.volumeName = volume.metadata.name
            claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
            if cluster.chance(20) { cache.remove(APIObject(claim)) } else { cache.set(APIObject(claim)) }
        }
        if cluster.chance(10) { cache.remove(APIObject(volume)) } else { cache.set(APIObject(volume)) }
    }

    /// A service or a ReplicaSet comes, goes or selects something else.
    private mutating func changeSelectors() {
        let namespace = cluster.pick(RandomCluster.namespaces)
        let labels = Labels([("app", cluster.pick(["web", "db", "cache"]))])
        let metadata = ObjectMeta(name: cluster.pick(["set-0", "set-1"]), namespace: namespace)
        let object =
            cluster.chance(50)
            ? APIObject(Service(metadata: metadata, selector: labels))
            : APIObject(
                ReplicaSet(
                    metadata: metadata,
                    spec: ReplicaSetSpec(
                        selector: LabelSelector(matchLabels: labels), template: PodTemplate(spec: Shared(PodSpec())))))
        if cluster.chance(30) { cache.remove(object) } else { cache.set(object) }
    }

    private mutating func changeNamespace(_ name: String) {
        var metadata = ObjectMeta(name: name)
        if cluster.chance(70) { metadata.labels = RandomCluster.namespaceLabels[name] ?? Labels() }
        let namespace = APIObject(Namespace(metadata: metadata))
        if cluster.chance(20) { cache.remove(namespace) } else { cache.set(namespace) }
    }

    private mutating func schedule() {
        serial += 1
        var pod = templates[cluster.below(templates.count)]
        pod.metadata.name = "pod-\(serial)"
        pod.metadata.uid = UID("uid-\(serial)")
        cache.refreshOrder()
        let info = cache.info(Shared(pod))
        let lot = cluster.below(1 << 20)
        let expected = plain.schedule(info, profile, &cache, nominator: nominator, draw: { lot % $0 })
        let outcome = memoised.schedule(info, profile, &cache, nominator: nominator, draw: { lot % $0 })
        #expect(plain.nextStartNodeIndex == memoised.nextStartNodeIndex)
        switch (expected, outcome) {
        case (.node(let slot, let score, let evaluated, let feasible), .node(let other, let otherScore, let looked, let found)):
            #expect([slot, Int(score), evaluated, feasible] == [other, Int(otherScore), looked, found])
            cache.assume(info, on: slot)
            pod.nodeName = cache.nodes.names[slot]
            placed.append(pod)
        case (.noFit(let failure, let evaluated), .noFit(let other, let looked)):
            #expect(failure.message(profile, info, cache.snapshot) == other.message(profile, info, cache.snapshot))
            #expect(failure.nodes == other.nodes)
            #expect(failure.verdicts == other.verdicts)
            #expect(failure.rejectors == other.rejectors)
            #expect(evaluated == looked)
            preempt(info, failure)
        case (.noNodes, .noNodes): break
        default: Issue.record("plain path \(expected), memoised \(outcome)")
        }
    }

    /// Both look for somebody to displace, and find the same.
    private mutating func preempt(_ pod: PodInfo, _ failure: FilterFailure) {
        let random = RandomStream(seed: UInt64(serial), purpose: RandomPurpose("preemption"), owner: 1)
        let expected = plain.postFilter(pod, failure, profile, &cache, nominator, random: random)
        let result = memoised.postFilter(pod, failure, profile, &cache, nominator, random: random)
        #expect(expected.message == result.message)
        #expect(expected.nomination == result.nomination)
        let victims = expected.preemption?.victims.map { $0.pod.value.metadata.uid }
        #expect(victims == result.preemption?.victims.map { $0.pod.value.metadata.uid })
        #expect(expected.preemption?.node == result.preemption?.node)
        guard let preemption = expected.preemption, let victims, cluster.chance(70) else { return }
        preemptions += 1
        nominator.nominate(pod, to: preemption.node)
        placed.removeAll { victims.contains($0.metadata.uid) }
        for victim in victims { cache.removePod(victim) }
    }

    /// A pod starts: what preemption knows of it is out of date.
    private mutating func startPod() {
        guard !placed.isEmpty else { return }
        let index = cluster.below(placed.count)
        placed[index].status.startTime = .zero + .seconds(cluster.below(1000))
        cache.setPod(Shared(placed[index]))
    }

    private mutating func changeBudget() {
        let namespace = cluster.pick(RandomCluster.namespaces)
        var budget = PodDisruptionBudget(metadata: ObjectMeta(name: cluster.pick(["a", "b"]), namespace: namespace))
        budget.spec.selector = LabelSelector(matchLabels: ["app": cluster.pick(["web", "db", "cache"])])
        budget.status.disruptionsAllowed = Int32(cluster.below(3))
        if cluster.chance(30) { cache.remove(APIObject(budget)) } else { cache.set(APIObject(budget)) }
    }

    private mutating func removePod() {
        guard !placed.isEmpty else { return }
        let index = cluster.below(placed.count)
        var pod = placed[index]
        if cluster.chance(30), !pod.metadata.isTerminating {
            // Deletion begins: the pod is still there.
            pod.metadata.deletionTimestamp = .zero
            placed[index] = pod
            cache.setPod(Shared(pod))
        } else {
            placed.remove(at: index)
            cache.removePod(pod.metadata.uid)
        }
    }

    private mutating func changeNode() {
        guard let slot = cache.nodes.order.isEmpty ? nil : cache.nodes.order[cluster.below(cache.nodes.order.count)],
            var node = cache.nodes.objects[slot]?.value
        else { return }
        switch cluster.below(11) {
        case 7: node.status.declaredFeatures = cluster.chance(50) ? ["UserNamespacesHostNetworkSupport"] : []
        case 8: node.metadata.labels[Node.zoneLabel] = cluster.chance(20) ? nil : cluster.pick(RandomCluster.zones)
        case 9: node.metadata.labels["rack"] = "rack-\(cluster.below(max(1, cache.nodes.order.count / 2)))"
        case 10:
            // Another node's host name, as mislabelled clusters have it.
            let other = cache.nodes.order[cluster.below(cache.nodes.order.count)]
            node.metadata.labels[Node.hostnameLabel] = cluster.chance(50) ? cache.nodes.names[other] : node.metadata.name
        case 0: node.spec.unschedulable.toggle()
        case 1: node.spec.taints = cluster.chance(50) ? [] : [Taint(key: "flaky", effect: .preferNoSchedule)]
        case 2: node.metadata.labels["disk"] = cluster.pick(RandomCluster.disks)
        case 3: node.status.allocatable[.cpu] = Quantity(milli: Int64(1000 + 500 * cluster.below(30)))
        case 4: node.status.images = [ContainerImage(names: [cluster.pick(RandomCluster.images)], sizeBytes: 500 << 20)]
        case 5:
            cache.removeNode(node.metadata.name)
            return
        default:
            serial += 1
            node.metadata.name = "extra-\(serial)"
            node.metadata.labels[Node.hostnameLabel] = node.metadata.name
        }
        cache.setNode(Shared(node))
    }
}

extension RandomCluster {
    fileprivate mutating func withPriority(_ pod: Pod) -> Pod {
        var pod = pod
        var spec = pod.spec.value
        spec.priority = pick([-5, 0, 0, 10, 100])
        pod.spec = Shared(spec)
        return pod
    }

    /// Some pods use claims, or need a feature of the kubelet.
    fileprivate mutating func withVolumes(_ pod: Pod) -> Pod {
        var pod = pod
        var spec = pod.spec.value
        if chance(15) {
            let name = "claim-\(below(3))"
            spec.volumes.append(Volume(name: "data", source: .persistentVolumeClaim(name: name, readOnly: false)))
        }
        if chance(10) {
            spec.hostNetwork = true
            spec.hostUsers = false
        }
        pod.spec = Shared(spec)
        return pod
    }
}
