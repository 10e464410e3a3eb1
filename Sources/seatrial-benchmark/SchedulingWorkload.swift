// The pods and objects of each kind of workload that scheduling is timed with.

import ArgumentParser
import KubernetesAPI

/// A kind of workload; the figures of the real scheduler were measured with the same pods and nodes.
enum SchedulingWorkload: String, CaseIterable, ExpressibleByArgument {
    case plain
    /// Pods of ReplicaSets behind Services: the built-in default spreading is at work.
    case services
    /// Hard spreading over zones, maxSkew 5.
    case zoneSpread = "zone-spread"
    /// Never two of one kind on a node.
    case antiAffinity = "anti-affinity"
    /// Rather in the zones where others of the kind are, rather not on their nodes.
    case preferredAffinity = "preferred-affinity"

    /// How many pods fit a cluster, whatever the order: twice that would fit by size.
    func pods(nodes: Int, shapes: Int, wanted: Int) -> Int {
        self == .antiAffinity ? min(wanted, nodes * shapes * 9 / 10, nodes * 20) : min(wanted, nodes * 20)
    }

    /// What the real kube-scheduler 1.36.2 takes on a machine of this kind for one pod, algorithm only, in CPU microseconds.
    func realMicroseconds(nodes: Int, isAdaptive: Bool) -> Double? {
        switch (self, nodes, isAdaptive) {
        case (.plain, 1_000, true): 970
        case (.plain, 1_000, false): 2_317
        case (.plain, 5_000, true): 1_338
        case (.plain, 5_000, false): 12_469
        case (.zoneSpread, 1_000, true): 1_531
        case (.zoneSpread, 1_000, false): 2_595
        case (.zoneSpread, 5_000, true): 2_947
        case (.zoneSpread, 5_000, false): 15_884
        case (.antiAffinity, 1_000, true): 2_245
        case (.antiAffinity, 1_000, false): 2_921
        case (.antiAffinity, 5_000, true): 4_871
        case (.antiAffinity, 5_000, false): 19_085
        default: nil
        }
    }

    /// Pods a second of the real scheduler's whole loop with its in-memory client, adaptive.
    func realLoopRate(nodes: Int) -> Double? {
        switch (self, nodes) {
        case (.plain, 1_000): 715
        case (.plain, 5_000): 537
        case (.zoneSpread, 1_000): 509
        case (.zoneSpread, 5_000): 234
        case (.antiAffinity, 1_000): 250
        case (.antiAffinity, 5_000): 145
        default: nil
        }
    }

    /// The node of the real scheduler's figures: 4 CPU, 32 GiB, 110 pods, three zones.
    static func node(_ number: Int) -> Node {
        let name = "node-\(number)"
        var node = Node(
            metadata: ObjectMeta(name: name, labels: Labels([(Node.hostnameLabel, name), (Node.zoneLabel, "zone-\(number % 3)")])))
        node.status.allocatable = ResourceList([(.cpu, Quantity(4)), (.memory, Quantity(bytes: 32 << 30)), (.pods, Quantity(110))])
        return node
    }

    /// The objects around the pods of `shapes` kinds.
    func objects(shapes: Int) -> [APIObject] {
        guard self == .services else { return [] }
        return (0..<shapes).flatMap { shape -> [APIObject] in
            let labels = Labels([("app", "app-\(shape)")])
            var service = Service(metadata: ObjectMeta(name: "app-\(shape)", namespace: "default"))
            service.selector = labels
            var metadata = ObjectMeta(name: "app-\(shape)", namespace: "default")
            metadata.uid = UID("replicaset-\(shape)")
            let replicaSet = ReplicaSet(
                metadata: metadata,
                spec: ReplicaSetSpec(
                    selector: LabelSelector(matchLabels: labels), template: PodTemplate(labels: labels, spec: spec(of: shape))))
            return [APIObject(service), APIObject(replicaSet)]
        }
    }

    /// The pods to place, kinds taking turns: 100m and 500 MiB each, as in the real scheduler's figures.
    func pods(_ count: Int, shapes: Int) -> [Shared<Pod>] {
        let specs = (0..<shapes).map { spec(of: $0) }
        let labels = (0..<shapes).map { self == .plain ? Labels() : Labels([("app", "app-\($0)")]) }
        return (0..<count).map { number in
            let shape = number % shapes
            var metadata = ObjectMeta(name: "pod-\(number)", namespace: "default", labels: labels[shape])
            metadata.uid = UID(serial: UInt64(number))
            if self == .services {
                metadata.ownerReferences = [
                    OwnerReference(
                        apiVersion: "apps/v1", kind: "ReplicaSet", name: "app-\(shape)", uid: UID("replicaset-\(shape)"),
                        controller: true)
                ]
            }
            return Shared(Pod(metadata: metadata, spec: specs[shape]))
        }
    }

    private func spec(of shape: Int) -> Shared<PodSpec> {
        var container = Container(name: "main", image: "registry.example/app-\(shape):1")
        container.resources.requests = ResourceList([
            (.cpu, Quantity(milli: 100)), (.memory, Quantity(bytes: 500 << 20 + Int64(shape) << 10)),
        ])
        var spec = PodSpec(containers: [container])
        let ownKind = LabelSelector(matchLabels: Labels([("app", "app-\(shape)")]))
        switch self {
        case .plain, .services: break
        case .zoneSpread:
            spec.topologySpreadConstraints = [
                TopologySpreadConstraint(
                    maxSkew: 5, topologyKey: Node.zoneLabel, whenUnsatisfiable: .doNotSchedule, labelSelector: ownKind)
            ]
        case .antiAffinity:
            spec.affinity.requiredPodAntiAffinity = [PodAffinityTerm(labelSelector: ownKind, topologyKey: Node.hostnameLabel)]
        case .preferredAffinity:
            spec.affinity.preferredPodAffinity = [
                WeightedPodAffinityTerm(weight: 50, term: PodAffinityTerm(labelSelector: ownKind, topologyKey: Node.zoneLabel))
            ]
            spec.affinity.preferredPodAntiAffinity = [
                WeightedPodAffinityTerm(weight: 100, term: PodAffinityTerm(labelSelector: ownKind, topologyKey: Node.hostnameLabel))
            ]
        }
        return Shared(spec)
    }
}
