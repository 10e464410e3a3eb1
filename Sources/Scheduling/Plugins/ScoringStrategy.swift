// How NodeResourcesFit turns "so much requested of so much" into a score.

/// A strategy of NodeResourcesFit.
public enum ScoringStrategy: Hashable, Sendable {
    /// The emptier the better: spreads load.
    case leastAllocated
    /// The fuller the better: packs pods onto few nodes.
    case mostAllocated
    /// A broken line through points of utilisation (percent) and score (0…10).
    case requestedToCapacityRatio([ShapePoint])

    public struct ShapePoint: Hashable, Sendable {
        public var utilization: Int64
        public var score: Int64
        public init(utilization: Int64, score: Int64) {
            self.utilization = utilization
            self.score = score
        }
    }

    /// The score of one resource, 0…100; `allocatable` is not 0.
    @inline(__always)
    func score(requested: Int64, allocatable: Int64) -> Int64 {
        switch self {
        case .leastAllocated:
            return requested > allocatable ? 0 : ScoringStrategy.percent(allocatable - requested, of: allocatable)
        case .mostAllocated:
            return ScoringStrategy.percent(min(requested, allocatable), of: allocatable)
        case .requestedToCapacityRatio(let shape):
            let utilization = requested > allocatable ? 100 : ScoringStrategy.percent(requested, of: allocatable)
            return ScoringStrategy.interpolate(shape, at: utilization)
        }
    }

    /// `part` of `whole` in hundredths, rounded down; `part` lies in 0…`whole`, `whole` is not 0.
    @inline(__always)
    private static func percent(_ part: Int64, of whole: Int64) -> Int64 {
        if whole <= Int64.max / NodeScore.maximum { return part * NodeScore.maximum / whole }
        return percentOfHuge(part, whole)
    }

    /// The same where the product needs more than 64 bits.
    @inline(never)
    private static func percentOfHuge(_ part: Int64, _ whole: Int64) -> Int64 {
        whole.dividingFullWidth(part.multipliedFullWidth(by: NodeScore.maximum)).quotient
    }

    /// Shape scores reach from 0 to 10, node scores to 100.
    private static let scale: Int64 = 10

    private static func interpolate(_ shape: [ShapePoint], at utilization: Int64) -> Int64 {
        for (index, point) in shape.enumerated() where utilization <= point.utilization {
            guard index > 0 else { return point.score * scale }
            let before = shape[index - 1]
            return before.score * scale
                + (point.score - before.score) * scale * (utilization - before.utilization) / (point.utilization - before.utilization)
        }
        return (shape.last?.score ?? 0) * scale
    }
}

/// The weighted mean of the scores of several resources.
struct WeightedScore {
    private var sum: Int64 = 0
    private var weights: Int64 = 0

    @inline(__always)
    mutating func add(_ strategy: ScoringStrategy, _ requested: Int64, _ allocatable: Int64, _ weight: Int64) {
        guard allocatable != 0, weight != 0 else { return }
        let score = strategy.score(requested: requested, allocatable: allocatable)
        if case .requestedToCapacityRatio = strategy, score <= 0 { return }
        sum += score * weight
        weights += weight
    }

    @inline(__always)
    func result(_ strategy: ScoringStrategy) -> Int64 {
        guard weights != 0 else { return 0 }
        if case .requestedToCapacityRatio = strategy { return Int64((Double(sum) / Double(weights)).rounded()) }
        return sum / weights
    }
}
