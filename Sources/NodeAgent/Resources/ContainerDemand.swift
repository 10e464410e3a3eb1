// What each container of a node uses from now on: gathered whenever something changed, then thrown away.

import DiscreteEvents
import KubernetesAPI

/// One container that runs, or is about to, and uses something.
struct ContainerDemand: Sendable {
    let slot: Int
    let index: Int
    /// When it started; one that is about to start has no memory yet.
    let since: SimulatedTime
    var cpu: LoadSum.Part?
    /// Cores that requests to it want, besides.
    var requests = 0.0
    var memory: LoadSum.Part?
    var disk: LoadSum.Part?
    var processes: LoadSum.Part?
    var inodes: LoadSum.Part?
    /// Cores.
    var cpuLimit = Double.infinity
    /// Bytes.
    var memoryLimit = Int64.max
    /// A container that is being stopped goes its way whatever happens.
    var isStopping = false
    /// The name of the emptyDir volume that uses it; nil: a container does.
    var volume: String?

    var isEmpty: Bool { !usesCPU && memory == nil && disk == nil && processes == nil && inodes == nil }
    var usesCPU: Bool { cpu != nil || requests > 0 }
    /// Cores it may want one day.
    var peakCPU: Double { (cpu?.peak ?? 0) + requests }

    /// What it uses of what a signal watches.
    func part(_ signal: EvictionSignal) -> LoadSum.Part? {
        switch signal {
        case .memoryAvailable: memory
        case .nodefsAvailable, .imagefsAvailable: disk
        case .nodefsInodesFree, .imagefsInodesFree: inodes
        case .pidAvailable: processes
        }
    }

    /// Cores it wants at a time, and may have.
    func wantedCPU(at time: SimulatedTime) -> (wanted: Double, allowed: Double) {
        let wanted = (cpu?.value(at: time) ?? 0) + requests
        return (wanted, min(wanted, cpuLimit))
    }

    /// Bytes at a time, in whole pages.
    func memoryPages(at time: SimulatedTime) -> Int64 {
        let page = Double(OutOfMemory.pageSize)
        let pages = ((memory?.value(at: time) ?? 0) / page).rounded(.down)
        return Int64(saturating: pages).multipliedSaturated(by: OutOfMemory.pageSize)
    }
}

extension [ContainerDemand] {
    /// What they use together of what a signal watches.
    func sum(_ signal: EvictionSignal, beside outside: Double) -> LoadSum {
        LoadSum(parts: compactMap { $0.part(signal) }, constant: outside)
    }
}

extension NodeAgent {
    /// All that use something on a node.
    func demands(on number: Int, at now: SimulatedTime) -> [ContainerDemand] {
        var demands: [ContainerDemand] = []
        kubelets[number].forEachPod { slot, worker in
            guard usesResources(worker), worker.rejection == nil, !worker.isStopped(at: now) else { return }
            for index in worker.containers.indices {
                if let demand = demand(of: worker, index, slot, at: now) { demands.append(demand) }
            }
            if !worker.behaviour.value.emptyDirs.isEmpty { demands += volumeDemands(of: worker, slot) }
        }
        return demands
    }

    /// Whether anything is known of what a pod uses.
    func usesResources(_ worker: PodWorker) -> Bool { hasOwnUsage(worker) || worker.requestCPU > 0 }

    /// The same without what its requests use.
    func hasOwnUsage(_ worker: PodWorker) -> Bool {
        !worker.behaviour.value.usage.isEmpty || !worker.behaviour.value.emptyDirs.isEmpty || loads.hasSetLoads
    }

    /// What a pod's emptyDir volumes hold, from the first start of a container on. They belong to none of its containers.
    private func volumeDemands(of worker: PodWorker, _ slot: Int) -> [ContainerDemand] {
        guard worker.hasSandbox else { return [] }
        return worker.behaviour.value.emptyDirs.compactMap { usage in
            let volume = worker.pod.value.spec.value.volumes.first { $0.name == usage.volume }
            guard case .emptyDir(let isInMemory, let limit)? = volume?.source, usage.size.profile.peak > 0 else { return nil }
            var demand = ContainerDemand(slot: slot, index: -1, since: worker.startTime)
            demand.volume = usage.volume
            demand.isStopping = worker.isStopping
            let origin = usage.size.isSinceStart ? worker.startTime : .zero
            if isInMemory {
                // Nothing more can be written to a file system in memory that is full.
                let held = limit.map { usage.size.profile.capped(at: Double($0.value)) } ?? usage.size.profile
                demand.memory = LoadSum.Part(profile: held, origin: origin, share: 1)
            } else {
                demand.disk = LoadSum.Part(profile: usage.size.profile, origin: origin, share: 1)
            }
            return demand
        }
    }

    func demand(of worker: PodWorker, _ index: Int, _ slot: Int, at now: SimulatedTime) -> ContainerDemand? {
        let container = worker.container(index)
        let usage = worker.behaviour.value.usage.entry(of: container.name, in: worker.pod.value.spec.value)
        let requests = index == worker.requestContainer ? Double(worker.requestCPU) : 0
        guard usage != nil || loads.hasSetLoads || requests > 0 else { return nil }
        func part(_ resource: ResourceName, since: SimulatedTime) -> LoadSum.Part? {
            loads.part(resource, of: worker.pod, container: container.name, usage, since: since, at: now)
        }
        func cores(_ count: Double) -> LoadSum.Part { LoadSum.Part(profile: .constant(count), origin: .zero, share: 1) }
        func starting(_ since: SimulatedTime) -> ContainerDemand {
            var demand = ContainerDemand(slot: slot, index: index, since: since)
            demand.cpu = usage?.startupCPU.map(cores) ?? part(.cpu, since: now)
            return demand
        }
        var demand: ContainerDemand
        switch worker.containers[index].state {
        case .running(let since, let ready, _, _):
            demand = ContainerDemand(slot: slot, index: index, since: since)
            demand.memory = part(.memory, since: since)
            demand.disk = part(.ephemeralStorage, since: since)
            demand.processes = part(.processes, since: since)
            demand.inodes = part(.inodes, since: since)
            let startup = ready > now && !worker.isInitial(index) ? usage?.startupCPU : nil
            demand.cpu = startup.map(cores) ?? part(.cpu, since: since)
            demand.requests = requests
        case .waiting(let until, .creating): demand = starting(until)
        case .ended(_, let restart) where restart != .distantFuture: demand = starting(restart)
        default: return nil
        }
        guard !demand.isEmpty else { return nil }
        if let limit = container.resources.limits[.cpu] { demand.cpuLimit = Double(limit.milliValue) / 1000 }
        if let limit = container.resources.limits[.memory] { demand.memoryLimit = limit.value }
        demand.isStopping = worker.isStopping
        return demand
    }
}
