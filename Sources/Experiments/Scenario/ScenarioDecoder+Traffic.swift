// Reads the traffic of a scenario.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import ServiceNetwork

extension ScenarioDecoder {
    mutating func traffic(_ node: YAMLNode) -> TrafficConfiguration? {
        guard let fields = open(node, ScenarioFormat.traffic) else { return nil }
        var traffic = TrafficConfiguration()
        for service in list(fields, "services") { if let behaviour = trafficService(service) { traffic.services.append(behaviour) } }
        for source in list(fields, "sources") {
            guard let decoded = trafficSource(source) else { continue }
            if traffic.sources.contains(where: { $0.name == decoded.name }) {
                context.error(source["name"] ?? source, "there is a source \"\(decoded.name)\" already")
            }
            traffic.sources.append(decoded)
        }
        if let node = field(fields, "proxy") { proxy(node, &traffic) }
        if let node = field(fields, "dns"), let fields = open(node, ScenarioFormat.dns) {
            if let ttl = duration(fields, "ttl") { traffic.recordLifetime = ttl }
            traffic.lookupTime = distribution(fields, "lookup")
        }
        if let node = field(fields, "loadBalancer") { loadBalancer(node, &traffic.healthChecks) }
        if let node = field(fields, "ingress") { ingress(node, &traffic.ingress) }
        if let node = field(fields, "network") { network(node, &traffic.latencies) }
        return traffic
    }

    private mutating func proxy(_ node: YAMLNode, _ traffic: inout TrafficConfiguration) {
        guard let fields = open(node, ScenarioFormat.proxy) else { return }
        let scheduler = string(fields, "scheduler")
        switch string(fields, "mode") {
        case "nftables": traffic.proxyMode = .nftables
        case "ipvs": traffic.proxyMode = .ipvs(scheduler.flatMap(IPVSScheduler.init) ?? .roundRobin)
        default: break
        }
        if scheduler != nil, let node = fields["scheduler"], fields["mode"]?.scalarText != "ipvs" {
            context.error(node, "goes with mode: ipvs")
        }
        if let period = duration(fields, "minSyncPeriod") { traffic.proxyTiming.minimumSyncPeriod = period }
        if let length = duration(fields, "syncDuration") { traffic.proxyTiming.syncDuration = length }
        if let propagation = distribution(fields, "propagation") { traffic.proxyTiming.propagation = propagation }
    }

    private mutating func loadBalancer(_ node: YAMLNode, _ checks: inout HealthCheckConfiguration) {
        guard let fields = open(node, ScenarioFormat.loadBalancer) else { return }
        if let interval = duration(fields, "interval") {
            if interval < .milliseconds(100), let place = fields["interval"] { context.error(place, "must be at least 100ms") }
            checks.interval = max(interval, .milliseconds(100))
        }
        if let timeout = duration(fields, "timeout") { checks.timeout = timeout }
        if let count = integer(fields, "unhealthyThreshold") { checks.unhealthyThreshold = count }
        if let count = integer(fields, "healthyThreshold") { checks.healthyThreshold = count }
    }

    private mutating func ingress(_ node: YAMLNode, _ ingress: inout IngressConfiguration) {
        guard let fields = open(node, ScenarioFormat.ingressController) else { return }
        let port = port(fields)
        ingress.controller = objectName(fields, "controller").map { TrafficTarget(service: $0, port: port) }
        ingress.className = string(fields, "class")
        if let name = string(fields, "balancing"), let method = ScenarioDecoder.balancing[name] { ingress.balancing = method }
        if let time = duration(fields, "connectTimeout") { ingress.policy.connectionTimeout = time }
        if let time = duration(fields, "timeout") { ingress.policy.timeout = time }
        if let attempts = integer(fields, "attempts") { ingress.policy.maximumAttempts = attempts }
    }

    private static let balancing: [String: BalancingMethod] = [
        "roundRobin": .roundRobin, "leastConnections": .leastConnections, "ewma": .ewma, "powerOfTwoChoices": .powerOfTwoChoices,
    ]

