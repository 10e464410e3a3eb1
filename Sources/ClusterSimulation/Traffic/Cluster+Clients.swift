// Where the clients of the scenario's sources are: on nodes, in pods, or outside, from where a load balancer lets them in.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork

extension Cluster {
    /// Clients are pods that are ready, or send from the nodes of their selection, all only while the machines are up; or they come in where the
    /// load balancer sends them, up or not.
    mutating func placeClients() {
        guard let sources = traffic?.sources else { return }
        let (up, time) = (machinesUp, now)
        traffic?.setMachines(up, at: time)
        var next: SimulatedTime?
        for (index, source) in sources.enumerated() {
            switch source.origin {
            case .pods: set(clientPods(of: source), of: index)
            case .nodes(let selection):
                let chosen = selection == .all ? nil : Set(selected(selection))
                set(
                    up.indices.filter { up[$0] && chosen?.contains($0) ?? true }.map { TrafficClient(onNode: $0) },
                    of: index)
            case .outside:
                _ = traffic?.updateLocalNodes(of: index)
                set(entries(of: index, up, &next), of: index)
            }
        }
        awaitDecision(at: next)
    }

    /// A Service or its endpoints changed. Load balancers look at these only under a `Local` policy, and there only at which nodes have some: nothing else is a
    /// reason to look at nodes, and this only at those that got their first or lost their last.
    mutating func endpointsChanged(of service: NamespacedName) {
        guard let sources = traffic?.sources else { return }
        var next: SimulatedTime?
        for index in sources.indices where sources[index].origin == .outside && traffic?.leads(index, to: service) == true {
            switch traffic?.updateLocalNodes(of: index) {
            case .nodes(let nodes)?:
                for node in nodes {
                    let (health, time) = (isHealthy(node, for: index), now)
                    traffic?.rotations[index]?.update(node, health, at: time)
                }
                if !nodes.isEmpty { decide(index, &next) }
            case .policy?: set(entries(of: index, machinesUp, &next), of: index)
            case nil: break
            }
        }
        awaitDecision(at: next)
    }

    /// A load balancer changes its mind about a node. Decisions that others overtook are none.
    mutating func loadBalancerDecides() {
        guard traffic?.nextDecision == now, let sources = traffic?.sources else { return }
        traffic?.nextDecision = nil
        var next: SimulatedTime?
        for index in sources.indices where sources[index].origin == .outside { decide(index, &next) }
        awaitDecision(at: next)
    }

    /// Lets a source's load balancer decide what it has to, and its clients come in accordingly.
    /// `next` becomes the time of its next decision, if that is earlier.
    private mutating func decide(_ source: Int, _ next: inout SimulatedTime?) {
        let (time, before) = (now, traffic?.rotations[source]?.healthyCount)
        guard let decided = traffic?.rotations[source]?.decide(at: time), let rotation = traffic?.rotations[source] else { return }
        if let decision = rotation.nextDecision { next = min(next ?? decision, decision) }
        if decided.isEmpty { return }
        // Where there was or is none, all are in.
        if before == 0 || rotation.healthyCount == 0 {
            set(rotation.members.filter(isBalanced).map { TrafficClient(onNode: $0, isDead: !nodeAgent.isMachineUp($0)) }, of: source)
            return
        }
        let peers = policyPeers
        let changes = decided.map { node in
            (Int32(node), rotation.isIn(node) && isBalanced(node) ? TrafficClient(onNode: node, isDead: !nodeAgent.isMachineUp(node)) : nil)
        }
        for (number, client) in changes { traffic?.setClient(number, to: client, of: source, at: time, peers) }
    }

    /// One event stands for the next decision of all load balancers.
    private mutating func awaitDecision(at next: SimulatedTime?) {
        guard let next, traffic?.nextDecision.map({ next < $0 }) ?? true else { return }
        traffic?.nextDecision = next
        queue.schedule(.loadBalancerDecides, at: next)
    }

    private var machinesUp: [Bool] { (0..<nodeAgent.count).map { nodeAgent.isMachineUp($0) } }

