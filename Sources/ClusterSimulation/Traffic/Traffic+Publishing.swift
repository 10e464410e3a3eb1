// What requests are told of Services: which endpoints a name leads to, and how evenly these were used.

import APIServer
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension Traffic {
    /// Something that requests go by changed in the store. Kube-proxies and the DNS server hear of Services and EndpointSlices each in its time.
    /// - Returns: the pods that have to be looked at: they are new, or stop in another way from now on.
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

    /// Publishes the ports whose names lead to a Service or past it. Returns the pods that have to be looked at.
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

    /// Publishes the present state of a port. Returns the pods that have to be looked at.
    mutating func publish(_ index: Int, at time: SimulatedTime, isKnown: Bool) -> [UID] {
        advance(to: time)
        settleShares(of: index)
        let target = ports[index].target
        let (destination, way) = destination(of: target)
        bind(index, to: configuration.entry(of: target, on: way))
        var change = Change()
        // No such Service or port (any more): its address leads nowhere.
        let name = ServicePortName(
            namespace: target.service.namespace, name: target.service.name, port: target.port ?? "", transport: .tcp)
        var info = ServicePortInfo(name: name, clusterIP: "", port: 0)
        switch destination {
        case .nowhere: break
        case .host(let host):
            info.clusterIP = Service.headless
            let port = target.port.flatMap { Int32($0) } ?? 0
            add(ProxyEndpoint(address: host, port: port), servers.place(ofHost: host), on: PodNetwork.outside, info, index, &change)
        case .service(let service):
            guard let known = services[service]?.value, let found = known.port(target.port) else { break }
            info = found
            for endpoint in endpoints(of: known, found, podName: target.pod) {
                guard let pod = endpoint.pod else { continue }
                add(endpoint, servers.place(of: pod), on: servers.node(named: endpoint.nodeName), info, index, &change)
            }
        }
        engine.publish(info, endpoints: change.endpoints, pods: change.pods, for: ports[index].number, at: time, isKnown: isKnown)
        ports[index].ready = zip(change.endpoints, change.pods).filter { $0.0.isReady }.map(\.1)
        return change.touched
    }

    /// The endpoints that are to be published, and the pods that have to be looked at.
    private struct Change {
        var endpoints: [ProxyEndpoint] = []
        var pods: [PodNumber] = []
        var touched: [UID] = []
    }

    private mutating func add(
        _ endpoint: ProxyEndpoint, _ pod: Int, on node: NodeNumber, _ info: ServicePortInfo, _ index: Int, _ change: inout Change
    ) {
        let (number, isChanged) = server(pod, on: node, port: endpoint.port, info.name.transport, entry: ports[index].entry)
        share(index, with: number)
        change.endpoints.append(endpoint)
        change.pods.append(number)
        if isChanged { change.touched.append(servers.pods[pod].reference.uid) }
    }

    /// The endpoints of a Service's port; of a headless one those that the name asked for has records of.
    func endpoints(of service: Service, _ info: ServicePortInfo, podName: String?) -> [ProxyEndpoint] {
        let slices = (slices[service.metadata.key] ?? []).map(\.value)
        let all = ProxyEndpoint.endpoints(of: info.name, in: slices)
        guard info.isHeadless else { return podName == nil ? all : [] }
        let name = (podName.map { $0 + "." } ?? "") + dns.name(of: service.metadata.key)
        guard case .addresses(let addresses) = dns.answer(to: name, about: service, slices: slices) else { return [] }
        let recorded = Set(addresses)
        return all.filter { recorded.contains($0.address) }
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
}

extension Service {
    /// A port by its name (nil: the first), as kube-proxies and clients know it; nil if there is none.
    func port(_ name: String?) -> ServicePortInfo? {
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
    var service: NamespacedName? {
        metadata.labels["kubernetes.io/service-name"].map { NamespacedName(namespace: metadata.namespace, name: $0) }
    }
}
