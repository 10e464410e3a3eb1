// What a service makes of a pod: whether it is an endpoint, with which conditions, and at which ports.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions>

import DiscreteEvents
import KubernetesAPI

enum EndpointRules {
    /// A pod stands in the slices from its first address to its end, also while it is being deleted.
    static func isEndpoint(_ pod: Shared<Pod>) -> Bool { !pod.isTerminal && !pod.value.status.podIP.isEmpty }

    /// Whether a new version of a pod may change an endpoint of it.
    ///
    /// Every update of a pod that is being deleted counts: the real controller compares pointers to the two deletion times.
    static func isChanged(_ old: Shared<Pod>, _ new: Shared<Pod>) -> Bool {
        old.isTerminating || new.isTerminating || old.isReady != new.isReady || old.value.status.podIP != new.value.status.podIP
    }

    /// Whether a new version of a pod may belong to other services, or to the same ones under another name.
    static func isMoved(_ old: Shared<Pod>, _ new: Shared<Pod>) -> Bool {
        if old.value.metadata.labels != new.value.metadata.labels { return true }
        if old.value.spec === new.value.spec { return false }
        return old.value.spec.value.hostname != new.value.spec.value.hostname
            || old.value.spec.value.subdomain != new.value.spec.value.subdomain
    }

    /// When a pod last gave a reason to change its endpoint.
    static func triggerTime(of pod: Shared<Pod>) -> SimulatedTime {
        pod.value.status.conditions[.ready]?.lastTransitionTime ?? pod.value.metadata.creationTimestamp
    }

    /// The endpoint a service makes of a pod.
    /// - Parameter node: the pod's node; nil if there is none of the name.
    static func endpoint(of pod: Shared<Pod>, _ node: Shared<Node>?, _ service: Service) -> Endpoint {
        let (isServing, isTerminating) = (pod.isReady, pod.isTerminating)
        var endpoint = Endpoint(addresses: [pod.value.status.podIP])
        endpoint.serving = isServing
        endpoint.terminating = isTerminating
        endpoint.ready = service.publishNotReadyAddresses || (isServing && !isTerminating)
        endpoint.pod = Endpoint.PodReference(key: pod.value.metadata.key, uid: pod.value.metadata.uid)
        endpoint.nodeName = pod.value.nodeName
        endpoint.zone = node?.value.metadata.labels[Node.zoneLabel].flatMap { $0.isEmpty ? nil : $0 }
        let spec = pod.value.spec.value
        if !spec.hostname.isEmpty, spec.subdomain == service.metadata.name { endpoint.hostname = spec.hostname }
        addHints(to: &endpoint, service.trafficDistribution)
        return endpoint
    }

    /// Where traffic is preferred to come from, of endpoints that are ready: for `PreferSameNode` the node, with the zone for
    /// proxies that know no hints for nodes.
    /// <https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/3015-prefer-same-node>
    private static func addHints(to endpoint: inout Endpoint, _ preference: String?) {
        guard let preference, endpoint.ready == true else { return }
        switch preference {
        case "PreferSameNode":
            if let node = endpoint.nodeName { endpoint.nodeHints = [node] }
            if let zone = endpoint.zone { endpoint.zoneHints = [zone] }
        case "PreferClose", "PreferSameZone": if let zone = endpoint.zone { endpoint.zoneHints = [zone] }
        default: break
        }
    }

    /// The ports of a service on a pod; a named target port that the pod does not have is left out.
    static func ports(of service: Service, on spec: PodSpec) -> [EndpointPort] {
        service.ports.compactMap { port in
            let number: Int32?
            switch port.targetPort {
            case nil: number = port.port
            case .int(let value)?: number = value
            case .string(let name)?: number = containerPort(name, port.transport, of: spec)
            }
            return number.map { EndpointPort(name: port.name, transport: port.transport, port: $0, appProtocol: port.appProtocol) }
        }
    }

    /// Whether the ports depend on the pod.
    static func hasNamedTargets(_ service: Service) -> Bool {
        service.ports.contains { if case .string? = $0.targetPort { true } else { false } }
    }

    private static func containerPort(_ name: String, _ transport: TransportProtocol, of spec: PodSpec) -> Int32? {
        for container in spec.containers + spec.initContainers.filter(\.isSidecar) {
            if let port = container.ports.first(where: { $0.name == name && $0.transport == transport }) { return port.containerPort }
        }
        return nil
    }
}

extension Endpoint: PackedEndpoint {
    package struct Identity: Hashable {
        let addresses: [String]
        let hostname: String?
        let pod: NamespacedName?
    }

    package var identity: Identity { Identity(addresses: addresses, hostname: hostname, pod: pod?.key) }
}