    private mutating func network(_ node: YAMLNode, _ latencies: inout PodNetwork.Latencies) {
        guard let fields = open(node, ScenarioFormat.network) else { return }
        if let value = duration(fields, "sameNode") { latencies.sameNode = value }
        if let value = duration(fields, "sameZone") { latencies.sameZone = value }
        if let value = duration(fields, "crossZone") { latencies.crossZone = value }
        if let value = duration(fields, "overlay") { latencies.overlay = value }
        if let value = duration(fields, "fromOutside") { latencies.fromOutside = value }
    }

    /// A port by its name or number.
    private mutating func port(_ fields: Fields) -> String? {
        guard let node = field(fields, "port"), let port = IntOrString.decode(node, &context) else { return nil }
        if port == .string("") { context.error(node, "must not be empty") }
        return port.description
    }

    private mutating func target(_ fields: Fields) -> TrafficTarget? {
        let port = port(fields)
        return objectName(fields, "service").map { TrafficTarget(service: $0, port: port) }
    }

    /// A target that may be one pod.
    private mutating func exactTarget(_ fields: Fields) -> TrafficTarget? {
        let pod = string(fields, "pod")
        var target = target(fields)
        target?.pod = pod
        return target
    }

    // MARK: Services

    /// What one worker may use: more than any machine has.
    private static let maximumCores = Quantity(100_000)

    private mutating func trafficService(_ node: YAMLNode) -> ServiceBehaviour? {
        guard let fields = open(node, ScenarioFormat.trafficService) else { return nil }
        let target = target(fields)
        let time = distribution(fields, "serviceTime")
        let cpu = quantity(fields, "cpu")
        if let cpu, cpu > ScenarioDecoder.maximumCores, let node = fields["cpu"] {
            context.error(node, "must be at most \(ScenarioDecoder.maximumCores)")
        }
        let concurrency = integer(fields, "concurrency")
        let queue = integer(fields, "queue")
        let listensAfter = duration(fields, "listensAfter")
        let manner = string(fields, "onTermination").flatMap(ServiceBehaviour.StopManner.init)
        var groups: [[ServiceBehaviour.Call]] = []
        for group in list(fields, "calls") {
            guard group.kind == .sequence else {
                context.expect("array", group)
                continue
            }
            groups.append(group.elements.compactMap { trafficCall($0) })
        }
        guard let target, let time else { return nil }
        var behaviour = ServiceBehaviour(target, serviceTime: time)
        if let cpu, cpu <= ScenarioDecoder.maximumCores { behaviour.milliCPU = Int32(cpu.milliValue) }
        behaviour.capacity = PodCapacity(concurrency: Int32(concurrency ?? 1), queueLimit: queue.map(Int32.init))
        behaviour.onTermination = manner ?? .finish
        if let listensAfter { behaviour.listensAfter = listensAfter }
        behaviour.calls = groups
        return behaviour
    }

    private mutating func trafficCall(_ node: YAMLNode) -> ServiceBehaviour.Call? {
        guard let fields = open(node, ScenarioFormat.trafficCall) else { return nil }
        let policy = policy(fields)
        let keepAlive = duration(fields, "keepAlive")
        guard let target = exactTarget(fields) else { return nil }
        var call = ServiceBehaviour.Call(target)
        call.policy = policy
        if let keepAlive { call.connections = .keepAlive(idle: keepAlive) }
        return call
    }

    /// Nothing ends at once.
    private mutating func positiveDuration(_ fields: Fields, _ name: String) -> SimulatedDuration? {
        guard let value = duration(fields, name) else { return nil }
        if value > .zero { return value }
        if let node = field(fields, name) { context.error(node, "must be longer than 0s") }
        return nil
    }

