// A source of requests: users, a job, or one Service that calls another.

import DiscreteEvents

/// What a scenario says about a source.
public struct RequestSource: Hashable, Sendable {
    /// What its random numbers are named after: the n-th request of a source has the same service time under every policy.
    public var name: String
    public var arrivals: ArrivalProcess
    /// Where its requests go.
    public var port: PortNumber
    /// The nodes its clients are on at first (or, from outside, where a load balancer lets traffic in), each equally likely; without any, nothing is sent.
    public var nodes: [NodeNumber]
    public var traffic = ServicePortPlan.Traffic.toClusterIP
    public var policy = RequestPolicy()
    /// Whether clients keep connections for later requests: those skip the balancing, and stay with their pod after it left the endpoints.
    public var connections = ConnectionReuse.none
    /// Clients that have addresses of their own, other than where they come in; nil: those of ``nodes`` are the clients.
    public var population: Population?
    /// How its clients find pods.
    public var discovery = Discovery.clusterIP
    /// How long a client waits for an answer of the DNS, which it keeps for the time to live; nil: no time. Clients outside ask others.
    public var lookupTime: Distribution?
    /// When the first request may come.
    public var start = SimulatedTime.zero
    /// Of a replay: seconds of service of each of its requests; empty: as the port's behaviour draws them.
    public var serviceTimes: [Double] = []

    /// How a client finds a pod to talk to.
    public enum Discovery: Hashable, Sendable {
        /// By the Service's address: the node's kube-proxy chooses at each connection.
        case clusterIP
        /// By the records of a headless Service: the client asks the DNS, keeps the answer for so long, and takes any of its addresses. What changed
        /// in between it does not know.
        case dns(timeToLive: SimulatedDuration)
        /// As the Service has it: by its address if it has one, else by its records.
        case asPublished(timeToLive: SimulatedDuration)
        /// By watching the EndpointSlices: every client knows the ready endpoints without a delay by rules, and balances by itself. So do the
        /// controllers of Ingresses.
        case watching(BalancingMethod)
    }

    /// Clients of whom each may send the next request, or one for each user of a closed loop.
    public struct Population: Hashable, Sendable {
        /// How many, in an open loop.
        public var count: Int
        /// The IPv4 address of the first; the others' follow.
        public var firstAddress: UInt32

        public init(count: Int, firstAddress: UInt32) {
            self.count = count
            self.firstAddress = firstAddress
        }
    }

    /// What becomes of a connection after an answer.
    public enum ConnectionReuse: Hashable, Sendable {
        /// Closed.
        case none
        /// Kept for the client's next request, for so long at most.
        case keepAlive(idle: SimulatedDuration)
    }

    public init(name: String, arrivals: ArrivalProcess, port: PortNumber, nodes: [NodeNumber]) {
        self.name = name
        self.arrivals = arrivals
        self.port = port
        self.nodes = nodes
    }
}

