// What a person wants to know of the requests of a run.

import ClusterSimulation
import DiscreteEvents
import ServiceNetwork

/// A paragraph per source: how many, how many failed and how, how fast, and the worst minute.
struct TrafficReport: CustomStringConvertible {
    let traffic: TrafficRecord

    var description: String {
        var text = "Requests\n"
        for index in traffic.sources.indices { text += lines(index) }
        return text
    }

    private func lines(_ index: Int) -> String {
        let source = traffic.sources[index]
        let ended = source.results.reduce(0, +)
        var text = "  \(source.name) to \(source.address?.description ?? source.target.description): \(ended) requests"
        if ended > 0 {
            text += source.failures == 0 ? ", all good" : ", \(source.failures) failed (\(kinds(source))) in \(source.errorSeconds) s"
            if source.latency.count > 0 {
                let quantiles = [0.5, 0.99, 0.999].map { SimulatedDuration(seconds: source.latency.quantile(at: $0)).text }
                text += "; half within \(quantiles[0]), 99 % within \(quantiles[1]), 99.9 % within \(quantiles[2])"
            }
        }
        text += "\n"
        if let worst = traffic.worstMinute(of: index) {
            let begin = SimulatedTime.zero + .minutes(worst.minute)
            let share = Double(worst.failed) / Double(worst.sent)
            text +=
                "    worst minute: from \(begin.clock), \(worst.failed) of \(worst.sent) sent in it failed (\(Presentation.percent(share)))\n"
        }
        return text
    }

    private func kinds(_ source: TrafficRecord.Source) -> String {
        let names: [(RequestResult, String)] = [
            (.refused, "refused"), (.overloaded, "overloaded"), (.timedOut, "timed out"), (.reset, "reset"), (.failed, "failed calls"),
        ]
        return names.filter { source.count($0.0) > 0 }.map { "\(source.count($0.0)) \($0.1)" }.joined(separator: ", ")
    }
}
