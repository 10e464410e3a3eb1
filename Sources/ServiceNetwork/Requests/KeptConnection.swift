// Connections that clients keep for later requests: whose they are, and what ends them.

import DiscreteEvents

/// A connection between two requests.
struct KeptConnection: Hashable, Sendable {
    var pod: PodNumber
    /// The pod's, which it does not outlive.
    var incarnation: Int32
    /// The pod or node that sends for its client, and the node where that is; from outside, the node where it comes in. It outlives none of them.
    var sender: Int32
    var node: NodeNumber
    /// Since when nobody uses it.
    var since: SimulatedTime
    /// The balancer that counts it; -1: none does.
    var director: Int32
}

/// Those of one client.
struct KeptConnections: Hashable, Sendable {
    /// The most recently used last.
    var connections: [KeptConnection] = []
    /// Whether an event is scheduled for the one that is idle for longest: somebody counts them.
    var isWatched = false
}

/// When a node's machine went down, as far as connections through it are concerned.
struct MachineHistory: Hashable, Sendable {
    var isUp = true
    /// What was connected then is connected no more.
    var wentDown = SimulatedTime.distantPast
}

extension SourceState {
    /// Whether a client, and the node where its connections begin or come in, have been there since a time.
    ///
    /// A client outside does not hear that its node went down; once that is back, it knows of no connection from before.
    func holds(_ sender: Int32, _ machine: MachineHistory, since time: SimulatedTime) -> Bool {
        if isFromOutside { return !machine.isUp || machine.wentDown < time }
        return machine.wentDown < time && (departures[sender] ?? .distantPast) < time
    }

    /// Whether a connection is one that a client may use: users that moved to another pod have left theirs behind.
    func mayUse(_ connection: KeptConnection, _ sender: Int32) -> Bool { isFromOutside || connection.sender == sender }
}

// MARK: - Using and keeping

extension RequestEngine {
    /// The client's most recently used connection that still stands, from where it comes in.
    mutating func takeConnection(for slot: RequestSlot) -> Way? {
        let request = requests[Int(slot.index)]
        let (source, client) = (Int(request.source), Int(request.client))
        guard client < sources[source].kept.count else { return nil }
        for place in sources[source].kept[client].connections.indices.reversed() {
            let connection = sources[source].kept[client].connections[place]
            let isOpen = stands(connection, of: source)
            if isOpen, !sources[source].mayUse(connection, request.sender) { continue }
            sources[source].kept[client].connections.remove(at: place)
            guard isOpen else {
                leaveBalancer(connection, of: source)
                continue
            }
            return take(connection, for: slot)
        }
        return nil
    }

    private mutating func take(_ connection: KeptConnection, for slot: RequestSlot) -> Way? {
        var request = requests[Int(slot.index)]
        request.node = connection.node
        request.isLost = !machine(of: connection.node).isUp
        guard request.isLost || isTracked(connection.pod, for: request) else {
            leaveBalancer(connection, of: Int(request.source))
            return nil
        }
        requests[Int(slot.index)] = request
        return Way(pod: connection.pod, director: connection.director, isConnected: true)
    }

    /// Whether a connection stands, as far as its client knows: it hears of a close, but not of the death of a node.
    private func stands(_ connection: KeptConnection, of source: Int) -> Bool {
        let pod = pods[Int(connection.pod)]
        guard pod.condition == .serving || pod.condition == .unreachable, pod.incarnation == connection.incarnation else { return false }
        guard let limit = sources[source].idleLimit, now - connection.since < limit else { return false }
        return sources[source].holds(connection.sender, machine(of: connection.node), since: connection.since)
    }

    /// An attempt was answered over a connection that is kept, if both ends are still there. A balancer that counts connections goes on counting it.
    mutating func keep(_ slot: AttemptSlot) {
        let attempt = attempts[Int(slot.index)]
        let request = requests[Int(attempt.request.index)]
        let (source, client) = (Int(request.source), Int(request.client))
        guard pods[Int(attempt.pod)].condition == .serving, let limit = sources[source].idleLimit,
            sources[source].holds(request.sender, machine(of: attempt.node), since: attempt.sent)
        else { return }
        var connection = KeptConnection(
            pod: attempt.pod, incarnation: attempt.incarnation, sender: request.sender, node: attempt.node, since: now, director: -1)
        while sources[source].kept.count <= client { sources[source].kept.append(KeptConnections()) }
        if attempt.director >= 0, countsConnections(of: source) {
            connection.director = attempt.director
            attempts[Int(slot.index)].director = -1
            if !sources[source].kept[client].isWatched { watch(SourceNumber(source), client, until: now + limit) }
        }
        sources[source].kept[client].connections.append(connection)
    }

