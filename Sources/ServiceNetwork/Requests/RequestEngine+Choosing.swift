// Which pod an attempt goes to: over a connection that is kept, by the records of the DNS, by the client's own balancing, or by the rules of its node.

import DiscreteEvents

extension RequestEngine {
    /// Where an attempt goes.
    struct Way {
        /// -1: nowhere.
        var pod: PodNumber = -1
        /// The balancer that counts it; -1: none does.
        var director: Int32 = -1
        /// Without a pod: whether nothing is heard of it (else it is refused).
        var isDropped = false
        /// Over a connection that stands.
        var isConnected = false
        /// How long the client waits for the DNS before; only then is it chosen where a connection to a Service's address goes.
        var lookup = SimulatedDuration.zero
    }

    /// What the node's rules do with the next attempt of a request for which no connection is kept, and which pod the balancing chooses.
    mutating func choosePod(for request: Request) -> Way {
        let source = Int(request.source)
        if usesRecords(source) { return chooseRecord(for: request) }
        if sources[source].balancing != nil { return chooseWatched(for: request) }
        if sources[source].lookupTime != nil {
            let wait = lookUp(for: request, showsPods: false)
            if wait > .zero { return Way(lookup: wait) }
        }
        return chooseByRules(for: request)
    }

    /// Whether the clients of a source connect to the addresses of pods, which they have from the DNS.
    @inline(__always)
    func usesRecords(_ source: Int) -> Bool {
        sources[source].recordLifetime != nil && (!sources[source].resolvesHeadlessOnly || table.isHeadless(sources[source].port))
    }

    /// Asks the DNS for a client that has to, and returns how long an attempt waits for an answer, be it to an earlier question.
    /// - Parameter showsPods: whether the answer has the addresses of pods; else the Service's.
    private mutating func lookUp(for request: Request, showsPods: Bool) -> SimulatedDuration {
        let (source, client) = (Int(request.source), Int(request.client))
        if sources[source].mustLookUp(client, at: now) {
            let version = showsPods ? table.recordedVersion(of: sources[source].port, at: now) : -1
            sources[source].lookUp(client, version: version, for: request.number, attempt: request.attempts, at: now)
        }
        return sources[source].records[client].wait(at: now)
    }

    /// What the rules of the node make of a connection to the Service's address.
    mutating func chooseByRules(for request: Request) -> Way {
        let source = Int(request.source)
        let port = sources[source].port
        let client = request.address
        let (route, affinity) = table.route(to: port, on: request.node, sources[source].source.traffic, from: client, at: now)
        guard case .balance(let choices) = route else { return Way(isDropped: route == .drop) }
        var chosen: PodNumber?
        if let affinity {
            chosen = ports[Int(port)].affinities[request.node]?.endpoint(for: client, among: choices, within: affinity, at: now)
        }
        var draws = sources[source].choices(of: request.number, attempt: request.attempts)
        let way = ports[Int(port)].choose(chosen, among: choices, for: client, on: request.node, &draws, at: now)
        if affinity != nil, way.pod >= 0 { remember(client, at: way.pod, port, on: request.node) }
        return way
    }

    /// One of the addresses that the client's last DNS answer has; a new answer when that has expired.
    private mutating func chooseRecord(for request: Request) -> Way {
        let (source, client) = (Int(request.source), Int(request.client))
        let port = sources[source].port
        var way = Way(lookup: lookUp(for: request, showsPods: true))
        let pods = table.recordedPods(of: port, version: sources[source].records[client].version)
        if pods.isEmpty { return way }
        var draws = sources[source].choices(of: request.number, attempt: request.attempts)
        way.pod = pods[draws.uniform(below: pods.count)]
        return way
    }

    /// A ready endpoint, by the client's own balancing.
    private mutating func chooseWatched(for request: Request) -> Way {
        let source = Int(request.source)
        let port = sources[source].port
        let choices = table.recordedPods(of: port, version: table.recordedVersion(of: port, at: now))
        let balancer = sources[source].balancer(of: request.client)
        var draws = sources[source].choices(of: request.number, attempt: request.attempts)
        let tried = request.attempts > 0 ? sources[source].tried[request.number] ?? [] : []
        let chosen = sources[source].balancers[balancer].choose(
            among: choices, client: request.address, avoiding: tried, draws: &draws, at: now)
        guard let pod = chosen else { return Way() }
        guard sources[source].balancers[balancer].followsConnections else { return Way(pod: pod) }
        sources[source].balancers[balancer].opened(pod)
        return Way(pod: pod, director: Int32(balancer))
    }

    private mutating func remember(_ client: UInt32, at pod: PodNumber, _ port: PortNumber, on node: NodeNumber) {
        let limit = ports[Int(port)].behaviour.balancing == .iptables ? ClientAffinity.recentListLimit : nil
        ports[Int(port)].affinities[node, default: ClientAffinity(limit: limit)].remember(client, at: pod, now)
    }
}
