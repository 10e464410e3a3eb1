// A bounded memory by digest: what the client side of Kubernetes Events remembers of sources, objects and messages.

/// A memory that forgets what was used least recently beyond a capacity. O(1) to read and to write.
///
/// Keys are digests, evenly spread already. So they are found through a flat table of eight-byte buckets without hashing them a
/// second time: a busy cluster looks up a million events, and each look-up in a dictionary costs three lines of cold memory.
struct RecentlyUsed<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var key: UInt64
        var newer: Int32
        var older: Int32
        var value: Value
    }
    private static var none: Int32 { -1 }
    private let capacity: Int
    private var entries: [Entry] = []
    private var newest = none
    private var oldest = none
    /// By position: the upper half of a key, then the number of its entry plus one; zero where there is none. A key stands at the
    /// position that its uppermost bits name, or at the next free one (linear probing).
    private var buckets: [UInt64] = Array(repeating: 0, count: 1 << 6)
    /// By how much a key is shifted to get its position.
    private var shift: UInt64 = 64 - 6

    init(capacity: Int) {
        precondition(capacity > 0 && capacity < 1 << 30, "a memory has room for one entry at least, and 2^30 at most")
        self.capacity = capacity
    }

    /// Changes a key's value in place; a key that is not there begins with a new value.
    mutating func update<Result>(_ key: UInt64, new: @autoclosure () -> Value, _ change: (inout Value) -> Result) -> Result {
        if let slot = find(key) {
            touch(slot)
            return change(&entries[Int(slot)].value)
        }
        let slot: Int32
        if entries.count < capacity {
            if (entries.count + 1) * 2 > buckets.count { grow() }
            slot = Int32(entries.count)
            entries.append(Entry(key: key, newer: RecentlyUsed.none, older: RecentlyUsed.none, value: new()))
        } else {
            slot = oldest
            unlink(slot)
            remove(slot)
            entries[Int(slot)].key = key
            entries[Int(slot)].value = new()
        }
        insert(RecentlyUsed.bucket(key, slot))
        link(slot)
        return change(&entries[Int(slot)].value)
    }

    // MARK: Order of use

    private mutating func touch(_ slot: Int32) {
        guard newest != slot else { return }
        unlink(slot)
        link(slot)
    }

    private mutating func unlink(_ slot: Int32) {
        let (newer, older) = (entries[Int(slot)].newer, entries[Int(slot)].older)
        if newer == RecentlyUsed.none { newest = older } else { entries[Int(newer)].older = older }
        if older == RecentlyUsed.none { oldest = newer } else { entries[Int(older)].newer = newer }
    }

    private mutating func link(_ slot: Int32) {
        entries[Int(slot)].newer = RecentlyUsed.none
        entries[Int(slot)].older = newest
        if newest == RecentlyUsed.none { oldest = slot } else { entries[Int(newest)].newer = slot }
        newest = slot
    }

    // MARK: Buckets

    private static func bucket(_ key: UInt64, _ slot: Int32) -> UInt64 { key & 0xFFFF_FFFF_0000_0000 | UInt64(slot + 1) }
    private static func slot(in bucket: UInt64) -> Int32 { Int32(truncatingIfNeeded: bucket & 0xFFFF_FFFF) - 1 }

    private func find(_ key: UInt64) -> Int32? {
        var position = Int(key >> shift)
        while buckets[position] != 0 {
            if (buckets[position] ^ key) >> 32 == 0 {
                let slot = RecentlyUsed.slot(in: buckets[position])
                if entries[Int(slot)].key == key { return slot }
            }
            position = (position + 1) & (buckets.count - 1)
        }
        return nil
    }

    private mutating func insert(_ bucket: UInt64) {
        var position = Int(bucket >> shift)
        while buckets[position] != 0 { position = (position + 1) & (buckets.count - 1) }
        buckets[position] = bucket
    }

    /// Takes the entry's key out, and moves those behind it up that stand there only because their own position was taken.
    private mutating func remove(_ slot: Int32) {
        let bucket = RecentlyUsed.bucket(entries[Int(slot)].key, slot)
        let last = buckets.count - 1
        var hole = Int(bucket >> shift)
        while buckets[hole] != bucket { hole = (hole + 1) & last }
        var position = (hole + 1) & last
        while buckets[position] != 0 {
            let home = Int(buckets[position] >> shift)
            if (position - home) & last >= (position - hole) & last {
                buckets[hole] = buckets[position]
                hole = position
            }
            position = (position + 1) & last
        }
        buckets[hole] = 0
    }

    private mutating func grow() {
        let old = buckets
        buckets = Array(repeating: 0, count: old.count * 2)
        shift -= 1
        for bucket in old where bucket != 0 { insert(bucket) }
    }
}
