// The memory behind Kubernetes Events against the plainest one that forgets in the same order.

import DiscreteEvents
import Testing

@testable import APIServer

@Suite("A memory of what was used recently")
struct RecentlyUsedTests {
    /// Keys in order of use, the oldest first.
    private struct Naive {
        var entries: [(key: UInt64, value: Int)] = []
        let capacity: Int

        mutating func update(_ key: UInt64) -> Int {
            var value = 0
            if let index = entries.firstIndex(where: { $0.key == key }) {
                value = entries.remove(at: index).value
            } else if entries.count == capacity {
                entries.removeFirst()
            }
            entries.append((key, value + 1))
            return value + 1
        }
    }

    /// `spread`: by how much keys differ; small ones collide in the table, and such below 2^32 differ only where it does not look.
    @Test("remembers what a plain list remembers", arguments: [1, 3, 64, 200], [UInt64(1), 1 << 31, 1 << 52, 1 << 56])
    func agreesWithAList(capacity: Int, spread: UInt64) {
        var stream = RandomStream(seed: 7, purpose: RandomPurpose("recently used"), owner: "\(capacity)/\(spread)")
        var memory = RecentlyUsed<Int>(capacity: capacity)
        var naive = Naive(capacity: capacity)
        for _ in 0..<4000 {
            let key = UInt64(stream.uniform(below: 2 * capacity + 10)) &* spread
            let count = memory.update(key, new: 0) { value in
                value += 1
                return value
            }
            #expect(count == naive.update(key))
        }
    }
}
