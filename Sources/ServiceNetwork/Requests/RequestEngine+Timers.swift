// Time-outs and hedges: for each source one event for the oldest, whatever the number of requests.

import DiscreteEvents

extension RequestEngine {
    mutating func startTimers(of attempt: AttemptSlot, serial: UInt32, source: Int) {
        if let timeout = sources[source].timeout {
            sources[source].timeouts.append(TimerList.Entry(due: now + timeout, attempt: attempt, serial: serial))
            arm(source, .timeouts)
        }
        if let delay = sources[source].hedgeDelay {
            sources[source].hedges.append(TimerList.Entry(due: now + delay, attempt: attempt, serial: serial))
            arm(source, .hedges)
        }
    }

    private mutating func arm(_ source: Int, _ kind: RequestEvent.Kind) {
        let isHedge = kind == .hedges
        let isArmed = isHedge ? sources[source].hedges.isArmed : sources[source].timeouts.isArmed
        guard !isArmed, let first = isHedge ? sources[source].hedges.first : sources[source].timeouts.first else { return }
        if isHedge { sources[source].hedges.isArmed = true } else { sources[source].timeouts.isArmed = true }
        queue.schedule(RequestEvent(kind: kind, index: UInt32(source)), at: max(first.due, now))
    }

    mutating func checkTimeouts(_ source: SourceNumber) {
        let index = Int(source)
        sources[index].timeouts.isArmed = false
        while let first = sources[index].timeouts.first {
            let isOpen = isWaitedFor(first)
            if isOpen, first.due > now { break }
            sources[index].timeouts.removeFirst()
            if isOpen { giveUp(first.attempt, .timedOut) }
        }
        arm(index, .timeouts)
    }

    mutating func checkHedges(_ source: SourceNumber) {
        let index = Int(source)
        sources[index].hedges.isArmed = false
        while let first = sources[index].hedges.first {
            let isOpen = isWaitedFor(first)
            if isOpen, first.due > now { break }
            sources[index].hedges.removeFirst()
            guard isOpen else { continue }
            let slot = attempts[Int(first.attempt.index)].request
            let request = requests[Int(slot.index)]
            // Only the newest attempt of a request is hedged.
            guard !request.isDone, request.attempts == attempts[Int(first.attempt.index)].ordinal + 1,
                Int(request.attempts) < sources[index].source.policy.maximumAttempts
            else { continue }
            sources[index].statistics.hedges += 1
            send(slot)
        }
        arm(index, .hedges)
    }

    /// Whether a timer's attempt is still waited for.
    private func isWaitedFor(_ entry: TimerList.Entry) -> Bool {
        let attempt = attempts[Int(entry.attempt.index)]
        return attempt.serial == entry.serial && !attempt.isGivenUp && !requests[Int(attempt.request.index)].isDone
    }
}
