// Which pod goes first when a node runs short of something.

import KubernetesAPI

/// What the eviction manager compares of a pod.
package struct EvictionCandidate: Hashable, Sendable {
    package var priority: Int32
    /// Bytes of the scarce resource that the pod uses, or its number of processes; nil: the kubelet has no figures of the pod.
    package var usage: Int64?
    /// What it requested of the resource. Processes cannot be requested; for inodes it is what the pod requested of ephemeral storage.
    package var request: Int64

    package init(priority: Int32, usage: Int64?, request: Int64) {
        self.priority = priority
        self.usage = usage
        self.request = request
    }
}

/// The kubelet's order of eviction.
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction>
package enum EvictionRanking: Sendable {
    /// Memory and disk: pods that use more than they requested, then low priorities, then what is used beyond the request.
    case usageOverRequest
    /// Inodes: pods that use any, then low priorities, then what the number exceeds the request of ephemeral storage by: the kubelet takes
    /// bytes off it.
    case inodes
    /// Process identifiers: low priorities, then how many are used.
    case priorityThenUsage

    /// How a kubelet ranks pods when it runs short of a resource.
    init(of resource: ResourceName) {
        switch resource {
        case .processes: self = .priorityThenUsage
        case .inodes: self = .inodes
        default: self = .usageOverRequest
        }
    }

    /// Three ranks, one after another; the lower goes first. A pod without figures goes before those that have some.
    private func ranks(_ pod: EvictionCandidate) -> (Int, Int32, Int64) {
        let excess = pod.usage.map { $0 - pod.request }
        // Smaller for more.
        let last = excess.map { -$0 } ?? .min
        guard let usage = pod.usage, let excess, self != .priorityThenUsage else { return (0, pod.priority, last) }
        let exceeds = self == .inodes ? usage > 0 : excess > 0
        return (exceeds ? 1 : 2, pod.priority, last)
    }

    /// The places of the candidates, first to go first. Equal ones keep their order.
    package func order(_ candidates: [EvictionCandidate]) -> [Int] {
        let ranks = candidates.map { self.ranks($0) }
        return candidates.indices.sorted { first, second in
            let (one, other) = (ranks[first], ranks[second])
            return one == other ? first < second : one < other
        }
    }
}
