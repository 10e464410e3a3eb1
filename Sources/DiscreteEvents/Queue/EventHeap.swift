// The ordering half of the event queue: an implicit 4-ary heap of 16-byte keys. Payloads stay where they are (see `EventQueue`), so a key's
// four children fill one cache line.

/// When an event happens and who goes first among simultaneous ones, and where its payload is.
@usableFromInline
struct EventKey: Sendable, Hashable {
    @usableFromInline var time: SimulatedTime
    /// The sequence number in the upper 40 bits, the payload's slot in the lower 24. Sequence numbers are unique, so comparing the
    /// whole word compares them.
    @usableFromInline var order: UInt64

    @inlinable
    init(time: SimulatedTime, order: UInt64) {
        self.time = time
        self.order = order
    }

    @inlinable
    init(time: SimulatedTime, sequence: UInt64, slot: Int) {
        self.time = time
        self.order = sequence << 24 | UInt64(slot)
    }

    @inlinable static var slotLimit: Int { 1 << 24 }
    @inlinable static var sequenceLimit: UInt64 { 1 << 40 }

    @inlinable var slot: Int { Int(order & (1 << 24 - 1)) }

    @inlinable
    func precedes(_ other: EventKey) -> Bool {
        time == other.time ? order < other.order : time < other.time
    }
}

/// A 4-ary heap of keys: the children of key i are 4i + 1 ... 4i + 4, and no key precedes its parent.
@usableFromInline
struct EventHeap: Sendable, Hashable {
    @usableFromInline var keys: [EventKey] = []

    @inlinable
    init() {}

    /// O(log n), and O(1) on average for random times.
    @inlinable
    mutating func insert(_ key: EventKey) {
        keys.append(key)
        let last = keys.count - 1
        keys.withUnsafeMutableBufferPointer { Self.place(key, risingFrom: last, in: $0) }
    }

    /// Removes and returns the first key. O(log n).
    /// - Precondition: the heap is not empty.
    @inlinable
    mutating func removeFirst() -> EventKey {
        let last = keys.removeLast()
        if keys.isEmpty { return last }
        let first = keys[0]
        keys.withUnsafeMutableBufferPointer { keys in
            let leaf = Self.sinkHole(from: 0, in: keys)
            Self.place(last, risingFrom: leaf, in: keys)
        }
        return first
    }

    /// Removes the first key and inserts another. O(log n).
    /// - Precondition: the heap is not empty.
    @inlinable
    mutating func replaceFirst(with key: EventKey) {
        keys.withUnsafeMutableBufferPointer { keys in
            let leaf = Self.sinkHole(from: 0, in: keys)
            Self.place(key, risingFrom: leaf, in: keys)
        }
    }

    /// Removes all keys that are not wanted, in O(n).
    @inlinable
    mutating func removeAll(where isUnwanted: (EventKey) -> Bool) {
        keys.removeAll(where: isUnwanted)
        if keys.count < 2 { return }
        // Floyd's construction: heaps from the last parent up to the root. The order of keys is total, so the shape of the heap has
        // no influence on what is taken when.
        keys.withUnsafeMutableBufferPointer { keys in
            for parent in stride(from: (keys.count - 2) >> 2, through: 0, by: -1) {
                let key = keys[parent]
                let leaf = Self.sinkHole(from: parent, in: keys)
                Self.place(key, risingFrom: leaf, to: parent, in: keys)
            }
        }
    }

    /// Moves a hole down to a leaf, pulling up the first of the children at each level.
    /// - Returns: where the hole is now.
    @inlinable
    static func sinkHole(from start: Int, in keys: UnsafeMutableBufferPointer<EventKey>) -> Int {
        var hole = start
        while true {
            let child = 4 * hole + 1
            var first = child
            if child + 3 < keys.count {
                // Two independent comparisons, then the winners: a shorter chain than one after the other.
                let left = keys[child + 1].precedes(keys[child]) ? child + 1 : child
                let right = keys[child + 3].precedes(keys[child + 2]) ? child + 3 : child + 2
                first = keys[right].precedes(keys[left]) ? right : left
            } else if child < keys.count {
                for other in child + 1..<max(keys.count, child + 1) where keys[other].precedes(keys[first]) { first = other }
            } else {
                return hole
            }
            keys[hole] = keys[first]
            hole = first
        }
    }

    /// Fills a hole with a key, after letting the hole rise to where the key belongs (not above `top`).
    @inlinable
    static func place(
        _ key: EventKey, risingFrom start: Int, to top: Int = 0, in keys: UnsafeMutableBufferPointer<EventKey>
    ) {
        var hole = start
        while hole > top {
            let parent = (hole - 1) >> 2
            if parent < top || !key.precedes(keys[parent]) { break }
            keys[hole] = keys[parent]
            hole = parent
        }
        keys[hole] = key
    }
}
