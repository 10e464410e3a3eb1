// Which pod goes first when a node runs short of something.

/// What the eviction manager compares of a pod.
package struct EvictionCandidate: Hashable, Sendable {
    package var priority: Int32
    /// Bytes of the scarce resource that the pod uses, or its number of processes; nil: the kubelet has no figures of the pod.
    package var usage: Int64?
    /// What it requested of the resource; processes cannot be requested.
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
    /// Process identifiers: low priorities, then how many are used.
    case priorityThenUsage

    /// Three ranks, one after another; the lower goes first. A pod without figures goes before those that have some.
    private func ranks(_ pod: EvictionCandidate) -> (Int, Int32, Int64) {
        let excess = pod.usage.map { $0 - pod.request }
        // Smaller for more.
        let last = excess.map { -$0 } ?? .min
        guard self == .usageOverRequest else { return (0, pod.priority, last) }
        guard let excess else { return (0, pod.priority, last) }
        return (excess > 0 ? 1 : 2, pod.priority, last)
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
