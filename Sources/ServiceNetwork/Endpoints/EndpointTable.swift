// The one table of endpoints that all nodes read, each at its own lag.
//
// Kube-proxies do not each get a copy of every change. The table keeps the versions of each port; a node has a cursor, which is moved when the node
// is asked for a connection, and only then: nodes that send nothing cost nothing.

import DiscreteEvents

/// How long a change takes to become a node's rules.
public struct ProxyTiming: Hashable, Sendable {
    /// From the API server to the node's kube-proxy, seconds: drawn for each node and change.
    public var propagation: Distribution?
    /// So long after rules were written they are not written again (`iptables.minSyncPeriod`, `ipvs.minSyncPeriod`, `nftables.minSyncPeriod`: 1 s).
    public var minimumSyncPeriod = SimulatedDuration.seconds(1)
    /// How long writing takes.
    public var syncDuration = SimulatedDuration.zero

    public init() {}
}

/// Versions of the Service ports' endpoints, and which one each node goes by.
public struct EndpointTable: Sendable, Hashable {
    /// What a node does with a connection to a port.
    public enum Route: Sendable, Hashable {
        /// One of these pods, as the port's balancing chooses.
        case balance([PodNumber])
        case reject
        case drop
    }

    private var nodes: [ProxyNode]
    private let timing: ProxyTiming
    private let lags: RandomStream
    /// When each change was made, ascending.
    private var changes: [SimulatedTime] = []
    private var ports: [[PortVersion]] = []
    /// By port: how kube-proxies balance it.
    private var modes: [BalancingMethod] = []
    /// By node: so many changes are in its rules. Apart from the rest of what is known of a node: every connection asks for this, from any node, and nearly always it
    /// is all there is to ask.
    private var applied: [Int32]
    private var views: [NodeView]
    /// What those know who watch EndpointSlices themselves and write no rules: the DNS server, an Ingress' controller.
    private var watcher = NodeView()
    private var appliedByWatcher: Int32 = 0

    public init(nodes: [ProxyNode], timing: ProxyTiming = ProxyTiming(), seed: UInt64) {
        self.nodes = nodes
        self.timing = timing
        lags = RandomStream(seed: seed, purpose: .proxyLag, owner: 0)
        views = Array(repeating: NodeView(), count: nodes.count)
        applied = Array(repeating: 0, count: nodes.count)
    }

    /// How a node comes to know the changes that are not in its rules yet.
    private struct NodeView: Hashable, Sendable {
        /// When the next change will be; nil: not computed yet.
        var nextApplied: SimulatedTime?
        /// When its kube-proxy heard of the last change considered, and when it last began to write rules.
        var lastHeard = SimulatedTime.distantPast
        var lastSync = SimulatedTime.distantPast
        /// Times in which it hears nothing; the last one may have no end yet (`.distantFuture`).
        var silences: [Range<SimulatedTime>] = []
    }

    /// A node joins: its kube-proxy lists all there is before it writes its first rules.
    mutating func addNode(_ node: ProxyNode) -> NodeNumber {
        nodes.append(node)
        views.append(NodeView())
        applied.append(Int32(changes.count))
        return NodeNumber(views.count - 1)
    }

    /// A node is cut off: what it would have heard from a time on, it hears when that is over.
    mutating func silence(_ node: NodeNumber, from time: SimulatedTime) {
        guard views[Int(node)].silences.last?.upperBound != .distantFuture else { return }
        let start = max(time, views[Int(node)].silences.last?.upperBound ?? time)
        views[Int(node)].silences.append(start..<SimulatedTime.distantFuture)
    }

    mutating func endSilence(_ node: NodeNumber, at time: SimulatedTime) {
        guard let last = views[Int(node)].silences.last, last.upperBound == .distantFuture else { return }
        views[Int(node)].silences[views[Int(node)].silences.count - 1] = last.lowerBound..<max(time, last.lowerBound)
        // When a change will be heard can be told now.
        if views[Int(node)].nextApplied == .distantFuture { views[Int(node)].nextApplied = nil }
    }

    /// Whether a node hears nothing, without an end.
    func isSilent(_ node: NodeNumber) -> Bool { views[Int(node)].silences.last?.upperBound == .distantFuture }

    /// Adds a port nobody knows anything of yet.
    /// - Parameter mode: how kube-proxies balance it. IPVS refuses where no destination is left, whatever the policy. IPVS and nftables drop what comes from outside a
    ///   load balancer's source ranges in any case; iptables has rules for them only as long as there are endpoints, and refuses everybody without.
    public mutating func addPort(_ mode: BalancingMethod = .nftables) -> PortNumber {
        ports.append([])
        modes.append(mode)
        return PortNumber(ports.count - 1)
    }

