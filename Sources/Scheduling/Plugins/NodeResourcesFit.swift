// NodeResourcesFit: a pod fits where its requests are still free; the strategy says which of those nodes are good ones.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/>

import KubernetesAPI

struct NodeResourcesFitPlugin: PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin, EventListeningPlugin {
    static let name = "NodeResourcesFit"
    var name: String { NodeResourcesFitPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    private let ignoredResources: [ResourceName]
    private let ignoredGroups: [String]
    private let strategy: ScoringStrategy
    private let scored: [ScoredResource]
    /// The weights of cpu and memory if nothing else is scored: the common case, which has a loop of its own.
    private let cpuAndMemory: (cpu: Int64, memory: Int64)?

    struct ScoredResource: Sendable {
        let resource: ResourceReference
        let weight: Int64
    }

    init(_ arguments: NodeResourcesFitArguments, _ nodes: inout NodeTable) {
        ignoredResources = arguments.ignoredResources
        ignoredGroups = arguments.ignoredResourceGroups
        strategy = arguments.strategy
        var scored: [ScoredResource] = []
        for entry in arguments.resources {
            scored.append(ScoredResource(resource: nodes.reference(to: entry.name), weight: entry.weight))
        }
        self.scored = scored
        if scored.allSatisfy({ $0.resource == .cpu || $0.resource == .memory }) {
            func weight(of resource: ResourceReference) -> Int64 {
                scored.reduce(0) { $0 + ($1.resource == resource ? $1.weight : 0) }
            }
            cpuAndMemory = (weight(of: .cpu), weight(of: .memory))
        } else {
            cpuAndMemory = nil
        }
    }

    // MARK: Filter

    private enum Reason {
        static let pods = 0
        static let cpu = 1
        static let memory = 2
        static let ephemeralStorage = 3
        /// And one more for each scalar resource of the pod, in the order of its requests.
        static let firstScalar = 4
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        switch number {
        case Reason.pods: return "Too many pods"
        case Reason.cpu: return "Insufficient cpu"
        case Reason.memory: return "Insufficient memory"
        case Reason.ephemeralStorage: return "Insufficient ephemeral-storage"
        default:
            let scalars = demand(of: pod.shape, cluster.nodes).scalars
            let index = number - Reason.firstScalar
            return index < scalars.count
                ? "Insufficient \(cluster.nodes.scalarResources.names[scalars[index].resource])" : "Insufficient resources"
        }
    }

    /// What a pod asks for, without the extended resources this profile ignores.
    private func demand(of shape: PodShape, _ nodes: NodeTable) -> ResourceAmounts {
        guard !shape.requests.scalars.isEmpty, !ignoredResources.isEmpty || !ignoredGroups.isEmpty else { return shape.requests }
        var demand = shape.requests
        demand.scalars.removeAll { isIgnored(nodes.scalarResources.names[$0.resource]) }
        return demand
    }

    private func isIgnored(_ name: ResourceName) -> Bool {
        guard name.isExtended else { return false }
        let prefix = name.rawValue.prefix { $0 != "/" }
        return ignoredResources.contains(name) || ignoredGroups.contains { $0 == prefix }
    }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome { .proceed(demand(of: pod.shape, cluster.nodes)) }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        let demand = state as? ResourceAmounts ?? demand(of: pod.shape, cluster.nodes)
        let resources = cluster.nodes.resources
        for index in batch.indices where batch.isOpen(index) {
            let row = resources[batch.nodes[index]]
            // The common case first: everything fits.
            if row.podCount < row.allowedPods,
                demand.milliCPU <= row.allocatableMilliCPU - row.requestedMilliCPU,
                demand.memory <= row.allocatableMemory - row.requestedMemory,
                demand.ephemeralStorage <= row.allocatableEphemeralStorage - row.requestedEphemeralStorage,
                demand.scalars.isEmpty
            {
                continue
            }
            if let refusal = NodeResourcesFitPlugin.shortage(demand, batch.nodes[index], row, cluster.nodes) {
                batch.reject(index, reasons: refusal.reasons, refusal.rejection)
            }
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        let demand = state as? ResourceAmounts ?? demand(of: pod.shape, cluster.nodes)
        return NodeResourcesFitPlugin.shortage(demand, node, cluster.nodes.resources[node], cluster.nodes)
    }

    /// All shortages of a node; unresolvable if one of them is of more than the empty node has.
    private static func shortage(
        _ demand: ResourceAmounts, _ node: NodeSlot, _ row: NodeResources, _ nodes: NodeTable
    ) -> NodeRefusal? {
        var reasons: UInt64 = 0
        var isUnresolvable = false
        func compare(_ request: Int64, _ allocatable: Int64, _ requested: Int64, _ reason: Int) {
            guard request > 0, request > allocatable - requested else { return }
            reasons |= NodeVerdict.bit(reason)
            if request > allocatable { isUnresolvable = true }
        }
        if row.podCount >= row.allowedPods { reasons |= NodeVerdict.bit(Reason.pods) }
        compare(demand.milliCPU, row.allocatableMilliCPU, row.requestedMilliCPU, Reason.cpu)
        compare(demand.memory, row.allocatableMemory, row.requestedMemory, Reason.memory)
        compare(
            demand.ephemeralStorage, row.allocatableEphemeralStorage, row.requestedEphemeralStorage, Reason.ephemeralStorage)
        for (index, scalar) in demand.scalars.enumerated() {
            compare(
                scalar.amount, nodes.allocatable(scalar.resource, on: node), nodes.requested(scalar.resource, on: node),
                Reason.firstScalar + index)
        }
        guard reasons != 0 else { return nil }
        return NodeRefusal(reasons: reasons, isUnresolvable ? .unschedulableAndUnresolvable : .unschedulable)
    }

    // MARK: Score

    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome { .proceed(nil) }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        if let cpuAndMemory {
            scoreCPUAndMemory(pod.shape.scoredRequests, cpuAndMemory, feasible, cluster.nodes, &scores)
            return
        }
        for index in feasible.indices { scores[index] = score(pod.shape.scoredRequests, feasible[index], cluster.nodes) }
    }

