// Requests through Ingresses: from the source to the controller's pods, and from those to the pods of the Service that host and path lead to.
//
// To the engine, a controller's pods are pods that make one call for each request. Which Service they call follows the rules of the Ingresses
// at the time. They know EndpointSlices from their own watch and balance by themselves, past kube-proxy.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension Traffic {
    /// The way of one source's requests.
    struct IngressWay: Sendable {
        let source: String
        let address: IngressAddress
        /// The controller's port, which this source alone uses.
        let port: PortNumber
        /// The target that its pods call now; nil: none, and every request fails.
        var target: TrafficTarget?
        /// The calls that were ever made, by target.
        var calls: [TrafficTarget: SourceNumber] = [:]
    }

    /// The port through which a source's requests for an address go. It leads nowhere before the first Ingress is known.
    mutating func addIngressPort(_ address: IngressAddress, of source: TrafficSource) -> PortNumber {
        let port: PortNumber
        if let controller = configuration.ingress.controller {
            port = addPort(controller, isShared: false)
        } else {
            port = engine.addPort(PortBehaviour(serviceTime: .constant(.zero)))
            let name = ServicePortName(namespace: "", name: "", port: "", transport: .tcp)
            engine.publish(
                ServicePortInfo(name: name, clusterIP: Service.headless, port: 0), endpoints: [ProxyEndpoint(address: "", port: 0)],
                pods: [controllerSomewhere()], for: port, at: engine.now, isKnown: true)
        }
        engine.setFailing(true, at: port)
        ways.append(IngressWay(source: source.name, address: address, port: port))
        return port
    }

    /// A controller of which the scenario says nothing: it is somewhere in the cluster, takes no time and never fails.
    private mutating func controllerSomewhere() -> PodNumber {
        server(servers.place(ofHost: ""), on: PodNetwork.somewhere, port: 0, .tcp, entry: nil).number
    }

    /// Leads requests for Ingresses where these lead them now. Returns the pods that have to be looked at.
    mutating func route(at time: SimulatedTime, isKnown: Bool) -> [UID] {
        if ways.isEmpty { return [] }
        let className = configuration.ingress.className
        let ofClass = ingresses.map(\.value).filter { className == nil || $0.servedClass == className }
        let rules = IngressRules(of: ofClass)
        var met: [UID] = []
        for index in ways.indices {
            let backend = rules.backend(host: ways[index].address.host, path: ways[index].address.path)
            let target = backend.flatMap { TrafficTarget($0, dns: dns) { services[$0]?.value } }
            guard target != ways[index].target else { continue }
            advance(to: time)
            ways[index].target = target
            guard let target else {
                engine.setCalls(of: ways[index].port, [])
                engine.setFailing(true, at: ways[index].port)
                continue
            }
            if ways[index].calls[target] == nil {
                let known = ports.count
                ways[index].calls[target] = addCall(of: ways[index].source, to: target, at: time)
                for port in known..<ports.count { met += publish(port, at: time, isKnown: isKnown) }
            }
            engine.setCalls(of: ways[index].port, [ways[index].calls[target].map { [$0] } ?? []])
            engine.setFailing(false, at: ways[index].port)
        }
        return met
    }

    private mutating func addCall(of source: String, to target: TrafficTarget, at time: SimulatedTime) -> SourceNumber {
        var call = RequestSource(name: "\(source) -> \(target)", arrivals: .onDemand, port: number(of: target), nodes: [])
        call.policy = configuration.ingress.policy
        call.discovery = .watching(configuration.ingress.balancing)
        record.add(call.name, target, isCall: true, at: time)
        return engine.addSource(call)
    }
}
