// A recorded timeline beside the simulated one: objects by role, fields by their sequences of values, Events by text, refusals.

import Controllers
import KubernetesAPI

/// What a comparison found.
struct TimelineResult {
    struct Difference {
        /// Milliseconds; nil: about the whole.
        var time: Double?
        var subject: String
        var recorded: String
        var simulated: String
        /// Differences of one write are one.
        var group = ""
    }
    let name: String
    var objects = 0
    var transitions = 0
    var events = 0
    var refusals = 0
    /// How often each relaxation was needed.
    var relaxed: [(name: String, count: Int)] = []
    var differences: [Difference] = []

    mutating func relax(_ name: String) {
        if let index = relaxed.firstIndex(where: { $0.name == name }) { relaxed[index].count += 1 } else { relaxed.append((name, 1)) }
    }
}

struct TimelineComparison {
    let recording: TimelineRecording
    let recorded: TimelineView
    let simulated: TimelineView
    private let actionTimes: [Double]
    private let cap: Double
    /// How much later than the simulator the recorded machine may be.
    private let busy: Double
    /// Whether pods ran under the real kubelet's code.
    private let hasRealKubelet: Bool
    /// Whether more nodes stop or start at once than the node controller has workers.
    let hasBurst: Bool
    var result: TimelineResult
    /// What happened to the objects of a crowd, collected while it is compared.
    private static let instant = " as an instant"
    private var matched: [(what: String, recorded: Double, simulated: Double)]?

    init(_ recording: TimelineRecording, recorded: TimelineView, simulated: TimelineView, actions: [ReplayedAction]) {
        self.recording = recording
        self.recorded = recorded
        self.simulated = simulated
        result = TimelineResult(name: recording.name)
        actionTimes = recording.actions.compactMap { action in
            switch action.action {
            case .remark, .lease, .secondOfMinute: nil
            default: Double(action.time)
            }
        }
        let stopsNodes = recording.actions.contains { action in
            switch action.action {
            case .stopKubelets, .addNode: true
            default: false
            }
        }
        cap = stopsNodes ? 5000 : 1000
        busy = Relaxations.lateness(recorded, actionTimes)
        hasBurst = TimelineComparison.nodesOfActions(recording).contains { $0.count > ControllerManagerConfiguration().nodeUpdateWorkers }
        hasRealKubelet = recorded.tracks.contains { $0.kind == "Node" && TimelineMachines.isReal($0.name) }
        compare(actions)
        compareObjects()
        compareEvents()
        result.differences.sort { ($0.time ?? -1) < ($1.time ?? -1) }
    }

    private func tolerance(at time: Double) -> Double {
        let last = actionTimes.last { $0 <= time } ?? 0
        return Relaxations.tolerance(sinceAction: time - last, cap: cap)
    }

    // MARK: Actions

    private mutating func compare(_ actions: [ReplayedAction]) {
        for action in actions {
            let subject = "line \(action.action.line) of the recording"
            if let obstacle = action.obstacle {
                result.differences.append(
                    .init(time: Double(action.action.time), subject: subject, recorded: "\(action.action.action)", simulated: obstacle))
                continue
            }
            if let got = action.result, case .list? = action.action.result {
                let wanted = (action.action.result?.json ?? "") + " " + action.action.annotations.json
                if wanted != got {
                    result.differences.append(.init(time: Double(action.action.time), subject: subject, recorded: wanted, simulated: got))
                }
            }
            if action.action.refusal == nil, action.refusal == nil { continue }
            result.refusals += 1
            let wanted = action.action.refusal.map { "\($0.status) \(recorded.inRoles($0.message))" } ?? "accepted"
            let got = action.refusal.map { "\($0.status) \(simulated.inRoles($0.message))" } ?? "accepted"
            if wanted != got {
                result.differences.append(.init(time: Double(action.action.time), subject: subject, recorded: wanted, simulated: got))
            }
        }
    }

    // MARK: Objects

