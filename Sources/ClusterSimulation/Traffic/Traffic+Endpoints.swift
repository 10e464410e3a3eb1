// The endpoints of a port, from the EndpointSlices of its Service. Of many slices one changes at a time: the others are not read again.

import KubernetesAPI
import ServiceNetwork

/// The endpoints of a port in one slice, in the order of their texts, and what serves at each.
struct SliceEndpoints: Sendable {
    let slice: Shared<EndpointSlice>
    let texts: [String]
    let endpoints: [ProxyEndpoint]
    let servers: [PodNumber]
}

/// What is to be published of a port.
struct PublishedEndpoints: Sendable {
    var endpoints: [ProxyEndpoint] = []
    var servers: [PodNumber] = []
    /// The pods that have to be looked at.
    var touched: [UID] = []
}

extension Traffic {
    /// The host outside that a port's name leads to.
    mutating func endpoints(of index: Int, at host: String) -> PublishedEndpoints {
        var published = PublishedEndpoints()
        let port = ports[index].target.port.flatMap { Int32($0) } ?? 0
        let (number, _) = server(servers.place(ofHost: host), on: PodNetwork.outside, port: port, .tcp, entry: ports[index].entry)
        share(index, with: number)
        published.endpoints = [ProxyEndpoint(address: host, port: port)]
        published.servers = [number]
        return published
    }

    /// The endpoints of a port of a Service; of a headless one those that the name asked for has records of.
    mutating func endpoints(of index: Int, _ service: Service, _ info: ServicePortInfo) -> PublishedEndpoints {
        if ports[index].portName != info.name {
            ports[index].slices = []
            ports[index].portName = info.name
        }
        var published = PublishedEndpoints()
        var slices: [SliceEndpoints] = []
        for slice in self.slices[service.metadata.key] ?? [] {
            let known = ports[index].slices.first { $0.slice === slice }
            slices.append(known ?? read(slice, info, index, &published.touched))
        }
        ports[index].slices = slices
        let recorded = recordedAddresses(of: service, info, podName: ports[index].target.pod)
        // By their places, as endpoints are large.
        var order: [(text: String, slice: Int, place: Int)] = []
        for (number, slice) in slices.enumerated() {
            for (place, text) in slice.texts.enumerated() { order.append((text, number, place)) }
        }
        order.sort { $0.text < $1.text }
        for (number, entry) in order.enumerated() where number == 0 || entry.text != order[number - 1].text {
            let endpoint = slices[entry.slice].endpoints[entry.place]
            if let recorded {
                guard recorded.contains(endpoint.address) else { continue }
                share(index, with: slices[entry.slice].servers[entry.place])
            }
            published.endpoints.append(endpoint)
            published.servers.append(slices[entry.slice].servers[entry.place])
        }
        return published
    }

    private mutating func read(
        _ slice: Shared<EndpointSlice>, _ info: ServicePortInfo, _ index: Int, _ touched: inout [UID]
    ) -> SliceEndpoints {
        var endpoints: [ProxyEndpoint] = []
        var numbers: [PodNumber] = []
        for endpoint in ProxyEndpoint.endpoints(of: info.name, in: [slice.value]) {
            guard let owner = slice.value.statedOwner(endpoint.pod, node: endpoint.nodeName) ?? owners[endpoint.address] else { continue }
            let number = server(of: owner, at: endpoint, info.name.transport, entry: ports[index].entry, &touched)
            if !info.isHeadless { share(index, with: number) }
            endpoints.append(endpoint)
            numbers.append(number)
        }
        return SliceEndpoints(slice: slice, texts: endpoints.map(\.description), endpoints: endpoints, servers: numbers)
    }

    /// The server at an endpoint's address.
    private mutating func server(
        of owner: AddressOwner, at endpoint: ProxyEndpoint, _ transport: TransportProtocol, entry: Int?, _ touched: inout [UID]
    ) -> PodNumber {
        guard case .pod(let pod, let node) = owner else {
            let place = servers.place(ofHost: endpoint.address)
            let number = server(place, on: PodNetwork.outside, port: endpoint.port, transport, entry: entry).number
            engine.setCondition(owner == .host ? .serving : .unreachable, of: number)
            return number
        }
        let (number, isChanged) = server(
            servers.place(of: pod), on: servers.node(named: node), address: endpoint.address, port: endpoint.port, transport,
            entry: entry)
        if isChanged { touched.append(pod.uid) }
        return number
    }

    /// The addresses that the name asked for has records of; nil: it has that of the Service, and all its endpoints are behind it.
    private func recordedAddresses(of service: Service, _ info: ServicePortInfo, podName: String?) -> Set<String>? {
        guard info.isHeadless else { return podName == nil ? nil : [] }
        let name = (podName.map { $0 + "." } ?? "") + dns.name(of: service.metadata.key)
        let slices = (slices[service.metadata.key] ?? []).map(\.value)
        guard case .addresses(let addresses) = dns.answer(to: name, about: service, slices: slices) else { return [] }
        return Set(addresses)
    }
}