    private mutating func policy(_ fields: Fields) -> RequestPolicy {
        var policy = RequestPolicy()
        policy.timeout = positiveDuration(fields, "timeout")
        if let node = field(fields, "retries"), let retries = open(node, ScenarioFormat.retries) {
            policy.maximumAttempts = integer(retries, "attempts") ?? 1
            if let backoff = duration(retries, "backoff") { policy.backoff.initial = backoff }
            let limit = duration(retries, "maxBackoff")
            policy.backoff.maximum = limit ?? max(policy.backoff.maximum, policy.backoff.initial)
            if let limit, limit < policy.backoff.initial, let place = retries["maxBackoff"] {
                context.error(place, "is shorter than the wait before the first retry (\(policy.backoff.initial))")
            }
            if let budget = field(retries, "budget").flatMap({ number($0, in: 0...100) }) {
                policy.budget = RequestPolicy.RetryBudget(ratio: budget, reserve: 10)
            }
        }
        if let hedge = positiveDuration(fields, "hedge") {
            policy.hedgeDelay = hedge
            policy.maximumAttempts = max(policy.maximumAttempts, 2)
        }
        return policy
    }

    // MARK: Sources

    private mutating func trafficSource(_ node: YAMLNode) -> TrafficSource? {
        guard let fields = open(node, ScenarioFormat.trafficSource) else { return nil }
        let name = string(fields, "name")
        let target = sourceTarget(node, fields)
        let policy = policy(fields)
        let keepAlive = duration(fields, "keepAlive")
        let start = time(fields, "start")
        let origin = origin(fields)
        let clients = integer(fields, "clients")
        if let place = fields["clients"], origin != .outside || fields["users"] != nil {
            context.error(place, "goes with from: outside and without users: each of those is a client")
        }
        let addresses = addresses(fields, origin)
        let recorded = field(fields, "recorded").flatMap { recordedRequests($0, from: start ?? .zero) }
        let arrivals = arrivals(fields, recorded)
        guard let name, let target, let arrivals else { return nil }
        var source = TrafficSource(name: name, target: target.service, arrivals: arrivals)
        source.ingress = target.ingress
        source.policy = policy
        source.origin = origin
        if let keepAlive { source.connections = .keepAlive(idle: keepAlive) }
        if let start { source.start = start }
        if let clients { source.clientCount = clients }
        if let addresses {
            source.firstAddress = addresses.first
            if clients == nil { source.clientCount = min(source.clientCount, addresses.count) }
            if let count = source.population?.count, count > addresses.count, let place = fields["addresses"] {
                context.error(place, "has \(addresses.count) addresses for \(count) clients")
            }
        }
        source.serviceTimes = recorded?.serviceTimes ?? []
        return source
    }

    /// The range in which clients outside have their addresses.
    private mutating func addresses(_ fields: Fields, _ origin: TrafficSource.Origin) -> AddressRange? {
        guard let text = string(fields, "addresses"), let place = fields["addresses"] else { return nil }
        if origin != .outside { context.error(place, "goes with from: outside") }
        guard let range = AddressRange(text) else {
            context.error(place, "expected a range of IPv4 addresses, as 198.51.100.0/24")
            return nil
        }
        return range
    }

    /// A Service, or a host and path of Ingresses, whose controller is known only later.
    private mutating func sourceTarget(_ node: YAMLNode, _ fields: Fields) -> (service: TrafficTarget, ingress: IngressAddress?)? {
        let service = exactTarget(fields)
        guard let place = field(fields, "ingress") else {
            if fields["service"] == nil { context.error(node, "needs \"service\" or \"ingress\"") }
            return service.map { ($0, nil) }
        }
        for name in ["service", "port", "pod"] { if let other = fields[name] { context.error(other, "does not go with \"ingress\"") } }
        guard let ingress = open(place, ScenarioFormat.ingressRequest) else { return nil }
        let path = string(ingress, "path") ?? "/"
        if !path.hasPrefix("/"), let node = ingress["path"] { context.error(node, "must begin with /") }
        let nobody = TrafficTarget(service: NamespacedName(namespace: "", name: ""))
        return string(ingress, "host").map { (nobody, IngressAddress(host: $0, path: path)) }
    }

