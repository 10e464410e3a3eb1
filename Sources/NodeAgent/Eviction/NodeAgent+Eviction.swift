// Node-pressure eviction: what a kubelet does about its node when memory, disk or process identifiers run short.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>
//
// The kubelet looks every ten seconds. Only the looks that find something are events: when a threshold will be met is worked out from
// what the containers use. After an eviction the kubelet waits until the pod is gone, looking once a second, and then goes on
// from there with its rounds.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Kubelet {
    /// The reason of evicted pods, and of pods that are refused under pressure.
    static let evictedReason = "Evicted"
}

extension NodeAgent {
    /// What pods get to stop that a hard threshold or a limit takes, in seconds.
    private static let immediateGrace: Int64 = 1
    /// How often the kubelet looks whether an evicted pod is gone.
    private static let cleanupPoll = SimulatedDuration.seconds(1)

    // MARK: When

    /// Works out the next pass that finds something, and when the node's status is due.
    mutating func planPass(on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime) {
        let usage = kubelets[number].usage
        kubelets[number].usage.nextReport =
            usage.eviction.conditions == usage.reported ? .distantFuture : usage.report(atOrAfter: now)
        var next = usage.eviction.isPressed ? now : min(crossing(on: number, demands, at: now), usage.eviction.relief(usage.settings))
        next = min(next, overLimit(on: number, demands, at: now))
        kubelets[number].usage.nextPass = next == .distantFuture ? .distantFuture : usage.pass(atOrAfter: next)
    }

    /// When the first threshold is met.
    private func crossing(on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime) -> SimulatedTime {
        let usage = kubelets[number].usage
        var next = SimulatedTime.distantFuture
        for threshold in usage.settings.thresholds {
            guard usage.watches(threshold.signal) else { continue }
            let sum = used(threshold.signal, demands, on: number, at: now)
            guard usage.isMet(threshold, used: sum.bound) else { continue }
            switch sum.first(from: now, where: { usage.isMet(threshold, used: $0) }) {
            case .found(let time), .notBefore(let time): next = min(next, time)
            case .never: break
            }
        }
        return next
    }

    /// When the first pod has more on its disk than its limits, or those of its volumes, allow.
    private func overLimit(on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime) -> SimulatedTime {
        var next = SimulatedTime.distantFuture
        forEachDiskLimit(on: number, demands) { sum, limit, _, _ in
            guard sum.bound > Double(limit.value) else { return }
            switch sum.first(from: now, where: { $0.rounded(.down) > Double(limit.value) }) {
            case .found(let time), .notBefore(let time): next = min(next, time)
            case .never: break
            }
        }
        return next
    }

    /// What a limit of disk is set on.
    private enum DiskLimit {
        case volume(String)
        case pod
        case container(String)

        /// The kubelet's words for an eviction for its sake.
        func message(_ limit: Quantity) -> String {
            switch self {
            case .volume(let name): "Usage of EmptyDir volume \"\(name)\" exceeds the limit \"\(limit)\". "
            case .pod: "Pod ephemeral local storage usage exceeds the total limit of containers \(limit). "
            case .container(let name): "Container \(name) exceeded its local ephemeral storage limit \"\(limit)\". "
            }
        }
    }

    /// The limits of pods' emptyDir volumes, their limits of ephemeral storage, and those of their containers, with what is used of them.
    private func forEachDiskLimit(
        on number: Int, _ demands: [ContainerDemand],
        _ look: (_ used: LoadSum, _ limit: Quantity, _ slot: Int, _ subject: DiskLimit) -> Void
    ) {
        var first = 0
        while first < demands.count {
            let slot = demands[first].slot
            let end = demands[first...].firstIndex { $0.slot != slot } ?? demands.count
            let own = demands[first..<end].filter { $0.disk != nil && !$0.isStopping }
            first = end
            guard !own.isEmpty else { continue }
            kubelets[number].withPod(slot) { worker in
                for demand in own {
                    guard let name = demand.volume, let volume = worker.pod.value.spec.value.volumes.first(where: { $0.name == name }),
                        case .emptyDir(_, let limit?) = volume.source
                    else { continue }
                    look(LoadSum(parts: [demand.disk].compactMap { $0 }), limit, slot, .volume(name))
                }
                guard let limit = worker.pod.value.spec.value.effectiveLimits[.ephemeralStorage] else { return }
                look(LoadSum(parts: own.compactMap(\.disk)), limit, slot, .pod)
                for demand in own where demand.index >= worker.initCount {
                    let container = worker.container(demand.index)
                    guard let limit = container.resources.limits[.ephemeralStorage], limit.sign > 0 else { continue }
                    look(LoadSum(parts: [demand.disk].compactMap { $0 }), limit, slot, .container(container.name))
                }
            }
        }
    }

