// What requests are told of Services: which endpoints a name leads to, and how evenly these were used.

import APIServer
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension Traffic {
    /// Something that requests go by changed in the store. Kube-proxies and the DNS server hear of Services and EndpointSlices each in its time.
    /// - Returns: the pods that are new to the engine.
    mutating func observe(_ event: WatchEvent, isKnown: Bool) -> [UID] {
        switch event.object {
        case .service(let service):
            let name = service.value.metadata.key
            services[name] = event.change == .deleted ? nil : service
            return publish(name, at: event.time, isKnown: isKnown) + route(at: event.time, isKnown: isKnown)
        case .endpointSlice(let slice):
            guard let name = slice.value.service else { return [] }
            slices[name, default: []].removeAll { $0.value.metadata.name == slice.value.metadata.name }
            if event.change != .deleted { slices[name, default: []].append(slice) }
            return publish(name, at: event.time, isKnown: isKnown)
        case .ingress(let ingress):
            ingresses.removeAll { $0.value.metadata.key == ingress.value.metadata.key }
            if event.change != .deleted { ingresses.append(ingress) }
            return route(at: event.time, isKnown: isKnown)
        case .networkPolicy(let policy):
            observe(policy, isGone: event.change == .deleted)
            return []
        default: return []
        }
    }

    /// Publishes the ports whose names lead to a Service or past it. Returns the pods that are new to the engine.
    private mutating func publish(_ name: NamespacedName, at time: SimulatedTime, isKnown: Bool) -> [UID] {
        var met: [UID] = []
        for index in ports.indices where destination(of: ports[index].target).way.contains(name) {
            met += publish(index, at: time, isKnown: isKnown)
        }
        return met
    }

    /// Where the name of a target leads.
    func destination(of target: TrafficTarget) -> (destination: ClusterDNS.Destination, way: [NamespacedName]) {
        dns.destination(of: target.service) { services[$0]?.value }
    }

    /// Publishes the present state of a port.
    mutating func publish(_ index: Int, at time: SimulatedTime, isKnown: Bool) -> [UID] {
        advance(to: time)
        settleShares(of: index)
        let port = ports[index]
        var met: [UID] = []
        var endpoints: [ProxyEndpoint] = []
        var numbers: [PodNumber] = []
        // No such Service or port (any more): its address leads nowhere.
        let name = ServicePortName(
            namespace: port.target.service.namespace, name: port.target.service.name, port: port.target.port ?? "", transport: .tcp)
        var info = ServicePortInfo(name: name, clusterIP: "", port: 0)
        switch destination(of: port.target).destination {
        case .nowhere: break
        case .host(let host):
            info.clusterIP = Service.headless
            endpoints = [ProxyEndpoint(address: host, port: 0)]
            numbers = [number(ofHost: host, port)]
        case .service(let service):
            guard let known = services[service]?.value, let found = known.port(port.target.port) else { break }
            info = found
            for endpoint in self.endpoints(of: known, found, podName: port.target.pod) {
                guard let pod = endpoint.pod else { continue }
                endpoints.append(endpoint)
                if let known = serverOfPod[pod.uid] {
                    numbers.append(known)
                } else {
                    numbers.append(meet(pod, on: endpoint.nodeName, port))
                    met.append(pod.uid)
                }
            }
        }
        engine.publish(info, endpoints: endpoints, pods: numbers, for: port.number, at: time, isKnown: isKnown)
        ports[index].endpoints = endpoints
        ports[index].transport = info.name.transport
        ports[index].members = numbers
        ports[index].ready = endpoints.indices.filter { endpoints[$0].isReady }.map { numbers[$0] }
        return met
    }

    /// The endpoints of a Service's port; of a headless one those that the name asked for has records of.
    private func endpoints(of service: Service, _ info: ServicePortInfo, podName: String?) -> [ProxyEndpoint] {
        let slices = (slices[service.metadata.key] ?? []).map(\.value)
        let all = ProxyEndpoint.endpoints(of: info.name, in: slices)
        guard info.isHeadless else { return podName == nil ? all : [] }
        let name = (podName.map { $0 + "." } ?? "") + dns.name(of: service.metadata.key)
        guard case .addresses(let addresses) = dns.answer(to: name, about: service, slices: slices) else { return [] }
        let recorded = Set(addresses)
        return all.filter { recorded.contains($0.address) }
    }

    /// A host outside of the cluster that an ExternalName Service stands for: it serves as the scenario says, always.
    private mutating func number(ofHost host: String, _ port: Port) -> PodNumber {
        if let known = serverOfHost[host] { return known }
        let number = engine.addPod(on: PodNetwork.outside, capacity: port.capacity)
        let name = NamespacedName(namespace: "", name: host)
        servers.append(Server(pod: Endpoint.PodReference(key: name, uid: UID(host)), manner: port.manner, service: port.target.service))
        serverOfHost[host] = number
        return number
    }

    private mutating func meet(_ pod: Endpoint.PodReference, on node: String?, _ port: Port) -> PodNumber {
        // A machine that replaces another may have its name.
        let place = engine.network.nodes.lastIndex { $0.name == node } ?? 0
        let number = engine.addPod(on: NodeNumber(place), capacity: port.capacity)
        engine.setCondition(.stopped, of: number)
        servers.append(Server(pod: pod, manner: port.manner, service: port.target.service))
        serverOfPod[pod.uid] = number
        return number
    }

    func endpointCounts(of target: TrafficTarget) -> (ready: Int, terminating: Int) {
        var counts = (ready: 0, terminating: 0)
        guard case .service(let name) = destination(of: target).destination else { return counts }
        for slice in slices[name] ?? [] {
            for endpoint in slice.value.endpoints {
                if endpoint.ready ?? true { counts.ready += 1 }
                if endpoint.terminating ?? false { counts.terminating += 1 }
            }
        }
        return counts
    }

    // MARK: Shares

    /// Before a port's endpoints change: what its pods got since the last change, and what an even split would have given the ready ones.
    private mutating func settleShares(of index: Int) {
        var attempts = 0.0
        for pod in ports[index].members {
            let received = engine.received(by: pod).attempts
            attempts += Double(received - servers[Int(pod)].settled)
            servers[Int(pod)].settled = received
        }
        let ready = ports[index].ready
        for pod in ready { servers[Int(pod)].evenShare += attempts / Double(ready.count) }
    }

    /// What each pod got, and what an even split would have given it.
    mutating func podRecords() -> [TrafficRecord.Pod] {
        for index in ports.indices { settleShares(of: index) }
        // A controller that is nowhere is no pod.
        return servers.indices.filter { !servers[$0].service.name.isEmpty }.map { index in
            let server = servers[index]
            return TrafficRecord.Pod(
                pod: server.pod.key, service: server.service, received: engine.received(by: PodNumber(index)).attempts,
                evenShare: server.evenShare, cpuSeconds: engine.cpuTime(of: PodNumber(index)).used)
        }
    }
}

extension Service {
    /// A port by its name (nil: the first), as kube-proxies and clients know it; nil if there is none.
    fileprivate func port(_ name: String?) -> ServicePortInfo? {
        guard isHeadless else { return ServicePortInfo.ports(of: self).first { name == nil || $0.name.port == name } }
        return ports.first { name == nil || $0.name == name }.map { port in
            let name = ServicePortName(
                namespace: metadata.namespace, name: metadata.name, port: port.name, transport: port.transport)
            return ServicePortInfo(name: name, clusterIP: Service.headless, port: port.port)
        }
    }
}

extension EndpointSlice {
    /// The Service whose endpoints these are.
    fileprivate var service: NamespacedName? {
        metadata.labels["kubernetes.io/service-name"].map { NamespacedName(namespace: metadata.namespace, name: $0) }
    }
}
