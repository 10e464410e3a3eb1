// Where the best nodes of each class stand, known without looking at all of them.

/// For every class and every stretch of 64 positions the highest score and how many nodes have it.
///
/// When one node changes, one stretch of one or two classes changes. The best of a class is found by looking at its stretches, the
/// k-th of the equally good ones by counting through them: both cost a sixty-fourth of looking at every node.
struct BestNodes: Sendable {
    static let stretch = 64
    private let stretchCount: Int
    /// Class-major: `stretchCount` a class. `Int64.min`: no node of the class there.
    private var maxima: [Int64] = []
    private var ties: [UInt8] = []
    /// The best of each class, valid unless stale.
    private var best: [Int64] = []
    private var isStale: [Bool] = []

    init(positions: Int) { stretchCount = (positions + BestNodes.stretch - 1) / BestNodes.stretch }

    mutating func widen(toClasses count: Int) {
        let missing = count - best.count
        guard missing > 0 else { return }
        maxima.append(contentsOf: repeatElement(.min, count: missing * stretchCount))
        ties.append(contentsOf: repeatElement(0, count: missing * stretchCount))
        best.append(contentsOf: repeatElement(.min, count: missing))
        isStale.append(contentsOf: repeatElement(false, count: missing))
    }

    /// A node of a class stands at a position with a score from now on.
    mutating func insert(_ position: Int, class number: Int32, score: Int64) {
        let index = Int(number) * stretchCount + position / BestNodes.stretch
        if score > maxima[index] {
            maxima[index] = score
            ties[index] = 1
            if score > best[Int(number)] { best[Int(number)] = score }
        } else if score == maxima[index] {
            ties[index] += 1
        }
    }

    /// It is there no longer; `classes` and `scores` tell what is.
    mutating func remove(_ position: Int, class number: Int32, score: Int64, _ classes: [Int32], _ scores: [Int64]) {
        let index = Int(number) * stretchCount + position / BestNodes.stretch
        guard score == maxima[index] else { return }
        if ties[index] > 1 {
            ties[index] -= 1
            return
        }
        var (maximum, count) = (Int64.min, UInt8(0))
        let first = position / BestNodes.stretch * BestNodes.stretch
        for other in first..<min(first + BestNodes.stretch, classes.count) where classes[other] == number && other != position {
            if scores[other] > maximum {
                (maximum, count) = (scores[other], 1)
            } else if scores[other] == maximum {
                count += 1
            }
        }
        maxima[index] = maximum
        ties[index] = count
        if score == best[Int(number)] { isStale[Int(number)] = true }
    }

    /// The highest score of a class; `Int64.min` for an empty one.
    mutating func best(of number: Int) -> Int64 {
        if isStale[number] {
            isStale[number] = false
            var maximum = Int64.min
            for index in (number * stretchCount)..<((number + 1) * stretchCount) where maxima[index] > maximum { maximum = maxima[index] }
            best[number] = maximum
        }
        return best[number]
    }

    /// How many nodes of a class have exactly its best score.
    func tieCount(of number: Int) -> Int {
        let wanted = best[number]
        var count = 0
        for index in (number * stretchCount)..<((number + 1) * stretchCount) where maxima[index] == wanted { count += Int(ties[index]) }
        return count
    }

    /// How many nodes of some classes have exactly the best score of their class within one stretch.
    func tieCount(of numbers: [Int32], inStretch stretch: Int) -> Int {
        var count = 0
        for number in numbers {
            let index = Int(number) * stretchCount + stretch
            if maxima[index] == best[Int(number)] { count += Int(ties[index]) }
        }
        return count
    }
}