    private mutating func compareObjects() {
        var groups: [(kind: String, role: String, recorded: [ObjectTrack], simulated: [ObjectTrack])] = []
        var places: [String: Int] = [:]
        func place(_ kind: String, _ role: String) -> Int {
            let key = kind + " " + role
            if let known = places[key] { return known }
            places[key] = groups.count
            groups.append((kind, role, [], []))
            return groups.count - 1
        }
        for track in recorded.tracks {
            let index = place(track.kind, role(of: track, recorded))
            groups[index].recorded.append(track)
        }
        for track in simulated.tracks {
            // What was there before and did not change is not in every recording.
            if track.isInitial, track.history.allSatisfy({ $0.time == 0 }), track.deleted == nil,
                places[track.kind + " " + role(of: track, simulated)] == nil
            {
                continue
            }
            let index = place(track.kind, role(of: track, simulated))
            if isAfterEnd(track.created), groups[index].simulated.count >= groups[index].recorded.count { continue }
            groups[index].simulated.append(track)
        }
        for group in groups where !(group.recorded.isEmpty && group.simulated.isEmpty) {
            result.objects += group.recorded.count
            if group.recorded.count != group.simulated.count {
                result.differences.append(
                    .init(
                        time: group.recorded.first?.created ?? group.simulated.first?.created, subject: "\(group.kind) \(group.role)",
                        recorded: "\(group.recorded.count) created", simulated: "\(group.simulated.count) created"))
            }
            let subject = "\(group.kind) \(group.role)"
            let isCrowd = max(group.recorded.count, group.simulated.count) > 1
            matched = isCrowd ? [] : nil
            for (left, right) in pairs(group.recorded, group.simulated) { compare(left, right, subject) }
            compareCrowd(subject)
        }
    }

    /// Nodes of one pool that the same is done to are equal: the node controller goes through them in random order, so which of them
    /// it comes to first is random.
    private func role(of track: ObjectTrack, _ view: TimelineView) -> String {
        guard track.kind == "Node", let pool = track.name.split(separator: "-").first else { return view.role(of: track) }
        let done = TimelineComparison.nodesOfActions(recording).map { $0.contains(track.name) ? "x" : "-" }
        return done.contains("x") ? "\(pool)-* \(done.joined())" : track.name
    }

    /// The nodes named in each of the actions that stop or start kubelets.
    private static func nodesOfActions(_ recording: TimelineRecording) -> [[String]] {
        recording.actions.compactMap { action in
            switch action.action {
            case .stopKubelets(let nodes), .startKubelets(let nodes): nodes
            default: nil
            }
        }
    }

    /// Whether a field changes with the node monitor's passes.
    private static func followsMonitor(_ subject: String, _ path: String) -> Bool { subject.hasPrefix("Node ") && path.hasPrefix("taint") }

    /// Of several equal objects it is random which one something happens to first: the times of each thing that happens to them
    /// are compared in their order.
    private mutating func compareCrowd(_ subject: String) {
        guard let steps = matched else { return }
        matched = nil
        var places: [String: Int] = [:]
        var crowds: [(what: String, recorded: [Double], simulated: [Double])] = []
        for step in steps {
            let index = places[step.what] ?? crowds.count
            if index == crowds.count {
                places[step.what] = index
                crowds.append((step.what, [], []))
            }
            crowds[index].recorded.append(step.recorded)
            crowds[index].simulated.append(step.simulated)
        }
        for crowd in crowds {
            var extra = crowd.what.hasSuffix(TimelineComparison.instant) ? Relaxations.wholeSeconds * 1000 : 0
            if TimelineComparison.followsMonitor(subject, crowd.what) { extra += Relaxations.nodeMonitorPhase }
            for (first, second) in zip(crowd.recorded.sorted(), crowd.simulated.sorted()) {
                compareTime(first, second, subject, crowd.what, extra: extra)
            }
        }
    }

