// The memory of one thing that balances: where it was in its round, which connections go through it, how fast endpoints were.

import DiscreteEvents

/// Balances the connections to one Service port at one place: a node's kube-proxy, or a replica of an Ingress controller.
///
/// Endpoints are named by numbers that stay theirs (the pods' numbers in the request engine), and given anew with each choice, as they come and go:
/// ```swift
/// let pod = balancer.choose(among: pods, client: address, draws: &stream, at: now)
/// balancer.opened(pod)
/// … balancer.closed(pod, after: .milliseconds(12), at: now)
/// ```
/// Random methods remember nothing and cost the same however many endpoints there are; methods that compare endpoints look at each.
public struct Balancer: Hashable, Sendable {
    public let method: BalancingMethod
    /// By endpoint number; endpoints without an entry have no connections, weight 1 and no history.
    private var endpoints: [EndpointMemory] = []
    /// How many choices were made in turn.
    private var turn = 0
    /// The endpoint of the last turn, which the next one follows.
    private var last: Int32 = -1
    /// The chain for the last number of endpoints seen, and those for others before it, by that number.
    private var chain = IptablesChain(endpoints: 0)
    private var chains: [Int: IptablesChain] = [:]
    /// Closed connections that IPVS still counts, in the order in which they closed.
    private var closings = Closings()
    /// Of a method that goes by response times: the endpoints of the last choice.
    private var peers: [Int32] = []

    /// - Parameter start: where round robin begins. Each kube-proxy adds a Service's endpoints to IPVS in a random order of its own, so nodes
    ///   do not march in step.
    public init(_ method: BalancingMethod, start: Int = 0) {
        self.method = method
        turn = start
    }

    private struct EndpointMemory: Hashable, Sendable {
        var active: Int32 = 0
        var inactive: Int32 = 0
        var weight: Int32 = 1
        /// Whether it has an average response time.
        var isRated = false
        /// Seconds, as of `updated`.
        var average: Double = 0
        var updated = SimulatedTime.zero
    }

    /// Whether all connections that it was told of are closed.
    var countsNothing: Bool { endpoints.allSatisfy { $0.active == 0 } }

    /// Whether connections must be told by ``opened(_:)`` and ``closed(_:after:at:)``.
    public var followsConnections: Bool {
        switch method {
        case .iptables, .nftables, .roundRobin: false
        case .ipvs(let scheduler): scheduler.countsConnections
        case .leastConnections, .powerOfTwoChoices, .ewma: true
        }
    }

    /// Sets an endpoint's weight (IPVS' weighted schedulers): 0 for none of the traffic. kube-proxy gives all endpoints weight 1.
    public mutating func setWeight(_ weight: Int32, of endpoint: Int32) {
        withMemory(of: endpoint) { $0.weight = weight }
    }
}

// MARK: - Choosing

extension Balancer {
    /// One of the endpoints; nil if there is none (or all have weight 0).
    /// - Parameters:
    ///   - pods: the endpoints' numbers, in the order in which the proxy lists them.
    ///   - client: the client's IPv4 address, or any number that stands for it.
    ///   - destination: the IPv4 address that it asks for, which `dh` goes by.
    ///   - tried: endpoints at which the same request has failed. Methods that compare endpoints pass over these while there are others, as NGINX does; those
    ///     that go in turn or by chance do not know of them.
    ///   - draws: the connection's random numbers, of which up to two are taken.
    public mutating func choose(
        among pods: [Int32], client: UInt32, to destination: UInt32 = 0, avoiding tried: [Int32] = [], draws: inout RandomStream,
        at now: SimulatedTime
    ) -> Int32? {
        if pods.isEmpty { return nil }
        switch method {
        case .nftables: return pods[draws.uniform(below: pods.count)]
        case .iptables: return pods[chainPlace(pods.count, draws.uniform())]
        case .roundRobin:
            return next(in: pods)
        case .leastConnections: return leastLoaded(Self.untried(pods, tried), &draws)
        case .powerOfTwoChoices:
            let (first, second) = two(of: Self.untried(pods, tried), &draws)
            return active(second) < active(first) ? second : first
        case .ewma:
            if pods != peers { rateNew(among: pods, at: now) }
            let (first, second) = two(of: Self.untried(pods, tried), &draws)
            return score(second, at: now) < score(first, at: now) ? second : first
        case .ipvs(let scheduler): return choose(scheduler, pods, client, destination, now)
        }
    }

    private mutating func chainPlace(_ count: Int, _ number: Double) -> Int {
        if chain.count != count {
            chain = chains[count] ?? IptablesChain(endpoints: count)
            chains[count] = chain
        }
        return chain.place(at: number)
    }

