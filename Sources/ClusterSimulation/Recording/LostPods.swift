// Whether what one failure took from workloads is made good, pod by pod: other failures at the same time neither delay that nor help.

import KubernetesAPI

/// The healthy pods that a failure took, until they, or what was made in their place, are healthy.
struct LostPods: Sendable {
    /// Pods that are to become healthy, with their workloads: lost ones whose nodes may return, and replacements.
    private var awaited: [UID: Int32] = [:]
    /// Lost pods that have left and have no replacement yet, in the order in which they left. `identity`: the name, of those that are
    /// replaced under the same one.
    private var vacant: [(workload: Int32, identity: String?)] = []
    /// How many of each workload are not made good.
    private var counts: [Int32: Int] = [:]

    func isMadeGood(_ workload: Int32) -> Bool { counts[workload] == nil }
    func count(of workload: Int32) -> Int { counts[workload] ?? 0 }

    mutating func add(_ pod: UID, of workload: Int32) {
        guard awaited[pod] == nil else { return }
        awaited[pod] = workload
        counts[workload, default: 0] += 1
    }

    /// A pod is healthy; or it is another failure's by now.
    mutating func settle(_ pod: UID) {
        if let workload = awaited.removeValue(forKey: pod) { countOff(workload) }
    }

    /// A pod is being deleted, is over or gone: it will not become healthy any more.
    mutating func left(_ pod: UID, identity: String?) {
        if let workload = awaited.removeValue(forKey: pod) { vacant.append((workload, identity)) }
    }

    /// A pod was created. Returns whether it is in the place of one that left.
    mutating func created(_ pod: UID, of workload: Int32, identity: String?) -> Bool {
        guard let index = vacant.firstIndex(where: { $0.workload == workload && $0.identity == identity }) else { return false }
        vacant.remove(at: index)
        awaited[pod] = workload
        return true
    }

    private mutating func countOff(_ workload: Int32) {
        let count = counts[workload] ?? 0
        counts[workload] = count > 1 ? count - 1 : nil
    }
}
