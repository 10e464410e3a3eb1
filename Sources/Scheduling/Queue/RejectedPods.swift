// The unschedulable pool, ordered so that an event touches only pods it may concern.

/// Pods by the set of plugins that rejected them: an event that no plugin of a set listens to passes over all its pods at once.
struct RejectedPods: Sendable {
    struct Bucket: Sendable {
        let profile: Int
        /// Rejecting and pending plugins together.
        let plugins: PluginSet
        var slots: [Int32] = []
    }
    /// In order of first use; there are few.
    private(set) var buckets: [Bucket] = []
    private(set) var count = 0

    /// Adds a pod; returns its place.
    mutating func insert(_ slot: Int32, profile: Int, plugins: PluginSet) -> (bucket: Int32, position: Int32) {
        let index: Int
        if let known = buckets.firstIndex(where: { $0.plugins == plugins && $0.profile == profile }) {
            index = known
        } else {
            index = buckets.count
            buckets.append(Bucket(profile: profile, plugins: plugins))
        }
        buckets[index].slots.append(slot)
        count += 1
        return (Int32(index), Int32(buckets[index].slots.count - 1))
    }

    /// Removes the pod at a place; returns the slot that took its place, if any.
    mutating func remove(bucket: Int32, position: Int32) -> Int32? {
        count -= 1
        let last = buckets[Int(bucket)].slots.removeLast()
        guard Int(position) < buckets[Int(bucket)].slots.count else { return nil }
        buckets[Int(bucket)].slots[Int(position)] = last
        return last
    }
}