    /// A change of a port's Service or endpoints.
    /// - Parameters:
    ///   - pods: the number of the pod behind each endpoint, in the order of `endpoints`.
    ///   - isProxied: whether kube-proxies serve it. If not, those who watch EndpointSlices themselves still find the pods.
    ///   - isKnown: whether all nodes have it in their rules already (the state at the start of a simulation).
    public mutating func publish(
        _ info: ServicePortInfo, endpoints: [ProxyEndpoint], pods: [PodNumber], for port: PortNumber, isProxied: Bool = true,
        at time: SimulatedTime, isKnown: Bool = false
    ) {
        precondition(endpoints.count == pods.count, "every endpoint has a pod")
        var version = PortVersion(info, endpoints, pods, inIPVS: modes[Int(port)].isIPVS, change: changes.count)
        if !isProxied { version.withdraw() }
        append(version, to: port, at: time, isKnown: isKnown)
    }

    /// A port's Service is gone. kube-proxy's rules reject what is for a Service without endpoints, but say nothing of one that does not exist: packets to what was
    /// its address leave the node by the default route and are lost, in every mode. A node port, which is one of the node's own addresses, refuses.
    mutating func withdraw(_ port: PortNumber, at time: SimulatedTime, isKnown: Bool) {
        append(PortVersion(withdrawnBy: changes.count), to: port, at: time, isKnown: isKnown)
    }

    private mutating func append(_ version: PortVersion, to port: PortNumber, at time: SimulatedTime, isKnown: Bool) {
        changes.append(max(time, changes.last ?? time))
        ports[Int(port)].append(version)
        guard isKnown else { return }
        let count = Int32(changes.count)
        for node in applied.indices where applied[node] == count - 1 { applied[node] = count }
        if appliedByWatcher == count - 1 { appliedByWatcher = count }
    }

    /// Where a connection from (or coming in at) a node goes, and how long the node remembers the client for it (nil: not at all).
    /// - Parameter client: its IPv4 address.
    mutating func route(
        to port: PortNumber, on node: NodeNumber, _ traffic: ServicePortPlan.Traffic, from client: UInt32, at now: SimulatedTime
    ) -> (Route, affinity: SimulatedDuration?) {
        let version = version(of: port, on: node, at: now)
        if version < 0 { return (.reject, nil) }
        let route =
            ports[Int(port)][version].sharedRoute(traffic) ?? ports[Int(port)][version].route(traffic, on: node, nodes[Int(node)])
        if traffic == .toExternalAddressFromOutside, !ports[Int(port)][version].firewall.admits(client) {
            if case .reject = route, modes[Int(port)] == .iptables { return (.reject, nil) }
            return (.drop, nil)
        }
        return (route, ports[Int(port)][version].affinity)
    }

    /// The version of a port that the DNS server answers from; -1: none yet.
    mutating func recordedVersion(of port: PortNumber, at now: SimulatedTime) -> Int {
        if appliedByWatcher < changes.count {
            var (view, cursor) = (watcher, appliedByWatcher)
            advance(&view, &cursor, of: EndpointTable.watcherNumber, to: now)
            (watcher, appliedByWatcher) = (view, cursor)
        }
        return version(of: port, applied: appliedByWatcher)
    }

    /// Whether pods see the addresses of clients outside, and not that of the node where these come in.
    func keepsAddresses(ofClientsOutside port: PortNumber) -> Bool { ports[Int(port)].last?.keepsAddresses ?? false }

    /// Whether a port has no address of its own: its name leads to its endpoints.
    @inline(__always)
    func isHeadless(_ port: PortNumber) -> Bool { ports[Int(port)].last?.isHeadless ?? false }

    /// The pods to which a headless Service's name leads in a version of its endpoints: the ready ones.
    func recordedPods(of port: PortNumber, version: Int) -> [PodNumber] {
        version < 0 ? [] : ports[Int(port)][version].readyPods
    }

    /// The version of a port that a node goes by; -1: none yet.
    private mutating func version(of port: PortNumber, on node: NodeNumber, at now: SimulatedTime) -> Int {
        if applied[Int(node)] < changes.count { advance(node, to: now) }
        return version(of: port, applied: applied[Int(node)])
    }

    /// The version of a port after so many changes; -1: none yet.
    @inline(__always)
    private func version(of port: PortNumber, applied: Int32) -> Int {
        var version = ports[Int(port)].count - 1
        while version >= 0, ports[Int(port)][version].change >= Int(applied) { version -= 1 }
        return version
    }

    /// Moves a node's cursor. Changes are heard in order; what is heard while the next writing of rules waits for its time is written with it.
    private mutating func advance(_ node: NodeNumber, to now: SimulatedTime) {
        var (view, cursor) = (views[Int(node)], applied[Int(node)])
        advance(&view, &cursor, of: node, to: now)
        views[Int(node)] = view
        applied[Int(node)] = cursor
    }

    private func advance(_ view: inout NodeView, _ applied: inout Int32, of node: NodeNumber, to now: SimulatedTime) {
        while applied < changes.count {
            let due = view.nextApplied ?? nextApplied(of: &view, Int(applied), on: node)
            view.nextApplied = due
            if due > now { break }
            applied += 1
            view.nextApplied = nil
        }
    }

    /// In place of a node's number: no node has it.
    private static let watcherNumber = NodeNumber.max

