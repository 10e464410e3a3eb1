// A binary heap of numbered things from which any one can be removed: the order of the scheduling queues.

/// A min-heap of slots with keys. Each slot is in it at most once; insertion, removal and replacement are O(log n).
struct SlotHeap<Key: Comparable & Sendable>: Sendable {
    private struct Element: Sendable {
        var key: Key
        var slot: Int32
    }
    private var elements: [Element] = []
    /// The index of each slot's element, −1 for slots that are not in the heap.
    private var positions: [Int32] = []

    var isEmpty: Bool { elements.isEmpty }
    var count: Int { elements.count }
    var first: (key: Key, slot: Int32)? { elements.first.map { ($0.key, $0.slot) } }

    func contains(_ slot: Int32) -> Bool { slot < positions.count && positions[Int(slot)] >= 0 }

    mutating func insert(_ slot: Int32, _ key: Key) {
        precondition(!contains(slot), "a slot is in the heap once")
        if positions.count <= slot {
            positions.append(contentsOf: repeatElement(-1, count: Int(slot) + 1 - positions.count))
        }
        elements.append(Element(key: key, slot: slot))
        rise(elements.count - 1)
    }

    /// Removes a slot if it is there.
    mutating func remove(_ slot: Int32) {
        guard contains(slot) else { return }
        let index = Int(positions[Int(slot)])
        positions[Int(slot)] = -1
        let last = elements.removeLast()
        guard index < elements.count else { return }
        elements[index] = last
        positions[Int(last.slot)] = Int32(index)
        rise(index)
        sink(Int(positions[Int(last.slot)]))
    }

    /// All slots in order of their keys; for tests and inspection.
    var sorted: [Int32] { elements.sorted { $0.key < $1.key }.map(\.slot) }

    private mutating func rise(_ start: Int) {
        let element = elements[start]
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard element.key < elements[parent].key else { break }
            elements[index] = elements[parent]
            positions[Int(elements[index].slot)] = Int32(index)
            index = parent
        }
        elements[index] = element
        positions[Int(element.slot)] = Int32(index)
    }

    private mutating func sink(_ start: Int) {
        let element = elements[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1].key < elements[child].key { child += 1 }
            guard elements[child].key < element.key else { break }
            elements[index] = elements[child]
            positions[Int(elements[index].slot)] = Int32(index)
            index = child
        }
        elements[index] = element
        positions[Int(element.slot)] = Int32(index)
    }
}
