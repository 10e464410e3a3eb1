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
        let manner: ServiceBehaviour.StopManner
        let capacity: PodCapacity
        /// Whether it is for whoever names its target; of an Ingress' controller, each source has one of its own.
        let isShared: Bool
        /// Its endpoints as published last, their pods, and those of these that are ready.
        var endpoints: [ProxyEndpoint] = []
        var transport = TransportProtocol.tcp
        var members: [PodNumber] = []
        var ready: [PodNumber] = []
    }
    /// A pod that was an endpoint of such a port, or a host outside of the cluster.
    struct Server: Sendable {
        let pod: Endpoint.PodReference
        let manner: ServiceBehaviour.StopManner
        /// The Service through which it was met first.
        let service: NamespacedName
        /// Attempts it had received when that was looked at last, and what it would have got if they were split evenly.
        var settled: UInt64 = 0
        var evenShare = 0.0
        /// As what network policies see it; nil: nobody asked yet.
        var policyClass: Int32?
        /// When its serving will change, as far as a timer is set for that.
        var next = SimulatedTime.distantFuture
        /// Core seconds that its requests had wanted when that was measured last, and cores, in the second before.
        var wanted = 0.0
        var demand = 0.0
    }

    var engine: RequestEngine
    let configuration: TrafficConfiguration
    /// The scenario's sources have the first numbers in the engine and in the record; calls come after them.
    var sources: [TrafficSource] { configuration.sources }
    var ports: [Port] = []
    var servers: [Server] = []
    var serverOfPod: [UID: PodNumber] = [:]
    var serverOfHost: [String: PodNumber] = [:]
    var services: [NamespacedName: Shared<Service>] = [:]
    /// By Service, in the order in which they came.
    var slices: [NamespacedName: [Shared<EndpointSlice>]] = [:]
    var ingresses: [Shared<Ingress>] = []
    var ways: [IngressWay] = []
    /// By source.
    var clients: [[TrafficClient]] = []
    var clientNumbers: [UID: Int32] = [:]
    /// By source: what the load balancer makes of nodes; nil: it has none.
    var rotations: [LoadBalancerRotation?]
    /// When a balancer changes its mind, as far as that was looked at last.
    var nextDecision: SimulatedTime?
    var partitions = Partitions()
    /// nil: no network policy was ever met.
    var book: PolicyBook?
    let dns = ClusterDNS()
    /// Whether any Service's requests use cpu.
    let usesCPU: Bool
    /// What is recorded, second by second and in intervals.
    var record: TrafficRecord
    private var nextSecond = SimulatedTime.zero + .seconds(1)

    /// - Parameters:
    ///   - sampling: every how many-th request of a source is recorded by itself; nil: none.
    ///   - cpuMemory: how long ago pods' use of cpu may be asked for.
    init(_ configuration: TrafficConfiguration, nodes: [ProxyNode], sampling: Int? = nil, cpuMemory: SimulatedDuration, seed: UInt64) {
        engine = RequestEngine(
            network: PodNetwork(nodes: nodes, latencies: configuration.latencies), timing: configuration.proxyTiming, cpuMemory: cpuMemory,
            seed: seed)
        usesCPU = configuration.services.contains { $0.milliCPU > 0 }
        if let sampling {
            engine.recordsOutcomes = true
            engine.outcomeInterval = UInt64(sampling)
        }
        self.configuration = configuration
        rotations = configuration.sources.map { source in
            source.origin == .outside ? LoadBalancerRotation(configuration.healthChecks, seed: seed, of: source.name) : nil
        }
        record = TrafficRecord()
        for service in configuration.services { _ = addPort(service) }
        for source in configuration.sources { addSource(source) }
        addCalls()
    }

    // MARK: Building

    private func port(of target: TrafficTarget) -> Port? { ports.first { $0.isShared && $0.target == target } }

    /// The port of a target; one of which the scenario says nothing answers at once.
    mutating func number(of target: TrafficTarget) -> PortNumber {
        if let known = port(of: target) { return known.number }
        var behaviour =
            configuration.services.first { $0.target == target.ofAllPods } ?? ServiceBehaviour(target, serviceTime: .constant(.zero))
        behaviour.target = target
        return addPort(behaviour)
    }

    mutating func addPort(_ behaviour: ServiceBehaviour, isShared: Bool = true) -> PortNumber {
        let number = engine.addPort(
            PortBehaviour(serviceTime: behaviour.serviceTime, balancing: configuration.proxyMode, milliCPU: behaviour.milliCPU))
        ports.append(
            Port(
                target: behaviour.target, number: number, manner: behaviour.onTermination, capacity: behaviour.capacity, isShared: isShared)
        )
        return number
    }

    private mutating func addCalls() {
        var callsOfService: [(target: TrafficTarget, groups: [[SourceNumber]])] = []
        for service in configuration.services where !service.calls.isEmpty {
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
                        source.discovery = .asPublished(timeToLive: configuration.recordLifetime)
                        record.add(source.name, call.target, isCall: true)
                        return engine.addSource(source)
                    })
            }
            callsOfService.append((service.target, groups))
        }
        for (target, groups) in callsOfService {
            for caller in ports where caller.isShared && caller.target.ofAllPods == target { engine.setCalls(of: caller.number, groups) }
        }
    }

    private mutating func addSource(_ source: TrafficSource) {
        let port = source.ingress.map { addIngressPort($0, of: source) } ?? number(of: source.target)
        var own = RequestSource(name: source.name, arrivals: source.arrivals, port: port, nodes: [])
        own.policy = source.policy
        own.connections = source.connections
        own.discovery = .asPublished(timeToLive: configuration.recordLifetime)
        own.start = source.start
        own.serviceTimes = source.serviceTimes
        if source.origin == .outside { own.traffic = .toExternalAddressFromOutside }
        record.add(source.name, source.target, address: source.ingress, isCall: false)
        _ = engine.addSource(own)
    }

    // MARK: Time

    /// Lets all requests go on up to an instant.
    mutating func advance(to now: SimulatedTime) {
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
        return record
    }

    // MARK: Nodes and pods

    mutating func addNode(_ node: ProxyNode) { _ = engine.addNode(node) }

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

    /// The pods that requests may reach.
    var pods: [UID] { servers.map(\.pod.uid).filter { follows($0) } }
    var nodeCount: Int { engine.network.nodes.count }

    func follows(_ pod: UID) -> Bool { serverOfPod[pod] != nil }

    func pod(_ number: PodNumber) -> UID { servers[Int(number)].pod.uid }

    /// A pod serves, or does not, as its kubelet says. Returns its number and when that will change, if it will and nobody was told yet.
    mutating func set(_ serving: PodServing, of pod: UID, at now: SimulatedTime) -> (server: PodNumber, next: SimulatedTime)? {
        guard let number = serverOfPod[pod] else { return nil }
        advance(to: now)
        let (condition, next) = Traffic.condition(serving, servers[Int(number)].manner, at: now)
        engine.setCondition(condition, of: number)
        guard next != .distantFuture, next != servers[Int(number)].next else { return nil }
        servers[Int(number)].next = next
        return (number, next)
    }

    private static func condition(
        _ serving: PodServing, _ manner: ServiceBehaviour.StopManner, at now: SimulatedTime
    ) -> (PodCondition, next: SimulatedTime) {
        guard case .running(let times) = serving else { return (serving == .unreachable ? .unreachable : .stopped, .distantFuture) }
        if now >= times.ends { return (.stopped, .distantFuture) }
        if now < times.answersFrom { return (.stopped, min(times.answersFrom, times.ends)) }
        // It takes what comes and answers nobody.
        if now >= times.hangsFrom { return (.unreachable, times.ends) }
        if now >= times.signalled { return (manner == .finish ? .closing : .serving, min(times.hangsFrom, times.ends)) }
        return (.serving, min(times.signalled, min(times.hangsFrom, times.ends)))
    }
}