    private mutating func origin(_ fields: Fields) -> TrafficSource.Origin {
        var origin = TrafficSource.Origin.nodes(.all)
        if let from = field(fields, "from") {
            if from.kind == .mapping {
                if let chosen = open(from, ScenarioFormat.nodeSelection).flatMap({ selection($0) }) { origin = .nodes(chosen) }
            } else if from.scalarText == "outside" {
                origin = .outside
            } else {
                context.error(from, "expected outside, or one of node, zone, nodes, selector")
            }
        }
        if let node = field(fields, "fromPods"), let pods = open(node, ScenarioFormat.clientPods) {
            if fields["from"] != nil { context.error(node, "does not go with \"from\"") }
            let namespace = string(pods, "namespace") ?? "default"
            if let selector = self.selector(pods, "selector") { origin = .pods(namespace: namespace, selector) }
        }
        return origin
    }

    private mutating func arrivals(_ fields: Fields, _ recorded: RecordedRequests?) -> ArrivalProcess? {
        var found: ArrivalProcess?
        // Every field is asked for, so that all are checked.
        if let rate = rate(fields, "poisson") { found = .poisson(rate: rate) }
        if let rate = rate(fields, "constant") { found = .deterministic(interval: SimulatedDuration(seconds: 1 / rate)) }
        let states = list(fields, "bursts").compactMap { burstState($0) }
        if let bursts = fields["bursts"], bursts.count == 0 { context.error(bursts, "needs at least one state") }
        if !states.isEmpty { found = .modulated(states) }
        if let curve = field(fields, "curve") { found = rateCurve(curve).map { .curve($0) } }
        if let node = field(fields, "users"), let users = open(node, ScenarioFormat.users) {
            let count = integer(users, "count")
            if let think = distribution(users, "think", meanAtLeast: ScenarioFormat.minimumRunSeconds), let count {
                found = .closed(users: count, thinkTime: think)
            }
        }
        if let recorded { found = .replay(recorded.times) }
        return found
    }

    private mutating func rate(_ fields: Fields, _ name: String) -> Double? {
        guard let node = field(fields, name), let entry = open(node, ScenarioFormat.arrivalRate), let value = field(entry, "rate"),
            let rate = number(value, in: 0...10_000_000)
        else { return nil }
        if rate == 0 {
            context.error(value, "must be more than 0")
            return nil
        }
        return rate
    }

    /// Rates that change more often than this are one rate, and cost as if they were not.
    private static let shortestPhase = SimulatedDuration.milliseconds(10)

    private mutating func burstState(_ node: YAMLNode) -> ArrivalProcess.ModulatedState? {
        guard let fields = open(node, ScenarioFormat.burstState) else { return nil }
        let stay = duration(fields, "stay")
        guard let rate = field(fields, "rate").flatMap({ number($0, in: 0...10_000_000) }), let stay else { return nil }
        if stay < ScenarioDecoder.shortestPhase, let place = fields["stay"] { context.error(place, "must be at least 10ms") }
        return ArrivalProcess.ModulatedState(rate: rate, meanStay: max(stay.seconds, 1e-9))
    }

    private mutating func rateCurve(_ node: YAMLNode) -> RateCurve? {
        guard let fields = open(node, ScenarioFormat.rateCurve) else { return nil }
        let period = duration(fields, "period")
        var points: [RateCurve.Point] = []
        for element in list(fields, "points") {
            guard let entry = open(element, ScenarioFormat.ratePoint) else { continue }
            let at = duration(entry, "at")
            guard let rate = field(entry, "rate").flatMap({ number($0, in: 0...10_000_000) }), let at else { continue }
            points.append(RateCurve.Point(time: at, rate: rate))
        }
        guard let period else { return nil }
        if period < ScenarioDecoder.shortestPhase, let place = fields["period"] { context.error(place, "must be at least 10ms") }
        guard let curve = RateCurve(points: points, period: period) else {
            context.error(node, "needs points in order of time, all before the end of the period")
            return nil
        }
        return curve
    }
}
