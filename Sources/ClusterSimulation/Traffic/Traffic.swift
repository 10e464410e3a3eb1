// The requests of a run beside its cluster: the engine that moves them, and what it is told of Services, endpoints, nodes and pods.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork

/// Requests through the cluster's Services.
///
/// The engine runs ahead of nobody: before anything that matters to requests changes, it is brought up to that moment
/// (``advance(to:)``), and otherwise left alone.
struct Traffic: Sendable {
    /// A Service port that somebody sends requests to.
    struct Port: Sendable {
        let target: TrafficTarget
        let number: PortNumber
        /// Whether it is for whoever names its target; of an Ingress' controller, each source has one of its own.
        let isShared: Bool
        /// Which of the configuration's services says what its pods do; nil: none does, and they answer at once.
        var entry: Int?
        /// The Service whose address its clients know: the last one with an address that its name led to.
        var addressee: NamespacedName?
        /// Its endpoints slice by slice, as read last, and by what name.
        var slices: [SliceEndpoints] = []
        var portName: ServicePortName?
        /// Those of its endpoints, as published last, that are ready.
        var ready: [PodNumber] = []
        /// How its traffic was split.
        var shares = PortShares()
    }

    var engine: RequestEngine
    let configuration: TrafficConfiguration
    /// The scenario's sources have the first numbers in the engine and in the record; calls come after them.
    var sources: [TrafficSource] { configuration.sources }
    var ports: [Port] = []
    var servers = ServerBook()
    var services: [NamespacedName: Shared<Service>] = [:]
    /// By Service, in the order in which they came.
    var slices: [NamespacedName: [Shared<EndpointSlice>]] = [:]
    var ingresses: [Shared<Ingress>] = []
    var ways: [IngressWay] = []
    /// By source.
    var clients: [[TrafficClient]] = []
    var clientNumbers: [UID: Int32] = [:]
    /// The Services and pods that ``TrafficRecord/pods`` will be about, in the order in which they met.
    var rows = ShareRows()
    /// By entry of the configuration's services.
    private var calls: [[[SourceNumber]]] = []
    /// By source: what the load balancer makes of nodes; nil: it has none.
    var rotations: [LoadBalancerRotation?]
    /// By source: the nodes with ready endpoints, if clients outside are to come in there; nil: they may come in anywhere.
    var localNodes: [LocalNodes?]
    /// When a balancer changes its mind, as far as that was looked at last.
    var nextDecision: SimulatedTime?
    var partitions = Partitions()
    /// nil: no network policy was ever met.
    var book: PolicyBook?
    /// As ends of connections that policies know: nodes by their numbers, and by source the first of its clients outside.
    var policyEndsOfNodes: [Int32] = []
    var policyEndsOfPopulations: [Int32?] = []
    /// Whose the addresses are that slices made by hand lead to.
    var owners = AddressOwners()
    let dns = ClusterDNS()
    /// Whether any Service's requests use cpu.
    let usesCPU: Bool
    /// What is recorded, second by second and in intervals.
    var record: TrafficRecord
    private var nextSecond = SimulatedTime.zero + .seconds(1)
    /// Whether all that is there at the start is known: requests wait for that.
    var hasBegun = false

    /// - Parameters:
    ///   - sampling: every how many-th request of a source is recorded by itself; nil: none.
    ///   - warmUpEnd: when the warm-up of the run is over; nil: it has none.
    ///   - cpuMemory: how long ago pods' use of cpu may be asked for.
    init(
        _ configuration: TrafficConfiguration, nodes: [ProxyNode], sampling: Int? = nil, warmUpEnd: SimulatedTime? = nil,
        cpuMemory: SimulatedDuration, seed: UInt64
    ) {
        engine = RequestEngine(
            network: PodNetwork(nodes: nodes, latencies: configuration.latencies), timing: configuration.proxyTiming, cpuMemory: cpuMemory,
            seed: seed)
        engine.recordsFailures = true
        usesCPU = configuration.services.contains { $0.milliCPU > 0 }
        if let sampling {
            engine.recordsOutcomes = true
            engine.outcomeInterval = UInt64(sampling)
        }
        self.configuration = configuration
        rotations = configuration.sources.map { source in
            source.origin == .outside ? LoadBalancerRotation(configuration.healthChecks, seed: seed, of: source.name) : nil
        }
        localNodes = Array(repeating: nil, count: configuration.sources.count)
        clients = Array(repeating: [], count: configuration.sources.count)
        record = TrafficRecord(warmUpEnd: warmUpEnd)
        for (number, node) in nodes.enumerated() { servers.add(node, NodeNumber(number)) }
        for service in configuration.services { _ = number(of: service.target) }
        for source in configuration.sources { addSource(source) }
        addCalls()
    }

