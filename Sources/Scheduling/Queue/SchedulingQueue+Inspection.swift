// Looking at the scheduling queue from outside: for tests, recordings and whoever checks that nothing is lost in it.

import KubernetesAPI

extension SchedulingQueue {
    /// The pods of the active queue in the order in which they will come out.
    package var activeOrder: [NamespacedName] { active.sorted.compactMap { self[$0]?.name } }
    /// The pods that back off after a rejection in the order in which they will come out.
    package var backoffOrder: [QueuedPod] { backoffQueue.sorted.compactMap { self[$0] } }
    /// All pods of a pool, sorted by name; for inspection.
    package func pods(in pool: QueuedPod.Pool) -> [QueuedPod] {
        pods.compactMap { $0 }.filter { $0.pool == pool }.sorted { $0.name < $1.name }
    }

    /// The pools in which a pod's slot really is, whatever the pod says; a pod that is being bound is in none.
    private func pools(holding slot: Int32) -> [QueuedPod.Pool] {
        var pools: [QueuedPod.Pool] = []
        if active.contains(slot) { pools.append(.active) }
        if backoffQueue.contains(slot) { pools.append(.backoff) }
        if errorBackoffQueue.contains(slot) { pools.append(.errorBackoff) }
        if rejected.buckets.contains(where: { $0.slots.contains(slot) }) { pools.append(.unschedulable) }
        if inFlight.contains(where: { $0.slot == slot }) { pools.append(.inFlight) }
        return pools
    }

    /// What is wrong with the place of a pod in the queue, in words; nil if nothing is.
    /// - Parameter waiting: the pod of that name that waits for a node.
    package func problem(of name: NamespacedName, waiting: UID?) -> String? {
        guard let slot = slot(of: name), let pod = self[slot] else {
            return waiting == nil ? nil : "waits for a node and is not in the scheduling queue"
        }
        if pod.uid != waiting { return "is in the scheduling queue and does not wait for a node" }
        let pools = pools(holding: slot)
        if pools == (pod.pool == .binding ? [] : [pod.pool]) { return nil }
        return "should be in pool \(pod.pool) of the scheduling queue and is in \(pools)"
    }
}

extension Scheduler {
    /// The same of a pod as it is stored; nil: there is none of that name.
    package func queueProblem(of name: NamespacedName, _ pod: Shared<Pod>?) -> String? {
        let waiting = pod.flatMap { pod in
            pod.value.nodeName == nil && !pod.isTerminal
                && profiles.contains { $0.schedulerName == pod.value.spec.value.schedulerName } ? pod.value.metadata.uid : nil
        }
        return queue.problem(of: name, waiting: waiting)
    }
}