    private mutating func set(_ clients: [TrafficClient], of source: Int) {
        let (time, peers) = (now, policyPeers)
        traffic?.setClients(clients, of: source, at: time, peers)
    }

    private mutating func clientPods(of source: TrafficSource) -> [TrafficClient] {
        api.objects.all(Pod.self).compactMap { client($0.value, of: source) }.sorted { $0.number < $1.number }
    }

    /// A pod as a client of a source; nil if it does not send now.
    private mutating func client(_ pod: Pod, of source: TrafficSource) -> TrafficClient? {
        guard source.isSent(from: pod), pod.canSend, let node = pod.nodeName.flatMap({ nodeAgent.number(of: $0) }),
            nodeAgent.isMachineUp(node),
            let number = traffic?.clientNumber(of: pod.metadata.uid)
        else { return nil }
        return TrafficClient(
            node: node, number: number, address: AddressRange.address(pod.status.podIP) ?? UInt32(number), pod: pod.metadata.key)
    }

    /// The nodes where a source's load balancer lets clients in, after a look at all of them.
    /// `next` becomes the time of its next decision, if that is earlier.
    private mutating func entries(of source: Int, _ up: [Bool], _ next: inout SimulatedTime?) -> [TrafficClient] {
        let (health, time) = (up.indices.map { isHealthy($0, for: source) }, now)
        if let decision = traffic?.rotations[source]?.update(health, at: time) { next = min(next ?? decision, decision) }
        let members = traffic?.rotations[source]?.members ?? []
        return members.filter(isBalanced).map { TrafficClient(onNode: $0, isDead: !up[$0]) }
    }

    /// Whether load balancers know a node at all: the service controller leaves out those with this label.
    private func isBalanced(_ node: Int) -> Bool { !knownNode(node).isExcludedFromBalancers }

    /// Load balancers hear of nodes that are excluded from now on, or not any more.
    mutating func observeTrafficNode(_ node: Node, _ event: WatchEvent) {
        guard traffic != nil, event.change == .modified, case .node(let old)? = event.previous,
            old.value.isExcludedFromBalancers != node.isExcludedFromBalancers
        else { return }
        placeClients()
    }

    /// Whether checks of a source's load balancer find a node healthy: its machine runs and, under `externalTrafficPolicy: Local`, it has a ready endpoint (what
    /// kube-proxy answers at the Service's `healthCheckNodePort`).
    private func isHealthy(_ node: Int, for source: Int) -> Bool {
        nodeAgent.isMachineUp(node) && isBalanced(node) && (traffic?.localNodes[source]?.contains(NodeNumber(node)) ?? true)
    }

    /// A pod changed that may send requests, or be another one in the eyes of network policies.
    mutating func observeTrafficPod(_ pod: Shared<Pod>, _ event: WatchEvent) {
        guard let sources = traffic?.sources, let isPoliced = traffic?.isPoliced else { return }
        var old: Pod?
        if case .pod(let previous)? = event.previous { old = previous.value }
        let isGone = event.change == .deleted
        if let old, old.status.podIP != pod.value.status.podIP { followAddress(of: old, isGone: true) }
        followAddress(of: pod.value, isGone: isGone)
        let looksDifferent =
            old.map { $0.metadata.labels != pod.value.metadata.labels || $0.status.podIP != pod.value.status.podIP } ?? true
        guard isGone || looksDifferent || old?.canSend != pod.value.canSend else { return }
        let (time, peers) = (now, policyPeers)
        for (index, source) in sources.enumerated() {
            guard source.isSent(from: pod.value) || old.map({ source.isSent(from: $0) }) ?? false else { continue }
            let client = isGone ? nil : client(pod.value, of: source)
            guard let number = traffic?.clientNumber(of: pod.value.metadata.uid) else { continue }
            traffic?.setClient(number, to: client, of: index, at: time, peers)
        }
        if isPoliced, looksDifferent, !isGone { judge([pod.value.metadata.uid]) }
    }

