// Which workload a pod belongs to, and how many healthy pods each workload has: the measure of recovery.

import DiscreteEvents
import KubernetesAPI

/// Counts healthy pods per workload. A pod is healthy when it is Ready, not being deleted, its node is up and in reach, and its containers
/// have not been lost with the node - which the API server may not know yet: this is the simulator's view from outside.
struct WorkloadHealth: Sendable {
    /// The top-level controllers seen so far, as namespace and `Kind/name`.
    private(set) var workloads: [NamespacedName] = []
    private var numbers: [NamespacedName: Int32] = [:]
    private(set) var healthy: [Int] = []
    /// What each workload wants, nothing once it is deleted; nil for kinds that do not replace a lost pod elsewhere.
    private(set) var desired: [Int?] = []
    /// The Deployment that owns a ReplicaSet.
    private var deploymentOfReplicaSet: [UID: Int32] = [:]

    mutating func number(of workload: NamespacedName) -> Int32 {
        if let known = numbers[workload] { return known }
        let number = Int32(workloads.count)
        workloads.append(workload)
        healthy.append(0)
        desired.append(nil)
        numbers[workload] = number
        return number
    }

    /// The workload of a pod: its controller, or that one's controller. nil for a bare pod.
    mutating func workload(of pod: Pod) -> Int32? {
        guard let owner = pod.metadata.controllerReference else { return nil }
        if let deployment = deploymentOfReplicaSet[owner.uid] { return deployment }
        return number(of: NamespacedName(namespace: pod.metadata.namespace, name: owner.kind + "/" + owner.name))
    }

    /// Returns the workload's number if the set is one of its own and its wish changed.
    mutating func observe(_ set: ReplicaSet, isDeleted: Bool) -> Int32? {
        if let owner = set.metadata.controllerReference {
            deploymentOfReplicaSet[set.metadata.uid] =
                number(of: NamespacedName(namespace: set.metadata.namespace, name: owner.kind + "/" + owner.name))
            return nil
        }
        let own = number(of: NamespacedName(namespace: set.metadata.namespace, name: "ReplicaSet/" + set.metadata.name))
        let wanted = isDeleted ? 0 : Int(set.spec.replicas)
        defer { desired[Int(own)] = wanted }
        return desired[Int(own)] == wanted ? nil : own
    }

    /// Notes how many pods a workload wants; returns its number.
    mutating func observe(_ workload: NamespacedName, desired wanted: Int) -> Int32 {
        let own = number(of: workload)
        desired[Int(own)] = wanted
        return own
    }

    mutating func add(_ change: Int, to workload: Int32) { healthy[Int(workload)] += change }
}
