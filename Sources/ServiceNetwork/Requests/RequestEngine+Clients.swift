// The clients' side: requests begin, attempts are sent, answers come, time runs out.

import DiscreteEvents

extension RequestEngine {
    // MARK: Beginning

    mutating func scheduleArrival(_ source: SourceNumber, after time: SimulatedTime) {
        guard let next = sources[Int(source)].clock.next(after: time) else { return }
        arrivals.schedule(source, at: next)
    }

    mutating func arrive(_ source: SourceNumber) {
        // Rows of a recording keep their numbers, whatever came of those before.
        if sources[Int(source)].isReplay { sources[Int(source)].count = sources[Int(source)].clock.row }
        scheduleArrival(source, after: now)
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
        let number = sources[index].count
        sources[index].count += 1
        sources[index].statistics.sent += 1
        if let budget = sources[index].budget {
            sources[index].tokens = min(sources[index].tokens + budget.ratio, budget.reserve)
        }
        let request = Request(
            source: source, number: number, started: now, client: choose(client, of: index, number: number, parent), parent: parent)
        if recordsStarts { starts.append(RequestStart(source: source, number: number, time: now, client: request.node)) }
        let slot: RequestSlot
        if let free = freeRequests.popLast() {
            slot = free
            requests[Int(free.index)] = request
        } else {
            slot = RequestSlot(index: UInt32(requests.count))
            requests.append(request)
        }
        send(slot)
    }

    /// Who sends a request.
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
        let request = requests[place]
        requests[place].attemptBegins()
        let way = request.isLost ? Way(isDropped: true) : choosePod(for: request)
        var attempt = Attempt(request: slot, pod: way.pod, sent: now + way.lookup, ordinal: request.attempts, director: way.director)
        if sources[source].isFromOutside { attempt.delay = network.latencies.fromOutside }
        attempt.isConnected = way.isConnected
        if way.pod >= 0 {
            let node = pods[Int(way.pod)].node
            attempt.incarnation = pods[Int(way.pod)].incarnation
            attempt.delay += network.delay(request.node, node)
            if !network.isReachable(request.node, node) || isDenied(request, way.pod) { attempt.stage = .lost }
        } else if way.isDropped {
            attempt.stage = .lost
        } else {
            attempt.result = .refused
        }
        let number = add(attempt)
        let serial = attempts[Int(number.index)].serial
        if sources[source].hasTimers { startTimers(of: number, serial: serial, source: source) }
        if attempt.stage == .lost {
            lose(number)
        } else {
            let kind: RequestEvent.Kind = way.pod < 0 ? .answer : .delivery
            let wait = way.pod < 0 ? attempt.delay * 2 : attempt.delay
            scheduleOrDo(RequestEvent(kind: kind, index: number.index, serial: serial), after: way.lookup + wait)
        }
    }

    /// A further attempt from outside is another connection to the load balancer, which sends it to any node again.
    private mutating func enterAgain(_ place: Int) {
        let (index, number, attempt) = (Int(requests[place].source), requests[place].number, requests[place].attempts)
        guard sources[index].clients.count > 1 else { return }
        var stream = sources[index].choices(of: number, attempt: attempt)
        stream.index += 3
        let client = sources[index].clients[stream.uniform(below: sources[index].clients.count)]
        requests[place].node = client.node
        requests[place].isLost = client.isDead
    }

    /// Whether network policies keep a request from a pod.
    func isDenied(_ request: Request, _ pod: PodNumber) -> Bool {
        if denied.isEmpty { return false }
        func policyClass(of end: Int32) -> Int32 { policyClasses.indices.contains(Int(end)) ? policyClasses[Int(end)] : end }
        return denied.contains(DeniedFlow(from: policyClass(of: request.policyEnd), to: policyClass(of: pods[Int(pod)].receivingEnd)))
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
        if let free = freeAttempts.popLast() {
            attempts[Int(free.index)].reuse(for: attempt)
            return free
        }
        attempts.append(attempt)
        return AttemptSlot(index: UInt32(attempts.count - 1))
    }

    // MARK: Answers

    /// An answer, good or bad, reached the client.
    mutating func answer(_ slot: AttemptSlot) {
        let attempt = attempts[Int(slot.index)]
        let place = Int(attempt.request.index)
        if !attempt.isGivenUp {
            let request = requests[place]
            if attempt.director >= 0 { leaveBalancer(slot, after: now - attempt.sent) }
            if sources[Int(request.source)].idleLimit != nil, attempt.pod >= 0, attempt.result == .succeeded {
                keep(attempt, Int(request.source), request.client)
            }
        }
        free(slot)
        requests[place].attemptEnds(wasOpen: !attempt.isGivenUp)
        if attempt.isGivenUp || requests[place].isDone {
            releaseIfOver(attempt.request)
        } else if attempt.result == .succeeded {
            finish(attempt.request, .succeeded, pod: attempt.pod)
        } else {
            blame(attempt, attempt.result)
            retry(attempt.request, after: attempt.result)
        }
    }

    private mutating func keep(_ attempt: Attempt, _ source: Int, _ client: Int32) {
        guard pods[Int(attempt.pod)].condition == .serving else { return }
        while sources[source].idle.count <= Int(client) { sources[source].idle.append([]) }
        sources[source].idle[Int(client)].append(
            IdleConnection(pod: attempt.pod, incarnation: attempt.incarnation, since: now))
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
            retry(attempt.request, after: result)
        } else {
            releaseIfOver(attempt.request)
        }
    }

    /// After a bad answer: another attempt, if one is allowed; else the end, unless an earlier one is still open.
    private mutating func retry(_ slot: RequestSlot, after result: RequestResult) {
        let place = Int(slot.index)
        if requests[place].open > 0 { return }
        let source = Int(requests[place].source)
        let made = Int(requests[place].attempts)
        let isTriedAgain = sources[source].source.policy.retries(after: result) && made < sources[source].source.policy.maximumAttempts
        guard isTriedAgain, takeToken(source) else {
            finish(slot, result, pod: -1)
            return
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

    private mutating func takeToken(_ source: Int) -> Bool {
        guard sources[source].budget != nil else { return true }
        guard sources[source].tokens >= 1 else { return false }
        sources[source].tokens -= 1
        return true
    }

    /// The request is over for its client.
    private mutating func finish(_ slot: RequestSlot, _ result: RequestResult, pod: PodNumber) {
        let place = Int(slot.index)
        requests[place].isDone = true
        let request = requests[place]
        let source = Int(request.source)
        sources[source].statistics.count(result, after: now - request.started)
        if result != .succeeded { countFailure(request) }
        if recordsOutcomes, request.number % outcomeInterval == 0 {
            outcomes.append(
                RequestOutcome(
                    source: request.source, number: request.number, started: request.started, ended: now, result: result,
                    attempts: Int(request.attempts), client: request.node, pod: pod))
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
        attempts[Int(slot.index)].vacate()
        freeAttempts.append(slot)
    }

    /// Frees the place of an attempt that was given up before.
    mutating func release(_ slot: AttemptSlot) {
        free(slot)
        requests[Int(attempts[Int(slot.index)].request.index)].attemptEnds(wasOpen: false)
    }

    /// Frees a request's place when it is done and none of its attempts holds it.
    mutating func releaseIfOver(_ slot: RequestSlot) {
        let request = requests[Int(slot.index)]
        if request.isDone, request.held == 0 { freeRequests.append(slot) }
    }
}
