// One long run instead of many: where its warm-up ends, and an interval from its batches.

/// What can be said of the steady state from one series.
public enum SteadyState {
    /// Where the warm-up of a series ends, by MSER-5: the cut after which the mean of what is left, in batches of five, has the smallest
    /// standard error. White (1997), "An effective truncation heuristic for bias reduction in simulation output".
    ///
    /// - Returns: how many values to leave out: a multiple of five. nil if the best cut is in the second half, which means that the series
    ///   is too short to have settled.
    public static func warmUp(of values: [Double]) -> Int? {
        let size = 5
        let batches = stride(from: 0, to: values.count - values.count % size, by: size).map { start in
            Statistics.mean(Array(values[start..<(start + size)]))
        }
        guard batches.count >= 2 else { return nil }
        // From the end, so that each cut costs one step: sums of values and of squares about the last batch, which keeps digits.
        let shift = batches[batches.count - 1]
        var (sum, squares) = (0.0, 0.0)
        var best: (cut: Int, error: Double)?
        for cut in batches.indices.reversed() {
            let value = batches[cut] - shift
            sum += value
            squares += value * value
            let count = Double(batches.count - cut)
            // Cuts near the end rest on next to nothing.
            guard count >= 5 || cut == 0 else { continue }
            let error = max(0, squares - sum * sum / count) / (count * count)
            if best.map({ error <= $0.error }) ?? true { best = (cut, error) }
        }
        guard let best, best.cut <= batches.count / 2 else { return nil }
        return best.cut * size
    }

    /// An interval for the mean of a series that is in its steady state, by batch means: neighbouring values depend on each other, the means
    /// of long batches hardly do. nil for fewer values than batches.
    ///
    /// - Parameter batches: 20 or so; values at the beginning that do not fill a batch are left out.
    public static func interval(_ values: [Double], batches: Int = 20, confidence: Double = 0.95) -> StudentInterval? {
        let size = values.count / batches
        guard size > 0 else { return nil }
        let first = values.count - size * batches
        let means = (0..<batches).map { batch in
            Statistics.mean(Array(values[(first + batch * size)..<(first + (batch + 1) * size)]))
        }
        return StudentInterval(means, confidence: confidence)
    }
}
