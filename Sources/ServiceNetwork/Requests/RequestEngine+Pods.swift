// The pods' side: the line, service, calls to other Services, and death.

import DiscreteEvents

extension RequestEngine {
    /// An attempt reaches its pod.
    mutating func deliver(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        let pod = Int(attempts[index].pod)
        switch pods[pod].condition {
        case .unreachable:
            // The client may have given it up already: then nobody waits.
            return attempts[index].isGivenUp ? forget(slot) : lose(slot)
        case .stopped, .closing: return reply(slot, .refused)
        case .serving, .draining: break
        }
        ports[Int(port(of: slot))].received.count(PodNumber(pod))
        let isBroken = attempts[index].incarnation != pods[pod].incarnation && !isDatagram(slot)
        switch pods[pod].receive(isBroken: isBroken) {
        case .broken: reply(slot, .reset)
        case .served: serve(slot)
        case .turnedAway: reply(slot, .overloaded)
        case .waits:
            attempts[index].stage = .waiting
            attempts[index].next = .none
            let last = pods[pod].enqueue(slot)
            if !last.isNone { attempts[Int(last.index)].next = slot }
        }
    }

    @inline(__always)
    private func port(of slot: AttemptSlot) -> PortNumber {
        sources[Int(requests[Int(attempts[Int(slot.index)].request.index)].source)].port
    }

    /// A worker takes the attempt.
    private mutating func serve(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        let request = requests[Int(attempts[index].request.index)]
        let source = Int(request.source)
        let port = Int(sources[source].port)
        let seconds: Double
        if sources[source].hasServiceTimes, let recorded = sources[source].recordedService(of: request.number) {
            seconds = recorded
        } else {
            var numbers = sources[source].services(of: request.number, attempt: attempts[index].ordinal)
            seconds = ports[port].behaviour.serviceTime.sample(&numbers)
        }
        pods[Int(attempts[index].pod)].work += seconds
        let milliCPU = ports[port].behaviour.milliCPU
        if milliCPU > 0 { compute(slot, seconds: seconds, milliCPU: milliCPU) } else { scheduleCompletion(slot, after: seconds) }
    }

    /// The pod's own work is done: next come the calls it makes, then the answer.
    mutating func complete(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        let port = Int(port(of: slot))
        if ports[port].fails { attempts[index].result = .failed }
        let group = Int(attempts[index].callGroups)
        if group < ports[port].calls.count, attempts[index].result == .succeeded {
            let calls = ports[port].calls[group]
            attempts[index].callGroups += 1
            attempts[index].openCalls = UInt16(calls.count)
            for call in calls { begin(call, client: nil, parent: slot) }
            return
        }
        leavePod(Int(attempts[index].pod))
        reply(slot, attempts[index].result)
    }

    /// A call that the attempt waits for has ended.
    /// - Parameter site: where it failed, if it did.
    mutating func callEnded(_ slot: AttemptSlot, _ result: RequestResult, at site: FailureSite) {
        let index = Int(slot.index)
        attempts[index].openCalls -= 1
        if result != .succeeded {
            attempts[index].result = .failed
            requests[Int(attempts[index].request.index)].failureSite = site
        }
        if attempts[index].openCalls == 0 { complete(slot) }
    }

    /// A worker is free.
    private mutating func leavePod(_ pod: Int) {
        let next = pods[pod].head
        guard !next.isNone, pods[pod].busy <= pods[pod].capacity.concurrency else {
            pods[pod].busy -= 1
            return
        }
        pods[pod].head = attempts[Int(next.index)].next
        if pods[pod].head.isNone { pods[pod].tail = .none }
        pods[pod].waiting -= 1
        serve(next)
    }

    /// The pod's answer sets out.
    private mutating func reply(_ slot: AttemptSlot, _ result: RequestResult) {
        let index = Int(slot.index)
        attempts[index].reply(result)
        if network.isDivided || !machines.isEmpty, !isReachable(slot) { return attempts[index].isGivenUp ? forget(slot) : loseAnswer(slot) }
        let event = RequestEvent(kind: .answer, index: slot.index, serial: attempts[index].serial)
        scheduleOrDo(event, after: attempts[index].delay)
    }

    /// A lost attempt that nobody waits for.
    mutating func forget(_ slot: AttemptSlot) {
        let request = attempts[Int(slot.index)].request
        release(slot)
        releaseIfOver(request)
    }

    // MARK: What happens to pods

    /// Sets how much a pod can do at once; a higher limit takes the first in line.
    public mutating func setCapacity(_ capacity: PodCapacity, of pod: PodNumber) {
        let index = Int(pod)
        pods[index].capacity = capacity
        while pods[index].busy < capacity.concurrency, !pods[index].head.isNone {
            pods[index].busy += 1
            // As if a worker had become free.
            leavePod(index)
        }
    }

    /// Changes what becomes of connections to a pod. A pod that stops breaks those it has; one that becomes unreachable leaves its clients waiting.
    public mutating func setCondition(_ condition: PodCondition, of pod: PodNumber) {
        let index = Int(pod)
        let old = pods[index].condition
        guard old != condition else { return }
        pods[index].condition = condition
        // Who is connected to a pod that vanished hears of it only when it is back.
        if condition == .stopped || old == .unreachable {
            pods[index].incarnation += 1
            closeConnections(ofCalls: pod)
        }
        // One that begins to serve, or vanishes, ends none.
        if condition != .serving && condition != .unreachable || old == .unreachable { closeCountedConnections() }
        if old == .unreachable { waysChanged(to: pod) }
        guard condition == .stopped || condition == .unreachable else { return }
        pods[index].busy = 0
        pods[index].waiting = 0
        pods[index].head = .none
        pods[index].tail = .none
        stopProcessors(of: Int(pods[index].processors))
        // Places that are free are in no pod.
        for place in attempts.indices where attempts[place].pod == pod {
            let slot = AttemptSlot(index: UInt32(place))
            let stage = attempts[place].stage
            guard stage == .waiting || stage == .serving else { continue }
            abandonCalls(of: slot)
            if condition == .stopped, !isDatagram(slot) {
                reply(slot, .reset)
            } else if attempts[place].isGivenUp {
                forget(slot)
            } else {
                abandon(slot)
            }
        }
    }

    /// The calls of a pod that died go on, for nobody.
    private mutating func abandonCalls(of slot: AttemptSlot) {
        guard attempts[Int(slot.index)].openCalls > 0 else { return }
        attempts[Int(slot.index)].openCalls = 0
        for place in requests.indices where !requests[place].isDone && requests[place].parent == slot { requests[place].parent = .none }
    }
}