    // MARK: What

    /// What is used of what a signal watches, from now on. Images and layers come and go by events alone.
    private func used(_ signal: EvictionSignal, _ demands: [ContainerDemand], on number: Int, at now: SimulatedTime) -> LoadSum {
        let usage = kubelets[number].usage
        if signal == .imagefsAvailable, usage.imageDisk != nil {
            return LoadSum(constant: Double(imageFileSystemBytes(number, at: now)))
        }
        return demands.sum(signal, beside: usage.outside(signal))
    }

    /// One pass of the eviction manager.
    mutating func pass(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        let demands = demands(on: number, at: now)
        let settings = kubelets[number].usage.settings
        kubelets[number].usage.lastPass = now
        func observed(_ signal: EvictionSignal) -> SignalObservation? {
            kubelets[number].usage.observation(signal, used: used(signal, demands, on: number, at: now).value(at: now))
        }
        var manager = kubelets[number].usage.eviction
        let acting = manager.synchronize(observed, settings, at: now)
        kubelets[number].usage.eviction = manager
        if evictOverLimits(on: number, demands, at: now, effects: &effects) { return }
        guard let first = acting.first, let seen = observed(settings.thresholds[first].signal) else { return }
        let threshold = settings.thresholds[first]
        let resource = threshold.signal.resource
        record(
            aboutNode: number, "EvictionThresholdMet", "Attempting to reclaim \(resource)", severity: .warning, at: now, effects: &effects)
        if removeUnused(threshold.signal, on: number, at: now, effects: &effects), manager.isRelieved(observed, settings) { return }
        let candidates = candidates(on: number, threshold.signal, demands, at: now)
        let order = EvictionRanking(of: resource).order(candidates.map(\.standing))
        guard let slot = order.lazy.map({ candidates[$0] }).first(where: { $0.standing.priority < criticalPriority })?.slot else { return }
        let message = message(of: threshold, seen, demands, slot, on: number, at: now)
        let wanted = kubelets[number].withPod(slot) { $0.pod.value.spec.value.terminationGracePeriodSeconds } ?? 0
        let grace = threshold.isHard ? NodeAgent.immediateGrace : min(wanted, Int64(settings.maximumPodGracePeriod))
        evict([(slot, PodEnding(reason: Kubelet.evictedReason, message: message))], grace: grace, on: number, at: now, effects: &effects)
    }