/// A source with all that changes.
struct SourceState: Hashable, Sendable {
    var source: RequestSource
    /// What every request asks of the source, at hand without looking into its enumerations.
    let port: PortNumber
    let isClosedLoop: Bool
    let isReplay: Bool
    /// Whether its requests are calls on behalf of others.
    let isOnDemand: Bool
    let hasServiceTimes: Bool
    let isFromOutside: Bool
    let hasTimers: Bool
    let idleLimit: SimulatedDuration?
    /// How long the clients wait for a connection that nobody answers.
    let connectionTimeout: SimulatedDuration
    var clients: [RequestClient]
    let population: RequestSource.Population?
    /// Who of a population sends: each request's own number.
    private let members: RandomStream
    /// By second: failed requests that were sent in it.
    private(set) var failures: [UInt32] = []
    /// How the clients balance by themselves; nil: they do not. By client: which balancer is its own.
    let balancing: BalancingMethod?
    var balancers: [Balancer] = []
    private var balancerOfClient: [Int32: Int] = [:]
    /// Of clients that balance by themselves, by the numbers of requests that were tried again: the pods at which they failed.
    var tried: [UInt64: [PodNumber]] = [:]
    /// How long DNS answers are kept; nil: the clients do not use them.
    let recordLifetime: SimulatedDuration?
    /// Whether they use them for headless Services only.
    let resolvesHeadlessOnly: Bool
    /// How long a look-up takes; nil: no time, or the clients need none.
    let lookupTime: Distribution?
    private let lookups: RandomStream
    let timeout: SimulatedDuration?
    let hedgeDelay: SimulatedDuration?
    let budget: RequestPolicy.RetryBudget?
    var clock: ArrivalClock
    /// Service times, choices of clients and endpoints, back-offs: each request's own numbers, addressed by its number.
    let services: RandomStream
    let choices: RandomStream
    /// What the users of a closed loop think: each has numbers of their own.
    private let thinking: RandomStream
    /// By user: how often they have thought.
    private var thoughts: [UInt32] = []
    /// How many requests there were.
    var count: UInt64 = 0
    var statistics = RequestStatistics()
    /// Tokens of the retry budget.
    var tokens: Double
    var timeouts = TimerList()
    var hedges = TimerList()
    /// By client: the DNS' last answer.
    var records: [KeptRecords] = []
    /// By client: connections nobody uses now.
    var kept: [KeptConnections] = []
    /// By number of those clients that ceased to send, when they did last: what was connected then is closed.
    var departures: [Int32: SimulatedTime] = [:]

    init(_ source: RequestSource, seed: UInt64) {
        self.source = source
        let isOutside = source.traffic == .toExternalAddressFromOutside
        port = source.port
        if case .closed = source.arrivals { isClosedLoop = true } else { isClosedLoop = false }
        if case .replay = source.arrivals { isReplay = true } else { isReplay = false }
        isOnDemand = source.arrivals == .onDemand
        hasServiceTimes = !source.serviceTimes.isEmpty
        if case .keepAlive(let limit) = source.connections { idleLimit = limit } else { idleLimit = nil }
        switch source.discovery {
        case .clusterIP: (recordLifetime, resolvesHeadlessOnly) = (nil, false)
        case .dns(let time): (recordLifetime, resolvesHeadlessOnly) = (time, false)
        case .asPublished(let time): (recordLifetime, resolvesHeadlessOnly) = (time, true)
        case .watching: (recordLifetime, resolvesHeadlessOnly) = (nil, false)
        }
        lookupTime = isOutside || recordLifetime == nil ? nil : source.lookupTime
        lookups = RandomStream(seed: seed, purpose: .requestLookups, owner: source.name)
        if case .watching(let method) = source.discovery { balancing = method } else { balancing = nil }
        clients = source.nodes.enumerated().map { RequestClient(node: $0.element, number: Int32($0.offset)) }
        population = source.population
        members = RandomStream(seed: seed, purpose: .requestMembers, owner: source.name)
        connectionTimeout = source.policy.connectionTimeout ?? RequestEngine.connectionTimeout
        isFromOutside = isOutside
        timeout = source.policy.timeout
        hedgeDelay = source.policy.maximumAttempts > 1 ? source.policy.hedgeDelay : nil
        hasTimers = timeout != nil || hedgeDelay != nil
        budget = source.policy.budget
        clock = ArrivalClock(source.arrivals, stream: RandomStream(seed: seed, purpose: .requestArrivals, owner: source.name))
        services = RandomStream(seed: seed, purpose: .requestServices, owner: source.name)
        choices = RandomStream(seed: seed, purpose: .requestChoices, owner: source.name)
        thinking = RandomStream(seed: seed, purpose: .requestThinking, owner: source.name)
        tokens = source.policy.budget?.reserve ?? 0
    }

    /// Which of all attempts one is: where its random numbers begin.
    private static func index(of number: UInt64, attempt: UInt8) -> UInt64 {
        number &* UInt64(RequestPolicy.attemptLimit) &+ UInt64(attempt)
    }

    /// The random numbers of an attempt that have to do with its way.
    func choices(of number: UInt64, attempt: UInt8) -> RandomStream {
        var stream = choices
        stream.index = Self.index(of: number, attempt: attempt) &* 4
        return stream
    }

