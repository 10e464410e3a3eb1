// Kubernetes Events, recorded and simulated: about whom, why, in which words, how often, when.

extension TimelineComparison {
    /// One report of an Event.
    struct Report {
        /// About whom, from whom, of which type, why, in which words.
        var text: String
        /// The same as far as a relaxation looks at it.
        var key: String
        var use: Relaxations.EventUse?
        var kind: String
        var source: String
        var time: Double
        var count: Int
    }

    mutating func compareEvents() {
        result.events = recorded.events.count
        let ends = budgetEnds()
        let (first, second) = (reports(recorded, until: ends), reports(simulated, until: ends))
        if first.dropped + second.dropped > 0 { result.relax(Relaxations.beforeSnapshot, times: first.dropped + second.dropped) }
        var keys: [String] = []
        var groups: [String: (recorded: [Report], simulated: [Report])] = [:]
        func take(_ report: Report, _ side: WritableKeyPath<(recorded: [Report], simulated: [Report]), [Report]>) {
            if groups[report.key] == nil { keys.append(report.key) }
            groups[report.key, default: ([], [])][keyPath: side].append(report)
        }
        for report in first.reports { take(report, \.recorded) }
        for report in second.reports { take(report, \.simulated) }
        for key in keys { if let group = groups[key] { compare(group.recorded, group.simulated) } }
        compareTimes()
    }

    /// The reports that are one thing to a relaxation; without one, those with the same text.
    private mutating func compare(_ first: [Report], _ second: [Report]) {
        var seen: Set<String> = []
        let texts = (first + second).map(\.text).filter { seen.insert($0).inserted }
        let entries = texts.map { text in
            let mine = first.filter { $0.text == text }
            return (text: text, recorded: mine, simulated: untilEnd(second.filter { $0.text == text }, mine.count))
        }
        let areSame = entries.allSatisfy { entry in
            entry.recorded.map(\.count).sorted() == entry.simulated.map(\.count).sorted()
        }
        if !areSame, let use = (first + second).lazy.compactMap(\.use).first {
            guard follows(use.rule, first, untilEnd(second, first.count)) else { return differ(entries) }
            result.relax(use.relaxation)
            if let one = first.first, let other = second.first { reportPairs.append((one, other)) }
            if first.count == second.count, let one = first.last, let other = second.last { reportPairs.append((one, other)) }
            return
        }
        for entry in entries {
            guard entry.recorded.map(\.count).sorted() == entry.simulated.map(\.count).sorted() else {
                differ([entry])
                continue
            }
            for (one, other) in zip(entry.recorded, entry.simulated) { reportPairs.append((one, other)) }
        }
    }

    private mutating func differ(_ entries: [(text: String, recorded: [Report], simulated: [Report])]) {
        func text(_ reports: [Report]) -> String { reports.isEmpty ? "none" : "counts \(reports.map(\.count))" }
        for entry in entries where entry.recorded.map(\.count).sorted() != entry.simulated.map(\.count).sorted() {
            result.differ(
                at: entry.recorded.first?.time ?? entry.simulated.first?.time, "Event " + entry.text, recorded: text(entry.recorded),
                simulated: text(entry.simulated))
        }
    }

    /// Which of a component's Events with the same reason its client lets through first is chance where many wait: if the times of
    /// those with the same text do not agree, the times of all must.
    private mutating func compareTimes() {
        var places: [String: Int] = [:]
        var queues: [(name: String, pairs: [(one: Report, other: Report)])] = []
        for (one, other) in reportPairs {
            let name = one.source + " " + one.kind
            let index = places[name] ?? queues.count
            if index == queues.count {
                places[name] = index
                queues.append((name, []))
            }
            queues[index].pairs.append((one, other))
        }
        for queue in queues {
            let strict = queue.pairs.map { ($0.one.text, $0.one.time, $0.other.time) }
            let asOne = zip(queue.pairs.map(\.one.time).sorted(), queue.pairs.map(\.other.time).sorted()).map { (queue.name, $0, $1) }
            let isStrict = strict.allSatisfy { relaxations($0.1, $0.2, "Event", queue.pairs[0].one.kind) != nil }
            if !isStrict { result.relax(Relaxations.queueOfEvents) }
            for (text, first, second) in isStrict ? strict : asOne {
                guard let needed = relaxations(first, second, "Event", queue.pairs[0].one.kind) else {
                    result.differ(
                        at: first, "Event " + text, recorded: TimelineComparison.seconds(first),
                        simulated: TimelineComparison.seconds(second))
                    continue
                }
                for relaxation in needed { result.relax(relaxation, ofWrite: "\(text) \(first)") }
            }
        }
    }

    /// What the replay reported when the recording was over was not recorded.
    private mutating func untilEnd(_ reports: [Report], _ count: Int) -> [Report] {
        var shorter = reports
        while shorter.count > count, let last = shorter.last, isAfterEnd(last.time) {
            shorter.removeLast()
            result.relax(Relaxations.afterEnd)
        }
        return shorter
    }

    private func follows(_ rule: EventRule, _ first: [Report], _ second: [Report]) -> Bool {
        switch rule {
        case .ignored: true
        case .presence, .occurrence: !first.isEmpty && !second.isEmpty
        case .uncounted: first.count == second.count
        case .eitherDeleted: first.map(\.count).sorted() == second.map(\.count).sorted()
        case .roughly: EventRule.areClose(first.count, second.count)
        }
    }

    /// From when on Events about an object are not compared.
    private func budgetEnds() -> [String: Double] {
        guard circumstances.contains(.snapshot) else { return [:] }
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

    /// What relaxations of an Event may depend on.
    private func circumstances(of event: ReportedEvent, _ view: TimelineView) -> [Relaxation.Circumstance] {
        var found = circumstances
        let about = event.about.split(separator: "/", maxSplits: 1).map(String.init)
        if about.count == 2, about[0] == "Deployment", otherRollouts.contains(about[1]) { found.append(.otherSteps) }
        // Of an object that came after the dump, controllers remember nothing from before it.
        let isNew = view.tracks.contains { !$0.isInitial && about == [$0.kind, $0.name] }
        return isNew ? found.filter { $0 != .snapshot } : found
    }

    private func reports(_ view: TimelineView, until ends: [String: Double]) -> (reports: [Report], dropped: Int) {
        var found: [Report] = []
        var dropped = 0
        for event in view.events {
            if let end = ends[view.inRoles(event.about)], event.time > end {
                dropped += 1
                continue
            }
            let use = Relaxations.eventUse(event, circumstances(of: event, view))
            func text(_ event: ReportedEvent, _ relax: (String) -> String) -> String {
                let message = relax(view.inRoles(event.message, hidingNodes: event.about.hasPrefix("Pod/")))
                return "\(view.inRoles(event.about)) \(event.source) \(event.type) \(event.reason): \(message)"
            }
            let key: String
            switch use?.rule {
            case .eitherDeleted?: key = text(EventRule.deletion(event)) { $0 }
            case .uncounted?, .roughly?: key = text(event, EventRule.unmerged)
            case .presence?: key = text(event, EventRule.withoutNumbers)
            case .occurrence?: key = text(event) { String($0.prefix { $0 != ":" }) }
            default: key = text(event) { $0 }
            }
            found.append(
                Report(
                    text: text(event) { $0 }, key: key, use: use, kind: event.reason, source: event.source, time: event.time,
                    count: event.count ?? 0))
        }
        return (found, dropped)
    }
}