    /// The endpoint after that of the last turn. While the list stays, no search is needed.
    private mutating func next(in pods: [Int32]) -> Int32 {
        if last < 0 {
            turn %= pods.count
        } else if turn < pods.count, pods[turn] == last {
            turn += 1
        } else if let place = pods.firstIndex(of: last) {
            turn = place + 1
        }
        if turn >= pods.count { turn = 0 }
        last = pods[turn]
        return last
    }

    /// Those at which a request has not failed yet; all, if it has at each.
    private static func untried(_ pods: [Int32], _ tried: [Int32]) -> [Int32] {
        if tried.isEmpty { return pods }
        let others = pods.filter { !tried.contains($0) }
        return others.isEmpty ? pods : others
    }

    /// Two different endpoints at random, if there are two.
    private func two(of pods: [Int32], _ draws: inout RandomStream) -> (Int32, Int32) {
        let first = draws.uniform(below: pods.count)
        if pods.count == 1 { return (pods[0], pods[0]) }
        let other = draws.uniform(below: pods.count - 1)
        return (pods[first], pods[other < first ? other : other + 1])
    }

    private func leastLoaded(_ pods: [Int32], _ draws: inout RandomStream) -> Int32 {
        var least = Int32.max
        var equals = 0
        for pod in pods {
            let load = active(pod)
            if load < least { (least, equals) = (load, 0) }
            if load == least { equals += 1 }
        }
        var left = draws.uniform(below: equals)
        for pod in pods where active(pod) == least {
            if left == 0 { return pod }
            left -= 1
        }
        return pods[0]
    }

    private func active(_ pod: Int32) -> Int32 { Int(pod) < endpoints.count ? endpoints[Int(pod)].active : 0 }

    /// The average response time now: it fades while nothing is heard, so that a slow endpoint is tried again.
    private func score(_ pod: Int32, at now: SimulatedTime) -> Double {
        guard Int(pod) < endpoints.count else { return 0 }
        let memory = endpoints[Int(pod)]
        return memory.average * exponentialFunction(-((now - memory.updated).seconds / Balancer.ewmaDecay))
    }

    private static let ewmaDecay = 10.0

    /// Endpoints that come begin with the average of the others' averages, so that they are not all that is chosen; those that go are forgotten
    /// (Ingress-NGINX, `balancer/ewma.lua`: `sync`).
    private mutating func rateNew(among pods: [Int32], at now: SimulatedTime) {
        let (old, new) = (Set(peers), Set(pods))
        for pod in peers where !new.contains(pod) { withMemory(of: pod) { ($0.isRated, $0.average) = (false, 0) } }
        let known = pods.filter { Int($0) < endpoints.count && endpoints[Int($0)].isRated }.map { endpoints[Int($0)].average }
        peers = pods
        if known.isEmpty { return }
        let average = known.reduce(0, +) / Double(known.count)
        for pod in pods where !old.contains(pod) {
            withMemory(of: pod) { ($0.isRated, $0.average, $0.updated) = (true, average, now) }
        }
    }
}

// MARK: - IPVS

extension IPVSScheduler {
    fileprivate var countsConnections: Bool {
        switch self {
        case .leastConnection, .weightedLeastConnection, .shortestExpectedDelay, .neverQueue: true
        case .roundRobin, .weightedRoundRobin, .sourceHashing, .destinationHashing: false
        }
    }
}

extension Balancer {
    /// How long IPVS counts a closed TCP connection as inactive.
    private static let inactiveTime = SimulatedDuration.seconds(120)

    private mutating func choose(
        _ scheduler: IPVSScheduler, _ pods: [Int32], _ client: UInt32, _ destination: UInt32, _ now: SimulatedTime
    ) -> Int32? {
        switch scheduler {
        case .roundRobin:
            // Weight 0 is passed over.
            for _ in pods {
                let pod = next(in: pods)
                if weight(pod) > 0 { return pod }
            }
            return nil
        case .weightedRoundRobin: return weightedTurn(pods)
        case .sourceHashing: return hashed(client, among: pods, isWeighted: true)
        case .destinationHashing: return hashed(destination, among: pods, isWeighted: false)
        case .leastConnection, .weightedLeastConnection:
            forgetClosed(at: now)
            let isWeighted = scheduler == .weightedLeastConnection
            return least(of: pods) { memory in
                (Int64(memory.active) * 256 + Int64(memory.inactive), isWeighted ? Int64(memory.weight) : 1)
            }
        case .neverQueue:
            if let idle = pods.first(where: { weight($0) > 0 && active($0) == 0 }) { return idle }
            fallthrough
        case .shortestExpectedDelay:
            return least(of: pods) { (Int64($0.active) + 1, Int64($0.weight)) }
        }
    }

