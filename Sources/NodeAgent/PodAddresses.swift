// The addresses of a node's pods: its own range, given out one after the other as the usual network plugin does.

import DiscreteEvents
import KubernetesAPI

/// Gives addresses of the node's `spec.podCIDR` to pods. The search goes on behind the address given last, so one that was given
/// back is used again only when the others have had their turn (CNI's `host-local`). The first address is the network's, the
/// second the node's own, the last one broadcast.
struct PodAddresses: Sendable {
    private var range: AddressRange?
    private var taken: Set<UInt32> = []
    private var last: UInt32 = 0

    /// How many addresses at the start and the end of a range are no pod's.
    private static let (head, tail): (UInt32, UInt32) = (2, 1)

    /// The node has another range: pods keep what they have.
    mutating func setRange(_ range: AddressRange?) {
        guard range != self.range else { return }
        self.range = range
        last = 0
    }

    /// A free address; nil if the node has no range, or none left in it.
    mutating func take() -> UInt32? {
        guard let range, range.count > Int(PodAddresses.head + PodAddresses.tail) else { return nil }
        let first = range.first + PodAddresses.head
        let end = range.first &+ UInt32(truncatingIfNeeded: range.count) &- PodAddresses.tail
        let usable = Int(end &- first)
        guard taken.count < usable else { return nil }
        var candidate = last < first || last &+ 1 >= end ? first : last + 1
        for _ in 0..<usable {
            if taken.insert(candidate).inserted {
                last = candidate
                return candidate
            }
            candidate = candidate &+ 1 >= end ? first : candidate + 1
        }
        return nil
    }

    /// A pod that runs already has this address.
    mutating func occupy(_ address: UInt32) { taken.insert(address) }

    mutating func release(_ address: UInt32) { taken.remove(address) }
}

extension PodAddresses {
    /// A stable address for a pod of a node that has no range, from outside the ranges that are usual.
    static func invented(for uid: UID) -> String {
        let hash = stableHash(uid.text)
        return "10.\(64 + (hash >> 16 & 63)).\(hash >> 8 & 255).\(hash & 255)"
    }
}
