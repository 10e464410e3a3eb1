// Whether the Services that requests are for exist, and which of their ports are meant.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension ScenarioReferences {
    /// Requests need Services that are there, with the ports they name and an address they can reach.
    /// - Returns: the same traffic with the name of every port as the simulation has it: the first port of a Service is nil, whatever the scenario calls it.
    mutating func resolve(
        _ traffic: TrafficConfiguration, _ node: YAMLNode, _ decoder: inout ScenarioDecoder
    ) -> TrafficConfiguration {
        var traffic = traffic
        if let controller = traffic.ingress.controller, let place = node["ingress"] {
            traffic.ingress.controller = resolve(controller, place, field: "controller", &decoder)
            traffic.ingress.controller?.number = nil
        }
        let places = node["services"].map { Array($0.elements) } ?? []
        // Where something could not be read, that is said already.
        let entriesAreWhole = traffic.services.count == places.count
        if entriesAreWhole { for index in places.indices { resolve(&traffic.services[index], places[index], &decoder) } }
        let sources = node["sources"].map { Array($0.elements) } ?? []
        guard traffic.sources.count == sources.count else { return traffic }
        for index in sources.indices { resolve(&traffic.sources[index], of: traffic.ingress, sources[index], &decoder) }
        if entriesAreWhole, workloadsAreKnown { checkEntries(of: traffic, places, &decoder) }
        return traffic
    }

    // MARK: Sources

    private mutating func resolve(
        _ source: inout TrafficSource, of ingress: IngressConfiguration, _ place: YAMLNode, _ decoder: inout ScenarioDecoder
    ) {
        if let address = source.ingress {
            check(address, ingress, place["ingress"] ?? place, &decoder)
            if let controller = ingress.controller { source.target = controller }
        } else {
            source.target = resolve(source.target, place, &decoder)
            checkTimeout(of: source.policy, to: source.target, place, &decoder)
            checkPods(of: source.target, place["service"] ?? place, &decoder)
        }
        switch source.origin {
        case .nodes(let selection): check(selection, place["from"] ?? place, &decoder)
        case .pods(let namespace, let selector):
            if let podLabels, workloadsAreKnown, !(podLabels[namespace] ?? []).contains(where: selector.matches) {
                decoder.context.warning(
                    place["fromPods"] ?? place,
                    "no pod of namespace \(namespace) in objects, snapshot or timeline has these labels: nobody sends")
            }
        case .outside:
            guard let service = services[source.target.service] else { return }
            let firewall = LoadBalancerFirewall(sourceRanges: service.loadBalancerSourceRanges)
            if let clients = source.population, !firewall.admitsAny(of: clients) {
                let (first, last) = (clients.firstAddress, clients.firstAddress &+ UInt32(clients.count - 1))
                decoder.context.warning(
                    place["addresses"] ?? place["from"] ?? place,
                    "loadBalancerSourceRanges of Service \(source.target.service) let none of \(AddressRange.text(first)) to "
                        + "\(AddressRange.text(last)) in: all requests time out")
            }
            let versions = serviceVersions[source.target.service] ?? []
            guard !versions.contains(where: \.isExternallyAccessible) else { return }
            decoder.context.error(
                place["from"] ?? place,
                "Service \(source.target.service) is not reached from outside: it needs type NodePort or LoadBalancer, or externalIPs")
        }
    }

    /// Warns of sources that begin after the end.
    func checkStarts(of traffic: TrafficConfiguration, _ node: YAMLNode, end: SimulatedTime, _ decoder: inout ScenarioDecoder) {
        let places = node["sources"].map { Array($0.elements) } ?? []
        guard traffic.sources.count == places.count else { return }
        for (source, place) in zip(traffic.sources, places) { checkTime(source.start, place["start"] ?? place, end: end, &decoder) }
    }

    /// Some Ingress must lead a request somewhere.
    private func check(_ address: IngressAddress, _ ingress: IngressConfiguration, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard workloadsAreKnown else { return }
        guard let backend = IngressRules(of: served(by: ingress)).backend(host: address.host, path: address.path) else {
            let ofClass = ingress.className.map { " of class \($0)" } ?? ""
            decoder.context.error(node, "no Ingress\(ofClass) in objects, snapshot or timeline has a rule for \(address)")
            return
        }
        if services[backend.service] == nil {
            decoder.context.error(node, "an Ingress leads \(address) to Service \(backend.service), which does not exist")
        } else if TrafficTarget(backend, service: { services[$0] }) == nil {
            decoder.context.error(
                node, "an Ingress leads \(address) to port \(backend.port) of Service \(backend.service), which has no such port")
        }
    }

    private func served(by ingress: IngressConfiguration) -> [Ingress] {
        ingresses.filter { ingress.className == nil || $0.servedClass == ingress.className }
    }

    /// No kernel gives a datagram up.
    private func checkTimeout(of policy: RequestPolicy, to target: TrafficTarget, _ place: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard policy.timeout == nil, case .service(let name) = destination(of: target.service).destination,
            let ports = services[name]?.ports,
            let port = target.port.map({ text in ports.first { $0.name == text } }) ?? ports.first, port.transport == .udp
        else { return }
        decoder.context.error(
            place, "needs \"timeout\": port \(port.port) of Service \(name) is UDP, where nothing else ends a request that is lost")
    }

    // MARK: Targets

    /// Where the name of a Service leads.
    private func destination(of name: NamespacedName) -> (destination: ClusterDNS.Destination, way: [NamespacedName]) {
        ClusterDNS().destination(of: name) { services[$0] }
    }

    /// A target with its port as the simulation has it.
    private func resolve(
        _ target: TrafficTarget, _ node: YAMLNode, field: String = "service", _ decoder: inout ScenarioDecoder
    ) -> TrafficTarget {
        guard workloadsAreKnown else { return target }
        let place = node[field] ?? node
        guard let named = services[target.service] else {
            decoder.context.error(place, "there is no Service \(target.service)")
            return target
        }
        if target.pod != nil, !named.isHeadless {
            decoder.context.error(node["pod"] ?? node, "Service \(target.service) is not headless: its pods have no names")
        }
        switch destination(of: target.service).destination {
        case .host: return target
        case .nowhere:
            decoder.context.warning(place, "Service \(target.service) is an alias that leads to no Service: requests are refused")
            return target
        case .service(let name):
            guard let service = services[name] else { return target }
            return resolve(target, in: service, node, place, &decoder)
        }
    }

    private func resolve(
        _ target: TrafficTarget, in service: Service, _ node: YAMLNode, _ place: YAMLNode, _ decoder: inout ScenarioDecoder
    ) -> TrafficTarget {
        if service.ports.isEmpty {
            decoder.context.error(place, "Service \(service.metadata.key) has no port")
            return target
        }
        guard let text = target.port else { return target }
        let versions = serviceVersions[service.metadata.key] ?? [service]
        // Names of ports have a letter in them.
        func position(in service: Service) -> Int? { service.ports.firstIndex { $0.name == text || String($0.port) == text } }
        guard let found = versions.last(where: { position(in: $0) != nil }), let index = position(in: found) else {
            let known = service.ports.map { String($0.port) + ($0.name.isEmpty ? "" : " (\($0.name))") }
            decoder.context.error(
                node["port"] ?? node, "Service \(service.metadata.key) has no port \"\(text)\"; it has " + known.joined(separator: ", "))
            return target
        }
        var resolved = target
        let isAlwaysFirst = versions.allSatisfy { $0.ports.isEmpty || position(in: $0) == 0 }
        resolved.port = isAlwaysFirst || found.ports[index].name.isEmpty ? nil : found.ports[index].name
        // Where the Service has that number always, equal ports are equal targets, however they are named.
        if let number = Int32(text), !versions.allSatisfy({ position(in: $0) == index && $0.ports[index].name == found.ports[index].name })
        {
            resolved.number = number
        }
        return resolved
    }

    /// Warns of Services that have no endpoints: nobody's pods, or (without a selector) no EndpointSlices and no Endpoints either.
    private func checkPods(of target: TrafficTarget, _ place: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard let podLabels, workloadsAreKnown, case .service(let name) = destination(of: target.service).destination,
            let service = services[name]
        else { return }
        guard let labels = service.selector, !labels.isEmpty else {
            if slicedServices.contains(name) { return }
            decoder.context.warning(
                place,
                "Service \(name) has no selector, and neither Endpoints of its name nor an EndpointSlice labelled as its are in objects, snapshot or "
                    + "timeline: requests are refused")
            return
        }
        let selector = LabelSelector(matchLabels: labels)
        if (podLabels[service.metadata.namespace] ?? []).contains(where: selector.matches) { return }
        decoder.context.warning(
            place, "Service \(service.metadata.key) selects no pods of objects, snapshot or timeline: requests are refused")
    }

    // MARK: Entries

    private func resolve(_ behaviour: inout ServiceBehaviour, _ place: YAMLNode, _ decoder: inout ScenarioDecoder) {
        behaviour.target = resolve(behaviour.target, place, &decoder)
        behaviour.target.number = nil
        let groups = place["calls"].map { Array($0.elements) } ?? []
        for (group, groupPlace) in zip(behaviour.calls.indices, groups) {
            for (call, callPlace) in zip(behaviour.calls[group].indices, groupPlace.elements) {
                let target = resolve(behaviour.calls[group][call].target, callPlace, &decoder)
                behaviour.calls[group][call].target = target
                checkTimeout(of: behaviour.calls[group][call].policy, to: target, callPlace, &decoder)
                checkPods(of: target, callPlace["service"] ?? callPlace, &decoder)
            }
        }
    }

    /// - Parameter places: the entries of `services` in the scenario.
    private func checkEntries(of traffic: TrafficConfiguration, _ places: [YAMLNode], _ decoder: inout ScenarioDecoder) {
        let entries = traffic.services
        let asked = Set(asked(by: traffic).compactMap { entry(of: $0, traffic) })
        for (index, place) in places.enumerated() {
            let target = entries[index].target
            if entries[..<index].contains(where: { $0.target == target }) {
                decoder.context.error(place, "there is an entry for \(target) already")
            } else if !asked.contains(index) {
                decoder.context.warning(place, "nobody asks for \(target): the entry has no effect")
            }
            if comesBack(to: index, traffic) {
                decoder.context.error(place["calls"] ?? place, "the calls come back to \(target): a request would never end")
            }
            let other = entries[..<index].first { leadToSamePods($0.target, target) && !$0.hasSameWorkers(as: entries[index]) }
            if let other {
                decoder.context.warning(
                    place,
                    "the same port of the same pods is behind \(other.target): concurrency, queue, listensAfter and onTermination are as that entry says"
                )
            }
        }
    }

    /// The entry that says what is done with requests for a target.
    private func entry(of target: TrafficTarget, _ traffic: TrafficConfiguration) -> Int? {
        traffic.entry(of: target, on: destination(of: target.service).way)
    }

    /// All targets that anybody may ask for.
    private func asked(by traffic: TrafficConfiguration) -> [TrafficTarget] {
        var targets = traffic.sources.map(\.target) + traffic.services.flatMap { $0.calls.joined().map(\.target) }
        guard traffic.sources.contains(where: { $0.ingress != nil }) else { return targets }
        let rules = IngressRules(of: served(by: traffic.ingress))
        let backends = rules.rules.map(\.backend) + [rules.defaultBackend].compactMap { $0 }
        targets += backends.compactMap { backend in TrafficTarget(backend) { services[$0] } }
        return targets
    }

    /// Whether a request for an entry's port comes back to it by the calls that pods make for it: it would never end.
    private func comesBack(to start: Int, _ traffic: TrafficConfiguration) -> Bool {
        var met: Set<Int> = []
        var ahead = [start]
        while let next = ahead.popLast() {
            for called in traffic.services[next].calls.joined().compactMap({ entry(of: $0.target, traffic) }) {
                if called == start { return true }
                if met.insert(called).inserted { ahead.append(called) }
            }
        }
        return false
    }

    /// Whether two Services select pods alike and lead to the same port of them.
    private func leadToSamePods(_ first: TrafficTarget, _ second: TrafficTarget) -> Bool {
        func way(_ target: TrafficTarget) -> (namespace: String, selector: Labels, port: IntOrString, TransportProtocol)? {
            guard case .service(let name) = destination(of: target.service).destination, let service = services[name],
                let selector = service.selector,
                !selector.isEmpty, let port = target.port.map({ text in service.ports.first { $0.name == text } }) ?? service.ports.first
            else { return nil }
            return (name.namespace, selector, port.targetPort ?? .int(port.port), port.transport)
        }
        guard let first = way(first), let second = way(second) else { return false }
        return first == second
    }
}

extension ServiceBehaviour {
    fileprivate func hasSameWorkers(as other: ServiceBehaviour) -> Bool {
        capacity == other.capacity && onTermination == other.onTermination && listensAfter == other.listensAfter
    }
}