    /// Which of several equal objects is which is random: each is laid beside the one it differs least from.
    private func pairs(_ left: [ObjectTrack], _ right: [ObjectTrack]) -> [(ObjectTrack, ObjectTrack)] {
        if left.count <= 1, right.count <= 1 { return Array(zip(left, right)) }
        var seen: Set<String> = []
        let all = (left + right).flatMap(\.history).filter { !isIgnored(left.first?.kind ?? "", $0.path) }.map(\.path)
            .filter { seen.insert($0).inserted }
        let lives = (left.map { life($0, all, recorded) }, right.map { life($0, all, simulated) })
        var costs: [(cost: Double, left: Int, right: Int)] = []
        for (row, mine) in lives.0.enumerated() {
            for (column, other) in lives.1.enumerated() {
                // Another life costs more than any distance in time.
                var cost = 0.0
                for (first, second) in zip(mine.fields, other.fields) {
                    if first.text != second.text { cost += 1e7 }
                    for (time, otherTime) in zip(first.times, second.times) { cost += abs(time - otherTime) }
                }
                cost += mine.end == nil && other.end == nil ? 0 : abs((mine.end ?? 1e8) - (other.end ?? 1e8))
                costs.append((cost, row, column))
            }
        }
        costs.sort { ($0.cost, $0.left, $0.right) < ($1.cost, $1.left, $1.right) }
        var (isLeftTaken, isRightTaken) = (Array(repeating: false, count: left.count), Array(repeating: false, count: right.count))
        var found: [(Int, Int)] = []
        for (_, row, column) in costs where !isLeftTaken[row] && !isRightTaken[column] {
            isLeftTaken[row] = true
            isRightTaken[column] = true
            found.append((row, column))
        }
        return found.sorted { $0 < $1 }.map { (left[$0.0], right[$0.1]) }
    }

    /// An object's life: field by field the values, without times, and their times.
    private func life(
        _ track: ObjectTrack, _ all: [String], _ view: TimelineView
    ) -> (fields: [(text: String, times: [Double])], end: Double?) {
        let fields = all.map { path -> (text: String, times: [Double]) in
            let values = sequence(track, path, view)
            return (TimelineFields.isTime(path) ? "" : values.map(\.value).joined(separator: ">"), values.map(\.time))
        }
        return (fields, track.deleted)
    }

    private func isIgnored(_ kind: String, _ path: String) -> Bool {
        if case .ignored? = Relaxations.rule(for: path, of: kind, underRealKubelet: hasRealKubelet)?.rule { true } else { false }
    }

    private func paths(_ left: ObjectTrack, _ right: ObjectTrack) -> [String] {
        var seen: Set<String> = []
        return (left.history + right.history).map(\.path).filter { seen.insert($0).inserted }
    }

    private mutating func compare(_ left: ObjectTrack, _ right: ObjectTrack, _ subject: String) {
        if !left.isInitial { compareTime(left.created, right.created, subject, "created") }
        switch (left.deleted, right.deleted) {
        case (let first?, let second?): compareTime(first, second, subject, "gone")
        case (nil, nil): break
        case (nil, let end?) where isAfterEnd(end): break
        default:
            result.differences.append(
                .init(
                    time: left.deleted ?? right.deleted, subject: subject, recorded: left.deleted == nil ? "stays" : "gone",
                    simulated: right.deleted == nil ? "stays" : "gone"))
        }
        for path in paths(left, right) { compare(left, right, path, subject) }
    }

    private mutating func compareTime(_ first: Double, _ second: Double, _ object: String, _ what: String, extra: Double = 0) {
        if matched != nil {
            matched?.append((what, first, second))
            return
        }
        let subject = object + " " + what
        result.transitions += 1
        guard !isNear(first, second, extra: extra) else { return }
        // The fields of one write are one difference.
        let group = "\(object) \(first) \(second)"
        if result.differences.contains(where: { $0.group == group }) { return }
        result.differences.append(
            .init(
                time: first, subject: subject, recorded: TimelineComparison.seconds(first), simulated: TimelineComparison.seconds(second),
                group: group))
    }

