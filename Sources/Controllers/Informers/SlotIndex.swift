// An index of a watch cache: which objects (by slot) stand under a key, with constant-time updates.

/// Maps a key to the slots filed under it; each slot stands under at most one key.
///
/// Filing and removing are constant time whatever the size of a bucket (removal swaps the last slot in), and the order within
/// a bucket depends only on the sequence of changes, never on hashing.
struct SlotIndex<Key: Hashable & Sendable>: Sendable {
    private var buckets: [[Int32]] = []
    private var bucketOf: [Key: Int32] = [:]
    private var keys: [Key?] = []
    private var freeBuckets: [Int32] = []
    /// By slot: the bucket (or -1) and the position in it.
    private var places: [(bucket: Int32, position: Int32)] = []

    /// The slots filed under a key.
    subscript(key: Key) -> [Int32] { bucketOf[key].map { buckets[Int($0)] } ?? [] }

    func count(_ key: Key) -> Int { bucketOf[key].map { buckets[Int($0)].count } ?? 0 }

    /// The number of the bucket that holds the slots of a key: a handle for what others keep per key, valid (and the key's alone)
    /// as long as there is a slot under the key.
    func bucket(of key: Key) -> Int? { bucketOf[key].map(Int.init) }

    /// The bucket a slot is in, nil if it is filed under no key.
    func bucket(holding slot: Int) -> Int? {
        slot < places.count && places[slot].bucket >= 0 ? Int(places[slot].bucket) : nil
    }

    /// Files a slot under a key (nil: under none), wherever it stood before.
    mutating func file(_ slot: Int, under key: Key?) {
        while places.count <= slot { places.append((-1, 0)) }
        let old = places[slot].bucket
        if old >= 0 {
            if let key, keys[Int(old)] == key { return }
            remove(slot, from: Int(old))
        }
        guard let key else { return }
        let bucket = bucketOf[key] ?? newBucket(key)
        places[slot] = (bucket, Int32(buckets[Int(bucket)].count))
        buckets[Int(bucket)].append(Int32(slot))
    }

    private mutating func newBucket(_ key: Key) -> Int32 {
        let bucket: Int32
        if let reused = freeBuckets.popLast() {
            bucket = reused
            keys[Int(bucket)] = key
        } else {
            bucket = Int32(buckets.count)
            buckets.append([])
            keys.append(key)
        }
        bucketOf[key] = bucket
        return bucket
    }

    private mutating func remove(_ slot: Int, from bucket: Int) {
        let position = Int(places[slot].position)
        let last = buckets[bucket].removeLast()
        if Int(last) != slot {
            buckets[bucket][position] = last
            places[Int(last)].position = Int32(position)
        }
        places[slot] = (-1, 0)
        if buckets[bucket].isEmpty, let key = keys[bucket] {
            bucketOf[key] = nil
            keys[bucket] = nil
            freeBuckets.append(Int32(bucket))
        }
    }
}
