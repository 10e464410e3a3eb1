// Another life for the objects of a trace than the recorded one: they come one after the other, and stay.

import DiscreteEvents
import KubernetesAPI

/// When the objects of a trace arrive if not at their recorded times. Asks what a cluster can hold, not how it fares in time.
public struct ArrivalPlan: Hashable, Sendable {
    /// Copies of the trace's pods that arrive after all of it, until the pods ask for more than the nodes have.
    public struct Clones: Hashable, Sendable {
        /// The resource by which demand and capacity are compared.
        public var resource: ResourceName
        /// Pods are drawn from the trace, with replacement, until all that arrived ask for more than so many times what the nodes
        /// offer; the one with which they do is the last.
        public var upTo: Double

        public init(resource: ResourceName, upTo: Double) {
            self.resource = resource
            self.upTo = upTo
        }
    }

    /// Between two arrivals.
    public var interval: SimulatedDuration
    /// Whether the order is drawn from the run's seed instead of being that of the trace.
    public var isShuffled: Bool
    public var clones: Clones?
    /// A pod that has no node so long after its arrival is deleted; nil: it waits.
    public var patience: SimulatedDuration?

    public init(interval: SimulatedDuration, isShuffled: Bool = false, clones: Clones? = nil, patience: SimulatedDuration? = nil) {
        self.interval = interval
        self.isShuffled = isShuffled
        self.clones = clones
        self.patience = patience
    }

    /// More clones than this would be a mistake.
    public static let maximumArrivals = 1_000_000

    /// The arrivals of a run, in order.
    func entries(of trace: [TraceEntry], capacity: (ResourceName) -> Double, seed: UInt64) -> [TraceEntry] {
        var objects = trace.map(\.object)
        if isShuffled {
            // An object's place is its own draw: that of others does not change with it.
            let places = objects.map { RandomStream(seed: seed, purpose: .arrivalOrder, owner: $0.key.description).draw(at: 0) }
            objects = objects.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { objects[$0] }
        }
        if let clones { objects += copies(of: trace, clones, capacity(clones.resource), seed: seed) }
        return objects.enumerated().map { number, object in
            let time = SimulatedTime.zero + interval * (number + 1)
            return TraceEntry(createAt: time, deleteAt: nil, object: object, giveUpAt: patience.map { time + $0 })
        }
    }

    private func copies(of trace: [TraceEntry], _ clones: Clones, _ capacity: Double, seed: UInt64) -> [APIObject] {
        let pods = trace.compactMap { entry -> Shared<Pod>? in if case .pod(let pod) = entry.object { pod } else { nil } }
        let amounts = pods.map { $0.value.spec.value.effectiveRequests.amount(of: clones.resource) }
        guard amounts.contains(where: { $0 > 0 }) else { return [] }
        var stream = RandomStream(seed: seed, purpose: .clones, owner: 0)
        var asked = amounts.reduce(0, +)
        var result: [APIObject] = []
        while asked <= clones.upTo * capacity, trace.count + result.count < ArrivalPlan.maximumArrivals {
            let number = stream.uniform(below: pods.count)
            asked += amounts[number]
            let name = pods[number].value.metadata.name + "-clone-\(result.count)"
            result.append(.pod(pods[number].with { $0.metadata.name = name }))
        }
        return result
    }
}

extension ClusterConfiguration {
    /// The trace as it is replayed in this run.
    func plannedTrace() -> [TraceEntry] {
        guard let arrivals else { return trace }
        return arrivals.entries(of: trace, capacity: capacity, seed: seed)
    }

    /// What all nodes of the start offer of a resource, in its base unit.
    public func capacity(of resource: ResourceName) -> Double {
        let others = snapshot.compactMap { object -> Node? in if case .node(let node) = object { node.value } else { nil } }
        return (nodes + others).reduce(0) { $0 + $1.status.allocatable.amount(of: resource) }
    }
}

extension ResourceList {
    /// The amount of a resource in its base unit; 0 if it is not listed.
    package func amount(of resource: ResourceName) -> Double { self[resource]?.approximateFloat64 ?? 0 }
}

extension RandomPurpose {
    static let arrivalOrder = RandomPurpose("arrival order")
    static let clones = RandomPurpose("clones of a trace")
}
