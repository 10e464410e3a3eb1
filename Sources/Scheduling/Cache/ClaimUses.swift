// Which claims pods use, counted over the whole cluster.

import KubernetesAPI

/// For each claim the number of volumes of pods on nodes that name it.
public struct ClaimUses: Sendable {
    private var counts: [NamespacedName: Int] = [:]

    /// Whether a pod that is bound, or assumed to be, uses the claim.
    public func isUsed(_ claim: NamespacedName) -> Bool { counts[claim] != nil }

    /// Counts the claims of a pod that came (`sign` 1) or went (−1).
    mutating func count(_ pod: PodInfo, sign: Int) {
        let names = pod.shape.volumes.claimNames
        if names.isEmpty { return }
        let namespace = pod.pod.value.metadata.namespace
        for name in names {
            let key = NamespacedName(namespace: namespace, name: name)
            let count = (counts[key] ?? 0) + sign
            counts[key] = count > 0 ? count : nil
        }
    }
}
