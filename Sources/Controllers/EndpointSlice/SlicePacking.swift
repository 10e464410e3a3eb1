// How the endpoints of one port mapping of a Service are laid into EndpointSlices: few writes are worth more than full slices, because
// every written slice goes to every node.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#distribution-of-endpointslices>

/// An endpoint as packing sees it: something with an identity, whose other properties may change in place.
package protocol PackedEndpoint: Equatable, Sendable {
    associatedtype Identity: Hashable
    /// What makes two endpoints the same one: the backend pod and its addresses. Readiness and such do not count.
    var identity: Identity { get }
}

/// What becomes of the slices of one port mapping.
package struct SlicePacking<Endpoint: PackedEndpoint>: Sendable {
    /// A slice and its endpoints.
    package struct Slice: Sendable {
        package let name: String
        package var endpoints: [Endpoint]
        /// All its endpoints are known to be wanted as they are, so they are not among those desired, nor looked at one by one.
        package var isSettled = false

        package init(name: String, endpoints: [Endpoint], isSettled: Bool = false) {
            self.name = name
            self.endpoints = endpoints
            self.isSettled = isSettled
        }
    }

    /// The endpoints of each new slice.
    package private(set) var created: [[Endpoint]] = []
    /// The slices to rewrite, with all their endpoints, in the order given.
    package private(set) var updated: [Slice] = []
    /// The names of slices that lost all their endpoints.
    package private(set) var deleted: [String] = []
    package private(set) var endpointsAdded = 0
    package private(set) var endpointsRemoved = 0

    /// Packs.
    ///
    /// 1. Endpoints still wanted stay where they are, with their new properties; others go. A slice left empty is deleted.
    /// 2. New endpoints fill the slices that are written anyway, fullest first.
    /// 3. What is left, if it is less than a slice, goes into the untouched slice it fills best; otherwise into new slices.
    ///
    /// - Parameters:
    ///   - existing: the slices of the mapping; an endpoint that stands in two of them stays in the first.
    ///   - desired: the endpoints there should be, in the order in which they are placed; each identity once.
    ///   - maximum: the most endpoints in a slice (`--max-endpoints-per-slice`, 100).
    ///   - mustRewrite: names of slices that have to be written for another reason (changed labels).
    package init(existing: [Slice], desired: [Endpoint], maximum: Int, mustRewrite: Set<String> = []) {
        precondition(maximum > 0, "a slice must hold at least one endpoint")
        var plan = Plan(existing, maximum)
        let missing = plan.refresh(desired, mustRewrite)
        endpointsAdded = missing.count
        var waiting = missing[...]
        plan.fillRewritten(&waiting)
        while !waiting.isEmpty {
            if let place = plan.bestUntouched(for: waiting.count) {
                plan.fill(place, &waiting)
            } else {
                created.append(Array(waiting.prefix(maximum)))
                waiting = waiting.dropFirst(maximum)
            }
        }
        for (index, slice) in plan.slices.enumerated() {
            endpointsRemoved += plan.removed[index]
            switch plan.fates[index] {
            case .untouched: break
            case .rewritten: updated.append(slice)
            case .deleted: deleted.append(slice.name)
            }
        }
    }

    private enum Fate {
        case untouched
        case rewritten
        case deleted
    }

    /// The slices while they are packed.
    private struct Plan {
        var slices: [Slice]
        var fates: [Fate]
        /// How many endpoints each slice lost.
        var removed: [Int]
        let maximum: Int

        init(_ existing: [Slice], _ maximum: Int) {
            slices = existing
            fates = Array(repeating: .untouched, count: existing.count)
            removed = Array(repeating: 0, count: existing.count)
            self.maximum = maximum
        }

        /// Brings the endpoints that are there up to date.
        /// - Returns: the desired endpoints that stand nowhere yet.
        mutating func refresh(_ desired: [Endpoint], _ mustRewrite: Set<String>) -> [Endpoint] {
            var positions: [Endpoint.Identity: Int] = [:]
            for (position, endpoint) in desired.enumerated() { positions[endpoint.identity] = position }
            var isPlaced = Array(repeating: false, count: desired.count)
            for index in slices.indices {
                if slices[index].isSettled {
                    if mustRewrite.contains(slices[index].name) { fates[index] = .rewritten }
                    continue
                }
                let before = slices[index].endpoints
                var kept: [Endpoint] = []
                var isChanged = false
                for endpoint in before {
                    guard let position = positions[endpoint.identity], !isPlaced[position] else { continue }
                    isPlaced[position] = true
                    kept.append(desired[position])
                    if desired[position] != endpoint { isChanged = true }
                }
                removed[index] = before.count - kept.count
                if isChanged || kept.count != before.count {
                    fates[index] = kept.isEmpty ? .deleted : .rewritten
                    slices[index].endpoints = kept
                } else if mustRewrite.contains(slices[index].name) {
                    fates[index] = .rewritten
                }
            }
            var missing: [Endpoint] = []
            for (position, endpoint) in desired.enumerated() where !isPlaced[position] && positions[endpoint.identity] == position {
                missing.append(endpoint)
            }
            return missing
        }

        /// Fills the slices that are written anyway, the fullest first.
        mutating func fillRewritten(_ waiting: inout ArraySlice<Endpoint>) {
            let order = slices.indices.filter { fates[$0] == .rewritten }.sorted { left, right in
                let (leftCount, rightCount) = (slices[left].endpoints.count, slices[right].endpoints.count)
                return leftCount != rightCount ? leftCount > rightCount : left < right
            }
            for index in order { fill(index, &waiting) }
        }

        /// The untouched slice that would be fullest with `count` more, if they fit; only less than a whole slice is put there.
        func bestUntouched(for count: Int) -> Int? {
            guard count < maximum else { return nil }
            var best: (index: Int, room: Int)?
            for index in slices.indices where fates[index] == .untouched {
                let room = maximum - slices[index].endpoints.count - count
                if room >= 0, room < best?.room ?? maximum { best = (index, room) }
            }
            return best?.index
        }

        mutating func fill(_ index: Int, _ waiting: inout ArraySlice<Endpoint>) {
            let taken = waiting.prefix(max(0, maximum - slices[index].endpoints.count))
            slices[index].endpoints += taken
            waiting = waiting.dropFirst(taken.count)
            fates[index] = .rewritten
        }
    }
}
