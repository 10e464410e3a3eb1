// Service that takes cpu: at full speed as long as the pod has enough, shared among its requests when it has not.

import DiscreteEvents

extension RequestEngine {
    /// Sets what a pod has for its requests from now on: those being served go on at the new speed.
    /// - Parameters:
    ///   - cores: what the container that takes them may use.
    ///   - others: what it wants for other things besides.
    public mutating func setProcessors(_ cores: Double, others: Double = 0, of pod: PodNumber) {
        let index = processors(of: pod)
        guard processors[index].allowed != cores || processors[index].others != others else { return }
        advanceSharing(index)
        processors[index].set(cores, others: others, at: now)
        if processors[index].isShort { beginSharing(index) }
        announceEnd(index)
    }

    /// Core seconds that a pod's requests have wanted and used until now.
    public func cpuTime(of pod: PodNumber) -> (wanted: Double, used: Double) {
        let own = processors[processors(of: pod)]
        return (own.wanted(at: now), own.used(at: now))
    }

    /// Core seconds that a pod's requests used between two times that are not in the future, and not longer ago than ``init(network:timing:cpuMemory:seed:)`` says.
    public func cpuTime(of pod: PodNumber, from begin: SimulatedTime, to end: SimulatedTime) -> Double {
        let own = processors(of: pod)
        return processors[own].used(at: end) - processors[own].used(at: begin)
    }

    /// A worker begins with an attempt whose service takes so many seconds at full speed.
    mutating func compute(_ slot: AttemptSlot, seconds: Double, milliCPU: Int32) {
        let index = Int(slot.index)
        let own = processors(of: attempts[index].pod)
        attempts[index].milliCPU = milliCPU
        if processors[own].beginUnshared(milliCPU, at: now) { return scheduleCompletion(slot, after: seconds) }
        advanceSharing(own)
        processors[own].change(by: milliCPU, at: now)
        beginSharing(own)
        _ = attempts[index].serve(until: .distantFuture)
        shared[Int(processors[own].sharing)].add(slot, seconds: seconds)
        announceEnd(own)
    }

    mutating func scheduleCompletion(_ slot: AttemptSlot, after seconds: Double) {
        let due = now + SimulatedDuration(seconds: seconds)
        let serial = attempts[Int(slot.index)].serve(until: due)
        queue.schedule(RequestEvent(kind: .completion, index: slot.index, serial: serial), at: due)
    }

    /// An attempt's own service may be over: unless its pod died, or it has had to share since.
    mutating func serviceEnds(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        guard attempts[index].stage == .serving, attempts[index].due == now else { return }
        endService(slot)
    }

    private mutating func endService(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        attempts[index].due = .distantPast
        let (own, milliCPU) = (processors(of: attempts[index].pod), attempts[index].milliCPU)
        if milliCPU > 0, !processors[own].endUnshared(milliCPU, at: now) {
            advanceSharing(own)
            processors[own].change(by: -milliCPU, at: now)
            announceEnd(own)
        }
        complete(slot)
    }

    /// A pod died: nothing of what it computed goes on.
    mutating func stopProcessors(of number: Int) {
        advanceSharing(number)
        processors[number].clear(at: now)
        let sharing = Int(processors[number].sharing)
        if sharing >= 0 { shared[sharing].removeAll() }
        announceEnd(number)
    }

    /// The number of a pod's processors.
    @inline(__always)
    private func processors(of pod: PodNumber) -> Int { Int(pods[Int(pod)].processors) }

    // MARK: Sharing

    /// From now on the requests of a pod share its processors: those that are being served join with what they still need. It stays so, as a pod that was short once may
    /// be so again.
    private mutating func beginSharing(_ number: Int) {
        guard processors[number].sharing < 0 else { return }
        var sharing = SharedService()
        sharing.advance(to: now, speed: 0)
        for place in attempts.indices where attempts[place].stage == .serving && attempts[place].due >= now {
            guard attempts[place].milliCPU > 0, attempts[place].pod >= 0, processors(of: attempts[place].pod) == number else { continue }
            sharing.add(AttemptSlot(index: UInt32(place)), seconds: (attempts[place].due - now).seconds)
            attempts[place].due = .distantFuture
        }
        processors[number].sharing = Int32(shared.count)
        shared.append(sharing)
    }

    /// To be called before the speed changes.
    private mutating func advanceSharing(_ number: Int) {
        let sharing = Int(processors[number].sharing)
        if sharing >= 0 { shared[sharing].advance(to: now, speed: processors[number].speed) }
    }

    /// Schedules the next end among the requests of a pod, where it is another than was thought.
    private mutating func announceEnd(_ number: Int) {
        let sharing = Int(processors[number].sharing)
        guard sharing >= 0 else { return }
        let next = shared[sharing].nextEnd(speed: processors[number].speed)
        guard next != shared[sharing].announced else { return }
        shared[sharing].announced = next
        shared[sharing].generation &+= 1
        if next == .distantFuture { return }
        queue.schedule(RequestEvent(kind: .sharedCompletion, index: UInt32(number), serial: shared[sharing].generation), at: max(next, now))
    }

    /// The next among the requests that share a pod's processors may have ended.
    mutating func sharedServiceEnds(_ number: Int, generation: UInt32) {
        let sharing = Int(processors[number].sharing)
        guard shared[sharing].generation == generation else { return }
        shared[sharing].announced = .distantFuture
        advanceSharing(number)
        if let slot = shared[sharing].takeFirst() { endService(slot) }
    }
}
