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
        let up = (0..<nodeAgent.count).map { nodeAgent.isMachineUp($0) }
        var clients: [[TrafficClient]] = []
        for (index, source) in sources.enumerated() {
            switch source.origin {
            case .pods(let namespace, let selector): clients.append(clientPods(namespace, selector))
            case .nodes(let selection):
                let chosen = selection == .all ? nil : Set(selected(selection))
                clients.append(
                    up.indices.filter { up[$0] && chosen?.contains($0) ?? true }.map { TrafficClient(node: $0, number: Int32($0)) })
            case .outside: clients.append(entries(of: index, up))
            }
        }
        let time = now
        traffic?.setClients(clients, at: time)
        judgeTraffic()
    }

    private mutating func clientPods(_ namespace: String, _ selector: LabelSelector) -> [TrafficClient] {
        var clients: [TrafficClient] = []
        for pod in api.objects.all(Pod.self).map(\.value) {
            guard pod.metadata.namespace == namespace, selector.matches(pod.metadata.labels), pod.canSend,
                let node = pod.nodeName.flatMap({ nodeAgent.number(of: $0) }), nodeAgent.isMachineUp(node),
                let number = traffic?.clientNumber(of: pod.metadata.uid)
            else { continue }
            clients.append(TrafficClient(node: node, number: number, pod: pod.metadata.key))
        }
        return clients
    }

    /// The nodes where a source's load balancer lets clients in. A node is healthy while its machine runs and, under
    /// `externalTrafficPolicy: Local`, it has a ready endpoint (what kube-proxy answers at the Service's `healthCheckNodePort`).
    private mutating func entries(of source: Int, _ up: [Bool]) -> [TrafficClient] {
        var health = up
        if let local = traffic?.nodesOfLocalEndpoints(source) {
            for node in health.indices where !local.contains(nodeAgent.name(of: node)) { health[node] = false }
        }
        let time = now
        if let next = traffic?.rotations[source]?.update(health, at: time), next != traffic?.nextDecision {
            traffic?.nextDecision = next
            queue.schedule(.loadBalancerDecides, at: next)
        }
        let members = traffic?.rotations[source]?.members ?? []
        return members.map { TrafficClient(node: $0, number: Int32($0), isDead: !up[$0]) }
    }

    /// A pod changed that may send requests, or be another one in the eyes of network policies.
    mutating func observeTrafficPod(_ pod: Shared<Pod>, _ event: WatchEvent) {
        let sends = traffic?.sendsFrom(pod.value) ?? false
        guard sends || traffic?.isPoliced ?? false else { return }
        var old: Shared<Pod>?
        if case .pod(let previous)? = event.previous { old = previous }
        let isGone = event.change == .deleted
        if sends, isGone || old.map({ $0.value.canSend != pod.value.canSend }) ?? true {
            placeClients()
        } else if old.map({ $0.value.metadata.labels != pod.value.metadata.labels }) ?? false {
            judgeTraffic()
        }
    }

    /// Judges by the network policies there are.
    mutating func judgeTraffic() {
        guard traffic?.isPoliced == true else { return }
        let time = now
        traffic?.judge(at: time) { [api] name in
            guard let pod = api.objects.get(Pod.self, name)?.value else { return nil }
            let namespace = api.objects.get(Namespace.self, NamespacedName(namespace: "", name: name.namespace))?.value
            return PolicyPeer(pod, namespaceLabels: namespace?.metadata.labels ?? [:])
        }
    }
}

extension Traffic {
    /// Whether a pod is one of those that send requests.
    fileprivate func sendsFrom(_ pod: Pod) -> Bool {
        sources.contains { source in
            guard case .pods(let namespace, let selector) = source.origin else { return false }
            return pod.metadata.namespace == namespace && selector.matches(pod.metadata.labels)
        }
    }

    /// The names of the nodes that have ready endpoints for a source, if traffic from outside must stay on the node; else nil.
    fileprivate func nodesOfLocalEndpoints(_ source: Int) -> Set<String>? {
        guard case .service(let name) = destination(of: sources[source].target).destination, let service = services[name]?.value,
            service.isExternallyAccessible, service.externalTrafficPolicy == .local
        else { return nil }
        return Set((slices[name] ?? []).flatMap(\.value.endpoints).filter { $0.ready ?? true }.compactMap(\.nodeName))
    }

    /// Whether anybody from outside is sent by where endpoints are.
    var balancesToLocalEndpoints: Bool { rotations.indices.contains { rotations[$0] != nil && nodesOfLocalEndpoints($0) != nil } }
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
