// The simulation of requests: arrival, balancing, the way to a pod, its line, service, calls to other Services, the answer.

import DiscreteEvents
import KubernetesAPI

/// Requests from sources through Services to pods, as one value with its own queue of events.
///
/// It is told where pods are, how they do, and what kube-proxies know (``publish(_:endpoints:pods:for:at:isKnown:)``); it tells how requests ended. A fork
/// is an assignment. The cost of a request is a few events and random numbers, whatever the number of nodes.
///
/// ```swift
/// var engine = RequestEngine(network: PodNetwork(nodes: nodes), seed: 1)
/// let pod = engine.addPod(on: 0, capacity: PodCapacity(concurrency: 4))
/// let port = engine.addPort(PortBehaviour(serviceTime: .constant(.milliseconds(5))))
/// engine.publish(info, endpoints: [endpoint], pods: [pod], for: port, at: .start, isKnown: true)
/// let users = engine.addSource(RequestSource(name: "users", arrivals: .poisson(rate: 100), port: port, nodes: [0]))
/// engine.run(through: .start + .minutes(10))
/// engine.statistics(of: users).latency.quantile(at: 0.99)
/// ```
///
/// **Speed.** A request costs some 3,500 instructions, so copies and checks show. Functions on a request's way that change nothing are inlined always: called from one that
/// does, they would be given a copy of the whole engine. What is changed together is changed by one mutating function of the element, as each access to an
/// element of an array asks whether the array is shared.
public struct RequestEngine: Sendable, Hashable {
    let seed: UInt64
    public internal(set) var network: PodNetwork
    var queue = EventQueue<RequestEvent>()
    /// The next arrival of each open-loop source. There are few of these: apart from the crowd of other events, they are quickly taken.
    var arrivals = EventQueue<SourceNumber>()
    public internal(set) var table: EndpointTable
    var pods: [PodServer] = []
    /// One for each pod, or for several that share them; apart from what every delivery looks at.
    var processors: [PodProcessors] = []
    /// Connections that network policies let nobody make, by the classes of their ends.
    var denied: Set<DeniedFlow> = []
    /// By the number of an end: its class.
    var policyClasses: [Int32] = []
    /// By node, and by source of the first of its clients outside: see ``setPolicyEnds(ofNodes:ofPopulations:)``.
    var policyEndsOfNodes: [Int32] = []
    var policyEndsOfPopulations: [Int32?] = []
    /// Of pods whose requests have had to share their processors.
    var shared: [SharedService] = []
    private let cpuMemory: SimulatedDuration
    var ports: [PortState] = []
    var sources: [SourceState] = []
    var requests: [Request] = []
    var firstFreeRequest = RequestSlot.none
    var attempts: [Attempt] = []
    var firstFreeAttempt = AttemptSlot.none
    /// By node; nothing: none has ever been down.
    var machines: [MachineHistory] = []
    /// Whether ``takeOutcomes()`` has something to give.
    public var recordsOutcomes = false
    /// Of each source's requests every how many-th is recorded.
    public var outcomeInterval: UInt64 = 1
    var outcomes: [RequestOutcome] = []
    /// Whether ``takeStarts()`` has something to give.
    public var recordsStarts = false
    var starts: [RequestStart] = []
    /// Whether ``takeFailures()`` has something to give.
    public var recordsFailures = false
    var failures: [FailedRequest] = []
    /// Whether users have stopped to think of more.
    private var isStopped = false

    /// Linux gives a connection up after seven unanswered attempts (`tcp_syn_retries` 6: 1 + 2 + 4 + … + 64 s).
    static let connectionTimeout = SimulatedDuration.seconds(127)
    /// And one that stood when the other side vanished, after fifteen (`tcp_retries2`).
    static let brokenConnectionTimeout = SimulatedDuration.seconds(925)

    /// - Parameter cpuMemory: how long ago pods' use of cpu may be asked for (``cpuTime(of:from:to:)``).
    public init(network: PodNetwork, timing: ProxyTiming = ProxyTiming(), cpuMemory: SimulatedDuration = .minutes(2), seed: UInt64) {
        self.network = network
        self.cpuMemory = cpuMemory
        self.seed = seed
        table = EndpointTable(nodes: network.nodes, timing: timing, seed: seed)
    }

    // MARK: Building

    /// Adds a pod that takes requests.
    ///
    /// What listens at several ports of one pod is added as often, each with workers of its own, and shares the processors of the first.
    /// - Parameters:
    ///   - address: its IPv4 address, by which the Services that it calls know it; nil: its number.
    ///   - other: one of the same pod that was added before; whoever stops one stops all of them.
    public mutating func addPod(
        on node: NodeNumber, capacity: PodCapacity, address: UInt32? = nil, sharing other: PodNumber? = nil
    ) -> PodNumber {
        if other == nil { processors.append(PodProcessors(memory: cpuMemory)) }
        let own = other.map { pods[Int($0)].processors } ?? Int32(processors.count - 1)
        pods.append(PodServer(node: node, capacity: capacity, address: address ?? UInt32(pods.count), processors: own))
        return PodNumber(pods.count - 1)
    }

