// The kubelet's own admission of pods: what is left of the node, kept as running sums.

import DiscreteEvents
import KubernetesAPI

/// What one pod takes of a node, in the kubelet's units: millicores of cpu, bytes or pieces of everything else.
/// Pods of one template share theirs.
struct ResourceCharge: Sendable {
    var entries: [(name: ResourceName, amount: Int64)]

    init(_ spec: PodSpec) {
        entries = spec.effectiveRequests.compactMap { name, quantity in
            let amount = NodeResources.amount(of: quantity, name)
            return amount > 0 && name != .pods ? (name, amount) : nil
        }
        // The order in which the kubelet looks at them: cpu, memory, ephemeral storage, then the rest by name.
        entries.sort { (NodeResources.rank($0.name), $0.name) < (NodeResources.rank($1.name), $1.name) }
    }
}

/// Why a kubelet refuses a pod that was bound to its node.
struct PodRejection: Hashable, Sendable {
    /// `OutOfcpu`, `OutOfmemory`, `OutOfpods`, ...
    var reason: String
    var message: String
}

/// Allocatable resources of a node and the sum of what its active pods take.
/// <https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/>
struct NodeResources: Sendable {
    private struct Entry: Sendable {
        let name: ResourceName
        var allocatable: Int64
        var used: Int64
    }
    private var entries: [Entry] = []
    private var pods: Int64 = 0
    private var podLimit = Int64.max

    init(_ allocatable: ResourceList) { setAllocatable(allocatable) }

    /// Takes over what the node object says; the sums stay.
    mutating func setAllocatable(_ allocatable: ResourceList) {
        let old = entries
        entries = allocatable.compactMap { name, quantity in
            name == .pods
                ? nil
                : Entry(
                    name: name, allocatable: NodeResources.amount(of: quantity, name),
                    used: old.first { $0.name == name }?.used ?? 0)
        }
        podLimit = allocatable[.pods]?.value ?? .max
    }

    /// nil if the pod fits beside the active pods. Of cpu, memory and ephemeral storage that a node does not have it has nothing to give;
    /// other resources that it does not know are not the kubelet's business.
    /// Complexity: O(resources of pod and node).
    func rejection(of charge: ResourceCharge) -> PodRejection? {
        if pods + 1 > podLimit { return rejection("pods", requested: 1, used: pods, capacity: podLimit) }
        for (name, amount) in charge.entries {
            let known = entries.first { $0.name == name }
            if known == nil, NodeResources.rank(name) == NodeResources.otherRank { continue }
            let (allocatable, used) = (known?.allocatable ?? 0, known?.used ?? 0)
            if amount > allocatable - used { return rejection(name.rawValue, requested: amount, used: used, capacity: allocatable) }
        }
        return nil
    }

    private func rejection(_ name: String, requested: Int64, used: Int64, capacity: Int64) -> PodRejection {
        PodRejection(
            reason: "OutOf" + name,
            message: "Node didn't have enough resource: \(name), requested: \(requested), used: \(used), capacity: \(capacity)")
    }

    mutating func add(_ charge: ResourceCharge) { change(charge, by: 1) }
    mutating func remove(_ charge: ResourceCharge) { change(charge, by: -1) }

    private mutating func change(_ charge: ResourceCharge, by sign: Int64) {
        pods += sign
        for (name, amount) in charge.entries {
            if let index = entries.firstIndex(where: { $0.name == name }) { entries[index].used += sign * amount }
        }
    }

    static func amount(of quantity: Quantity, _ name: ResourceName) -> Int64 {
        name == .cpu ? quantity.milliValue : quantity.value
    }

    fileprivate static func rank(_ name: ResourceName) -> Int {
        switch name {
        case .cpu: 0
        case .memory: 1
        case .ephemeralStorage: 2
        default: otherRank
        }
    }

    private static let otherRank = 3
}
