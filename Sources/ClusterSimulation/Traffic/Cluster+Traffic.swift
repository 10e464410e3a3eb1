// Where the cluster and its requests touch: what the cluster tells the engine of, and when.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork

extension Cluster {
    /// Sets the traffic up, once the nodes and the snapshot of time zero are in place: what is there then, every node knows.
    mutating func beginTraffic() {
        guard let configuration = configuration.value.traffic else { return }
        let nodes = (0..<nodeAgent.count).map { proxyNode($0) }
        traffic = Traffic(
            configuration, nodes: nodes, sampling: self.configuration.value.recording.requestSampling,
            warmUpEnd: self.configuration.value.recording.warmUp?.end, cpuMemory: self.configuration.value.metrics.memory,
            seed: self.configuration.value.seed)
        nodeAgent.followsServing = true
        for service in api.objects.all(Service.self) {
            observeTraffic(WatchEvent(.added, .service(service), previous: nil, time: now), isKnown: true)
        }
        for slice in api.objects.all(EndpointSlice.self) {
            observeTraffic(WatchEvent(.added, .endpointSlice(slice), previous: nil, time: now), isKnown: true)
        }
        for ingress in api.objects.all(Ingress.self) {
            observeTraffic(WatchEvent(.added, .ingress(ingress), previous: nil, time: now), isKnown: true)
        }
        for policy in api.objects.all(NetworkPolicy.self) {
            observeTraffic(WatchEvent(.added, .networkPolicy(policy), previous: nil, time: now), isKnown: true)
        }
        placeClients()
        judgeTraffic()
        traffic?.hasBegun = true
        if traffic?.usesCPU == true { queue.schedule(.requestsMeasured, at: now + Traffic.measuringInterval) }
    }

    /// Something changed that requests may go by.
    mutating func observeTraffic(_ event: WatchEvent, isKnown: Bool = false) {
        if traffic != nil, case .endpointSlice(let slice) = event.object { findOwners(of: slice.value) }
        guard let touched = traffic?.observe(event, isKnown: isKnown) else { return }
        judge(touched)
        for pod in touched { refreshServing(of: pod) }
        switch event.object {
        case .service(let service): if !isKnown { endpointsChanged(of: service.value.metadata.key) }
        case .endpointSlice(let slice): if !isKnown, let service = slice.value.service { endpointsChanged(of: service) }
        case .networkPolicy, .namespace: if !isKnown { judgeTraffic() }
        default: break
        }
    }

    /// What becomes of requests to a pod may have changed.
    mutating func refreshServing(of pod: UID) {
        let time = now
        let serving = nodeAgent.serving(of: pod, at: time)
        let next = traffic?.set(serving, of: pod, at: time)
        refreshProcessors(of: pod)
        guard let (place, next) = next else { return }
        queue.schedule(.servingChanges(Int32(place)), at: next)
    }

    mutating func refreshServing(ofPlace place: Int32) {
        if let pod = traffic?.servers.pods[Int(place)].reference.uid { refreshServing(of: pod) }
    }

    /// Kubelets did something about pods, or machines stopped or came back.
    mutating func followServing() {
        if nodeAgent.takeChangeOfMachines() { machinesChanged() }
        for pod in nodeAgent.takeTouchedPods() where traffic?.servers.place(of: pod) != nil { refreshServing(of: pod) }
    }

    /// Machines joined, stopped or came back: their pods with them, and the clients that were on them.
    private mutating func machinesChanged() {
        guard let known = traffic?.nodeCount, let pods = traffic?.servers.podNames else { return }
        for number in known..<max(known, nodeAgent.count) {
            let node = proxyNode(number)
            traffic?.addNode(node)
        }
        for pod in pods { refreshServing(of: pod) }
        placeClients()
    }

    // MARK: Partitions

    /// A failure cuts nodes off from all others.
    mutating func partition(_ numbers: [Int], by failure: Int) {
        guard traffic != nil else { return }
        for number in numbers { traffic?.partitions.cut(number, by: failure) }
        let time = now
        traffic?.divide(at: time)
    }

    /// That failure is over for a node.
    mutating func unite(_ number: Int, after failure: Int) {
        guard traffic?.partitions.heal(number, of: failure) == true else { return }
        let time = now
        traffic?.divide(at: time)
    }

    /// Whether a node's kube-proxy hears of changes may have changed. One that was cut off lists anew after a back-off, as kubelets do.
    mutating func followProxy(of number: Int) {
        guard traffic != nil else { return }
        let time = now
        if faults[node: number].isCutOff {
            traffic?.cutProxy(of: number, at: time)
        } else {
            var stream = RandomStream(seed: configuration.value.seed, purpose: .proxyReconnection, owner: nodeAgent.name(of: number))
            stream.index = UInt64(now.nanoseconds / 1_000_000_000)
            let wait = configuration.value.timing.watchReconnection * stream.uniform()
            traffic?.reconnectProxy(of: number, at: time, hearsFrom: time + wait)
        }
    }

    /// A node as it is stored, or about to be: one that joins has a machine first.
    func knownNode(_ number: Int) -> Node {
        let name = NamespacedName(namespace: "", name: nodeAgent.name(of: number))
        return api.objects.get(Node.self, name)?.value ?? nodeAgent.registration(of: number)
    }

    private func proxyNode(_ number: Int) -> ProxyNode {
        ProxyNode(name: nodeAgent.name(of: number), zone: knownNode(number).metadata.labels[Node.zoneLabel] ?? "")
    }
}

extension RandomPurpose {
    static let proxyReconnection = RandomPurpose("kube-proxy's watch reconnection")
}
