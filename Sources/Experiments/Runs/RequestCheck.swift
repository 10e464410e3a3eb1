// Whether what was expected of requests came true.

import ClusterSimulation
import DiscreteEvents

extension TrafficRecord {
    /// The values of a figure in a window, each with its time: one over the whole window, or one of each interval that ended in it.
    func values(
        _ figure: Expectation.RequestFigure, of source: String?, from: SimulatedTime, until: SimulatedTime
    ) -> [(time: SimulatedTime, value: Double)] {
        let chosen = sources.indices.filter { source == nil ? !sources[$0].isCall : sources[$0].name == source }
        switch figure {
        case .availability, .failed, .errorSeconds:
            let (first, last) = (Int(from.sinceStart.seconds), Int(until.sinceStart.seconds.rounded(.up)))
            if figure == .errorSeconds {
                let seconds = (first..<max(first, last)).count { second in
                    chosen.contains { second < sources[$0].failedSent.count && sources[$0].failedSent[second] > 0 }
                }
                return [(until, Double(seconds))]
            }
            var (ended, failed) = (UInt64(0), UInt64(0))
            for second in first..<max(first, last) {
                for index in chosen where second < sources[index].ended.count {
                    ended += UInt64(sources[index].ended[second])
                    failed += UInt64(sources[index].failed[second])
                }
            }
            if figure == .failed { return [(until, Double(failed))] }
            return ended == 0 ? [] : [(until, Double(ended - failed) / Double(ended))]
        case .p50, .p90, .p99, .p999, .maximum:
            let place = [Expectation.RequestFigure.p50, .p90, .p99, .p999].firstIndex(of: figure) ?? TrafficRecord.levels.count
            return intervals.filter { chosen.contains($0.source) && $0.begin >= from && $0.end <= until && !$0.quantiles[place].isNaN }
                .map { ($0.end, $0.quantiles[place]) }
        }
    }
}
