// What a budget counts of its pods, kept as they change instead of at each sync: a budget over thousands of pods is synced at every
// change of readiness of one of them, and reading them all each time makes bringing them up quadratic.

import KubernetesAPI

/// The pods that one budget selects, counted.
struct BudgetTally: Hashable, Sendable {
    /// The pods of one controller.
    struct Share: Hashable, Sendable {
        let owner: OwnerReference
        let namespace: String
        var count: Int
    }

    /// All pods, whatever their phase.
    private(set) var total = 0
    /// Ready, and not being deleted.
    private(set) var healthy = 0
    /// Without a controller.
    private(set) var unmanaged = 0
    /// By controller, in no order that matters: what follows from them is a sum.
    private(set) var shares: [Share] = []
    private var shareOfOwner: [UID: Int] = [:]

    init() {}

    init(_ pods: [Shared<Pod>]) {
        for pod in pods { count(pod, by: 1) }
    }

    /// Adds (`step` 1) or takes out (-1) one version of a pod.
    mutating func count(_ pod: Shared<Pod>, by step: Int) {
        total += step
        if BudgetTally.isHealthy(pod) { healthy += step }
        let metadata = pod.value.metadata
        guard let owner = metadata.controllerReference else {
            unmanaged += step
            return
        }
        guard let index = shareOfOwner[owner.uid] else {
            shareOfOwner[owner.uid] = shares.count
            shares.append(Share(owner: owner, namespace: metadata.namespace, count: step))
            return
        }
        shares[index].count += step
        if shares[index].count == 0 { removeShare(index) }
    }

    static func isHealthy(_ pod: Shared<Pod>) -> Bool { !pod.isTerminating && pod.isReady }

    private mutating func removeShare(_ index: Int) {
        shareOfOwner[shares[index].owner.uid] = nil
        shares.swapAt(index, shares.count - 1)
        shares.removeLast()
        if index < shares.count { shareOfOwner[shares[index].owner.uid] = index }
    }
}
