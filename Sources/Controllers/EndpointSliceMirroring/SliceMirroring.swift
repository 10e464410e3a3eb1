// One reconciliation of an Endpoints object: from its addresses and its slices to the slices to create, to rewrite and to delete.
// <https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/0752-endpointslices#endpointslicemirroring-controller>

import KubernetesAPI

/// The decision about the mirrors of one Endpoints object: a pure function of it and its slices.
///
/// All subsets with the same ports have one slice for each family of addresses. The real controller puts the addresses of a slice in no order; here they keep
/// that of the object.
struct SliceMirroring {
    private(set) var created: [EndpointSlice] = []
    /// Whatever is stored of these is replaced.
    private(set) var updated: [EndpointSlice] = []
    private(set) var deleted: [Shared<EndpointSlice>] = []
    /// Texts that are no addresses.
    private(set) var invalidAddresses = 0
    /// These, and addresses beyond the limit.
    private(set) var skippedAddresses = 0

    private struct Group {
        let ports: [EndpointPort]
        let family: EndpointSlice.AddressType
        var endpoints: [Endpoint] = []
        var places: [Endpoint.Identity: Int] = [:]

        /// Of two entries for one address the later one counts.
        mutating func insert(_ endpoint: Endpoint) {
            if let place = places[endpoint.identity] {
                endpoints[place] = endpoint
            } else {
                places[endpoint.identity] = endpoints.count
                endpoints.append(endpoint)
            }
        }

        func holds(_ slice: EndpointSlice) -> Bool { slice.addressType == family && SliceMirroring.isSame(slice.ports, ports) }
    }

    private let source: Endpoints
    private let maximum: Int
    private var groups: [Group] = []

    /// - Parameters:
    ///   - slices: its mirrors, as far as there are some.
    ///   - maximum: addresses of a subset that are mirrored at most.
    init(_ source: Endpoints, _ slices: [Shared<EndpointSlice>], maximum: Int) {
        self.source = source
        self.maximum = maximum
        for subset in source.subsets { read(subset) }
        for group in groups { mirror(group, slices.filter { group.holds($0.value) }) }
        deleted += slices.filter { slice in !groups.contains { $0.holds(slice.value) } }
        reuseDeleted()
        if source.metadata.isTerminating { created = [] }
    }

    /// Whether ports are the same, in whatever order.
    private static func isSame(_ left: [EndpointPort], _ right: [EndpointPort]) -> Bool {
        left == right || left.count == right.count && Set(left) == Set(right)
    }

    // MARK: What there should be

    private mutating func read(_ subset: EndpointSubset) {
        var added = 0
        let listed = subset.addresses.map { ($0, true) } + subset.notReadyAddresses.map { ($0, false) }
        for (address, isReady) in listed where added < maximum {
            guard let family = address.family else {
                invalidAddresses += 1
                continue
            }
            added += 1
            insert(address, isReady: isReady, family, subset.ports)
        }
        skippedAddresses += listed.count - added
    }

    private mutating func insert(
        _ address: EndpointAddress, isReady: Bool, _ family: EndpointSlice.AddressType, _ ports: [EndpointPort]
    ) {
        var endpoint = Endpoint(addresses: [address.ip])
        endpoint.ready = isReady
        endpoint.hostname = address.hostname
        endpoint.nodeName = address.nodeName
        endpoint.pod = address.pod
        if let place = groups.firstIndex(where: { $0.family == family && SliceMirroring.isSame($0.ports, ports) }) {
            groups[place].insert(endpoint)
        } else {
            var group = Group(ports: ports, family: family)
            group.insert(endpoint)
            groups.append(group)
        }
    }

    // MARK: What has to be done for it

    /// The first slice stays, and is written anew if anything differs; others are too many.
    private mutating func mirror(_ group: Group, _ slices: [Shared<EndpointSlice>]) {
        deleted += slices.dropFirst()
        if let first = slices.first, isFaithful(first.value, group) { return }
        var slice = EndpointSlice(
            metadata: metadata, addressType: group.family, endpoints: Array(group.endpoints.prefix(maximum)), ports: group.ports)
        if let first = slices.first {
            slice.metadata.name = first.value.metadata.name
            updated.append(slice)
        } else {
            slice.metadata.generateName = source.metadata.name + "-"
            created.append(slice)
        }
    }

    private func isFaithful(_ slice: EndpointSlice, _ group: Group) -> Bool {
        slice.endpoints.count == group.endpoints.count
            && slice.endpoints.allSatisfy { endpoint in group.places[endpoint.identity].map { group.endpoints[$0] } == endpoint }
            && slice.metadata.labels == metadata.labels && slice.metadata.annotations == metadata.annotations
    }

    /// New slices take the place of those to be deleted: an update instead of a creation and a deletion.
    private mutating func reuseDeleted() {
        var kept: [Shared<EndpointSlice>] = []
        for old in deleted {
            guard let place = created.firstIndex(where: { $0.addressType == old.value.addressType }) else {
                kept.append(old)
                continue
            }
            var new = created.remove(at: place)
            new.metadata.name = old.value.metadata.name
            new.metadata.generateName = ""
            updated.append(new)
        }
        deleted = kept
    }

    /// What all mirrors have: the labels of the object with those that say whose they are, and its annotations but for two that are about itself.
    private var metadata: ObjectMeta {
        var annotations = source.metadata.annotations
        for key in [SliceLabels.triggerTime, SliceLabels.lastApplied] where annotations.has(key) { annotations[key] = nil }
        var labels = source.metadata.labels
        labels[SliceLabels.service] = source.metadata.name
        labels[SliceLabels.managedBy] = SliceLabels.mirroringController
        var metadata = ObjectMeta(namespace: source.metadata.namespace, labels: labels, annotations: annotations)
        metadata.ownerReferences = [
            OwnerReference(
                apiVersion: "v1", kind: "Endpoints", name: source.metadata.name, uid: source.metadata.uid, controller: true,
                blockOwnerDeletion: true)
        ]
        return metadata
    }
}
