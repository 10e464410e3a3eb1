// Which combinations of its factors' values an experiment tries.

import DiscreteEvents

/// How combinations are chosen.
enum ExperimentDesign: Sendable {
    /// All there are; the last factor varies fastest.
    case grid
    /// So many, each value of each factor about equally often.
    case latinHypercube(combinations: Int, seed: UInt64)
    /// The beginning of a Sobol sequence: as even, and a larger design keeps the combinations of a smaller one.
    case sobol(combinations: Int)

    var isGrid: Bool { if case .grid = self { true } else { false } }

    /// Why it does not go with these factors; nil: it does.
    func problem(with factors: [Factor]) -> String? {
        switch self {
        case .grid:
            let ranged = factors.first { if case .range = $0.domain { true } else { false } }
            return ranged.map {
                "a grid needs levels: factor \"\($0.name)\" has a range, from which a latinHypercube or a sobol design chooses"
            }
        case .sobol:
            let most = SpaceFilling.sobolDimensions
            return factors.count > most ? "has \(factors.count) factors: a Sobol sequence has at most \(most)" : nil
        case .latinHypercube: return nil
        }
    }

    /// How many there will be; nil: more than can be counted.
    func count(_ factors: [Factor]) -> Int? {
        switch self {
        case .latinHypercube(let count, _), .sobol(let count): return count
        case .grid:
            var count = 1
            for factor in factors {
                let (product, overflow) = count.multipliedReportingOverflow(by: factor.count)
                if overflow { return nil }
                count = product
            }
            return count
        }
    }

    /// For each combination, the number of each factor's value. The same on every machine.
    func choices(_ factors: [Factor]) -> [[Int]] {
        switch self {
        case .grid:
            return factors.reduce([[]]) { combinations, factor in
                combinations.flatMap { combination in (0..<factor.count).map { combination + [$0] } }
            }
        case .latinHypercube(let count, let seed):
            return numbers(SpaceFilling.latinHypercube(count: count, coordinates: factors.map(\.name), seed: seed), factors)
        case .sobol(let count):
            return numbers(SpaceFilling.sobol(count: count, dimensions: factors.count), factors)
        }
    }

    private func numbers(_ points: [[Double]], _ factors: [Factor]) -> [[Int]] {
        points.map { point in zip(point, factors).map { min($1.count - 1, Int($0 * Double($1.count))) } }
    }
}