    private func nextApplied(of view: inout NodeView, _ change: Int, on node: NodeNumber) -> SimulatedTime {
        var heard = changes[change]
        if let propagation = timing.propagation {
            var stream = lags
            stream.index = UInt64(change) &* 0x1_0000_0000 &+ UInt64(node)
            heard += propagation.sampleDuration(&stream)
        }
        if let silence = view.silences.first(where: { $0.contains(heard) }) { heard = silence.upperBound }
        // The view stays as it is: the end of the silence is not known.
        if heard == .distantFuture { return heard }
        heard = max(heard, view.lastHeard)
        view.lastHeard = heard
        if node == EndpointTable.watcherNumber { return heard }
        // One writing at a time: what is heard during one, or too soon after its end, is written together by the next.
        if heard > view.lastSync {
            view.lastSync = max(heard, view.lastSync + timing.syncDuration + timing.minimumSyncPeriod)
        }
        return view.lastSync + timing.syncDuration
    }
}

/// A port's endpoints from one change to the next.
private struct PortVersion: Hashable, Sendable {
    /// Which change made it.
    let change: Int
    private let info: ServicePortInfo
    private let endpoints: [ProxyEndpoint]
    private let pods: [PodNumber]
    private let inIPVS: Bool
    /// What all nodes do, if nothing depends on where they are.
    private var shared: Routes?
    /// What single nodes do, as far as they were asked.
    private var byNode: [NodeNumber: Routes] = [:]

    let affinity: SimulatedDuration?
    let firewall: LoadBalancerFirewall
    let readyPods: [PodNumber]
    var isHeadless: Bool { info.isHeadless }
    var keepsAddresses: Bool { info.externalPolicyIsLocal }

    init(_ info: ServicePortInfo, _ endpoints: [ProxyEndpoint], _ pods: [PodNumber], inIPVS: Bool, change: Int) {
        self.info = info
        self.endpoints = endpoints
        self.pods = pods
        self.inIPVS = inIPVS
        self.change = change
        readyPods = endpoints.indices.filter { endpoints[$0].isReady }.map { pods[$0] }
        affinity = info.affinitySeconds.map { .seconds(Int($0)) }
        firewall = LoadBalancerFirewall(info)
        if !info.usesLocalEndpoints, endpoints.allSatisfy({ $0.zoneHints.isEmpty && $0.nodeHints.isEmpty }) {
            shared = Routes(info, endpoints, pods, inIPVS: inIPVS, on: ProxyNode(name: ""))
        }
    }

    /// Of a Service that is gone.
    init(withdrawnBy change: Int) {
        let name = ServicePortName(namespace: "", name: "", port: "", transport: .tcp)
        self.init(ServicePortInfo(name: name, clusterIP: "", port: 0), [], [], inIPVS: false, change: change)
        withdraw()
    }

    /// No node has rules for it.
    mutating func withdraw() { shared = Routes(toClusterIP: .drop, fromInside: .reject, fromOutside: .reject) }

    /// By traffic.
    private struct Routes: Hashable, Sendable {
        let toClusterIP: EndpointTable.Route
        let fromInside: EndpointTable.Route
        let fromOutside: EndpointTable.Route

        init(toClusterIP: EndpointTable.Route, fromInside: EndpointTable.Route, fromOutside: EndpointTable.Route) {
            self.toClusterIP = toClusterIP
            self.fromInside = fromInside
            self.fromOutside = fromOutside
        }

        init(_ info: ServicePortInfo, _ endpoints: [ProxyEndpoint], _ pods: [PodNumber], inIPVS: Bool, on node: ProxyNode) {
            let plan = ServicePortPlan(info, endpoints: endpoints, on: node)
            func route(_ traffic: ServicePortPlan.Traffic) -> EndpointTable.Route {
                switch plan.verdict(for: traffic, inIPVS: inIPVS) {
                case .balance(let places): .balance(places.map { pods[$0] })
                case .reject: .reject
                case .drop: .drop
                }
            }
            toClusterIP = route(.toClusterIP)
            fromInside = route(.toExternalAddressFromInside)
            fromOutside = route(.toExternalAddressFromOutside)
        }

        func route(_ traffic: ServicePortPlan.Traffic) -> EndpointTable.Route {
            switch traffic {
            case .toClusterIP: toClusterIP
            case .toExternalAddressFromInside: fromInside
            case .toExternalAddressFromOutside: fromOutside
            }
        }
    }

    /// What all nodes do; nil: that depends on the node.
    func sharedRoute(_ traffic: ServicePortPlan.Traffic) -> EndpointTable.Route? { shared?.route(traffic) }

    /// What a node does.
    mutating func route(_ traffic: ServicePortPlan.Traffic, on number: NodeNumber, _ node: ProxyNode) -> EndpointTable.Route {
        if let routes = byNode[number] { return routes.route(traffic) }
        let routes = Routes(info, endpoints, pods, inIPVS: inIPVS, on: node)
        byNode[number] = routes
        return routes.route(traffic)
    }
}