    /// Evicts pods that have more on their disk than they may. Returns whether there were any.
    private mutating func evictOverLimits(
        on number: Int, _ demands: [ContainerDemand], at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> Bool {
        var victims: [(slot: Int, ending: PodEnding)] = []
        forEachDiskLimit(on: number, demands) { used, limit, slot, subject in
            guard victims.last?.slot != slot, used.value(at: now).rounded(.down) > Double(limit.value) else { return }
            victims.append(
                (slot, PodEnding(reason: Kubelet.evictedReason, message: subject.message(limit), isDisruption: false)))
        }
        victims.removeAll { isCritical($0.slot, on: number) }
        evict(victims, grace: NodeAgent.immediateGrace, on: number, at: now, effects: &effects)
        return !victims.isEmpty
    }

    private func isCritical(_ slot: Int, on number: Int) -> Bool {
        kubelets[number].withPod(slot) { ($0.pod.value.spec.value.priority ?? 0) >= criticalPriority } ?? false
    }

    /// The kubelet evicts pods, and waits for their end with the next pass.
    private mutating func evict(
        _ victims: [(slot: Int, ending: PodEnding)], grace: Int64, on number: Int, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        for (slot, ending) in victims {
            guard var worker = kubelets[number].take(slot) else { continue }
            record(worker.pod, ending.reason, ending.message, severity: .warning, on: number, at: now, effects: &effects)
            if !worker.isStopping { recordKilling(worker, on: number, at: now, effects: &effects) }
            worker.terminate(ending, graceSeconds: max(1, grace), at: now, environment, incidents: &incidents)
            let gone = worker.stopped + NodeAgent.cleanupPoll
            kubelets[number].usage.passes = max(kubelets[number].usage.passes ?? gone, gone)
            step(&worker, slot, on: number, at: now, effects: &effects)
            kubelets[number].put(worker, into: slot)
        }
    }

    // MARK: Whom

    /// The pods among which the kubelet chooses: all that it has not seen the end of.
    private func candidates(
        on number: Int, _ signal: EvictionSignal, _ demands: [ContainerDemand], at now: SimulatedTime
    ) -> [(slot: Int, standing: EvictionCandidate)] {
        var candidates: [(slot: Int, standing: EvictionCandidate)] = []
        kubelets[number].forEachPod { slot, worker in
            guard worker.rejection == nil, !worker.pod.value.isTerminal, !worker.isStopped(at: now), worker.charge != nil else { return }
            let spec = worker.pod.value.spec.value
            var used: Int64 = 0
            if signal == .imagefsAvailable, kubelets[number].usage.imageDisk != nil {
                used = worker.containers.indices.reduce(0) { $0.addingSaturated(worker.layerBytes(ofRunning: $1)) }
            } else {
                for demand in demands where demand.slot == slot { used = used.addingSaturated(bytes(of: demand, signal, at: now)) }
            }
            let requested = signal.resource == .inodes ? ResourceName.ephemeralStorage : signal.resource
            let request = spec.effectiveRequests[requested]?.value ?? 0
            candidates.append((slot, EvictionCandidate(priority: spec.priority ?? 0, usage: used, request: request)))
        }
        return candidates
    }

    /// What a container uses as the kubelet's statistics have it.
    private func bytes(of demand: ContainerDemand, _ signal: EvictionSignal, at now: SimulatedTime) -> Int64 {
        signal == .memoryAvailable ? demand.memoryPages(at: now) : Int64(saturating: demand.part(signal)?.value(at: now) ?? 0)
    }

    /// The kubelet's words for an eviction.
    private func message(
        of threshold: EvictionThreshold, _ observed: SignalObservation, _ demands: [ContainerDemand], _ slot: Int, on number: Int,
        at now: SimulatedTime
    ) -> String {
        let resource = threshold.signal.resource
        var text =
            "The node was low on resource: \(resource). Threshold quantity: \(Quantity(bytes: threshold.value.of(observed.capacity))), "
            + "available: \(Quantity(observed.available, format: threshold.signal.format)). "
        guard resource == .memory || resource == .ephemeralStorage else { return text }
        let own = demands.filter { $0.slot == slot }
        kubelets[number].withPod(slot) { worker in
            let pod = worker.pod.value
            if resource == .memory, let request = pod.spec.value.resources?.requests[.memory] {
                let used = own.reduce(Int64(0)) { $0.addingSaturated(bytes(of: $1, threshold.signal, at: now)) }
                text +=
                    "Pod \(pod.metadata.name) was using \(Quantity(bytes: used)), request is \(request), has larger consumption of \(resource). "
            }
            for index in worker.containers.indices {
                let container = worker.container(index)
                var used: Int64 = 0
                for demand in own where demand.index == index { used = bytes(of: demand, threshold.signal, at: now) }
                if resource == .ephemeralStorage, kubelets[number].usage.imageDisk != nil {
                    used = used.addingSaturated(worker.layerBytes(ofRunning: index))
                }
                let request = container.resources.requests[resource] ?? Quantity(0)
                guard used > request.value else { continue }
                text +=
                    "Container \(container.name) was using \(Quantity(bytes: used)), request is \(request), has larger consumption of "
                    + "\(resource). "
            }
        }
        return text
    }
}
