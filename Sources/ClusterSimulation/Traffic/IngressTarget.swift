// Which port of which Service the backend of an Ingress means.

import KubernetesAPI
import ServiceNetwork

extension TrafficTarget {
    /// The target of a backend; nil: there is no such Service, or it has no such port.
    ///
    /// An ExternalName need not declare ports, as there is nothing to translate: a number is the port of whatever the name leads to.
    /// - Parameter service: a Service by its name; nil if there is none.
    public init?(_ backend: IngressRules.Backend, dns: ClusterDNS = ClusterDNS(), service: (NamespacedName) -> Service?) {
        guard let named = service(backend.service) else { return nil }
        self.init(service: backend.service)
        let declared = named.ports.firstIndex { backend.port.means($0) }
        guard named.type == .externalName else {
            guard let declared else { return nil }
            port = named.portText(declared)
            return
        }
        let number: Int32
        switch backend.port {
        case .int(let port): number = port
        case .string:
            guard let declared else { return nil }
            number = named.ports[declared].port
        }
        switch dns.destination(of: backend.service, service).destination {
        case .service(let name):
            guard let other = service(name), let place = other.ports.firstIndex(where: { $0.port == number }) else { return nil }
            port = other.portText(place)
        case .host, .nowhere: port = String(number)
        }
    }
}

extension IntOrString {
    fileprivate func means(_ port: ServicePort) -> Bool {
        switch self {
        case .int(let number): port.port == number
        case .string(let name): port.name == name
        }
    }
}

extension Service {
    /// A port as targets name it.
    fileprivate func portText(_ place: Int) -> String? { place == 0 || ports[place].name.isEmpty ? nil : ports[place].name }
}
