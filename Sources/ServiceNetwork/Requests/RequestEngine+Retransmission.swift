// Packets that were lost and are sent again.
//
// TCP sends again what nobody confirmed, each time after twice the wait. That is no event here: when a way is free again, the next time at which
// something that was lost on it would be sent is computed. Linux' times: connections are tried after 1 s, 2 s, 4 s, ... (RFC 6298, `tcp_syn_retries`
// 6); what is sent over one that stands goes again after 200 ms (`TCP_RTO_MIN`: pods are near), 400 ms, ..., 120 s at most (`tcp_retries2` 15).

import DiscreteEvents

/// When the kernel sends again what it got no confirmation of.
struct Retransmissions: Hashable, Sendable {
    let first: SimulatedDuration
    let longest: SimulatedDuration
    let count: Int

    static let ofConnectionAttempts = Retransmissions(first: .seconds(1), longest: .seconds(120), count: 6)
    static let ofData = Retransmissions(first: .milliseconds(200), longest: .seconds(120), count: 15)

    /// The first time after `now` at which something is sent that is sent first at `start`; nil: it is not any more.
    func next(of start: SimulatedTime, after now: SimulatedTime) -> SimulatedTime? {
        if start > now { return start }
        var (time, wait) = (start, first)
        for _ in 0..<count {
            time += wait
            if time > now { return time }
            wait = min(wait * 2.0, longest)
        }
        return nil
    }
}

extension RequestEngine {
    /// What an attempt sends gets lost, and is sent again until the client's kernel gives it up: a connection that nobody answers soon, one that stands late.
    mutating func lose(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        attempts[index].stage = .lost
        let patience =
            attempts[index].isConnected
            ? Self.brokenConnectionTimeout : sources[Int(requests[Int(attempts[index].request.index)].source)].connectionTimeout
        expire(slot, at: attempts[index].sent + patience)
    }

    /// An answer gets lost on its way back, and is sent again until the pod's kernel gives it up.
    mutating func loseAnswer(_ slot: AttemptSlot) {
        attempts[Int(slot.index)].stage = .unheard
        expire(slot, at: now + Self.brokenConnectionTimeout)
    }

    /// The pod has vanished with a request that it had taken: its client waits for an answer and sends nothing more.
    mutating func abandon(_ slot: AttemptSlot) {
        attempts[Int(slot.index)].stage = .abandoned
        expire(slot, at: now + Self.brokenConnectionTimeout)
    }

    private mutating func expire(_ slot: AttemptSlot, at time: SimulatedTime) {
        // No kernel waits for datagrams.
        let due = isDatagram(slot) ? SimulatedTime.distantFuture : max(time, now)
        attempts[Int(slot.index)].due = due
        if due == .distantFuture { return }
        queue.schedule(RequestEvent(kind: .connectionTimeout, index: slot.index, serial: attempts[Int(slot.index)].serial), at: due)
    }

    /// The kernel may give an attempt up: unless it got through since.
    mutating func expires(_ slot: AttemptSlot) {
        let attempt = attempts[Int(slot.index)]
        if attempt.stage.isSilent, attempt.due == now { giveUp(slot, .timedOut) }
    }

    // MARK: Ways that are free again

    /// Packets may pass that did not before: whatever was lost goes when it is sent next.
    /// - Parameter pod: on the way to or from this one; nil: anywhere.
    mutating func waysChanged(to pod: PodNumber? = nil) {
        for place in attempts.indices where attempts[place].pod >= 0 && (pod == nil || attempts[place].pod == pod) {
            let slot = AttemptSlot(index: UInt32(place))
            guard !isDatagram(slot), let start = lostSince(slot), isFree(slot) else { continue }
            let times = attempts[place].stage == .lost && !attempts[place].isConnected ? Retransmissions.ofConnectionAttempts : .ofData
            guard let next = times.next(of: start, after: now) else { continue }
            queue.schedule(RequestEvent(kind: .retransmission, index: slot.index, serial: attempts[place].serial), at: next)
        }
    }

    /// When that was sent first which an attempt has lost; nil: nothing is lost that is sent again.
    private func lostSince(_ slot: AttemptSlot) -> SimulatedTime? {
        let attempt = attempts[Int(slot.index)]
        switch attempt.stage {
        case .lost: return attempt.sent
        case .unheard: return attempt.due - Self.brokenConnectionTimeout
        case .travelling, .waiting, .serving, .abandoned: return nil
        }
    }

    /// Whether packets pass between an attempt's client and its pod.
    private func isFree(_ slot: AttemptSlot) -> Bool {
        let attempt = attempts[Int(slot.index)]
        guard isReachable(slot) else { return false }
        if attempt.stage == .unheard { return true }
        return pods[Int(attempt.pod)].condition != .unreachable
            && !isDenied(requests[Int(attempt.request.index)], attempt.pod, from: attempt.node)
    }

    /// Whether nothing divides an attempt's client from its pod: no partition, and no death of the node where it came in.
    func isReachable(_ slot: AttemptSlot) -> Bool {
        let attempt = attempts[Int(slot.index)]
        if attempt.isLost || hasLostEntry(attempt) { return false }
        return network.isReachable(attempt.node, pods[Int(attempt.pod)].node)
    }

    /// Something is sent again, if it has not arrived since.
    mutating func sendAgain(_ slot: AttemptSlot) {
        let index = Int(slot.index)
        // Lost again: whoever frees the way looks after it.
        guard lostSince(slot) != nil, isFree(slot) else { return }
        let kind: RequestEvent.Kind = attempts[index].stage == .lost ? .delivery : .answer
        attempts[index].stage = .travelling
        attempts[index].due = .distantPast
        // A connection that is made now is made to the pod as it is now.
        if !attempts[index].isConnected { attempts[index].incarnation = pods[Int(attempts[index].pod)].incarnation }
        scheduleOrDo(RequestEvent(kind: kind, index: slot.index, serial: attempts[index].serial), after: attempts[index].delay)
    }
}
