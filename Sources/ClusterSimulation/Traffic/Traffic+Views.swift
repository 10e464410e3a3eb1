// Whether kube-proxies, the DNS server, Ingress controllers and network policies go by what the API server holds.

import KubernetesAPI
import ServiceNetwork

extension Traffic {
    /// Whether the network knows an object as it is stored (nil: not at all), and leads to its endpoints. True of all kinds it does not watch.
    func agrees(with stored: APIObject?, _ key: ObjectKey) -> Bool {
        switch stored {
        case .service(let service): return services[key.name] == service && publishes(key.name)
        case .endpointSlice(let slice):
            guard let service = slice.value.service else { return true }
            return slices[service]?.contains(slice) == true && publishes(service)
        case .ingress(let ingress): return ingresses.contains(ingress)
        case .networkPolicy(let policy): return book?.policies.contains(policy) == true
        case nil: return !knows(key)
        default: return true
        }
    }

    /// Whether the network goes by something of this name still.
    private func knows(_ key: ObjectKey) -> Bool {
        switch key.kind {
        case .service: services[key.name] != nil
        case .endpointSlice:
            ports.contains { port in
                destination(of: port.target).way.contains { service in
                    slices[service]?.contains { $0.value.metadata.key == key.name } == true
                }
            }
        case .ingress: ingresses.contains { $0.value.metadata.key == key.name }
        case .networkPolicy: book?.policies.contains { $0.value.metadata.key == key.name } == true
        default: false
        }
    }

    /// Whether the ports whose names lead to a Service were given its endpoints, as its slices have them now.
    private func publishes(_ service: NamespacedName) -> Bool {
        let current = slices[service] ?? []
        return ports.allSatisfy { port in
            guard case .service(service) = destination(of: port.target).destination, let known = services[service]?.value,
                let info = known.port(port.target)
            else { return true }
            return port.slices.count == current.count
                && zip(port.slices, current).allSatisfy { read, slice in
                    read.endpoints == ProxyEndpoint.endpoints(of: info.name, in: [slice.value])
                }
        }
    }
}
