// The clients' side: requests begin, attempts are sent, answers come, time runs out.

import DiscreteEvents

extension RequestEngine {
    // MARK: Beginning

    mutating func scheduleArrival(_ source: SourceNumber, after time: SimulatedTime) {
        guard let next = sources[Int(source)].clock.next(after: time) else { return }
        arrivals.schedule(source, at: next)
    }

    /// The next arrival of all is one of this source.
    mutating func arrive(_ source: SourceNumber) {
        // Rows of a recording keep their numbers, whatever came of those before.
        if sources[Int(source)].isReplay { sources[Int(source)].count = sources[Int(source)].clock.row }
        if let next = sources[Int(source)].clock.next(after: now) {
            arrivals.postponeFirst(to: next)
        } else {
            _ = arrivals.popFirst()
        }
        if sources[Int(source)].clients.isEmpty { return }
        begin(source, client: nil, parent: .none)
    }

    /// A user has thought; one whose clients' nodes are all gone thinks again.
    mutating func endThinking(_ source: SourceNumber, user: Int32) {
        if sources[Int(source)].clients.isEmpty, case .closed(_, let time) = sources[Int(source)].source.arrivals {
            scheduleThinking(source, user: user, time, after: now)
        } else {
            begin(source, client: user, parent: .none)
        }
    }

    mutating func scheduleThinking(_ source: SourceNumber, user: Int32, _ time: Distribution, after start: SimulatedTime) {
        let wait = sources[Int(source)].think(Int(user), time)
        queue.schedule(RequestEvent(kind: .thought, index: UInt32(source), serial: UInt32(user)), at: start + wait)
    }

    /// - Parameters:
    ///   - client: the user of a closed loop; nil: one of the nodes, at random.
    ///   - parent: the attempt that calls.
    mutating func begin(_ source: SourceNumber, client: Int32?, parent: AttemptSlot) {
        let index = Int(source)
        let number = sources[index].takeNumber()
        if let budget = sources[index].budget {
            sources[index].tokens = min(sources[index].tokens + budget.ratio, budget.reserve)
        }
        let request = Request(
            source: source, number: number, started: now, client: choose(client, of: index, number: number, parent), parent: parent)
        if recordsStarts { starts.append(RequestStart(source: source, number: number, time: now, client: request.node)) }
        var slot = firstFreeRequest
        if slot.isNone {
            slot = RequestSlot(index: UInt32(requests.count))
            requests.append(request)
        } else {
            firstFreeRequest = requests[Int(slot.index)].reuse(for: request)
        }
        send(slot)
    }

    /// Who sends a request.
    @inline(__always)
    private func choose(_ user: Int32?, of source: Int, number: UInt64, _ parent: AttemptSlot) -> RequestClient {
        if !parent.isNone {
            // A pod that calls is a client of its own.
            let pod = attempts[Int(parent.index)].pod
            return RequestClient(
                node: pods[Int(pod)].node, number: pod, address: pods[Int(pod)].address, policyEnd: pods[Int(pod)].sendingEnd)
        }
        let count = sources[source].clients.count
        var client = sources[source].clients[user.map { Int($0) % count } ?? 0]
        // Users outside come in anywhere, each time.
        if count > 1, user == nil || sources[source].isFromOutside {
            // The last of the first attempt's four numbers; the others are the balancer's and the back-off's.
            var stream = sources[source].choices(of: number, attempt: 0)
            stream.index += 3
            client = sources[source].clients[stream.uniform(below: count)]
        }
        guard let population = sources[source].population else {
            if let user { client.number = user }
            return client
        }
        client.number = user ?? sources[source].member(of: population, sends: number)
        client.address = population.firstAddress &+ UInt32(truncatingIfNeeded: client.number)
        return client
    }

    // MARK: Sending

    /// Makes an attempt.
    mutating func send(_ slot: RequestSlot) {
        let place = Int(slot.index)
        let source = Int(requests[place].source)
        if requests[place].attempts > 0, sources[source].isFromOutside { enterAgain(place) }
        let kept = sources[source].idleLimit == nil ? nil : takeConnection(for: slot)
        let request = requests[place]
        requests[place].attemptBegins()
        let way: Way
        if let kept { way = kept } else { way = request.isLost ? Way(isDropped: true) : choosePod(for: request) }
        var attempt = Attempt(of: request, at: slot, pod: way.pod, sent: now + way.lookup)
        if way.lookup == .zero { enter(way, request, &attempt) }
        let number = add(attempt)
        let serial = attempts[Int(number.index)].serial
        if sources[source].hasTimers { startTimers(of: number, serial: serial, source: source) }
        if way.lookup > .zero {
            queue.schedule(RequestEvent(kind: .lookup, index: number.index, serial: serial), at: now + way.lookup)
        } else {
            setOut(number, serial, pod: attempt.pod, after: attempt.delay, isLost: attempt.stage == .lost)
        }
    }