    /// Which member of a population sends a request.
    func member(of population: RequestSource.Population, sends number: UInt64) -> Int32 {
        var stream = members
        stream.index = number
        return Int32(stream.uniform(below: population.count))
    }

    /// Another request begins; returns which of the source's it is.
    mutating func takeNumber() -> UInt64 {
        defer { count += 1 }
        statistics.sent += 1
        return count
    }

    mutating func countFailure(sentAt time: SimulatedTime) {
        let second = time.countedSecond
        while failures.count <= second { failures.append(0) }
        failures[second] += 1
    }

    /// Whether a client has to ask the DNS: it has no answer that it still believes, nor waits for one. Answers without a time to live are
    /// each for one connection.
    mutating func mustLookUp(_ client: Int, at now: SimulatedTime) -> Bool {
        while records.count <= client { records.append(KeptRecords()) }
        guard let recordLifetime, recordLifetime > .zero else { return true }
        return records[client].expires <= now
    }

    /// A client asks the DNS. The answer takes a while, and is believed from when it comes.
    mutating func lookUp(_ client: Int, version: Int, for number: UInt64, attempt: UInt8, at now: SimulatedTime) {
        var stream = lookups
        stream.index = Self.index(of: number, attempt: attempt)
        let answered = now + (lookupTime?.sampleDuration(&stream) ?? .zero)
        records[client] = KeptRecords(version: version, answered: answered, expires: answered + (recordLifetime ?? .zero))
    }

    /// The number of a client's own balancer.
    mutating func balancer(of client: Int32) -> Int {
        if let known = balancerOfClient[client] { return known }
        balancers.append(Balancer(balancing ?? .roundRobin))
        balancerOfClient[client] = balancers.count - 1
        return balancers.count - 1
    }

    /// How long a user thinks this time.
    mutating func think(_ user: Int, _ time: Distribution) -> SimulatedDuration {
        while thoughts.count <= user { thoughts.append(0) }
        var stream = thinking
        stream.index = UInt64(user) << 32 | UInt64(thoughts[user])
        thoughts[user] += 1
        return time.sampleDuration(&stream)
    }

    /// Seconds of service of one of its requests, if they were recorded.
    func recordedService(of number: UInt64) -> Double? {
        number < UInt64(source.serviceTimes.count) ? source.serviceTimes[Int(number)] : nil
    }

    /// The random numbers of an attempt's service time.
    func services(of number: UInt64, attempt: UInt8) -> RandomStream {
        var stream = services
        stream.index = Self.index(of: number, attempt: attempt)
        return stream
    }
}

/// A DNS answer about a port's Service: the version of its endpoints that it shows, when it comes, and until when the client believes it.
struct KeptRecords: Hashable, Sendable {
    var version = -1
    var answered = SimulatedTime.distantPast
    var expires = SimulatedTime.distantPast

    /// How long it is still to come.
    func wait(at now: SimulatedTime) -> SimulatedDuration { answered > now ? answered - now : .zero }
}

/// Timers that all last equally long, so that they end in the order in which they began: one event for the oldest is enough for all.
struct TimerList: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var due: SimulatedTime
        var attempt: AttemptSlot
        var serial: UInt32
    }
    private var entries: [Entry] = []
    private var head = 0
    /// Whether an event is scheduled.
    var isArmed = false

    var first: Entry? { head < entries.count ? entries[head] : nil }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func removeFirst() {
        head += 1
        if head == entries.count {
            entries.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 4096, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}

extension RandomPurpose {
    static let requestArrivals = RandomPurpose("request arrivals")
    static let requestServices = RandomPurpose("request services")
    static let requestChoices = RandomPurpose("request choices")
    static let requestMembers = RandomPurpose("request members")
    static let requestLookups = RandomPurpose("DNS look-up time")
    static let requestThinking = RandomPurpose("request thinking")
    static let balancerStart = RandomPurpose("where IPVS begins its round")
    static let proxyLag = RandomPurpose("kube-proxy propagation lag")
}
