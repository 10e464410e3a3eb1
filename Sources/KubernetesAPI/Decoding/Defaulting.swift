// What the API server fills in when a field is left out, as far as it is not a constant of a type's initialiser.
// <https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting>

extension PodSpec {
    /// Completes a spec as the API server completes that of a Pod.
    ///
    /// The API server does two of these steps (requests from limits, host ports) only for Pods, not for templates. Here templates
    /// get them too: all pods made from a template get them anyway, and then share the template's spec.
    package mutating func applyDefaults() {
        if schedulerName.isEmpty { schedulerName = PodSpec.defaultScheduler }
        for index in containers.indices { containers[index].applyDefaults(hostNetwork: hostNetwork) }
        for index in initContainers.indices { initContainers[index].applyDefaults(hostNetwork: hostNetwork) }
        if resources != nil { defaultPodLevelRequests() }
        // A negative grace period is kept for deletions only; stored pods have one second.
        if terminationGracePeriodSeconds < 0 { terminationGracePeriodSeconds = 1 }
    }

    /// Pod-level requests left out are what the containers request; if no container does, what the pod-level limit is (KEP-2837).
    private mutating func defaultPodLevelRequests() {
        guard var level = resources, !level.limits.isEmpty else { return }
        for (name, quantity) in aggregate({ $0.resources.requests })
        where name.isSupportedAtPodLevel && !name.isHugePages && level.requests[name] == nil {
            level.requests[name] = quantity
        }
        for (name, limit) in level.limits where name.isSupportedAtPodLevel && level.requests[name] == nil {
            level.requests[name] = limit
        }
        resources = level
    }
}

extension Container {
    fileprivate mutating func applyDefaults(hostNetwork: Bool) {
        imagePullPolicy = imagePullPolicy ?? (ImageReference.isLatest(image) ? .always : .ifNotPresent)
        for (name, limit) in resources.limits where resources.requests[name] == nil { resources.requests[name] = limit }
        if hostNetwork {
            for index in ports.indices where ports[index].hostPort == 0 { ports[index].hostPort = ports[index].containerPort }
        }
    }
}

/// The name of an image: `registry.example:5000/shop/web:1.2@sha256:…`.
package enum ImageReference {
    /// Whether the tag is `latest`, written or implied. An image named by digest has no implied tag.
    package static func isLatest(_ image: String) -> Bool {
        var bytes = image.utf8[...]
        if let at = bytes.firstIndex(of: UInt8(ascii: "@")) { bytes = bytes[..<at] }
        let hasDigest = bytes.count < image.utf8.count
        let lastPart = bytes[(bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes.index(after: $0) } ?? bytes.startIndex)...]
        guard let colon = lastPart.firstIndex(of: UInt8(ascii: ":")) else { return !hasDigest }
        return lastPart[lastPart.index(after: colon)...].elementsEqual("latest".utf8)
    }
}
