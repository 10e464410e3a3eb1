// What a pod counts for in a ResourceQuota, and which quotas count it.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import DiscreteEvents
import KubernetesAPI

/// The usage of pods, as quotas name it.
package enum PodQuota {
    /// What one pod uses at time `now`.
    ///
    /// `count/pods` counts every pod that is stored; everything else counts pods that may still run.
    package static func usage(of pod: Pod, at now: SimulatedTime) -> ResourceList {
        var usage: ResourceList = ["count/pods": Quantity(1)]
        guard isCharged(pod, at: now) else { return usage }
        usage[.pods] = Quantity(1)
        for (name, request) in pod.spec.value.effectiveRequests {
            if isComputeResource(name) {
                usage[name] = request
                usage[ResourceName("requests." + name.rawValue)] = request
            } else if name.isExtended {
                usage[ResourceName("requests." + name.rawValue)] = request
            }
        }
        for (name, limit) in pod.spec.value.effectiveLimits where limitedResources.contains(name) {
            usage[ResourceName("limits." + name.rawValue)] = limit
        }
        return usage
    }

    private static let limitedResources: [ResourceName] = [.cpu, .memory, .ephemeralStorage]

    /// Resources a quota may name with or without `requests.`.
    private static func isComputeResource(_ name: ResourceName) -> Bool { limitedResources.contains(name) || name.isHugePages }

    /// Whether a quota's name is about pods.
    static func counts(_ name: ResourceName) -> Bool {
        if name == .pods || isComputeResource(name) { return true }
        let text = name.rawValue
        if text.hasPrefix("requests.") {
            let asked = ResourceName(String(text.dropFirst("requests.".count)))
            return isComputeResource(asked) || asked.isExtended
        }
        return text.hasPrefix("limits.") && limitedResources.contains(ResourceName(String(text.dropFirst("limits.".count))))
    }

    /// Whether the pod's resources count: not once it has ended, nor when its deletion is overdue by a whole grace period (a pod
    /// stuck on a lost node must not keep its replacement from starting).
    package static func isCharged(_ pod: Pod, at now: SimulatedTime) -> Bool {
        if pod.isTerminal { return false }
        guard let deletion = pod.metadata.deletionTimestamp, let grace = pod.metadata.deletionGracePeriodSeconds else { return true }
        return now <= deletion + .seconds(Int(grace))
    }

    /// Whether a quota with these scopes counts the pod.
    package static func matches(_ scopes: [ScopeRequirement], _ spec: PodSpec) -> Bool {
        scopes.allSatisfy { requirement in
            switch requirement.scope {
            case .terminating: (spec.activeDeadlineSeconds ?? -1) >= 0
            case .notTerminating: (spec.activeDeadlineSeconds ?? -1) < 0
            case .bestEffort: spec.qualityOfService == .bestEffort
            case .notBestEffort: spec.qualityOfService != .bestEffort
            case .priorityClass: requirement.matches(className: spec.priorityClassName)
            case .crossNamespacePodAffinity: spec.usesCrossNamespaceAffinity
            case .volumeAttributesClass: false
            }
        }
    }
}

extension ScopeRequirement {
    /// Whether an object of a class is meant; `name` is empty if it has none.
    func matches(className name: String) -> Bool {
        switch `operator` {
        case .exists: !name.isEmpty
        case .doesNotExist: name.isEmpty
        case .isIn: !name.isEmpty && values.contains(name)
        case .notIn: name.isEmpty || !values.contains(name)
        }
    }
}

extension PodSpec {
    /// Whether some affinity term looks beyond the pod's own namespace.
    fileprivate var usesCrossNamespaceAffinity: Bool {
        let terms =
            affinity.requiredPodAffinity + affinity.requiredPodAntiAffinity + affinity.preferredPodAffinity.map(\.term)
            + affinity.preferredPodAntiAffinity.map(\.term)
        return terms.contains { !$0.namespaces.isEmpty || $0.namespaceSelector != nil }
    }
}
