// One reconciliation of a service: from its pods and its slices to the slices to create, to rewrite and to delete.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#distribution-of-endpointslices>

import KubernetesAPI

/// The decision about the slices of one service: a pure function of the service, its pods, its slices and the nodes.
///
/// Pods are grouped by the ports the service has on them, since a slice has one set of ports. Only IPv4: a second address family
/// would be the same once more.
struct SliceReconciliation {
    private(set) var created: [EndpointSlice] = []
    /// With the version they are based on; 0 where whatever is stored is to be replaced.
    private(set) var updated: [EndpointSlice] = []
    private(set) var deleted: [Shared<EndpointSlice>] = []
    /// Why pods were left out.
    private(set) var skipped: [String] = []

    private struct Group {
        let ports: [EndpointPort]
        var slices: [Int] = []
        /// Whether there is a pod with these ports, even if its endpoint is left out.
        var isWanted = false
        var desired: [Endpoint] = []
    }

    private let service: Service
    private let slices: [Shared<EndpointSlice>]
    private let maximum: Int
    private let labels: Labels
    private var groups: [Group] = []

    /// - Parameters:
    ///   - slices: all slices that are the service's by their labels.
    ///   - isSettled: by slice, whether all its endpoints are known to be wanted as they are; then its pods are not among `pods`.
    ///   - pods: the pods the service selects, but for those of settled slices.
    ///   - node: finds a node by its name.
    init(
        _ service: Service, _ slices: [Shared<EndpointSlice>], isSettled: [Bool], pods: [Shared<Pod>], maximum: Int,
        node: (String) -> Shared<Node>?
    ) {
        self.service = service
        self.slices = slices
        self.maximum = maximum
        labels = SliceReconciliation.labels(of: service)
        for (index, slice) in slices.enumerated() {
            guard isOwned(slice) else {
                deleted.append(slice)
                continue
            }
            let group = self.group(slice.value.ports)
            groups[group].slices.append(index)
            if isSettled[index], !slice.value.endpoints.isEmpty { groups[group].isWanted = true }
        }
        place(pods, node)
        for group in groups where group.isWanted { pack(group, isSettled) }
        for group in groups where !group.isWanted { deleted += group.slices.map { slices[$0] } }
        addPlaceholder()
        reuseDeleted()
    }

    private mutating func group(_ ports: [EndpointPort]) -> Int {
        if let index = groups.firstIndex(where: { $0.ports == ports }) { return index }
        groups.append(Group(ports: ports))
        return groups.count - 1
    }

    private func isOwned(_ slice: Shared<EndpointSlice>) -> Bool {
        slice.value.metadata.ownerReferences.contains { $0.uid == service.metadata.uid }
    }

    private mutating func place(_ pods: [Shared<Pod>], _ node: (String) -> Shared<Node>?) {
        let portsDiffer = EndpointRules.hasNamedTargets(service)
        // Pods of one template share their spec, and so their ports.
        var last: (spec: Shared<PodSpec>, group: Int)?
        for pod in pods where EndpointRules.isEndpoint(pod) {
            let spec = pod.value.spec
            let group: Int
            if let last, !portsDiffer || last.spec === spec {
                group = last.group
            } else {
                group = self.group(EndpointRules.ports(of: service, on: spec.value))
                last = (spec, group)
            }
            groups[group].isWanted = true
            let host = node(pod.value.nodeName ?? "")
            if host == nil, !service.publishNotReadyAddresses {
                skipped.append(
                    "skipping Pod \(pod.value.metadata.name) for Service \(service.metadata.key): "
                        + "Node \(pod.value.nodeName ?? "") Not Found")
            } else {
                groups[group].desired.append(EndpointRules.endpoint(of: pod, host, service))
            }
        }
    }

    private mutating func pack(_ group: Group, _ isSettled: [Bool]) {
        let present = group.slices.map { slices[$0] }
        let relabelled = present.filter { isRelabelled($0.value) }.map(\.value.metadata.name)
        let packing = SlicePacking(
            existing: group.slices.map { index in
                SlicePacking.Slice(
                    name: slices[index].value.metadata.name, endpoints: slices[index].value.endpoints, isSettled: isSettled[index])
            }, desired: group.desired, maximum: maximum, mustRewrite: Set(relabelled))
        created += packing.created.map { slice(group.ports, $0) }
        updated += packing.updated.compactMap { change in
            present.first { $0.value.metadata.name == change.name }?.with {
                $0.endpoints = change.endpoints
                $0.metadata.labels = labels
            }.value
        }
        deleted += packing.deleted.compactMap { name in present.first { $0.value.metadata.name == name } }
    }

    /// A service without endpoints has one empty slice.
    private mutating func addPlaceholder() {
        guard deleted.count == slices.count, created.isEmpty else { return }
        let placeholder = slice([], [])
        if deleted.count == 1, isPlaceholder(deleted[0].value, like: placeholder) {
            deleted.removeAll()
        } else {
            created.append(placeholder)
        }
    }

    private func isPlaceholder(_ slice: EndpointSlice, like placeholder: EndpointSlice) -> Bool {
        slice.endpoints.isEmpty && slice.ports.isEmpty && slice.addressType == placeholder.addressType
            && slice.metadata.labels == placeholder.metadata.labels
    }

    /// New slices take the place of those to be deleted: an update instead of a creation and a deletion.
    private mutating func reuseDeleted() {
        var kept: [Shared<EndpointSlice>] = []
        for old in deleted {
            guard let last = created.last, isOwned(old), old.value.addressType == last.addressType else {
                kept.append(old)
                continue
            }
            var new = created.removeLast()
            new.metadata.name = old.value.metadata.name
            updated.append(new)
        }
        deleted = kept
    }

    // MARK: Slices

    private func slice(_ ports: [EndpointPort], _ endpoints: [Endpoint]) -> EndpointSlice {
        var metadata = ObjectMeta(namespace: service.metadata.namespace, labels: labels)
        metadata.generateName = service.metadata.name + "-"
        metadata.ownerReferences = [
            OwnerReference(
                apiVersion: "v1", kind: "Service", name: service.metadata.name, uid: service.metadata.uid, controller: true,
                blockOwnerDeletion: true)
        ]
        return EndpointSlice(metadata: metadata, endpoints: endpoints, ports: ports)
    }

    /// The labels of a service's slices: the service's own, and those that say whose they are.
    private static func labels(of service: Service) -> Labels {
        var labels = unreserved(service.metadata.labels)
        if service.clusterIP.isEmpty || service.isHeadless { labels[SliceLabels.headless] = "" }
        labels[SliceLabels.service] = service.metadata.name
        labels[SliceLabels.managedBy] = SliceLabels.controller
        return labels
    }

    /// Whether a slice does not carry its service's labels any more. Those that say whose it is do not count.
    private func isRelabelled(_ slice: EndpointSlice) -> Bool {
        slice.metadata.labels != labels
            && SliceReconciliation.unreserved(slice.metadata.labels) != SliceReconciliation.unreserved(service.metadata.labels)
    }

    private static func unreserved(_ labels: Labels) -> Labels {
        var result = labels
        for key in [SliceLabels.service, SliceLabels.managedBy, SliceLabels.headless] where result.has(key) { result[key] = nil }
        return result
    }
}