    private func isNear(_ first: Double, _ second: Double, extra: Double = 0) -> Bool {
        // Late things get into another order, so that some come earlier.
        let shift = first > second ? busy : busy - Relaxations.usualLateness
        return abs(first - second) <= tolerance(at: first) + extra + shift
    }

    static func seconds(_ milliseconds: Double) -> String {
        let rounded = Int(milliseconds.rounded())
        let rest = String(abs(rounded) % 1000)
        return (rounded < 0 ? "-" : "") + "\(abs(rounded) / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest + " s"
    }

    // MARK: Fields

    struct Step {
        var time: Double
        var value: String

        /// A counter's number, or a quantity's; nothing counts as none.
        static func number(_ value: String) -> Double? {
            value == "-" ? 0 : Double(value) ?? (try? Quantity(text: value))?.approximateFloat64
        }
    }

    private mutating func compare(_ left: ObjectTrack, _ right: ObjectTrack, _ path: String, _ subject: String) {
        let relaxation = Relaxations.rule(for: path, of: left.kind, underRealKubelet: hasRealKubelet)
        if case .ignored? = relaxation?.rule { return }
        let isTime = TimelineFields.isTime(path)
        let first = isTime ? SequenceRule.ends(sequence(left, path, recorded)) : sequence(left, path, recorded)
        let second = isTime ? SequenceRule.ends(sequence(right, path, simulated)) : sequence(right, path, simulated)
        // What came when the recording was over, or may have come then, need not have been recorded.
        let candidates = untilEnd(second)
        for candidate in candidates where agree(first, candidate, path) {
            // Where the way may differ, the times on the way may, too.
            guard relaxation == nil || zip(first, candidate).allSatisfy({ isNear($0.time, $1.time) }) else { continue }
            compareTimes(first, candidate, subject, path)
            return
        }
        guard let relaxation else { return differ(first, second, "\(subject) \(path)") }
        if case .curve(let exact) = relaxation.rule {
            let wanted = [first, SequenceRule.beforeEnd(first, left.deleted)]
            let found = candidates.flatMap { [$0, SequenceRule.beforeEnd($0, right.deleted)] }
            if wanted.contains(where: { one in found.contains { areNear(one, $0, exactly: exact) } }) {
                result.relax(relaxation.name)
                result.transitions += first.count
                return
            }
            return differ(first, second, "\(subject) \(path)")
        }
        if case .lasting(let window) = relaxation.rule {
            for candidate in candidates where lasts(first, in: candidate, window) && lasts(candidate, in: first, window) {
                result.relax(relaxation.name)
                result.transitions += first.count
                return
            }
            return differ(first, second, "\(subject) \(path)")
        }
        let third = relaxation.rule.applied(to: first)
        for candidate in candidates.map({ relaxation.rule.applied(to: $0) }) where agree(third, candidate, path) {
            result.relax(relaxation.name)
            compareTimes(third, candidate, subject, path, extra: Relaxations.transient)
            return
        }
        differ(first, second, "\(subject) \(path)")
    }

    /// Whether each value that stands at least `window` comes among the others at about that time.
    private func lasts(_ steps: [Step], in others: [Step], _ window: Double) -> Bool {
        for (index, step) in steps.enumerated() {
            guard index + 1 == steps.count || steps[index + 1].time - step.time >= window else { continue }
            let slack = tolerance(at: step.time) + busy + window
            guard others.contains(where: { $0.value == step.value && abs($0.time - step.time) <= slack }) else { return false }
        }
        return true
    }

    /// Whether two counters follow the same curve: the first values (`exact` of them) and the last agree, and each value that stands
    /// lies between those the other takes on at about that time.
    private func areNear(_ first: [Step], _ second: [Step], exactly exact: Int) -> Bool {
        guard let end = first.last, second.last?.value == end.value else { return false }
        let count = min(exact, first.count, second.count)
        for (one, other) in zip(first.prefix(count), second.prefix(count)) where one.value != other.value { return false }
        return stands(first, within: second, latestFirst: true) && stands(second, within: first, latestFirst: false)
    }

