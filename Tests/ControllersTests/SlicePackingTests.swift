// Packing of endpoints into EndpointSlices over random changes.

import DiscreteEvents
import Testing

@testable import Controllers

/// An endpoint with something that may change in place.
private struct TestEndpoint: PackedEndpoint {
    let identity: Int
    var isReady = true
}

@Suite("Packing of endpoints")
struct SlicePackingTests {
    private typealias Packing = SlicePacking<TestEndpoint>

    @Test("every desired endpoint stands in exactly one slice, no slice is over-full, and what did not change is not written")
    func invariants() {
        var stream = RandomStream(seed: 7, purpose: RandomPurpose("packing"), owner: UInt64(0))
        for _ in 0..<300 {
            let maximum = 1 + Int(stream.next() % 6)
            var slices: [Packing.Slice] = []
            var desired: [TestEndpoint] = []
            for index in 0..<Int(stream.next() % 5) {
                let count = Int(stream.next() % UInt64(maximum + 1))
                slices.append(Packing.Slice(name: "s\(index)", endpoints: (0..<count).map { TestEndpoint(identity: index * 10 + $0) }))
                for endpoint in slices[index].endpoints where stream.next() % 4 != 0 {
                    desired.append(TestEndpoint(identity: endpoint.identity, isReady: stream.next() % 8 != 0))
                }
            }
            for index in 0..<Int(stream.next() % 9) { desired.append(TestEndpoint(identity: 1000 + index)) }
            let packing = Packing(existing: slices, desired: desired, maximum: maximum)
            let written = packing.updated.map(\.name) + packing.deleted
            let untouched = slices.filter { !written.contains($0.name) }
            let placed = (untouched + packing.updated).flatMap(\.endpoints) + packing.created.flatMap { $0 }
            #expect(placed.sorted { $0.identity < $1.identity } == desired.sorted { $0.identity < $1.identity })
            #expect((packing.created + packing.updated.map(\.endpoints)).allSatisfy { $0.count <= maximum })
            let again = Packing(
                existing: untouched + packing.updated, desired: (untouched + packing.updated).flatMap(\.endpoints), maximum: maximum)
            #expect(again.updated.isEmpty && again.created.isEmpty && again.deleted.isEmpty)
        }
    }
}