    /// Judges by the network policies there are.
    mutating func judgeTraffic() {
        let (time, peers) = (now, policyPeers)
        traffic?.judge(at: time, peers)
    }

    /// The same for pods that were not met before, or changed.
    mutating func judge(_ pods: [UID]) {
        let (time, peers) = (now, policyPeers)
        traffic?.judge(pods, at: time, peers)
    }

    /// Pods as network policies see them, by their names.
    private var policyPeers: (NamespacedName) -> PolicyPeer? {
        { [api] name in
            guard let pod = api.objects.get(Pod.self, name)?.value else { return nil }
            let namespace = api.objects.get(Namespace.self, NamespacedName(namespace: "", name: name.namespace))?.value
            return PolicyPeer(pod, namespaceLabels: namespace?.metadata.labels ?? [:])
        }
    }
}

extension Traffic {
    /// Whether the name that a source asks for leads to a Service, or past it.
    fileprivate func leads(_ source: Int, to service: NamespacedName) -> Bool {
        destination(of: sources[source].target).way.contains(service)
    }

    /// What a change of a Service or its endpoints means for a load balancer.
    fileprivate enum LocalChange {
        /// The nodes that have ready endpoints now and had none, or the other way round; none if that is all the same to it.
        case nodes([Int])
        /// It looks at endpoints from now on, or does not any more.
        case policy
    }

    /// Brings ``localNodes`` up to date.
    fileprivate mutating func updateLocalNodes(of source: Int) -> LocalChange {
        let (old, new) = (localNodes[source], nodesOfLocalEndpoints(source))
        localNodes[source] = new
        switch (old, new) {
        case (nil, nil): return .nodes([])
        case (let old?, let new?): return .nodes(new.difference(from: old))
        case (nil, _), (_, nil): return .policy
        }
    }

    /// The nodes that have ready endpoints for a source, if traffic from outside must stay on the node; else nil.
    private func nodesOfLocalEndpoints(_ source: Int) -> LocalNodes? {
        guard case .service(let name) = destination(of: sources[source].target).destination, let service = services[name]?.value,
            service.isExternallyAccessible, service.externalTrafficPolicy == .local
        else { return nil }
        return LocalNodes(
            (slices[name] ?? []).flatMap(\.value.endpoints).filter { $0.ready ?? true }.compactMap { servers.number(ofNode: $0.nodeName) })
    }
}

extension TrafficSource {
    /// Whether a pod is one of those that send its requests.
    fileprivate func isSent(from pod: Pod) -> Bool {
        guard case .pods(let namespace, let selector) = origin else { return false }
        return pod.metadata.namespace == namespace && selector.matches(pod.metadata.labels)
    }
}

extension Node {
    fileprivate var isExcludedFromBalancers: Bool { metadata.labels["node.kubernetes.io/exclude-from-external-load-balancers"] != nil }
}

extension Pod {
    /// Whether a pod that sends requests does so now.
    fileprivate var canSend: Bool { isReady && metadata.deletionTimestamp == nil }
}

extension PolicyPeer {
    fileprivate init(_ pod: Pod, namespaceLabels: Labels) {
        let ports = pod.spec.value.containers.flatMap(\.ports).filter { !$0.name.isEmpty }
            .map { NamedPort($0.name, $0.containerPort, $0.transport) }
        let identity = PodIdentity(
            namespace: pod.metadata.namespace, labels: pod.metadata.labels, namespaceLabels: namespaceLabels, ports: ports)
        self.init(pod: identity, address: AddressRange.address(pod.status.podIP) ?? 0)
    }
}

extension TrafficClient {
    /// Nodes have no addresses here: numbers in a private range (172.16.0.0/12) stand for them.
    static func address(ofNode number: Int) -> UInt32 { 172 << 24 | 16 << 16 | 1 + UInt32(number) }

    /// Whoever sends from a node, or comes in there.
    fileprivate init(onNode node: Int, isDead: Bool = false) {
        self.init(node: node, number: Int32(node), address: TrafficClient.address(ofNode: node), isDead: isDead)
    }
}
