// The values a field took on, recorded and simulated: the same ones in the same order at the same times, or, where a relaxation
// says so, less.

import KubernetesAPI

extension TimelineComparison {
    /// A value a field took on, in comparable form.
    struct Step {
        var time: Double
        var value: String

        /// A counter's number, or a quantity's; nothing counts as none.
        static func number(_ value: String) -> Double? {
            value == "-" ? 0 : Double(value) ?? (try? Quantity(text: value))?.approximateFloat64
        }
    }

    /// Compares one field of a recorded object with the same of the simulated one that plays it.
    mutating func compare(_ left: ObjectTrack, _ right: ObjectTrack, _ path: String, _ subject: String) {
        let (first, second) = (sequence(left, path, recorded), sequence(right, path, simulated))
        // What came when the recording was over was not recorded.
        let shown = withoutEnd(second, first.count)
        let use = Relaxations.sequenceRule(left.kind, path, circumstances + (takesOtherSteps ? [.otherSteps] : []))
        if case .ignored? = use?.rule {
            if let use, !agree(first, shown, path) { result.relax(use.relaxation) }
            return
        }
        if agree(first, shown, path) {
            // Where the way may differ, the times on the way may, too.
            let isInTime = zip(first, shown).allSatisfy {
                relaxations($0.time, $1.time, left.kind, "\(path)=\($0.value)") != nil
            }
            if use == nil || isInTime {
                if shown.count < second.count { result.relax(Relaxations.afterEnd) }
                return compareTimes(first, shown, subject, path)
            }
        }
        guard let use else { return differ(first, second, "\(subject) \(path)") }
        let field = ComparedField(kind: left.kind, path: path + "=")
        let (whole, wholeSecond) = (SequenceRule.sinceCreation(first, left), SequenceRule.sinceCreation(second, right))
        if !follows(use.rule, whole, wholeSecond, field) {
            let (early, earlySecond) = (SequenceRule.beforeEnd(whole, left.deleted), SequenceRule.beforeEnd(wholeSecond, right.deleted))
            let trials = [(whole, earlySecond), (early, wholeSecond), (early, earlySecond)]
            guard case .curve = use.rule, trials.contains(where: { follows(use.rule, $0.0, $0.1, field) }) else {
                return differ(first, second, "\(subject) \(path)")
            }
            result.relax(Relaxations.lastWords)
        }
        result.relax(use.relaxation)
        result.transitions += first.count
        if case .rollout = use.rule, let deployment = left.controller?.name, !otherRollouts.contains(deployment) {
            otherRollouts.append(deployment)
        }
    }

    /// Whether a ReplicaSet takes other sizes than the recorded one, or at other times.
    func takesOtherSteps(_ left: ObjectTrack, _ right: ObjectTrack) -> Bool {
        guard left.kind == "ReplicaSet" else { return false }
        let path = "spec_replicas"
        let first = sequence(left, path, recorded)
        let second = withoutEnd(sequence(right, path, simulated), first.count)
        return !agree(first, second, path)
            || !zip(first, second).allSatisfy { relaxations($0.time, $1.time, left.kind, "\(path)=\($0.value)") != nil }
    }

    private mutating func compareTimes(_ first: [Step], _ second: [Step], _ subject: String, _ path: String) {
        let isInstant = TimelineFields.isTime(path)
        for (index, (one, other)) in zip(first, second).enumerated() {
            // The kubelet asks for the second deletion of a pod, when its containers are gone.
            let again = path == "deletionTimestamp" && index > 0 ? " again" : ""
            compareTime(one.time, other.time, subject, isInstant ? path + again : "\(path)=\(one.value)")
            guard isInstant, let left = Double(one.value), let right = Double(other.value) else { continue }
            if crowd != nil { compareInstant(left * 1000, right * 1000, path) }
            if left != right { result.relax(Relaxations.wholeSecond, ofWrite: "\(subject) \(one.time) \(other.time)") }
        }
    }

    private mutating func differ(_ first: [Step], _ second: [Step], _ subject: String) {
        func text(_ steps: [Step]) -> String {
            steps.map { "\($0.value) (\(TimelineComparison.seconds($0.time)))" }.joined(separator: " > ")
        }
        var common = 0
        while common < min(first.count, second.count), first[common].value == second[common].value { common += 1 }
        let time = common < first.count ? first[common].time : common < second.count ? second[common].time : first.last?.time
        result.transitions += first.count
        result.differ(at: time, subject, recorded: text(first), simulated: text(second))
    }

    private func agree(_ first: [Step], _ second: [Step], _ path: String) -> Bool {
        guard first.count == second.count else { return false }
        return zip(first, second).allSatisfy { one, other in
            if one.value == other.value { return true }
            guard TimelineFields.isTime(path), let left = Double(one.value), let right = Double(other.value) else { return false }
            // In a crowd instants are compared in their order, as the times of changes.
            if crowd != nil { return true }
            let distance = max(0, abs(left - right) - Relaxations.wholeSeconds) * 1000
            return relaxations(one.time, one.time + distance, "", path) != nil
        }
    }

    /// The steps without the last ones that came when the recording was over, as far as they are more than the recorded ones.
    private func withoutEnd(_ steps: [Step], _ count: Int) -> [Step] {
        var shorter = steps
        while shorter.count > count, let last = shorter.last, isAfterEnd(last.time) { shorter.removeLast() }
        return shorter
    }

    /// The values a field took on, in comparable form, each with its time; repeated ones once.
    func sequence(_ track: ObjectTrack, _ path: String, _ view: TimelineView) -> [Step] {
        var steps: [Step] = []
        for transition in track.history where transition.path == path {
            let value = TimelineFields.comparable(transition.value, track.kind, path, view)
            if steps.last?.value != value { steps.append(Step(time: transition.time, value: value)) }
        }
        return steps
    }

