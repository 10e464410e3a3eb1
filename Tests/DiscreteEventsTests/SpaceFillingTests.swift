// Designs that fill a cube evenly.

import Testing

@testable import DiscreteEvents

@Suite("Space-filling designs") struct SpaceFillingTests {
    @Test("The Sobol sequence begins as published, and is a beginning of itself")
    func sobol() {
        let points = SpaceFilling.sobol(count: 8, dimensions: 2)
        // Bratley and Fox (1988), without the point at the origin.
        #expect(points.prefix(3) == [[0.5, 0.5], [0.75, 0.25], [0.25, 0.75]])
        #expect(SpaceFilling.sobol(count: 3, dimensions: 2) == Array(points.prefix(3)))
    }

    @Test("Every dyadic box of the plane gets its share of a Sobol sequence", arguments: [(1, 6), (3, 4), (5, 2)])
    func sobolBoxes(columns: Int, rows: Int) {
        // The origin belongs to the sequence, though GSL leaves it out.
        var counts = Array(repeating: 0, count: 1 << (columns + rows))
        for point in [[0.0, 0.0]] + SpaceFilling.sobol(count: (1 << 7) - 1, dimensions: 2) {
            counts[Int(point[0] * Double(1 << columns)) << rows + Int(point[1] * Double(1 << rows))] += 1
        }
        #expect(counts.allSatisfy { $0 == 1 })
    }

    @Test("A Latin hypercube has one point in each slice of each coordinate")
    func slices() {
        let points = SpaceFilling.latinHypercube(count: 40, coordinates: ["a", "b", "c"], seed: 7)
        for coordinate in 0..<3 {
            #expect(points.map { Int($0[coordinate] * 40) }.sorted() == Array(0..<40))
        }
    }

    @Test("Coordinates of a Latin hypercube keep their draws whatever else there is, and seeds change them")
    func ownDraws() {
        let alone = SpaceFilling.latinHypercube(count: 10, coordinates: ["b"], seed: 1).map { $0[0] }
        let together = SpaceFilling.latinHypercube(count: 10, coordinates: ["a", "b"], seed: 1)
        #expect(together.map { $0[1] } == alone)
        #expect(together.map { $0[0] } != alone)
        #expect(SpaceFilling.latinHypercube(count: 10, coordinates: ["b"], seed: 2).map { $0[0] } != alone)
    }
}
