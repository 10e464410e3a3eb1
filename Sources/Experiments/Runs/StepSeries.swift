// A figure of the samples of a run over time, and its mean without the warm-up.

import ClusterSimulation
import DiscreteEvents

/// Values that each hold until the next.
struct StepSeries {
    private var times: [SimulatedTime] = []
    private var values: [Double] = []
    private var durations: [Double] = []

    /// - Parameter end: when the next value, or the end of the run, came.
    mutating func add(_ value: Double, from begin: SimulatedTime, until end: SimulatedTime) {
        times.append(begin)
        values.append(value)
        durations.append((end - begin).seconds)
    }

    /// How many values a warm-up leaves out; nil: the series has not settled.
    private func cut(_ warmUp: WarmUp?) -> Int? {
        switch warmUp {
        case nil: 0
        case .until(let end): times.firstIndex { $0 >= end }
        case .mser5: SteadyState.warmUp(of: values)
        }
    }

    /// The mean over time; nil: nothing was measured, or it has not settled.
    func mean(after warmUp: WarmUp?) -> Double? {
        guard let first = cut(warmUp) else { return nil }
        let total = durations[first...].reduce(0, +)
        return total > 0 ? zip(values[first...], durations[first...]).reduce(0) { $0 + $1.0 * $1.1 } / total : nil
    }

    /// The largest value; nil as for the mean.
    func maximum(after warmUp: WarmUp?) -> Double? { cut(warmUp).flatMap { values[$0...].max() } }
}
