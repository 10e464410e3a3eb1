// Kubernetes Events, recorded and simulated: about whom, why, in which words, how often.

extension TimelineComparison {
    mutating func compareEvents() {
        result.events = recorded.events.count
        let ends = budgetEnds()
        let (first, second) = (census(recorded, until: ends), census(simulated, until: ends))
        for entry in first {
            let other = second.first { $0.text == entry.text }
            let counts = other.map { other in
                // What came after the end was not recorded.
                var counts = other.counts
                while counts.count > entry.counts.count, let last = counts.last, isAfterEnd(last.time) { counts.removeLast() }
                return counts
            }
            if let counts, agree(entry, counts) { continue }
            result.differences.append(
                .init(
                    time: entry.counts.first?.time, subject: "Event " + entry.text, recorded: "counts \(entry.counts.map(\.count))",
                    simulated: counts.map { "counts \($0.map(\.count))" } ?? "none"))
        }
        for entry in second where !first.contains(where: { $0.text == entry.text }) {
            guard let time = entry.counts.first?.time, !isAfterEnd(time) else { continue }
            result.differences.append(
                .init(
                    time: time, subject: "Event " + entry.text, recorded: "none",
                    simulated: "counts \(entry.counts.map(\.count))"))
        }
    }

    private typealias EventCount = (text: String, rule: EventRelaxation.Rule?, counts: [(time: Double, count: Int)])

    private func agree(_ entry: EventCount, _ counts: [(time: Double, count: Int)]) -> Bool {
        switch entry.rule {
        case .presence?, .occurrence?: true
        case .uncounted?: entry.counts.count == counts.count
        case .roughly?: EventRelaxation.areClose(entry.counts.count, counts.count)
        default: entry.counts.map(\.count).sorted() == counts.map(\.count).sorted()
        }
    }

    /// From when on Events about an object are not compared.
    private func budgetEnds() -> [String: Double] {
        guard recording.snapshot != nil else { return [:] }
        var ends: [String: Double] = [:]
        for view in [recorded, simulated] {
            var counts: [String: Int] = [:]
            for event in view.events {
                counts[event.about, default: 0] += 1
                if counts[event.about] == Relaxations.eventBudget {
                    let about = view.inRoles(event.about)
                    ends[about] = min(ends[about] ?? .infinity, event.time + Relaxations.usualLateness)
                }
            }
        }
        return ends
    }

    private func census(_ view: TimelineView, until ends: [String: Double]) -> [EventCount] {
        var found: [EventCount] = []
        var places: [String: Int] = [:]
        for reported in view.events {
            if let end = ends[view.inRoles(reported.about)], reported.time > end { continue }
            var event = reported
            let relaxation = Relaxations.events.first { $0.applies(event, inSnapshot: recording.snapshot != nil, inBurst: hasBurst) }
            if case .eitherDeleted? = relaxation?.rule { event = EventRelaxation.deletion(event) }
            if case .ignored? = relaxation?.rule { continue }
            var message = view.inRoles(event.message, hidingNodes: event.about.hasPrefix("Pod/"))
            if case .uncounted? = relaxation?.rule { message = EventRelaxation.unmerged(message) }
            if case .presence? = relaxation?.rule { message = EventRelaxation.withoutNumbers(message) }
            if case .occurrence? = relaxation?.rule { message = String(message.prefix { $0 != ":" }) }
            let text = "\(view.inRoles(event.about)) \(event.source) \(event.type) \(event.reason): \(message)"
            let count = (event.time, event.count ?? 0)
            if let index = places[text] {
                found[index].counts.append(count)
            } else {
                places[text] = found.count
                found.append((text, relaxation?.rule, [count]))
            }
        }
        return found
    }
}
