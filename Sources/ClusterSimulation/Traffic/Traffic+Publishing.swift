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
        if isWithdrawn(ports[index], destination, way) {
            engine.withdraw(ports[index].number, at: time, isKnown: isKnown)
            ports[index].ready = []
            return []
        }
        var published = PublishedEndpoints()
        var isProxied = true
        // No such Service or port (any more): its address leads nowhere.
        let name = ServicePortName(
            namespace: target.service.namespace, name: target.service.name, port: target.port ?? "", transport: .tcp)
        var info = ServicePortInfo(name: name, clusterIP: "", port: 0)
        switch destination {
        case .nowhere: break
        case .host(let host):
            info.clusterIP = Service.headless
            published = endpoints(of: index, at: host)
        case .service(let service):
            guard let known = services[service]?.value, let found = known.port(target) else { break }
            info = found
            isProxied = found.isHeadless || !known.isLeftToAnotherProxy
            ports[index].addressee = found.isHeadless ? nil : service
            published = endpoints(of: index, known, found)
        }
        engine.publish(
            info, endpoints: published.endpoints, pods: published.servers, for: ports[index].number, isProxied: isProxied, at: time,
            isKnown: isKnown)
        ports[index].ready = published.endpoints.indices.filter { published.endpoints[$0].isReady }.map { published.servers[$0] }
        return published.touched
    }

    /// Whether clients know the address of a Service that is gone, or of a port that it has no more. Of the latter, iptables rules say
    /// nothing; nftables and IPVS refuse what is for an address of theirs at a port of nobody's.
    private func isWithdrawn(_ port: Port, _ destination: ClusterDNS.Destination, _ way: [NamespacedName]) -> Bool {
        guard let addressee = port.addressee else { return false }
        switch destination {
        case .nowhere: return way.last == addressee
        case .service(let name):
            guard name == addressee, let service = services[name]?.value else { return false }
            return configuration.proxyMode == .iptables && !service.isHeadless && service.port(port.target) == nil
        case .host: return false
        }
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
    /// The port of a target, as kube-proxies and clients know it; nil if there is none. A load balancer has an address from the start.
    func port(_ target: TrafficTarget) -> ServicePortInfo? {
        func isMeant(_ name: String, _ number: Int32) -> Bool {
            target.number.map { $0 == number } ?? (target.port == nil || target.port == name)
        }
        guard isHeadless else {
            let ingress = type == .loadBalancer ? [LoadBalancerIngress(ip: Service.balancerAddress)] : []
            return ServicePortInfo.ports(of: self, ingress: ingress).first { isMeant($0.name.port, $0.port) }
        }
        return ports.first { isMeant($0.name, $0.port) }.map { port in
            let name = ServicePortName(
                namespace: metadata.namespace, name: metadata.name, port: port.name, transport: port.transport)
            return ServicePortInfo(name: name, clusterIP: Service.headless, port: port.port)
        }
    }

    /// Of every load balancer: nobody tells them apart (an address for documentation, RFC 5737).
    private static let balancerAddress = "192.0.2.1"
}