    /// A client has the answer of the DNS, and connects as things are now.
    mutating func lookupEnds(_ slot: AttemptSlot) {
        var attempt = attempts[Int(slot.index)]
        if attempt.isGivenUp { return forget(slot) }
        var request = requests[Int(attempt.request.index)]
        // Whose random numbers are this attempt's, whatever came after it.
        request.attempts = attempt.ordinal
        let way = usesRecords(Int(request.source)) ? Way(pod: attempt.pod) : chooseByRules(for: request)
        enter(way, request, &attempt)
        attempts[Int(slot.index)] = attempt
        setOut(slot, attempt.serial, pod: attempt.pod, after: attempt.delay, isLost: attempt.stage == .lost)
    }

    /// Notes where an attempt goes, and what becomes of it on the way.
    @inline(__always)
    private func enter(_ way: Way, _ request: Request, _ attempt: inout Attempt) {
        attempt.pod = way.pod
        attempt.director = way.director
        attempt.isConnected = way.isConnected
        if sources[Int(request.source)].isFromOutside { attempt.delay = network.latencies.fromOutside }
        if way.pod >= 0 {
            let node = pods[Int(way.pod)].node
            attempt.incarnation = pods[Int(way.pod)].incarnation
            attempt.delay += network.delay(request.node, node)
            if request.isLost || !network.isReachable(request.node, node) || isDenied(request, way.pod, from: request.node) {
                attempt.stage = .lost
            }
        } else if way.isDropped {
            attempt.stage = .lost
        } else {
            attempt.result = .refused
        }
    }

    private mutating func setOut(_ slot: AttemptSlot, _ serial: UInt32, pod: PodNumber, after delay: SimulatedDuration, isLost: Bool) {
        if isLost { return lose(slot) }
        let kind: RequestEvent.Kind = pod < 0 ? .answer : .delivery
        scheduleOrDo(RequestEvent(kind: kind, index: slot.index, serial: serial), after: pod < 0 ? delay * 2 : delay)
    }

    /// A further attempt from outside is another connection to the load balancer, which sends it to any node again.
    private mutating func enterAgain(_ place: Int) {
        let (index, number, attempt) = (Int(requests[place].source), requests[place].number, requests[place].attempts)
        if sources[index].clients.isEmpty { return }
        var stream = sources[index].choices(of: number, attempt: attempt)
        stream.index += 3
        let client = sources[index].clients[stream.uniform(below: sources[index].clients.count)]
        requests[place].node = client.node
        requests[place].isLost = client.isDead
    }

    /// What takes no time is done at once: no event.
    mutating func scheduleOrDo(_ event: RequestEvent, after wait: SimulatedDuration) {
        if wait > .zero {
            queue.schedule(event, at: now + wait)
        } else if event.kind == .delivery {
            deliver(AttemptSlot(index: event.index))
        } else {
            answer(AttemptSlot(index: event.index))
        }
    }

    /// Gives the attempt a place.
    private mutating func add(_ attempt: Attempt) -> AttemptSlot {
        let free = firstFreeAttempt
        if free.isNone {
            attempts.append(attempt)
            return AttemptSlot(index: UInt32(attempts.count - 1))
        }
        firstFreeAttempt = attempts[Int(free.index)].reuse(for: attempt)
        return free
    }

    // MARK: Answers

    /// An answer, good or bad, reached the client.
    mutating func answer(_ slot: AttemptSlot) {
        let attempt = attempts[Int(slot.index)]
        let place = Int(attempt.request.index)
        // The node where it came in died meanwhile.
        if !machines.isEmpty, attempt.pod >= 0, hasLostEntry(attempt) { return attempt.isGivenUp ? forget(slot) : loseAnswer(slot) }
        if !attempt.isGivenUp {
            if sources[Int(requests[place].source)].idleLimit != nil, attempt.pod >= 0, attempt.result == .succeeded { keep(slot) }
            if attempt.director >= 0 { leaveBalancer(slot, after: attempt.result == .succeeded ? now - attempt.sent : nil) }
        }
        free(slot)
        requests[place].attemptEnds(wasOpen: !attempt.isGivenUp)
        if attempt.isGivenUp || requests[place].isDone {
            releaseIfOver(attempt.request)
        } else if attempt.result == .succeeded {
            finish(attempt.request, .succeeded, pod: attempt.pod, from: attempt.node)
        } else {
            blame(attempt, attempt.result)
            retry(attempt, after: attempt.result)
        }
    }

    /// The balancer does not count the attempt any more.
    private mutating func leaveBalancer(_ slot: AttemptSlot, after time: SimulatedDuration?) {
        let attempt = attempts[Int(slot.index)]
        guard attempt.director >= 0 else { return }
        let source = Int(requests[Int(attempt.request.index)].source)
        if sources[source].balancing != nil {
            sources[source].balancers[Int(attempt.director)].closed(attempt.pod, after: time, at: now)
        } else {
            ports[Int(sources[source].port)].balancers[Int(attempt.director)].closed(attempt.pod, after: time, at: now)
        }
        attempts[Int(slot.index)].director = -1
    }