    // MARK: Relaxed

    private func follows(_ rule: SequenceRule, _ first: [Step], _ second: [Step], _ field: ComparedField) -> Bool {
        // What the replay shows when the recording is over is taken in as far as it is needed.
        let candidates = second.indices.filter { isAfterEnd(second[$0].time) }.reversed().map { Array(second[..<$0]) }
        return ([second] + candidates).contains { candidate in
            switch rule {
            case .ignored: true
            case .rollout: areNear(first, candidate, field, exactly: 2)
            case .curve: areNear(first, candidate, field, exactly: 0)
            case .lasting(let window): lasts(first, in: candidate, window, field) && lasts(candidate, in: first, window, field)
            case .generations: SequenceRule.areGenerations(first) && SequenceRule.areGenerations(candidate)
            }
        }
    }

    /// Whether each value that stands at least `window` comes among the others at about that time.
    private func lasts(_ steps: [Step], in others: [Step], _ window: Double, _ field: ComparedField) -> Bool {
        for (index, step) in steps.enumerated() {
            guard index + 1 == steps.count || steps[index + 1].time - step.time >= window else { continue }
            // Where it begins and where it ends.
            let until = index + 1 < steps.count ? steps[index + 1].time : step.time
            for moment in [step.time, until] {
                let slack = slack(moment, field) + window
                let stands = others.indices.contains { place in
                    let end = place + 1 < others.count ? others[place + 1].time : .infinity
                    return others[place].value == step.value && others[place].time <= moment + slack && end >= moment - slack
                }
                guard stands else { return false }
            }
        }
        return steps.last?.value == others.last?.value
    }

    /// Whether two counters follow the same curve: the first values (`exact` of them) and the last agree, and each value that stands
    /// lies between those the other takes on at about that time.
    private func areNear(_ first: [Step], _ second: [Step], _ field: ComparedField, exactly exact: Int) -> Bool {
        guard first.last?.value == second.last?.value else { return false }
        let count = min(exact, first.count, second.count)
        for (one, other) in zip(first.prefix(count), second.prefix(count)) where one.value != other.value { return false }
        return stands(first, within: second, field) && stands(second, within: first, field)
    }

    /// Whether at each moment the value lies between those the other takes on around that moment.
    private func stands(_ steps: [Step], within other: [Step], _ field: ComparedField) -> Bool {
        for (index, step) in steps.enumerated() {
            let until = index + 1 < steps.count ? steps[index + 1].time : .infinity
            guard let value = Step.number(step.value) else { return false }
            guard until - step.time >= Relaxations.transient(lateness) else {
                // What two writes make of a burst, or one: not far from anything the other ever is.
                let all = other.compactMap { Step.number($0.value) } + [0]
                guard value <= (all.max() ?? 0) + Relaxations.transientExcess else { return false }
                continue
            }
            // Around the moments at which what the other takes on there changes.
            var moments = [step.time]
            for candidate in other {
                for moment in [candidate.time - slack(candidate.time, field), candidate.time + slack(candidate.time, field) + 1]
                where step.time < moment && moment < until { moments.append(moment) }
            }
            if until < .infinity { moments.append(until) }
            for moment in moments where !isWithin(value, other, around: moment, field) { return false }
        }
        return true
    }

    /// How far apart a change may be of the same field on the other side: the tolerance, with all that may be allowed beyond.
    private func slack(_ time: Double, _ field: ComparedField) -> Double {
        let allowed = Relaxations.allowances(field.kind, field.path, circumstances).map { _, allowance in
            switch allowance {
            case .window(let width): width
            case .lateness: lateness
            case .rollout: rolloutLateness ?? 0
            case .order: 0.0
            }
        }
        return tolerance(at: time) + allowed.reduce(0, +)
    }

    private func isWithin(_ value: Double, _ steps: [Step], around moment: Double, _ field: ComparedField) -> Bool {
        let (from, to) = (moment - slack(moment, field), moment + slack(moment, field))
        var near: [Double] = []
        for (index, step) in steps.enumerated() {
            let until = index + 1 < steps.count ? steps[index + 1].time : .infinity
            if step.time <= to, until >= from, let number = Step.number(step.value) { near.append(number) }
        }
        // Before its first value a counter is nothing.
        if steps.first.map({ $0.time >= from }) ?? true { near.append(0) }
        guard let low = near.min(), let high = near.max() else { return false }
        return low <= value && value <= high
    }
}

/// A field of a kind of object, as times of it are called.
private struct ComparedField {
    let kind: String
    let path: String
}

extension SequenceRule {
    /// With what an object has before a field is first set: nothing.
    static func sinceCreation(_ steps: [TimelineComparison.Step], _ track: ObjectTrack) -> [TimelineComparison.Step] {
        guard let first = steps.first, first.time > track.created else { return steps }
        return [TimelineComparison.Step(time: track.created, value: "-")] + steps
    }

    /// Without what was written shortly before the object went.
    static func beforeEnd(_ steps: [TimelineComparison.Step], _ end: Double?) -> [TimelineComparison.Step] {
        guard let end else { return steps }
        return steps.filter { end - $0.time >= Relaxations.transient }
    }

    /// Whether the numbers go up.
    static func areGenerations(_ steps: [TimelineComparison.Step]) -> Bool {
        zip(steps, steps.dropFirst()).allSatisfy { (Double($0.value) ?? 0) < (Double($1.value) ?? 0) }
    }
}
