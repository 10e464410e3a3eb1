// The blocks of a range of addresses, given out one after the other: those that were given back wait until it is their turn again.

import KubernetesAPI

/// Which of the blocks that a cluster's range consists of are taken (Kubernetes' `CidrSet`).
package struct NodeRangeSet: Sendable {
    let range: AddressRange
    /// The prefix of the blocks.
    let prefix: Int
    private let count: Int
    private var taken: Set<Int> = []
    /// Where the search for a free block begins: behind the one given out last.
    private var next = 0

    /// - Parameter prefix: of the blocks; not shorter than that of the range.
    package init(_ range: AddressRange, prefix: Int) {
        precondition(prefix >= range.prefix, "a block is no larger than the range it is cut from")
        self.range = range
        self.prefix = prefix
        count = 1 << (prefix - range.prefix)
    }

    /// The next free block; nil if all are taken.
    package mutating func allocate() -> AddressRange? {
        guard taken.count < count else { return nil }
        while taken.contains(next) { next = (next + 1) % count }
        let number = next
        taken.insert(number)
        next = (next + 1) % count
        return range.block(number, prefix: prefix)
    }

    /// Marks what a node has as taken, wherever it came from.
    package mutating func occupy(_ block: AddressRange) {
        if let number = range.block(holding: block, prefix: prefix) { taken.insert(number) }
    }

    package mutating func release(_ block: AddressRange) {
        if let number = range.block(holding: block, prefix: prefix) { taken.remove(number) }
    }
}
