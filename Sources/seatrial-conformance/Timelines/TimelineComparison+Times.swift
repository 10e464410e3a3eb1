// When things happened: 150 ms apart, or a tenth of the time since the driver's last action, is agreement; more needs a relaxation.

/// Something that happened to one object of a crowd.
struct CrowdStep {
    var what: String
    var recorded: Double
    var simulated: Double
}

extension TimelineComparison {
    /// What the API's own times are called when those of a crowd are compared.
    private static let instant = " as an instant"

    /// Which relaxations two times need: none, some, or nil where they differ nevertheless.
    func relaxations(_ first: Double, _ second: Double, _ kind: String, _ what: String) -> [Relaxation]? {
        let distance = abs(first - second)
        var limit = tolerance(at: first)
        if distance <= limit { return [] }
        let allowances = Relaxations.allowances(kind, what, circumstances).compactMap { relaxation, allowance -> (Relaxation, Double)? in
            switch allowance {
            case .window(let width): (relaxation, width)
            case .rollout: first > second ? rolloutLateness.map { (relaxation, $0) } : nil
            case .lateness: first > second ? (relaxation, lateness) : nil
            case .order: first < second && lateness > Relaxations.usualLateness ? (relaxation, lateness - Relaxations.usualLateness) : nil
            }
        }
        // One that is enough alone; else together.
        if let one = allowances.first(where: { distance <= limit + $0.1 }) { return [one.0] }
        limit += allowances.reduce(0) { $0 + $1.1 }
        return distance <= limit && !allowances.isEmpty ? allowances.map(\.0) : nil
    }

    func tolerance(at time: Double) -> Double { Relaxations.tolerance(sinceAction: time - (actionTimes.last { $0 <= time } ?? 0)) }

    mutating func compareTime(_ first: Double, _ second: Double, _ object: String, _ what: String) {
        writes.append(MatchedWrite(what: what, recorded: first, simulated: second))
        if crowd != nil {
            crowd?.append(CrowdStep(what: what, recorded: first, simulated: second))
        } else {
            judge(first, second, object, what)
        }
    }

    /// An instant among the values of a field, in milliseconds: only told apart in a crowd, where `agree` leaves it to the crowd.
    mutating func compareInstant(_ first: Double, _ second: Double, _ path: String) {
        crowd?.append(CrowdStep(what: path + TimelineComparison.instant, recorded: first, simulated: second))
    }

    private mutating func judge(_ first: Double, _ second: Double, _ object: String, _ what: String) {
        result.transitions += 1
        let write = "\(object) \(first) \(second)"
        let kind = String(object.prefix { $0 != " " })
        var (left, right) = (first, second)
        if what.hasSuffix(TimelineComparison.instant) {
            // Whole seconds: half of one to each side is what the clocks show of the same moment.
            let apart = max(0, abs(first - second) - Relaxations.wholeSeconds * 1000)
            (left, right) = (first, first + (second < first ? -apart : apart))
        }
        guard let needed = relaxations(left, right, kind, what) else {
            return result.differ(
                ofWrite: write, at: first, object + " " + what, recorded: TimelineComparison.seconds(first),
                simulated: TimelineComparison.seconds(second))
        }
        for relaxation in needed { result.relax(relaxation, ofWrite: write) }
    }

    /// Of several equal objects it is random which one something happens to first: the times of each thing that happens to them
    /// are compared in their order.
    mutating func compareCrowd(_ subject: String) {
        guard let steps = crowd else { return }
        crowd = nil
        var places: [String: Int] = [:]
        var moments: [(what: String, recorded: [Double], simulated: [Double])] = []
        for step in steps {
            let index = places[step.what] ?? moments.count
            if index == moments.count {
                places[step.what] = index
                moments.append((step.what, [], []))
            }
            moments[index].recorded.append(step.recorded)
            moments[index].simulated.append(step.simulated)
        }
        for moment in moments {
            for (first, second) in zip(moment.recorded.sorted(), moment.simulated.sorted()) { judge(first, second, subject, moment.what) }
        }
    }

    static func seconds(_ milliseconds: Double) -> String {
        let rounded = Int(milliseconds.rounded())
        let rest = String(abs(rounded) % 1000)
        return (rounded < 0 ? "-" : "") + "\(abs(rounded) / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest + " s"
    }
}
