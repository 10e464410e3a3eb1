// What the controller wrote and expects to see: so that it neither acts on slices it knows to be old, nor answers its own writes.

import KubernetesAPI

/// For every service the slices it wrote, with the generations the API server answered with.
struct SliceTracker: Sendable {
    private struct Slice: Sendable {
        let uid: UID
        /// nil: it was deleted, and the cache is expected to lose it.
        var generation: Int64?
    }

    private var slices: [NamespacedName: [Slice]] = [:]

    /// A slice was written.
    mutating func wrote(_ slice: EndpointSlice, of service: NamespacedName) { note(slice.metadata.uid, slice.metadata.generation, service) }

    /// A slice was deleted; the cache still shows it.
    mutating func expectDeletion(of slice: UID, of service: NamespacedName) { note(slice, nil, service) }

    private mutating func note(_ uid: UID, _ generation: Int64?, _ service: NamespacedName) {
        if let index = slices[service]?.firstIndex(where: { $0.uid == uid }) {
            slices[service]?[index].generation = generation
        } else {
            slices[service, default: []].append(Slice(uid: uid, generation: generation))
        }
    }

    mutating func forget(_ service: NamespacedName) { slices[service] = nil }

    private func find(_ uid: UID, of service: NamespacedName) -> Slice? { slices[service]?.first { $0.uid == uid } }

    /// Whether somebody else wrote this version of a slice: it is not known, or newer than the controller's own.
    func isNews(_ slice: EndpointSlice, of service: NamespacedName) -> Bool {
        guard let known = find(slice.metadata.uid, of: service) else { return true }
        return slice.metadata.generation > (known.generation ?? -1)
    }

    /// A slice is gone from the cache.
    /// - Returns: whether that was unexpected.
    mutating func sawDeletion(of slice: UID, of service: NamespacedName) -> Bool {
        guard let known = find(slice, of: service) else { return false }
        slices[service]?.removeAll { $0.uid == slice }
        if slices[service]?.isEmpty ?? false { slices[service] = nil }
        return known.generation != nil
    }

    /// Whether the cache is behind: it holds a slice in an older version than was written, one that was deleted, or lacks one.
    func isStale(_ cached: [Shared<EndpointSlice>], of service: NamespacedName) -> Bool {
        guard let known = slices[service] else { return false }
        for slice in known {
            let seen = cached.first { $0.value.metadata.uid == slice.uid }
            switch (slice.generation, seen) {
            case (nil, .some), (.some, nil): return true
            case (let written?, let seen?): if written > seen.value.metadata.generation { return true }
            case (nil, nil): break
            }
        }
        return false
    }
}
