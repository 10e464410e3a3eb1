// What a cluster lacks for a group of pods.

import KubernetesAPI
import Scheduling

/// What is missing of the resources that a group needs, when its own pods are taken off the nodes.
struct ResourceGap: CustomStringConvertible {
    private struct Amount {
        let name: ResourceName
        /// Thousandths of cpu, base units of all else. Sums of many nodes may exceed 64 bits.
        var missing: Int128
    }
    private var amounts: [Amount]

    /// - Parameters:
    ///   - wanted: what the group needs.
    ///   - pods: how many pods it has at least.
    init(_ wanted: ResourceList, pods: Int64, of group: PodGroupLedger.Group, in nodes: NodeTable) {
        amounts = wanted.filter { $0.0 != .pods }
            .map { Amount(name: $0.0, missing: Int128($0.0 == .cpu ? $0.1.milliValue : $0.1.value)) }
        amounts.append(Amount(name: .pods, missing: Int128(pods)))
        for index in amounts.indices {
            let name = amounts[index].name
            for pod in group.placed { amounts[index].missing -= Int128(ResourceGap.requested(name, by: pod, nodes)) }
            for slot in nodes.order where nodes.objects[slot] != nil && amounts[index].missing > 0 {
                amounts[index].missing -= Int128(max(0, ResourceGap.free(name, on: slot, nodes)))
            }
        }
    }

    var isClosed: Bool { amounts.allSatisfy { $0.missing <= 0 } }

    var description: String {
        amounts.filter { $0.missing > 0 }.map { amount in
            let missing = Int64(clamping: amount.missing)
            return "\(amount.name.rawValue) \(amount.name == .cpu ? Quantity(milli: missing) : Quantity(bytes: missing))"
        }.joined(separator: ", ")
    }

    private static func requested(_ name: ResourceName, by pod: PodInfo, _ nodes: NodeTable) -> Int64 {
        let requests = pod.shape.requests
        switch name {
        case .cpu: return requests.milliCPU
        case .memory: return requests.memory
        case .ephemeralStorage: return requests.ephemeralStorage
        case .pods: return 1
        default: return nodes.scalarResources.names.firstIndex(of: name).map { requests.scalar($0) } ?? 0
        }
    }

    private static func free(_ name: ResourceName, on slot: NodeSlot, _ nodes: NodeTable) -> Int64 {
        let resources = nodes.resources[slot]
        switch name {
        case .cpu: return resources.allocatableMilliCPU - resources.requestedMilliCPU
        case .memory: return resources.allocatableMemory - resources.requestedMemory
        case .ephemeralStorage: return resources.allocatableEphemeralStorage - resources.requestedEphemeralStorage
        case .pods: return resources.allowedPods - resources.podCount
        default:
            guard let number = nodes.scalarResources.names.firstIndex(of: name) else { return 0 }
            return nodes.allocatable(number, on: slot) - nodes.requested(number, on: slot)
        }
    }
}