    /// The client stops waiting for an attempt; the pod may go on with it.
    mutating func giveUp(_ slot: AttemptSlot, _ result: RequestResult) {
        let attempt = attempts[Int(slot.index)]
        if attempt.isGivenUp { return }
        leaveBalancer(slot, after: nil)
        attempts[Int(slot.index)].isGivenUp = true
        let place = Int(attempt.request.index)
        requests[place].open -= 1
        let isWanted = !requests[place].isDone
        if isWanted { blame(attempt, result) }
        // Nothing is under way of one that was still to be sent, when the DNS had answered.
        if attempt.stage.isSilent || attempt.sent > now { release(slot) }
        if isWanted {
            retry(attempt, after: result)
        } else {
            releaseIfOver(attempt.request)
        }
    }

    /// After a bad answer: another attempt, if one is allowed; else the end, unless an earlier one is still open.
    private mutating func retry(_ attempt: Attempt, after result: RequestResult) {
        let slot = attempt.request
        let place = Int(slot.index)
        if requests[place].open > 0 { return }
        let source = Int(requests[place].source)
        let made = Int(requests[place].attempts)
        let isTriedAgain = sources[source].source.policy.retries(after: result) && made < sources[source].source.policy.maximumAttempts
        guard isTriedAgain, takeToken(source) else {
            if sources[source].balancing != nil { rateFailure(attempt, of: source) }
            finish(slot, result, pod: -1, from: attempt.node)
            return
        }
        if sources[source].balancing != nil, attempt.pod >= 0 {
            sources[source].tried[requests[place].number, default: []].append(attempt.pod)
        }
        sources[source].statistics.retries += 1
        var draws = sources[source].choices(of: requests[place].number, attempt: UInt8(made))
        draws.index += 2
        let wait = sources[source].source.policy.backoff.wait(before: made, at: draws.uniform())
        if wait > .zero {
            queue.schedule(RequestEvent(kind: .retry, index: slot.index), at: now + wait)
        } else {
            send(slot)
        }
    }

    /// A balancer takes the time of a request's last attempt for that of its pod, failed or not, and ignores those before (Ingress-NGINX, `balancer/ewma.lua`:
    /// `after_balance`).
    private mutating func rateFailure(_ attempt: Attempt, of source: Int) {
        guard attempt.pod >= 0, attempt.director >= 0 else { return }
        sources[source].balancers[Int(attempt.director)].took(now - attempt.sent, at: attempt.pod, at: now)
    }

    private mutating func takeToken(_ source: Int) -> Bool {
        guard sources[source].budget != nil else { return true }
        guard sources[source].tokens >= 1 else { return false }
        sources[source].tokens -= 1
        return true
    }

    /// The request is over for its client.
    /// - Parameter node: where the attempt came in that ended it.
    private mutating func finish(_ slot: RequestSlot, _ result: RequestResult, pod: PodNumber, from node: NodeNumber) {
        let place = Int(slot.index)
        requests[place].isDone = true
        let request = requests[place]
        let source = Int(request.source)
        sources[source].statistics.count(result, after: now - request.started)
        if result != .succeeded { countFailure(request) }
        if request.attempts > 1, sources[source].balancing != nil { sources[source].tried[request.number] = nil }
        if recordsOutcomes, request.number % outcomeInterval == 0 {
            outcomes.append(
                RequestOutcome(
                    source: request.source, number: request.number, started: request.started, ended: now, result: result,
                    attempts: Int(request.attempts), client: node, pod: pod))
        }
        if sources[source].isClosedLoop, case .closed(_, let think) = sources[source].source.arrivals {
            scheduleThinking(request.source, user: request.client, think, after: now)
        }
        releaseIfOver(slot)
        if !request.parent.isNone { callEnded(request.parent, result, at: request.failureSite) }
    }

    // MARK: Places

    /// Frees an attempt's place.
    private mutating func free(_ slot: AttemptSlot) {
        attempts[Int(slot.index)].vacate(before: firstFreeAttempt)
        firstFreeAttempt = slot
    }

    /// Frees the place of an attempt that was given up before.
    mutating func release(_ slot: AttemptSlot) {
        free(slot)
        requests[Int(attempts[Int(slot.index)].request.index)].attemptEnds(wasOpen: false)
    }

    /// Frees a request's place when it is done and none of its attempts holds it.
    mutating func releaseIfOver(_ slot: RequestSlot) {
        let place = Int(slot.index)
        guard requests[place].isDone, requests[place].held == 0 else { return }
        requests[place].next = firstFreeRequest
        firstFreeRequest = slot
    }
}
