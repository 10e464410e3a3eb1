// What the API server completes in objects of single kinds as they are created or replaced, before anyone looks at them.

import KubernetesAPI

extension APIObject {
    /// The new object, named and with its UID, completed.
    func preparedForCreation() -> APIObject {
        switch self {
        case .job(let job): .job(job.with { $0.prepareForCreation() })
        case .service(let service): .service(service.with { $0.prepareForCreation() })
        default: self
        }
    }

    /// The new version of an object with what the stored one was given and a manifest does not say.
    func keepingAllocated(of stored: APIObject) -> APIObject {
        switch (self, stored) {
        case (.service(let new), .service(let old)): .service(new.with { $0.keepAllocated(of: old.value) })
        default: self
        }
    }
}

extension Service {
    /// Completes a service as far as that needs no address of its own.
    fileprivate mutating func prepareForCreation() {
        applyDefaults()
        completeFamilies()
    }

    /// One family, IPv4: clusters of two are not modelled. A headless service without selector may have both.
    private mutating func completeFamilies() {
        guard type != .externalName else { return }
        let isOpen = isHeadless && (selector?.isEmpty ?? true)
        if ipFamilyPolicy == nil { ipFamilyPolicy = isOpen ? .requireDualStack : .singleStack }
        if ipFamilies.isEmpty { ipFamilies = isOpen ? [.ipv4, .ipv6] : [.ipv4] }
    }

    /// Addresses and ports stay where the type still has them; where it has not, what nobody changed goes.
    fileprivate mutating func keepAllocated(of old: Service) {
        if !clusterIP.isEmpty, clusterIPs == old.clusterIPs || clusterIPs.isEmpty, clusterIP != old.clusterIP { clusterIPs = [clusterIP] }
        if type == .externalName {
            if clusterIP == old.clusterIP { (clusterIP, clusterIPs) = ("", []) }
            if ipFamilies == old.ipFamilies { ipFamilies = [] }
            if ipFamilyPolicy == old.ipFamilyPolicy { ipFamilyPolicy = nil }
        } else {
            if old.type != .externalName, clusterIP.isEmpty { (clusterIP, clusterIPs) = (old.clusterIP, old.clusterIPs) }
            if ipFamilies.isEmpty { ipFamilies = old.ipFamilies }
            if ipFamilyPolicy == nil { ipFamilyPolicy = old.ipFamilyPolicy }
        }
        for index in ports.indices {
            let port = ports[index]
            guard let before = old.ports.first(where: { $0.port == port.port && $0.transport == port.transport }) else { continue }
            if hasNodePorts, port.nodePort == 0 { ports[index].nodePort = before.nodePort }
            if !hasNodePorts, port.nodePort == before.nodePort { ports[index].nodePort = 0 }
        }
        prepareForCreation()
        if sessionAffinity == .none, sessionTimeoutSeconds == old.sessionTimeoutSeconds { sessionTimeoutSeconds = nil }
        if !isExternallyAccessible, externalTrafficPolicy == old.externalTrafficPolicy { externalTrafficPolicy = nil }
        if type != .loadBalancer {
            if allocateLoadBalancerNodePorts == old.allocateLoadBalancerNodePorts { allocateLoadBalancerNodePorts = nil }
            if healthCheckNodePort == old.healthCheckNodePort { healthCheckNodePort = 0 }
        } else if hasHealthCheckPort, healthCheckNodePort == 0 {
            healthCheckNodePort = old.healthCheckNodePort
        }
    }

    /// Whether its ports are open on every node.
    var hasNodePorts: Bool { type == .nodePort || (type == .loadBalancer && allocateLoadBalancerNodePorts != false) }

    /// Whether a load balancer asks its nodes for local endpoints.
    var hasHealthCheckPort: Bool { type == .loadBalancer && externalTrafficPolicy == .local }

    /// Whether it has an address of its own.
    var hasClusterIP: Bool { type != .externalName && !isHeadless }
}