    // MARK: Ends

    /// Clients are gone, but for those that are among the new ones: so are their connections.
    mutating func closeConnections(of old: [RequestClient], but new: [RequestClient], _ source: SourceNumber) {
        guard sources[Int(source)].idleLimit != nil else { return }
        let left = Set(new.map(\.number))
        let gone = old.filter { !left.contains($0.number) }
        if gone.isEmpty { return }
        for client in gone { sources[Int(source)].departures[client.number] = now }
        closeCountedConnections()
    }

    /// A pod died, and with it its connections to the pods that it calls.
    mutating func closeConnections(ofCalls pod: PodNumber) {
        for source in sources.indices where sources[source].isOnDemand && sources[source].idleLimit != nil {
            sources[source].departures[pod] = now
        }
    }

    /// Nodes' machines went down, or came back: connections that began or came in there are no more.
    public mutating func setMachines(_ changed: [(node: NodeNumber, isUp: Bool)]) {
        for (node, isUp) in changed where isUp != machine(of: node).isUp {
            while machines.count <= Int(node) { machines.append(MachineHistory()) }
            machines[Int(node)].isUp = isUp
            if !isUp { machines[Int(node)].wentDown = now }
        }
        closeCountedConnections()
    }

    /// Whether a node's machine is up, as far as the engine was told.
    public func isMachineUp(_ node: NodeNumber) -> Bool { machine(of: node).isUp }

    private func machine(of node: NodeNumber) -> MachineHistory {
        machines.indices.contains(Int(node)) ? machines[Int(node)] : MachineHistory()
    }

    /// Whether the node where an attempt came in from outside went down since.
    func hasLostEntry(_ attempt: Attempt) -> Bool {
        guard !machines.isEmpty, machine(of: attempt.node).wentDown >= attempt.sent else { return false }
        return sources[Int(requests[Int(attempt.request.index)].source)].source.traffic == .toExternalAddressFromOutside
    }

    // MARK: Who counts connections

    /// Whether the balancers before a source's pods count connections that nobody uses. All others hear of their ends when they are looked for.
    private func countsConnections(of source: Int) -> Bool {
        sources[source].idleLimit != nil && sources[source].balancing == nil
            && ports[Int(sources[source].source.port)].countsIdleConnections
    }

    /// Something ended that connections may not outlive: those who count them count those no more.
    mutating func closeCountedConnections() {
        for source in sources.indices where countsConnections(of: source) {
            for client in sources[source].kept.indices { closeFallen(SourceNumber(source), client) }
        }
    }

    private mutating func closeFallen(_ source: SourceNumber, _ client: Int) {
        let all = sources[Int(source)].kept[client].connections
        let standing = all.filter { stands($0, of: Int(source)) }
        if standing.count == all.count { return }
        sources[Int(source)].kept[client].connections = standing
        for connection in all where !stands(connection, of: Int(source)) { leaveBalancer(connection, of: Int(source)) }
    }

    private mutating func watch(_ source: SourceNumber, _ client: Int, until time: SimulatedTime) {
        sources[Int(source)].kept[client].isWatched = true
        queue.schedule(RequestEvent(kind: .idleness, index: UInt32(source), serial: UInt32(client)), at: time)
    }

    /// A client may have kept a connection long enough.
    mutating func checkIdleness(_ source: SourceNumber, client: Int) {
        closeFallen(source, client)
        sources[Int(source)].kept[client].isWatched = false
        guard let first = sources[Int(source)].kept[client].connections.first, let limit = sources[Int(source)].idleLimit else { return }
        watch(source, client, until: first.since + limit)
    }

    private mutating func leaveBalancer(_ connection: KeptConnection, of source: Int) {
        guard connection.director >= 0 else { return }
        ports[Int(sources[source].source.port)].balancers[Int(connection.director)].closed(connection.pod, after: nil, at: now)
    }
}