    private func scoreCPUAndMemory(
        _ asked: ResourceAmounts, _ weights: (cpu: Int64, memory: Int64), _ feasible: [NodeSlot], _ nodes: NodeTable,
        _ scores: inout [Int64]
    ) {
        let rows = nodes.resources
        let (milliCPU, memory) = (asked.milliCPU, asked.memory)
        for index in feasible.indices {
            let row = rows[feasible[index]]
            var sum = WeightedScore()
            sum.add(strategy, ResourceAmounts.sum(milliCPU, row.nonZeroMilliCPU), row.allocatableMilliCPU, weights.cpu)
            sum.add(strategy, ResourceAmounts.sum(memory, row.nonZeroMemory), row.allocatableMemory, weights.memory)
            scores[index] = sum.result(strategy)
        }
    }

    private func score(_ asked: ResourceAmounts, _ node: NodeSlot, _ nodes: NodeTable) -> Int64 {
        let row = nodes.resources[node]
        var sum = WeightedScore()
        for entry in scored {
            switch entry.resource {
            case .cpu: sum.add(strategy, ResourceAmounts.sum(asked.milliCPU, row.nonZeroMilliCPU), row.allocatableMilliCPU, entry.weight)
            case .memory: sum.add(strategy, ResourceAmounts.sum(asked.memory, row.nonZeroMemory), row.allocatableMemory, entry.weight)
            case .ephemeralStorage:
                let requested = ResourceAmounts.sum(asked.ephemeralStorage, row.requestedEphemeralStorage)
                sum.add(strategy, requested, row.allocatableEphemeralStorage, entry.weight)
            case .scalar(let resource):
                // A scalar resource the pod does not ask for says nothing about the node.
                let amount = asked.scalar(resource)
                guard amount > 0 else { continue }
                let requested = ResourceAmounts.sum(amount, nodes.requested(resource, on: node))
                sum.add(strategy, requested, nodes.allocatable(resource, on: node), entry.weight)
            case .uncounted: continue
            }
        }
        return sum.result(strategy)
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.assignedPodDelete, .podScaleDown, .nodeAdd, .nodeAllocatable, .nodeTaints]

    /// Any end of a bound pod; a scale-down of a resource this pod asks for; a node that could hold the pod when empty and is
    /// new or grew in what the pod needs; every change of taints, to which the plugin does not listen.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .assignedPodDelete, .nodeTaints: return true
        case .podScaleDown:
            guard let old = event.oldPod, let new = event.pod else { return true }
            guard new.nodeName != nil || new.metadata.uid == pod.pod.value.metadata.uid else { return false }
            let (before, after) = (old.spec.value.effectiveRequests, new.spec.value.effectiveRequests)
            for (name, wanted) in pod.spec.effectiveRequests where wanted.sign > 0 {
                if let had = before[name], (after[name] ?? .zero) < had { return true }
            }
            return false
        case .nodeAdd: return event.node.map { fitsEmpty(pod, $0, cluster.nodes) } ?? false
        case .nodeAllocatable:
            guard let old = event.oldNode, let new = event.node, fitsEmpty(pod, new, cluster.nodes) else { return false }
            let (before, after) = (old.status.allocatable, new.status.allocatable)
            if (after[.pods] ?? .zero) > (before[.pods] ?? .zero) { return true }
            for (name, wanted) in pod.spec.effectiveRequests where wanted.sign > 0 {
                if (after[name] ?? .zero) > (before[name] ?? .zero) { return true }
            }
            return false
        default: return false
        }
    }

    /// Whether the pod would fit the node if nothing else ran there.
    private func fitsEmpty(_ pod: PodInfo, _ node: Node, _ nodes: NodeTable) -> Bool {
        let allocatable = node.status.allocatable
        guard ResourceAmounts.units(allocatable[.pods]) >= 1 else { return false }
        let demand = demand(of: pod.shape, nodes)
        if demand.milliCPU > ResourceAmounts.thousandths(allocatable[.cpu]) || demand.memory > ResourceAmounts.units(allocatable[.memory])
            || demand.ephemeralStorage > ResourceAmounts.units(allocatable[.ephemeralStorage])
        {
            return false
        }
        for scalar in demand.scalars {
            let name = nodes.scalarResources.names[scalar.resource]
            if scalar.amount > ResourceAmounts.units(allocatable[name]) { return false }
        }
        return true
    }
}