    // MARK: Building

    private func port(of target: TrafficTarget) -> Port? { ports.first { $0.isShared && $0.target == target } }

    /// The number of a target's port.
    mutating func number(of target: TrafficTarget) -> PortNumber {
        if let known = port(of: target) { return known.number }
        return addPort(target)
    }

    /// Adds a port whose pods answer at once, until it is known what Service it leads to.
    mutating func addPort(_ target: TrafficTarget, isShared: Bool = true) -> PortNumber {
        let number = engine.addPort(PortBehaviour(serviceTime: .constant(.zero), balancing: configuration.proxyMode))
        ports.append(Port(target: target, number: number, isShared: isShared))
        bind(ports.count - 1, to: configuration.entry(of: target, on: [target.service]))
        return number
    }

    /// Makes the pods behind a port do as an entry of the configuration says.
    mutating func bind(_ index: Int, to entry: Int?) {
        guard ports[index].entry != entry else { return }
        ports[index].entry = entry
        ports[index].slices = []
        let behaviour = entry.map { configuration.services[$0] }
        engine.setBehaviour(
            of: ports[index].number, serviceTime: behaviour?.serviceTime ?? .constant(.zero), milliCPU: behaviour?.milliCPU ?? 0)
        setCalls(of: index)
    }

    /// What an Ingress' controller calls is up to its Ingresses.
    private mutating func setCalls(of index: Int) {
        guard ports[index].isShared else { return }
        let own = ports[index].entry.flatMap { calls.indices.contains($0) ? calls[$0] : nil }
        engine.setCalls(of: ports[index].number, own ?? [])
    }

    private mutating func addCalls() {
        for service in configuration.services {
            var groups: [[SourceNumber]] = []
            // Of several calls to one Service each has a name, and so random numbers, of its own.
            var known: [TrafficTarget: Int] = [:]
            for group in service.calls {
                groups.append(
                    group.map { call in
                        let target = number(of: call.target)
                        known[call.target, default: 0] += 1
                        let repetition = known[call.target].map { $0 > 1 ? " (\($0))" : "" } ?? ""
                        var source = RequestSource(
                            name: "\(service.target) -> \(call.target)\(repetition)", arrivals: .onDemand, port: target, nodes: [])
                        source.policy = call.policy
                        source.connections = call.connections
                        source.discovery = .asPublished(timeToLive: configuration.recordLifetime)
                        source.lookupTime = configuration.lookupTime
                        record.add(source.name, call.target, isCall: true)
                        return engine.addSource(source)
                    })
            }
            calls.append(groups)
        }
        for index in ports.indices { setCalls(of: index) }
    }

    private mutating func addSource(_ source: TrafficSource) {
        let port = source.ingress.map { addIngressPort($0, of: source) } ?? number(of: source.target)
        var own = RequestSource(name: source.name, arrivals: source.arrivals, port: port, nodes: [])
        own.policy = source.policy
        own.connections = source.connections
        own.discovery = .asPublished(timeToLive: configuration.recordLifetime)
        own.lookupTime = configuration.lookupTime
        own.start = source.start
        own.serviceTimes = source.serviceTimes
        if source.origin == .outside { own.traffic = .toExternalAddressFromOutside }
        own.population = source.population
        record.add(source.name, source.target, address: source.ingress, isCall: false)
        _ = engine.addSource(own)
    }

    // MARK: Time

