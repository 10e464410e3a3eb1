// What objects of any kind count for in ResourceQuotas: the usage of one, and the usage of a whole namespace.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import DiscreteEvents
import KubernetesAPI

/// The usage of objects, as quotas name it. Pods have rules of their own: ``PodQuota``.
package enum QuotaUsage {
    /// What one object uses at time `now`.
    package static func of(_ object: APIObject, at now: SimulatedTime) -> ResourceList {
        switch object {
        case .pod(let pod): return PodQuota.usage(of: pod.value, at: now)
        case .service(let service): return usage(of: service.value)
        case .persistentVolumeClaim(let claim): return usage(of: claim.value)
        default:
            let resource = resource(of: object)
            var usage: ResourceList = [ResourceName("count/" + resource): Quantity(1)]
            if aliased.contains(resource) { usage[ResourceName(resource)] = Quantity(1) }
            return usage
        }
    }

    /// The resource an object belongs to, with its API group: `pods`, `deployments.apps`.
    package static func resource(of object: APIObject) -> String {
        if case .unstructured(let object) = object { object.value.resource } else { object.kind.resource }
    }

    /// Resources that are counted under their bare name too, as in the days before `count/`.
    private static let aliased = ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"]

    private static func usage(of service: Service) -> ResourceList {
        var usage: ResourceList = [
            "count/services": Quantity(1), "services": Quantity(1), "services.loadbalancers": .zero, "services.nodeports": .zero,
        ]
        switch service.type {
        case .nodePort: usage["services.nodeports"] = Quantity(Int64(service.ports.count))
        case .loadBalancer:
            // Where no node ports are allocated, only those count that were asked for by number.
            let ports = service.allocateLoadBalancerNodePorts == false ? service.ports.filter { $0.nodePort != 0 } : service.ports
            usage["services.nodeports"] = Quantity(Int64(ports.count))
            usage["services.loadbalancers"] = Quantity(1)
        case .clusterIP, .externalName: break
        }
        return usage
    }

    private static func usage(of claim: PersistentVolumeClaim) -> ResourceList {
        var usage: ResourceList = ["count/persistentvolumeclaims": Quantity(1), "persistentvolumeclaims": Quantity(1)]
        let className = claim.className
        let ofClass = className + classSuffix
        if !className.isEmpty { usage[ResourceName(ofClass + "persistentvolumeclaims")] = Quantity(1) }
        if let request = claim.spec.requests[.storage] {
            usage["requests.storage"] = request
            if !className.isEmpty { usage[ResourceName(ofClass + "requests.storage")] = request }
        }
        return usage
    }

    private static let classSuffix = ".storageclass.storage.k8s.io/"

    /// Whether a quota with these scopes counts the object at all: scopes speak of pods, one of claims.
    package static func matches(_ scopes: [ScopeRequirement], _ object: APIObject) -> Bool {
        if scopes.isEmpty { return true }
        switch object {
        case .pod(let pod): return PodQuota.matches(scopes, pod.value.spec.value)
        case .persistentVolumeClaim(let claim):
            let name = claim.value.spec.volumeAttributesClassName ?? ""
            return scopes.allSatisfy { $0.scope == .volumeAttributesClass && $0.matches(className: name) }
        default: return false
        }
    }

    /// The resource whose objects a name in a quota is about, `pods` for `requests.cpu`; nil for names nobody counts.
    package static func resource(countedAs name: ResourceName) -> String? {
        let text = name.rawValue
        if text.hasPrefix("count/") { return String(text.dropFirst("count/".count)) }
        switch text {
        case "services", "services.loadbalancers", "services.nodeports": return "services"
        case "persistentvolumeclaims", "requests.storage": return "persistentvolumeclaims"
        default: break
        }
        if aliased.contains(text) { return text }
        if text.hasSuffix(classSuffix + "persistentvolumeclaims") || text.hasSuffix(classSuffix + "requests.storage") {
            return "persistentvolumeclaims"
        }
        return PodQuota.counts(name) ? "pods" : nil
    }

    /// What `objects` use of what a quota bounds: all names of `hard` that somebody counts, zero where nothing is used.
    /// - Parameter objects: the objects of a resource in the quota's namespace.
    package static func used(
        _ hard: ResourceList, _ scopes: [ScopeRequirement], at now: SimulatedTime, objects: (String) -> [APIObject]
    ) -> ResourceList {
        var used = ResourceList()
        var resources: [String] = []
        for name in hard.names {
            guard let resource = resource(countedAs: name) else { continue }
            used[name] = .zero
            if !resources.contains(resource) { resources.append(resource) }
        }
        for resource in resources {
            var memory = UsageMemory()
            for object in objects(resource) where memory.matches(scopes, object) {
                for (name, quantity) in memory.usage(of: object, at: now) {
                    if let sum = used[name] { used[name] = sum + quantity }
                }
            }
        }
        return used
    }
}

/// Pods of one spec use the same, and scopes judge them the same: asked once per spec, not once per pod.
private struct UsageMemory {
    private struct Known {
        let spec: Shared<PodSpec>
        var matches: Bool?
        var usage: ResourceList?
    }
    private var known: [ObjectIdentifier: Known] = [:]

    mutating func matches(_ scopes: [ScopeRequirement], _ object: APIObject) -> Bool {
        if scopes.isEmpty { return true }
        guard case .pod(let pod) = object else { return QuotaUsage.matches(scopes, object) }
        let spec = pod.value.spec
        if let matches = known[ObjectIdentifier(spec)]?.matches { return matches }
        let matches = PodQuota.matches(scopes, spec.value)
        known[ObjectIdentifier(spec), default: Known(spec: spec)].matches = matches
        return matches
    }

    mutating func usage(of object: APIObject, at now: SimulatedTime) -> ResourceList {
        guard case .pod(let pod) = object, PodQuota.isCharged(pod.value, at: now) else { return QuotaUsage.of(object, at: now) }
        let spec = pod.value.spec
        if let usage = known[ObjectIdentifier(spec)]?.usage { return usage }
        let usage = PodQuota.usage(of: pod.value, at: now)
        known[ObjectIdentifier(spec), default: Known(spec: spec)].usage = usage
        return usage
    }
}