    /// Adds a Service port without endpoints.
    public mutating func addPort(_ behaviour: PortBehaviour) -> PortNumber {
        ports.append(PortState(behaviour, starts: RandomStream(seed: seed, purpose: .balancerStart, owner: UInt64(ports.count))))
        return table.addPort(behaviour.balancing)
    }

    /// Adds a source; its first request comes after its start, and not before the engine's clock.
    public mutating func addSource(_ source: RequestSource) -> SourceNumber {
        precondition(1...RequestPolicy.attemptLimit ~= source.policy.maximumAttempts, "a request has 1 to 16 attempts")
        let number = SourceNumber(sources.count)
        sources.append(SourceState(source, seed: seed))
        let start = max(source.start, now)
        if case .closed(let users, let think) = source.arrivals {
            for user in 0..<users { scheduleThinking(number, user: Int32(user), think, after: start) }
        } else {
            scheduleArrival(number, after: start)
        }
        return number
    }

    /// Makes the pods behind a port call other Services while they serve its requests: the groups one after the other, the calls of a group side
    /// by side. Calls are sources whose arrivals are ``ArrivalProcess/onDemand``; a call that fails makes the request fail.
    public mutating func setCalls(of port: PortNumber, _ groups: [[SourceNumber]]) {
        ports[Int(port)].calls = groups.filter { !$0.isEmpty }
    }

    /// What kube-proxies will know of a port: see ``EndpointTable``.
    public mutating func publish(
        _ info: ServicePortInfo, endpoints: [ProxyEndpoint], pods: [PodNumber], for port: PortNumber, isProxied: Bool = true,
        at time: SimulatedTime, isKnown: Bool = false
    ) {
        table.publish(info, endpoints: endpoints, pods: pods, for: port, isProxied: isProxied, at: time, isKnown: isKnown)
        ports[Int(port)].address = AddressRange.address(info.clusterIP) ?? 0
        ports[Int(port)].isUDP = info.name.transport == .udp
    }

    /// A port's Service is gone, and with it every rule about its address: see ``EndpointTable/withdraw(_:at:isKnown:)``.
    public mutating func withdraw(_ port: PortNumber, at time: SimulatedTime, isKnown: Bool = false) {
        table.withdraw(port, at: time, isKnown: isKnown)
    }

    /// A node joins; its kube-proxy begins with what there is.
    public mutating func addNode(_ node: ProxyNode) -> NodeNumber {
        network.addNode(node)
        return table.addNode(node)
    }

    /// Sets who a source's clients are from now on; nobody: it sends nothing until there is somebody again. Users of a closed loop are given to them in turn.
    public mutating func setClients(_ clients: [RequestClient], of source: SourceNumber) {
        let old = sources[Int(source)].clients
        sources[Int(source)].clients = clients
        closeConnections(of: old, but: clients, source)
    }

    /// Changes some of a source's clients: the others stay as they are.
    /// - Parameter places: where they stand among all of them.
    public mutating func replaceClients(_ places: Range<Int>, with clients: [RequestClient], of source: SourceNumber) {
        let old = Array(sources[Int(source)].clients[places])
        sources[Int(source)].clients.replaceSubrange(places, with: clients)
        closeConnections(of: old, but: clients, source)
    }

    /// Divides the nodes, or heals them: see ``PodNetwork/partition(_:)``. What is on its way arrives; what was lost goes when it is sent again.
    public mutating func partition(_ sides: [Int32]?) {
        network.partition(sides)
        waysChanged()
    }

    /// A node's kube-proxy hears of no change from now on: it goes by the rules that it has.
    public mutating func cutProxy(of node: NodeNumber, at time: SimulatedTime) {
        table.silence(node, from: time)
    }

    /// A kube-proxy that was cut off hears of everything that it missed at a time.
    public mutating func reconnectProxy(of node: NodeNumber, at time: SimulatedTime) {
        table.endSilence(node, at: time)
    }

    /// Whether a node's kube-proxy is cut off, and nobody knows for how long.
    public func isCutOff(_ node: NodeNumber) -> Bool { table.isSilent(node) }

    /// No source begins another request; those under way go on, with their retries and calls.
    public mutating func stopSources() {
        arrivals = EventQueue(startingAt: now)
        isStopped = true
    }

    /// Changes what the pods behind a port do with requests that they begin to serve from now on. The balancing stays.
    public mutating func setBehaviour(of port: PortNumber, serviceTime: Distribution, milliCPU: Int32) {
        ports[Int(port)].behaviour.serviceTime = serviceTime
        ports[Int(port)].behaviour.milliCPU = milliCPU
    }

    /// Makes all requests for a port fail once they are served (or not any more): there is nobody to pass them on to.
    public mutating func setFailing(_ fails: Bool, at port: PortNumber) {
        ports[Int(port)].fails = fails
    }

    // MARK: Running