    /// Lets all requests go on up to an instant.
    mutating func advance(to now: SimulatedTime) {
        guard hasBegun else { return }
        while nextSecond <= now {
            engine.run(through: nextSecond)
            for index in record.sources.indices { record.count(engine.statistics(of: SourceNumber(index)), source: index) }
            nextSecond += .seconds(1)
        }
        engine.run(through: now)
        collectSamples()
    }

    /// Closes an interval of measurement.
    mutating func sample(at now: SimulatedTime) {
        advance(to: now)
        for index in record.sources.indices {
            let number = SourceNumber(index)
            let endpoints = endpointCounts(of: record.sources[index].target)
            let underWay = engine.underWay(number)
            record.close(index, engine.takeStatistics(of: number), underWay: underWay, endpoints, at: now)
        }
    }

    /// How much of the traffic each pod got so far, in the order in which they became endpoints.
    mutating func finish(at now: SimulatedTime) -> TrafficRecord {
        sample(at: now)
        record.pods = podRecords()
        for index in record.sources.indices { record.sources[index].failedSent = engine.failures(bySecondSent: SourceNumber(index)) }
        return record
    }

    /// Whether so many requests have failed since ``takeFailures()`` that it is time for that: a run without samples would keep them all.
    var hasManyFailures: Bool { engine.failureCount >= 4096 }

    /// The requests that failed since the last call.
    mutating func takeFailures() -> [FailedRequest] { engine.takeFailures() }

    // MARK: Nodes and pods

    mutating func addNode(_ node: ProxyNode) {
        servers.add(node, engine.addNode(node))
    }

    /// Divides the nodes as the failures that cut them off say.
    mutating func divide(at now: SimulatedTime) {
        advance(to: now)
        engine.partition(partitions.sides(of: nodeCount))
    }

    /// A node's kube-proxy hears nothing from now on.
    mutating func cutProxy(of node: Int, at now: SimulatedTime) {
        guard node < nodeCount else { return }
        advance(to: now)
        engine.cutProxy(of: NodeNumber(node), at: now)
    }

    /// The way is free again; the kube-proxy, if it was cut off, hears of everything at a time.
    mutating func reconnectProxy(of node: Int, at now: SimulatedTime, hearsFrom time: SimulatedTime) {
        guard node < nodeCount else { return }
        advance(to: now)
        engine.reconnectProxy(of: NodeNumber(node), at: time)
    }

    var nodeCount: Int { engine.network.nodes.count }

    /// A pod serves, or does not, as its kubelet says. Returns its place and when that will change, if it will and nobody was told yet.
    mutating func set(_ serving: PodServing, of pod: UID, at now: SimulatedTime) -> (pod: Int, next: SimulatedTime)? {
        guard let place = servers.place(of: pod) else { return nil }
        advance(to: now)
        var change = SimulatedTime.distantFuture
        for number in servers.pods[place].servers {
            let behaviour = servers[number].entry.map { configuration.services[$0] }
            let (condition, next) = Traffic.condition(serving, behaviour, at: now)
            engine.setCondition(condition, of: number)
            change = min(change, next)
        }
        guard change != .distantFuture, change != servers.pods[place].next else { return nil }
        servers.pods[place].next = change
        return (place, change)
    }

    private static func condition(
        _ serving: PodServing, _ behaviour: ServiceBehaviour?, at now: SimulatedTime
    ) -> (PodCondition, next: SimulatedTime) {
        guard case .running(let times) = serving else { return (serving == .unreachable ? .unreachable : .stopped, .distantFuture) }
        if now >= times.ends { return (.stopped, .distantFuture) }
        let listensFrom = times.answersFrom + (behaviour?.listensAfter ?? .zero)
        if now < listensFrom { return (.stopped, min(listensFrom, times.ends)) }
        // It takes what comes and answers nobody.
        if now >= times.hangsFrom { return (.unreachable, times.ends) }
        if now >= times.signalled { return (behaviour?.onTermination == .ignore ? .serving : .closing, min(times.hangsFrom, times.ends)) }
        return (.serving, min(times.signalled, min(times.hangsFrom, times.ends)))
    }
}
