// Who is killed for want of memory, and when: containers over their own limits, pods over limits of their own, and nodes that have no more.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// Kills one container that has more memory than it may, if there is one. Its own limit comes first, then its pod's, then the node's end.
    mutating func killForMemory(
        on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> Bool {
        let living = demands.filter { $0.memory != nil && !$0.isStopping }
        if let over = living.first(where: { ($0.memory?.value(at: now) ?? 0) > Double($0.memoryLimit) }) {
            kill(over, on: number, at: now, effects: &effects)
            return true
        }
        if let over = worstOfPodOverLimit(on: number, living, at: now) {
            kill(over, on: number, at: now, effects: &effects)
            return true
        }
        let usage = kubelets[number].usage
        guard demands.sum(.memoryAvailable, beside: usage.outside(.memoryAvailable)).value(at: now) > Double(usage.podMemory),
            let victim = worst(of: living[...], on: number, outOf: usage.memory, at: now)
        else { return false }
        let name = kubelets[number].withPod(victim.slot) { $0.name(victim.index) } ?? ""
        // Process numbers are not simulated.
        record(
            aboutNode: number, "SystemOOM", "System OOM encountered, victim process: \(name), pid: 1", severity: .warning, at: now,
            effects: &effects)
        kill(victim, on: number, at: now, effects: &effects)
        return true
    }

    private mutating func kill(
        _ demand: ContainerDemand, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard var worker = kubelets[number].take(demand.slot) else { return }
        worker.kill(demand.index, reason: .outOfMemory, at: now, images: &kubelets[number].images, environment, incidents: &incidents)
        step(&worker, demand.slot, on: number, at: now, effects: &effects)
        kubelets[number].put(worker, into: demand.slot)
    }

    /// The container the kernel likes least of those that share so much memory.
    private func worst(
        of living: ArraySlice<ContainerDemand>, on number: Int, outOf capacity: Int64, at now: SimulatedTime
    ) -> ContainerDemand? {
        let containers = living.filter { $0.volume == nil }
        let candidates = containers.map { demand -> (badness: Int64, since: SimulatedTime) in
            let adjustment = kubelets[number].withPod(demand.slot) { worker in
                OutOfMemory.adjustment(
                    of: worker.container(demand.index), in: worker.pod.value.spec.value, memoryCapacity: kubelets[number].usage.memory)
            }
            let bytes = demand.memoryPages(at: now)
            return (OutOfMemory.badness(bytes: bytes, adjustment: adjustment ?? 0, capacity: capacity), demand.since)
        }
        return OutOfMemory.victim(among: candidates).map { containers[$0] }
    }

    /// When memory runs out next, for one container, a pod or the node.
    func nextKill(on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime) -> SimulatedTime {
        var next = SimulatedTime.distantFuture
        for demand in demands where demand.memoryLimit != .max && !demand.isStopping {
            guard let memory = demand.memory, memory.peak > Double(demand.memoryLimit) else { continue }
            next = min(next, LoadSum(parts: [memory]).next(after: now) { $0 > Double(demand.memoryLimit) })
        }
        forEachLimitedPod(on: number, demands) { own, limit in
            let sum = LoadSum(parts: own.compactMap(\.memory))
            if sum.bound > Double(limit), sum.value(at: now) <= Double(limit) {
                next = min(next, sum.next(after: now) { $0 > Double(limit) })
            }
        }
        let usage = kubelets[number].usage
        let sum = demands.sum(.memoryAvailable, beside: usage.outside(.memoryAvailable))
        let most = Double(usage.podMemory)
        // Over it already, with nobody left to kill: only a change can help.
        guard sum.bound > most, sum.value(at: now) <= most else { return next }
        return min(next, sum.next(after: now) { $0 > most })
    }

    // MARK: Limits of whole pods

    /// Goes over the pods that limit their memory as a whole (`spec.resources`, KEP-2837), with what their containers and volumes use.
    private func forEachLimitedPod(
        on number: Int, _ demands: [ContainerDemand], _ look: (_ own: ArraySlice<ContainerDemand>, _ limit: Int64) -> Void
    ) {
        var first = 0
        while first < demands.count {
            let slot = demands[first].slot
            let end = demands[first...].firstIndex { $0.slot != slot } ?? demands.count
            let own = demands[first..<end]
            first = end
            kubelets[number].withPod(slot) { worker in
                let spec = worker.pod.value.spec.value
                guard spec.resources?.limits[.memory] != nil, !worker.isStopping, let limit = spec.effectiveLimits[.memory] else { return }
                look(own, limit.value)
            }
        }
    }

    private func worstOfPodOverLimit(on number: Int, _ living: [ContainerDemand], at now: SimulatedTime) -> ContainerDemand? {
        var found: ContainerDemand?
        forEachLimitedPod(on: number, living) { own, limit in
            guard found == nil, LoadSum(parts: own.compactMap(\.memory)).value(at: now) > Double(limit) else { return }
            found = worst(of: own, on: number, outOf: limit, at: now)
        }
        return found
    }
}
