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
            configuration, nodes: nodes, cpuMemory: self.configuration.value.metrics.memory, seed: self.configuration.value.seed)
        nodeAgent.followsServing = true
        for service in api.objects.all(Service.self) {
            observeTraffic(WatchEvent(.added, .service(service), previous: nil, time: now), isKnown: true)
        }
        for slice in api.objects.all(EndpointSlice.self) {
            observeTraffic(WatchEvent(.added, .endpointSlice(slice), previous: nil, time: now), isKnown: true)
        }
        placeClients()
        if traffic?.usesCPU == true { queue.schedule(.requestsMeasured, at: now + Traffic.measuringInterval) }
    }

    /// A Service or its endpoints changed.
    mutating func observeTraffic(_ event: WatchEvent, isKnown: Bool = false) {
        guard let met = traffic?.observe(event, isKnown: isKnown) else { return }
        for pod in met { refreshServing(of: pod) }
    }

    /// What becomes of requests to a pod may have changed.
    mutating func refreshServing(of pod: UID) {
        let time = now
        let serving = nodeAgent.serving(of: pod, at: time)
        let next = traffic?.set(serving, of: pod, at: time)
        refreshProcessors(of: pod)
        guard let (server, next) = next else { return }
        queue.schedule(.servingChanges(server), at: next)
    }

    mutating func refreshServing(ofServer number: PodNumber) {
        if let pod = traffic?.pod(number) { refreshServing(of: pod) }
    }

    /// Kubelets did something about pods, or machines stopped or came back.
    mutating func followServing() {
        if nodeAgent.takeChangeOfMachines() { machinesChanged() }
        for pod in nodeAgent.takeTouchedPods() where traffic?.follows(pod) == true { refreshServing(of: pod) }
    }

    /// Machines joined, stopped or came back: their pods with them, and the clients that were on them.
    private mutating func machinesChanged() {
        guard let known = traffic?.nodeCount, let pods = traffic?.pods else { return }
        for number in known..<max(known, nodeAgent.count) {
            let node = proxyNode(number)
            traffic?.addNode(node)
        }
        for pod in pods { refreshServing(of: pod) }
        placeClients()
    }

    /// Clients send from the nodes of their selection whose machines are up.
    private mutating func placeClients() {
        let up = (0..<nodeAgent.count).filter { nodeAgent.isMachineUp($0) }
        guard let sources = traffic?.sources else { return }
        let nodes = sources.map { source in
            guard case .nodes(let selection) = source.origin, selection != .all else { return up }
            let all = Set(selected(selection))
            return up.filter { all.contains($0) }
        }
        let time = now
        traffic?.setNodes(nodes, at: time)
    }

    private func proxyNode(_ number: Int) -> ProxyNode {
        let name = nodeAgent.name(of: number)
        let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name))?.value
        return ProxyNode(name: name, zone: node?.metadata.labels[Node.zoneLabel] ?? "")
    }
}
