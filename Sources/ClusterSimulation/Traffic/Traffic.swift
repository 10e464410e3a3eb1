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
    private struct Port: Sendable {
        let target: TrafficTarget
        let number: PortNumber
        let manner: ServiceBehaviour.StopManner
        let capacity: PodCapacity
    }
    /// A pod that was an endpoint of such a port.
    struct Server: Sendable {
        let pod: Endpoint.PodReference
        let manner: ServiceBehaviour.StopManner
        /// When its serving will change, as far as a timer is set for that.
        var next = SimulatedTime.distantFuture
        /// Core seconds that its requests had wanted when that was measured last, and cores, in the second before.
        var wanted = 0.0
        var demand = 0.0
    }

    var engine: RequestEngine
    /// The scenario's sources have the first numbers in the engine and in the record; calls come after them.
    let sources: [TrafficSource]
    private var ports: [Port] = []
    var servers: [Server] = []
    private(set) var serverOfPod: [UID: PodNumber] = [:]
    private var services: [NamespacedName: Shared<Service>] = [:]
    /// By Service, in the order in which they came.
    private var slices: [NamespacedName: [Shared<EndpointSlice>]] = [:]
    /// Whether any Service's requests use cpu.
    let usesCPU: Bool
    /// What is recorded, second by second and in intervals.
    private(set) var record: TrafficRecord
    private var nextSecond = SimulatedTime.zero + .seconds(1)

    /// - Parameter cpuMemory: how long ago pods' use of cpu may be asked for.
    init(_ configuration: TrafficConfiguration, nodes: [ProxyNode], cpuMemory: SimulatedDuration, seed: UInt64) {
        engine = RequestEngine(
            network: PodNetwork(nodes: nodes, latencies: configuration.latencies), timing: configuration.proxyTiming, cpuMemory: cpuMemory,
            seed: seed)
        usesCPU = configuration.services.contains { $0.milliCPU > 0 }
        sources = configuration.sources
        record = TrafficRecord()
        for service in configuration.services { _ = addPort(service, configuration) }
        let everyNode = nodes.indices.map { NodeNumber($0) }
        for source in configuration.sources { addSource(source, everyNode, configuration) }
        addCalls(configuration, everyNode)
    }

    // MARK: Building

    private func port(of target: TrafficTarget) -> Port? { ports.first { $0.target == target } }

    /// The port of a target; one of which the scenario says nothing answers at once.
    private mutating func number(of target: TrafficTarget, _ configuration: TrafficConfiguration) -> PortNumber {
        port(of: target)?.number ?? addPort(ServiceBehaviour(target, serviceTime: .constant(.zero)), configuration)
    }

    private mutating func addPort(_ behaviour: ServiceBehaviour, _ configuration: TrafficConfiguration) -> PortNumber {
        let number = engine.addPort(
            PortBehaviour(serviceTime: behaviour.serviceTime, balancing: configuration.proxyMode, milliCPU: behaviour.milliCPU))
        ports.append(
            Port(target: behaviour.target, number: number, manner: behaviour.onTermination, capacity: behaviour.capacity))
        return number
    }

    private mutating func addCalls(_ configuration: TrafficConfiguration, _ nodes: [NodeNumber]) {
        for service in configuration.services where !service.calls.isEmpty {
            guard let caller = port(of: service.target) else { continue }
            var groups: [[SourceNumber]] = []
            for group in service.calls {
                groups.append(
                    group.map { call in
                        let target = number(of: call.target, configuration)
                        var source = RequestSource(
                            name: "\(service.target) -> \(call.target)", arrivals: .onDemand, port: target, nodes: nodes)
                        source.policy = call.policy
                        record.add(source.name, call.target, isCall: true)
                        return engine.addSource(source)
                    })
            }
            engine.setCalls(of: caller.number, groups)
        }
    }

    private mutating func addSource(_ source: TrafficSource, _ nodes: [NodeNumber], _ configuration: TrafficConfiguration) {
        let port = number(of: source.target, configuration)
        var own = RequestSource(name: source.name, arrivals: source.arrivals, port: port, nodes: nodes)
        own.policy = source.policy
        own.connections = source.connections
        own.start = source.start
        own.serviceTimes = source.serviceTimes
        if source.origin == .outside { own.traffic = .toExternalAddressFromOutside }
        record.add(source.name, source.target, isCall: false)
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
        record.pods = servers.indices.map { index in
            let number = PodNumber(index)
            return TrafficRecord.Pod(
                pod: servers[index].pod.key, received: engine.received(by: number).attempts, cpuSeconds: engine.cpuTime(of: number).used)
        }
        return record
    }

    private func endpointCounts(of target: TrafficTarget) -> (ready: Int, terminating: Int) {
        var counts = (ready: 0, terminating: 0)
        for slice in slices[target.service] ?? [] {
            for endpoint in slice.value.endpoints {
                if endpoint.ready ?? true { counts.ready += 1 }
                if endpoint.terminating ?? false { counts.terminating += 1 }
            }
        }
        return counts
    }

    // MARK: Services and endpoints

    /// A Service or EndpointSlice changed in the store: kube-proxies hear of it, each in its time.
    mutating func observe(_ event: WatchEvent, isKnown: Bool) -> [UID] {
        switch event.object {
        case .service(let service):
            let name = service.value.metadata.key
            guard ports.contains(where: { $0.target.service == name }) else { return [] }
            advance(to: event.time)
            services[name] = event.change == .deleted ? nil : service
            return publish(name, at: event.time, isKnown: isKnown)
        case .endpointSlice(let slice):
            guard let service = slice.value.service, ports.contains(where: { $0.target.service == service }) else { return [] }
            advance(to: event.time)
            slices[service, default: []].removeAll { $0.value.metadata.name == slice.value.metadata.name }
            if event.change != .deleted { slices[service, default: []].append(slice) }
            return publish(service, at: event.time, isKnown: isKnown)
        default: return []
        }
    }

    /// Publishes the present state of a Service's ports. Returns the pods that are new to the engine.
    private mutating func publish(_ name: NamespacedName, at time: SimulatedTime, isKnown: Bool) -> [UID] {
        var met: [UID] = []
        let infos = services[name].map { ServicePortInfo.ports(of: $0.value) } ?? []
        for port in ports where port.target.service == name {
            let info = infos.first { port.target.port == nil || $0.name.port == port.target.port }
            guard let info else {
                // No such port (any more): its address leads nowhere.
                let gone = ServicePortName(namespace: name.namespace, name: name.name, port: port.target.port ?? "", transport: .tcp)
                engine.publish(
                    ServicePortInfo(name: gone, clusterIP: "", port: 0), endpoints: [], pods: [], for: port.number, at: time,
                    isKnown: isKnown)
                continue
            }
            var endpoints: [ProxyEndpoint] = []
            var numbers: [PodNumber] = []
            for endpoint in ProxyEndpoint.endpoints(of: info.name, in: (slices[name] ?? []).map(\.value)) {
                guard let pod = endpoint.pod else { continue }
                endpoints.append(endpoint)
                if let known = serverOfPod[pod.uid] {
                    numbers.append(known)
                } else {
                    numbers.append(meet(pod, on: endpoint.nodeName, port))
                    met.append(pod.uid)
                }
            }
            engine.publish(info, endpoints: endpoints, pods: numbers, for: port.number, at: time, isKnown: isKnown)
        }
        return met
    }

    private mutating func meet(_ pod: Endpoint.PodReference, on node: String?, _ port: Port) -> PodNumber {
        // A machine that replaces another may have its name.
        let place = engine.network.nodes.lastIndex { $0.name == node } ?? 0
        let number = engine.addPod(on: NodeNumber(place), capacity: port.capacity)
        engine.setCondition(.stopped, of: number)
        servers.append(Server(pod: pod, manner: port.manner))
        serverOfPod[pod.uid] = number
        return number
    }

    // MARK: Nodes and pods

    mutating func addNode(_ node: ProxyNode) { _ = engine.addNode(node) }

    /// Sets from which nodes the clients of each source send; a source without any sends nothing.
    mutating func setNodes(_ nodes: [[Int]], at now: SimulatedTime) {
        advance(to: now)
        for (index, own) in nodes.enumerated() {
            engine.setNodes(own.map { NodeNumber($0) }, of: SourceNumber(index))
        }
    }

    /// The pods that requests may reach.
    var pods: [UID] { servers.map(\.pod.uid) }
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

extension EndpointSlice {
    /// The Service whose endpoints these are.
    fileprivate var service: NamespacedName? {
        metadata.labels["kubernetes.io/service-name"].map { NamespacedName(namespace: metadata.namespace, name: $0) }
    }
}
