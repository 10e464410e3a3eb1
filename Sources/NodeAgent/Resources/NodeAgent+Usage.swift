// What happens to containers for what they and their neighbours use: each change on a node is settled before its event is over.
//
// Settled means: whoever is over his memory has been killed, everybody's pace is what his share of the processors allows, and one
// timer is set for the next moment at which that may change or the kubelet would see something.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// While a ramp of cpu holds somebody back, it is looked at so often.
    private static let slopeInterval = SimulatedDuration.seconds(10)

    // MARK: Changes

    /// Something on a node changed that its containers' usage depends on.
    mutating func unsettle(_ number: Int) {
        guard !kubelets[number].usage.isUnsettled else { return }
        kubelets[number].usage.isUnsettled = true
        unsettled.append(Int32(number))
    }

    /// Settles all nodes on which something changed.
    mutating func settleUsage(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        var next = 0
        while next < unsettled.count {
            let number = Int(unsettled[next])
            kubelets[number].usage.isUnsettled = false
            settle(number, at: now, effects: &effects)
            next += 1
            // A container that was killed may need its image again.
            if next == unsettled.count { arrangePulls(at: now, effects: &effects) }
        }
        unsettled.removeAll(keepingCapacity: true)
    }

    /// A pod was written: others may have another share of a load from now on.
    package mutating func observeLoads(
        _ pod: Shared<Pod>, _ event: WatchEvent, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard loads.observe(pod, event), sharesChanged != now else { return }
        // Many pods may change in one moment.
        sharesChanged = now
        effects.wake(at: now, KubeletTimer(node: 0, pod: 0, kind: .shares, generation: 0))
    }

    /// Another load on some pods from now on. `pods`: all there are.
    package mutating func set(
        _ change: LoadChange, pods: [Shared<Pod>], at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        loads.set(change, pods: pods, at: now)
        for number in kubelets.indices where kubelets[number].podCount > 0 { unsettle(number) }
        settleUsage(at: now, effects: &effects)
    }

    /// Something outside of pods takes so much of a node from now on.
    package mutating func setOutsideLoad(
        _ load: OutsideLoad, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        kubelets[number].usage.setLoad = load
        unsettle(number)
        settleUsage(at: now, effects: &effects)
    }

    /// A fault takes so much of a node from now on, besides whatever else does.
    package mutating func strike(_ load: OutsideLoad, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        kubelets[number].usage.struckLoads.append(load)
        unsettle(number)
        settleUsage(at: now, effects: &effects)
    }

    /// A fault that took so much of a node is over.
    package mutating func relieve(_ load: OutsideLoad, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard let index = kubelets[number].usage.struckLoads.firstIndex(of: load) else { return }
        kubelets[number].usage.struckLoads.remove(at: index)
        unsettle(number)
        settleUsage(at: now, effects: &effects)
    }

    /// Shares of loads changed: all nodes with such loads settle.
    mutating func settleShares(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        for number in kubelets.indices where kubelets[number].usage.bearsSharedLoad { unsettle(number) }
    }

    // MARK: Settling

    private mutating func settle(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard kubelets[number].power == .running else { return }
        drawPhases(of: number)
        var demands = demands(on: number, at: now)
        while killForMemory(on: number, demands, at: now, effects: &effects) { demands = self.demands(on: number, at: now) }
        kubelets[number].usage.bearsSharedLoad = bearsSharedLoad(number)
        let paced = setPaces(on: number, demands, at: now, effects: &effects)
        planPass(on: number, demands, at: now)
        let usage = kubelets[number].usage
        let wake = min(min(nextKill(on: number, demands, at: now), paced), min(usage.nextPass, usage.nextReport))
        if wake != .distantFuture, wake != usage.wake {
            effects.wake(at: wake, KubeletTimer(node: Int32(number), pod: 0, kind: .usage, generation: 0))
        }
        kubelets[number].usage.wake = wake
    }

    /// Whether what containers of a node use depends on how many pods are ready elsewhere.
    private func bearsSharedLoad(_ number: Int) -> Bool {
        if loads.hasSetLoads { return true }
        var bears = false
        kubelets[number].forEachPod { _, worker in if worker.behaviour.value.usage.contains(where: \.isShared) { bears = true } }
        return bears
    }

    /// A kubelet that has run since before the start is somewhere in its rounds.
    mutating func drawPhases(of number: Int) {
        guard kubelets[number].usage.passes == nil else { return }
        (kubelets[number].usage.passes, kubelets[number].usage.reports) = phases(of: number)
    }

    /// When such a kubelet looks for pressure and reports its node's status first.
    func phases(of number: Int) -> (pass: SimulatedTime, report: SimulatedTime) {
        let name = kubelets[number].name
        var pass = RandomStream(seed: environment.seed, purpose: .evictionPhase, owner: name)
        var report = RandomStream(seed: environment.seed, purpose: .nodeStatusPhase, owner: name)
        let settings = kubelets[number].usage.settings
        return (
            .zero + settings.monitoringInterval * pass.uniform(), .zero + NodeUsage.reportInterval * report.uniform()
        )
    }

    /// The timer of a node's usage rang.
    mutating func usageTimerRang(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard kubelets[number].power == .running, kubelets[number].usage.wake == now else { return }
        kubelets[number].usage.wake = .distantFuture
        if kubelets[number].usage.nextPass <= now { pass(on: number, at: now, effects: &effects) }
        if kubelets[number].usage.nextReport <= now { reportPressure(on: number, at: now, effects: &effects) }
        unsettle(number)
    }

    // MARK: Processors

    /// Gives each container its share. Returns when to look again.
    private mutating func setPaces(
        on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> SimulatedTime {
        let claimants = demands.filter(\.usesCPU)
        kubelets[number].usage.peak = claimants.reduce(0) { $0 + min($1.cpu?.peak ?? 0, $1.cpuLimit) }
        let usage = kubelets[number].usage
        let room = usage.room
        let most = claimants.reduce(0) { $0 + min($1.peakCPU, $1.cpuLimit) }
        let mayThrottle = most > room || claimants.contains { $0.peakCPU > $0.cpuLimit }
        guard mayThrottle || usage.isHeldBack else { return .distantFuture }
        let granted = grants(claimants, on: number, room, at: now)
        var rates: [Double] = []
        for (claimant, cores) in zip(claimants, granted) {
            let wanted = claimant.wantedCPU(at: now).wanted
            rates.append(wanted > 0 && cores < wanted ? cores / wanted : 1)
        }
        let isHeldBack = rates.contains { $0 < 1 }
        if isHeldBack || usage.isHeldBack { apply(rates, to: claimants, on: number, at: now, effects: &effects) }
        kubelets[number].usage.isHeldBack = isHeldBack
        guard mayThrottle else { return .distantFuture }
        let sum = LoadSum(parts: claimants.compactMap(\.cpu), constant: claimants.reduce(0) { $0 + $1.requests })
        if isHeldBack {
            let isSloping = sum.parts.contains { $0.isSloping(after: now) }
            return min(sum.nextPoint(after: now), isSloping ? now + NodeAgent.slopeInterval : .distantFuture)
        }
        var next = sum.next(after: now) { $0 > room }
        for claimant in claimants {
            guard let cpu = claimant.cpu, claimant.peakCPU > claimant.cpuLimit else { continue }
            next = min(next, LoadSum(parts: [cpu], constant: claimant.requests).next(after: now) { $0 > claimant.cpuLimit })
        }
        return next
    }

    private func grants(_ claimants: [ContainerDemand], on number: Int, _ room: Double, at now: SimulatedTime) -> [Double] {
        var root: [CPUShares.Group] = []
        var (burstable, bestEffort): ([CPUShares.Group], [CPUShares.Group]) = ([], [])
        var next = 0
        while next < claimants.count {
            let slot = claimants[next].slot
            let end = claimants[next...].firstIndex { $0.slot != slot } ?? claimants.count
            kubelets[number].withPod(slot) { worker in
                let spec = worker.pod.value.spec.value
                let members = (next..<end).map { place -> CPUShares.Group in
                    let request = worker.container(claimants[place].index).resources.requests[.cpu]?.milliValue ?? 0
                    let claim = CPUClaim(wanted: claimants[place].wantedCPU(at: now).allowed, weight: CPUShares.weight(milliCPU: request))
                    return .container(place, claim)
                }
                let request = spec.effectiveRequests[.cpu]?.milliValue ?? 0
                let quota = spec.resources?.limits[.cpu].map { Double($0.milliValue) / 1000 } ?? .infinity
                let pod = CPUShares.Group.group(members, weight: CPUShares.weight(milliCPU: request), quota: quota)
                switch spec.qualityOfService {
                case .guaranteed: root.append(pod)
                case .burstable: burstable.append(pod)
                case .bestEffort: bestEffort.append(pod)
                }
            }
            next = end
        }
        // The group of all Burstable pods weighs what they request, those that use nothing included; that of BestEffort the least.
        if !burstable.isEmpty { root.append(.group(burstable, weight: CPUShares.weight(milliCPU: burstableRequests(on: number)))) }
        if !bestEffort.isEmpty { root.append(.group(bestEffort, weight: CPUShares.weight(milliCPU: 0))) }
        var granted = Array(repeating: 0.0, count: claimants.count)
        CPUShares.divide(room, among: root, into: &granted)
        return granted
    }

    private func burstableRequests(on number: Int) -> Int64 {
        var sum: Int64 = 0
        kubelets[number].forEachPod { _, worker in
            let spec = worker.pod.value.spec.value
            if worker.charge != nil, spec.qualityOfService == .burstable { sum += spec.effectiveRequests[.cpu]?.milliValue ?? 0 }
        }
        return sum
    }

    private mutating func apply(
        _ rates: [Double], to claimants: [ContainerDemand], on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            var own = Array(repeating: 1.0, count: worker.containers.count)
            for (claimant, rate) in zip(claimants, rates) where claimant.slot == slot { own[claimant.index] = rate }
            if worker.setPace(own, at: now, environment) { arm(&worker, slot, on: number, at: now, effects: &effects) }
            kubelets[number].put(worker, into: slot)
        }
    }
}

extension LoadSum {
    /// When it is so next, after `start`; or when to go on searching.
    func next(after start: SimulatedTime, where region: (Double) -> Bool) -> SimulatedTime {
        // What is so at `start` has been seen to.
        switch first(from: start + .nanoseconds(1), where: region) {
        case .found(let time), .notBefore(let time): time
        case .never: .distantFuture
        }
    }
}