    /// The time of the last thing that happened.
    public var now: SimulatedTime { queue.now }
    /// When the next thing happens; nil: nothing will.
    public var nextTime: SimulatedTime? {
        guard let arrival = arrivals.nextTime else { return queue.nextTime }
        return min(arrival, queue.nextTime ?? arrival)
    }
    /// How many things have happened or are going to, since the beginning.
    public var eventCount: Int { queue.totalScheduled + arrivals.totalScheduled }

    /// Lets everything happen up to an instant, and sets the clock to it. Of what happens at one instant, arrivals are first.
    public mutating func run(through horizon: SimulatedTime) {
        while true {
            let arrival = arrivals.nextTime ?? .distantFuture
            let other = queue.nextTime ?? .distantFuture
            if min(arrival, other) > horizon { break }
            if arrival <= other, let source = arrivals.first {
                queue.advance(to: arrival)
                arrive(source)
            } else if let (_, event) = queue.popFirst() {
                handle(event)
            } else {
                break
            }
        }
        if horizon > now { queue.advance(to: horizon) }
    }

    private mutating func handle(_ event: RequestEvent) {
        let attempt = AttemptSlot(index: event.index)
        switch event.kind {
        case .thought: if !isStopped { endThinking(SourceNumber(event.index), user: Int32(event.serial)) }
        case .lookup: if isCurrent(attempt, event.serial) { lookupEnds(attempt) }
        case .delivery: if isCurrent(attempt, event.serial) { deliver(attempt) }
        case .completion: if isCurrent(attempt, event.serial) { serviceEnds(attempt) }
        case .sharedCompletion: sharedServiceEnds(Int(event.index), generation: event.serial)
        case .answer: if isCurrent(attempt, event.serial) { answer(attempt) }
        case .connectionTimeout: if isCurrent(attempt, event.serial) { expires(attempt) }
        case .retransmission: if isCurrent(attempt, event.serial) { sendAgain(attempt) }
        case .timeouts: checkTimeouts(SourceNumber(event.index))
        case .hedges: checkHedges(SourceNumber(event.index))
        case .idleness: checkIdleness(SourceNumber(event.index), client: Int(event.serial))
        case .retry:
            let slot = RequestSlot(index: event.index)
            if !requests[Int(slot.index)].isDone { send(slot) }
        }
    }

    @inline(__always)
    private func isCurrent(_ slot: AttemptSlot, _ serial: UInt32) -> Bool { attempts[Int(slot.index)].serial == serial }

    // MARK: Results

    public func statistics(of source: SourceNumber) -> RequestStatistics { sources[Int(source)].statistics }

    /// Forgets what was counted: after a warm-up.
    public mutating func resetStatistics() {
        for index in sources.indices { sources[index].statistics = RequestStatistics() }
    }

    /// How the requests ended since the last call, in the order in which they did; empty unless ``recordsOutcomes``.
    public mutating func takeOutcomes() -> [RequestOutcome] {
        defer { outcomes.removeAll(keepingCapacity: true) }
        return outcomes
    }

    /// The requests that were sent since the last call, in the order in which they were; empty unless ``recordsStarts``.
    public mutating func takeStarts() -> [RequestStart] {
        defer { starts.removeAll(keepingCapacity: true) }
        return starts
    }

    /// How many requests ``takeFailures()`` would give now.
    public var failureCount: Int { failures.count }

    /// The requests that failed since the last call, but for calls, in the order in which they did; empty unless ``recordsFailures``.
    public mutating func takeFailures() -> [FailedRequest] {
        defer { failures.removeAll(keepingCapacity: true) }
        return failures
    }

    /// The node that a pod is on.
    public func node(of pod: PodNumber) -> NodeNumber { pods[Int(pod)].node }

    /// How many attempts reached a pod so far, and how many seconds of service it has begun.
    public func received(by pod: PodNumber) -> (attempts: UInt64, work: Double) {
        (pods[Int(pod)].received, pods[Int(pod)].work)
    }

    /// How many attempts reached a pod through a port.
    public func received(by pod: PodNumber, through port: PortNumber) -> UInt64 { ports[Int(port)].received[pod] }

    /// How many attempts reached pods through a port.
    public func received(through port: PortNumber) -> UInt64 { ports[Int(port)].received.total }

    /// By second: requests of a source that were sent in it and failed, then or later.
    public func failures(bySecondSent source: SourceNumber) -> [UInt32] { sources[Int(source)].failures }

    /// The counts of a source since they were taken last; they begin anew.
    public mutating func takeStatistics(of source: SourceNumber) -> RequestStatistics {
        var taken = RequestStatistics()
        swap(&taken, &sources[Int(source)].statistics)
        return taken
    }

    /// Requests of a source that have not ended.
    public func underWay(_ source: SourceNumber) -> Int { requests.count { !$0.isDone && $0.source == source } }

    /// Requests in a pod: being served, and in line.
    public func load(of pod: PodNumber) -> (busy: Int, waiting: Int) {
        (Int(pods[Int(pod)].busy), Int(pods[Int(pod)].waiting))
    }
}
