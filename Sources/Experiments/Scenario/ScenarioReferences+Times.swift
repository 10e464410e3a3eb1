// What a scenario lets happen too late: after the end of the run, or shortly before.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

extension ScenarioReferences {
    /// Warns of what comes after the end, or so late that nothing can be at rest then.
    func checkTimes(
        _ faults: [(node: YAMLNode, fault: DecodedFault?)], _ entries: [(node: YAMLNode, entry: TimelineEntry)],
        _ expectations: [(node: YAMLNode, expectation: Expectation)], of configuration: ClusterConfiguration, end: SimulatedTime,
        _ decoder: inout ScenarioDecoder
    ) {
        for (node, fault) in faults { if let fault { checkTime(fault, node, end: end, &decoder) } }
        for (node, entry) in entries { checkTime(entry.at, node["at"] ?? node, end: end, &decoder) }
        let rest = RestCheck(configuration, end: end)
        for (node, expectation) in expectations {
            checkTime(expectation.from, node["from"] ?? node["at"] ?? node, end: end, &decoder)
            checkWindow(of: expectation, node, interval: configuration.recording.interval, end: end, &decoder)
            if let warning = rest.warning(about: expectation) { decoder.context.warning(node["invariants"] ?? node, warning) }
        }
    }

    /// What comes after the end of the run does not come at all.
    private func checkTime(_ fault: DecodedFault, _ node: YAMLNode, end: SimulatedTime, _ decoder: inout ScenarioDecoder) {
        let start: SimulatedTime
        switch fault {
        case .nodes(let fault):
            guard case .once(let at, _) = fault.schedule else { return }
            start = at
        case .apiServer(let fault): start = fault.at
        case .registry(let outage): start = outage.at
        case .replay(let failures, let file):
            let late = failures.filter { failure in if case .once(let at, _) = failure.fault.schedule { at > end } else { false } }
            guard let first = late.first else { return }
            decoder.context.warning(
                node["file"] ?? node,
                "\(Presentation.count(late.count, "failure")) of \(failures.count), the first of them in \(file):\(first.line), "
                    + ScenarioReferences.neverHappens(end))
            return
        }
        checkTime(start, node["at"] ?? node, end: end, &decoder)
    }

    /// Latencies are known of whole intervals of measurement, shares of whole seconds: a window without one would measure nothing, and never hold.
    private func checkWindow(
        of expectation: Expectation, _ node: YAMLNode, interval: SimulatedDuration?, end: SimulatedTime, _ decoder: inout ScenarioDecoder
    ) {
        guard case .requests(let figure, _) = expectation.subject, figure.isLatency || figure == .availability else { return }
        let (from, until) = (expectation.from ?? .zero, expectation.until ?? end)
        // That nothing is measured after the end, is told already.
        if from >= end { return }
        let place = node["requests"]?[figure.rawValue] ?? node
        guard figure.isLatency else {
            if from == until { decoder.context.error(place, "is a share of the requests of a time, which needs \"from\" and \"until\"") }
            return
        }
        let length = interval ?? end.sinceStart
        let begin = from.roundedUp(toMultipleOf: length)
        guard begin >= end || min(begin + length, end) > until else { return }
        decoder.context.error(
            place,
            "is measured in intervals of \(length.text) (measure.interval), none of which lies between \(from.sinceStart.text) and "
                + "\(until.sinceStart.text)")
    }

    func checkTime(_ time: SimulatedTime?, _ node: YAMLNode, end: SimulatedTime, _ decoder: inout ScenarioDecoder) {
        guard let time, time > end else { return }
        decoder.context.warning(node, ScenarioReferences.neverHappens(end))
    }

    private static func neverHappens(_ end: SimulatedTime) -> String {
        "is after the end of the run, \(end.sinceStart.text): it does not happen"
    }
}
