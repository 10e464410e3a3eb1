// What a pod asks for as a whole: effective requests and limits, and the quality of service that follows from them.

extension PodSpec {
    /// The request the scheduler and the kubelet account for: the larger of what runs together and what any init step needs,
    /// replaced by pod-level resources where those are set, plus overhead.
    /// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers>, KEP-2837.
    public var effectiveRequests: ResourceList {
        effective(\.requests, podLevel: resources?.requests) + overhead
    }

    /// The limits in the same manner; overhead counts only for resources that have a limit.
    public var effectiveLimits: ResourceList {
        var result = effective(\.limits, podLevel: resources?.limits)
        for (name, quantity) in overhead where result[name] != nil { result[name] = result[name]! + quantity }
        return result
    }

    /// Containers and init containers without pod-level resources and overhead.
    package func aggregate(_ part: (Container) -> ResourceList) -> ResourceList {
        var together = ResourceList()
        for container in containers { together = together + part(container) }
        var sidecars = ResourceList()
        var initial = ResourceList()
        for container in initContainers {
            let own = part(container)
            if container.isSidecar {
                together = together + own
                sidecars = sidecars + own
                initial = initial.maximum(sidecars)
            } else {
                initial = initial.maximum(own + sidecars)
            }
        }
        return together.maximum(initial)
    }

    private func effective(_ part: KeyPath<ResourceRequirements, ResourceList>, podLevel: ResourceList?) -> ResourceList {
        var result = aggregate { $0.resources[keyPath: part] }
        for (name, quantity) in podLevel ?? ResourceList() where name.isSupportedAtPodLevel { result[name] = quantity }
        return result
    }

    /// The QoS class: only cpu and memory count.
    public var qualityOfService: QualityOfService {
        if let resources, !resources.requests.isEmpty || !resources.limits.isEmpty {
            return PodSpec.quality(of: [resources])
        }
        return PodSpec.quality(of: (containers + initContainers).map(\.resources))
    }

    private static func quality(of parts: [ResourceRequirements]) -> QualityOfService {
        let counted: [ResourceName] = [.cpu, .memory]
        var requests = ResourceList()
        var limits = ResourceList()
        var guaranteed = true
        for part in parts {
            var limited = 0
            for name in counted {
                if let request = part.requests[name], request.sign > 0 {
                    requests[name] = (requests[name] ?? Quantity(0)) + request
                }
                if let limit = part.limits[name], limit.sign > 0 {
                    limited += 1
                    limits[name] = (limits[name] ?? Quantity(0)) + limit
                }
            }
            if limited != counted.count { guaranteed = false }
        }
        if requests.isEmpty, limits.isEmpty { return .bestEffort }
        guard guaranteed, requests.count == limits.count else { return .burstable }
        for (name, request) in requests where limits[name].map({ $0 != request }) ?? true { return .burstable }
        return .guaranteed
    }
}

extension ResourceName {
    /// The resources KEP-2837 lets a pod set as a whole.
    package var isSupportedAtPodLevel: Bool { self == .cpu || self == .memory || isHugePages }
}