    private func hashed(_ address: UInt32, among pods: [Int32], isWeighted: Bool) -> Int32? {
        IPVSHashTable.place(of: address, weights: pods.map { weight($0) }, isWeighted: isWeighted).map { pods[$0] }
    }

    private func weight(_ pod: Int32) -> Int32 { Int(pod) < endpoints.count ? endpoints[Int(pod)].weight : 1 }

    /// The first of those with the least cost / weight, compared by cross-multiplication as the kernel does.
    private func least(of pods: [Int32], _ cost: (EndpointMemory) -> (cost: Int64, weight: Int64)) -> Int32? {
        var best: (pod: Int32, cost: Int64, weight: Int64)?
        for pod in pods where weight(pod) > 0 {
            let (cost, weight) = cost(Int(pod) < endpoints.count ? endpoints[Int(pod)] : EndpointMemory())
            if best.map({ cost * $0.weight < $0.cost * weight }) ?? true { best = (pod, cost, weight) }
        }
        return best?.pod
    }

    /// In each round, endpoints whose weight is above a mark that sinks from the largest weight by the weights' greatest common divisor.
    private mutating func weightedTurn(_ pods: [Int32]) -> Int32? {
        var divisor: Int32 = 0
        var largest: Int32 = 0
        for pod in pods where weight(pod) > 0 {
            largest = max(largest, weight(pod))
            divisor = greatestCommonDivisor(divisor, weight(pod))
        }
        if largest == 0 { return nil }
        let rounds = Int(largest / divisor)
        // Every endpoint is passed once in each round; those below the mark are skipped.
        for _ in 0..<pods.count * rounds {
            let place = turn % pods.count
            let mark = largest - Int32(turn / pods.count % rounds) * divisor
            turn = (turn + 1) % (pods.count * rounds)
            if weight(pods[place]) >= mark { return pods[place] }
        }
        return nil
    }

    private func greatestCommonDivisor(_ left: Int32, _ right: Int32) -> Int32 {
        right == 0 ? left : greatestCommonDivisor(right, left % right)
    }

    private mutating func forgetClosed(at now: SimulatedTime) {
        while let endpoint = closings.popFirst(through: now) { withMemory(of: endpoint) { $0.inactive -= 1 } }
    }
}

// MARK: - What happens to connections

extension Balancer {
    /// A connection to the endpoint was opened.
    public mutating func opened(_ pod: Int32) {
        withMemory(of: pod) { $0.active += 1 }
    }

    /// A connection was closed, or its request answered.
    /// - Parameter time: the response time; nil if it says nothing of the endpoint's speed.
    public mutating func closed(_ pod: Int32, after time: SimulatedDuration?, at now: SimulatedTime) {
        if case .ipvs(.leastConnection) = method { remember(pod, now) }
        if case .ipvs(.weightedLeastConnection) = method { remember(pod, now) }
        withMemory(of: pod) { $0.active -= 1 }
        if let time { took(time, at: pod, at: now) }
    }

    /// A request took so long at an endpoint, whether or not it got an answer in that time.
    public mutating func took(_ time: SimulatedDuration, at pod: Int32, at now: SimulatedTime) {
        withMemory(of: pod) { memory in
            let fading = memory.isRated ? exponentialFunction(-((now - memory.updated).seconds / Balancer.ewmaDecay)) : 0
            memory.average = memory.average * fading + time.seconds * (1 - fading)
            (memory.isRated, memory.updated) = (true, now)
        }
    }

    private mutating func remember(_ pod: Int32, _ now: SimulatedTime) {
        closings.append(pod, ends: now + Balancer.inactiveTime)
        withMemory(of: pod) { $0.inactive += 1 }
    }

    private mutating func withMemory(of pod: Int32, _ change: (inout EndpointMemory) -> Void) {
        while endpoints.count <= Int(pod) { endpoints.append(EndpointMemory()) }
        change(&endpoints[Int(pod)])
    }
}

/// Closed connections in the order in which they will be forgotten.
private struct Closings: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var ends: SimulatedTime
        var endpoint: Int32
    }
    private var entries: [Entry] = []
    private var head = 0

    mutating func append(_ endpoint: Int32, ends: SimulatedTime) { entries.append(Entry(ends: ends, endpoint: endpoint)) }

    mutating func popFirst(through now: SimulatedTime) -> Int32? {
        guard head < entries.count, entries[head].ends <= now else { return nil }
        defer {
            head += 1
            if head > 1024, head * 2 > entries.count {
                entries.removeFirst(head)
                head = 0
            }
        }
        return entries[head].endpoint
    }
}