    private func stands(_ steps: [Step], within other: [Step], latestFirst: Bool) -> Bool {
        for (index, step) in steps.enumerated() {
            let end = index + 1 < steps.count ? steps[index + 1].time : .infinity
            guard end - step.time >= Relaxations.transient(busy) else { continue }
            let slack = tolerance(at: step.time) + busy
            let (from, to) = (step.time - slack, end + slack)
            guard let value = Step.number(step.value) else { return false }
            var near: [Double] = []
            for (position, candidate) in other.enumerated() {
                let until = position + 1 < other.count ? other[position + 1].time : .infinity
                if candidate.time <= to, until >= from, let number = Step.number(candidate.value) { near.append(number) }
            }
            // Before its first value a counter is nothing.
            if other.first.map({ $0.time >= from }) ?? true { near.append(0) }
            guard let low = near.min(), let high = near.max(), low <= value, value <= high else { return false }
        }
        return true
    }

    private mutating func compareTimes(_ first: [Step], _ second: [Step], _ subject: String, _ path: String, extra: Double = 0) {
        for (one, other) in zip(first, second) {
            let isInstant = TimelineFields.isTime(path)
            let phase = TimelineComparison.followsMonitor(subject, path) ? Relaxations.nodeMonitorPhase : 0
            compareTime(one.time, other.time, subject, isInstant ? path : "\(path)=\(one.value)", extra: extra + phase)
            if isInstant, matched != nil, let left = Double(one.value), let right = Double(other.value) {
                matched?.append((path + TimelineComparison.instant, left * 1000, right * 1000))
            }
        }
    }

    /// The sequence, and the sequence without its last steps one by one, as far as they came at the end.
    private func untilEnd(_ steps: [Step]) -> [[Step]] {
        var candidates = [steps]
        var shorter = steps
        while let last = shorter.last, isAfterEnd(last.time) {
            shorter.removeLast()
            candidates.append(shorter)
        }
        return candidates
    }

    func isAfterEnd(_ time: Double) -> Bool { time > recorded.lastTime - tolerance(at: recorded.lastTime) - busy }

    private mutating func differ(_ first: [Step], _ second: [Step], _ subject: String) {
        func text(_ steps: [Step]) -> String {
            steps.map { "\($0.value) (\(TimelineComparison.seconds($0.time)))" }.joined(separator: " > ")
        }
        var common = 0
        while common < min(first.count, second.count), first[common].value == second[common].value { common += 1 }
        let time = common < first.count ? first[common].time : common < second.count ? second[common].time : first.last?.time
        result.transitions += first.count
        result.differences.append(.init(time: time, subject: subject, recorded: text(first), simulated: text(second)))
    }

    private func agree(_ first: [Step], _ second: [Step], _ path: String) -> Bool {
        guard first.count == second.count else { return false }
        return zip(first, second).allSatisfy { one, other in
            if one.value == other.value { return true }
            guard TimelineFields.isTime(path), let left = Double(one.value), let right = Double(other.value) else { return false }
            // In a crowd instants are compared in their order, as the times of changes.
            if matched != nil { return true }
            let phase = path.hasPrefix("taintTimes.") ? Relaxations.nodeMonitorPhase : 0
            return abs(left - right) <= Relaxations.wholeSeconds + (tolerance(at: one.time) + phase) / 1000
        }
    }

    /// The values a field took on, in comparable form, each with its time; repeated ones once.
    private func sequence(_ track: ObjectTrack, _ path: String, _ view: TimelineView) -> [Step] {
        var steps: [Step] = []
        for transition in track.history where transition.path == path {
            let value = TimelineFields.comparable(transition.value, track.kind, path, view)
            if steps.last?.value != value { steps.append(Step(time: transition.time, value: value)) }
        }
        return steps
    }
}
