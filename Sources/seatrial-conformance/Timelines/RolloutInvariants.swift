// What every rollout keeps to, whichever steps it takes: checked on both sides where the steps are compared less than strictly.

import Controllers
import Experiments
import KubernetesAPI

/// The rollouts of one Deployment in one view.
struct RolloutInvariants {
    private let view: TimelineView
    private let deployment: ObjectTrack
    private let sets: [ObjectTrack]
    /// The Deployment as the driver had it, from a time on.
    private let wanted: [(time: Double, strategy: DeploymentStrategy)]
    private let end: Double

    init?(_ name: String, _ view: TimelineView, _ recording: TimelineRecording, end: Double) {
        guard let deployment = view.tracks.last(where: { $0.kind == "Deployment" && $0.name == name }) else { return nil }
        self.view = view
        self.deployment = deployment
        self.end = end
        sets = view.tracks.filter { $0.kind == "ReplicaSet" && $0.controller.map { $0 == ("Deployment", name) } ?? false }
        wanted = RolloutInvariants.strategies(of: name, recording)
    }

    private static func strategies(of name: String, _ recording: TimelineRecording) -> [(time: Double, strategy: DeploymentStrategy)] {
        let documents = recording.manifests.lazy.map { JSONTree($0) }
        guard var tree = documents.first(where: { $0["kind"]?.string == "Deployment" && $0.value("metadata", "name")?.string == name })
        else { return [] }
        var found: [(time: Double, strategy: DeploymentStrategy)] = []
        func note(_ time: Double) {
            if case .deployment(let object)? = try? TimelinePatches.object(tree) { found.append((time, object.value.spec.strategy)) }
        }
        note(0)
        for action in recording.actions {
            guard case .patch("Deployment", name, let patch, status: false) = action.action, action.refusal == nil else { continue }
            tree = tree.merging(patch)
            note(Double(action.time))
        }
        return found
    }

    /// What is broken, in words, with its time.
    func violations() -> [(time: Double, text: String)] { totals() + availability() + directions() + reports() + generations() }

    private func limits(at time: Double) -> (replicas: Double, surge: Double, unavailable: Double)? {
        guard let replicas = deployment.value("spec_replicas", at: time)?.double,
            let strategy = wanted.last(where: { $0.time <= time })?.strategy, strategy != .recreate
        else { return nil }
        let (surge, unavailable) = RolloutSizes.limits(strategy, replicas: Int32(replicas))
        return (replicas, Double(surge), Double(unavailable))
    }

    private func sizes(of set: ObjectTrack) -> [(time: Double, size: Double)] {
        set.history.filter { $0.path == "spec_replicas" }.map { ($0.time, $0.value?.double ?? 0) }
    }

    private func size(of set: ObjectTrack, at time: Double) -> Double {
        set.exists(at: time) ? set.value("spec_replicas", at: time)?.double ?? 0 : 0
    }

    /// No ReplicaSet is made larger so that all together are more than the replicas and the surge.
    private func totals() -> [(time: Double, text: String)] {
        var found: [(time: Double, text: String)] = []
        for set in sets {
            var before = 0.0
            for (time, size) in sizes(of: set) {
                defer { before = size }
                guard size > before, let limits = limits(at: time) else { continue }
                let total = sets.reduce(0.0) { $0 + self.size(of: $1, at: time) }
                if total > limits.replicas + limits.surge {
                    found.append((time, "\(total) pods in all ReplicaSets, of \(limits.replicas) and a surge of \(limits.surge)"))
                }
            }
        }
        return found
    }

    /// No step of a rollout leaves fewer pods available than the replicas without those that may be unavailable.
    private func availability() -> [(time: Double, text: String)] {
        var found: [(time: Double, text: String)] = []
        var before = 0.0
        for change in deployment.history where change.path == "available" {
            let available = change.value?.double ?? 0
            defer { before = available }
            // Where the number of replicas changes, the pods that go first are the unavailable ones of each ReplicaSet, not of all.
            guard available < before, !isAfterResize(change.time), let limits = limits(at: change.time),
                available < limits.replicas - limits.unavailable
            else { continue }
            found.append((change.time, "\(available) pods available, of \(limits.replicas) and \(limits.unavailable) that may be not"))
        }
        return found
    }

    /// Whether the last change of what is wanted was one of the number of replicas.
    private func isAfterResize(_ time: Double) -> Bool {
        guard let change = deployment.history.last(where: { $0.path == "gen" && $0.time <= time }), change.time > deployment.created
        else { return false }
        return deployment.history.contains { $0.path == "spec_replicas" && $0.time == change.time }
    }

    /// The sizes of all ReplicaSets, in order of their creation, before the first rollout and after each of its steps.
    func firstSizes(_ count: Int) -> [String] {
        let steps = sets.flatMap { set in sizes(of: set).map(\.time) }.sorted()
        guard let start = sets.map(\.created).sorted().dropFirst().first else { return [] }
        let known = sets.sorted { $0.created < $1.created }
        func text(_ time: Double) -> String {
            known.filter { $0.created <= time }.map { String(Int(size(of: $0, at: time))) }.joined(separator: "+")
        }
        var found: [String] = []
        if let before = steps.last(where: { $0 < start }) { found.append(text(before)) }
        for time in steps where time >= start { if found.last != text(time) { found.append(text(time)) } }
        return Array(found.prefix(count))
    }

    /// Between two changes of what is wanted a ReplicaSet only grows, or only shrinks; after a change of the number of replicas it may
    /// first be resized in proportion.
    private func directions() -> [(time: Double, text: String)] {
        var changes: [(time: Double, isResize: Bool)] = []
        for change in deployment.history where change.path == "gen" {
            changes.append((change.time, deployment.history.contains { $0.path == "spec_replicas" && $0.time == change.time }))
        }
        var found: [(time: Double, text: String)] = []
        for set in sets {
            let steps = sizes(of: set)
            var turns = 0
            var (direction, segment) = (0, -1)
            for (step, next) in zip(steps, steps.dropFirst()) {
                let now = next.size > step.size ? 1 : -1
                let place = changes.lastIndex { $0.time <= next.time } ?? -1
                if place != segment { (direction, segment, turns) = (0, place, 0) }
                if direction != 0, now != direction { turns += 1 }
                // What was decided before the change was seen may be written after it.
                if direction == 0, !isSeen(next.time) { turns -= 1 }
                direction = now
                let mayTurn = place >= 0 && changes[place].isResize ? 1 : 0
                if turns > mayTurn { found.append((next.time, "\(view.role(of: set)) turns round: \(step.size) to \(next.size)")) }
            }
        }
        return found
    }

    /// Whether the Deployment controller had told by then that it saw the last change of what is wanted.
    private func isSeen(_ time: Double) -> Bool {
        deployment.value("gen", at: time) == deployment.value("observedGen", at: time)
    }

    /// Each size a ReplicaSet is given is reported once.
    private func reports() -> [(time: Double, text: String)] {
        var found: [(time: Double, text: String)] = []
        let unnumbered = unnumberedReports()
        for set in sets where !set.isInitial {
            var expected: [String: (time: Double, count: Int)] = [:]
            var before = 0.0
            for (time, size) in sizes(of: set) where size != before {
                let words = "Scaled \(size > before ? "up" : "down") replica set \(set.name) from \(Int(before)) to \(Int(size))"
                expected[words] = (time, (expected[words]?.count ?? 0) + 1)
                before = size
            }
            let told = view.events.filter { $0.reason == "ScalingReplicaSet" && $0.message.contains(" \(set.name) ") }
                .map { (time: $0.time, message: EventRule.unmerged($0.message)) }
            for report in told where expected[report.message] == nil { found.append((report.time, "no such size: \(report.message)")) }
            for report in unnumbered where report.message.contains(" \(set.name) ") {
                found.append((report.time, "the Event before is numbered otherwise: \(report.count ?? 0) \(report.message)"))
            }
            for words in expected.keys.sorted() {
                guard let (time, count) = expected[words], time < end - Relaxations.usualLateness else { continue }
                // What the recorder of Events drops: more than 25 of a component about one object.
                let before = view.events.count {
                    $0.about == "Deployment/\(deployment.name)" && $0.time <= time + Relaxations.usualLateness
                }
                if before >= Relaxations.eventBurst { continue }
                let reports = told.count { $0.message == words }
                if reports != count { found.append((time, "\(reports) Events, \(count) sizes: \(words)")) }
            }
        }
        return found
    }

    /// Reports of sizes that do not count on from the one with the same text, or from the one merged before.
    private func unnumberedReports() -> [ReportedEvent] {
        var last: [String: Int] = [:]
        let told = view.events.filter { $0.reason == "ScalingReplicaSet" && $0.about == "Deployment/\(deployment.name)" }
        return told.filter { report in
            let series = EventRule.unmerged(report.message) == report.message ? report.message : ""
            defer { last[series] = report.count }
            return report.count != (last[series] ?? 0) + 1
        }
    }

    /// Each size is a generation of its own.
    private func generations() -> [(time: Double, text: String)] {
        sets.filter { !$0.isInitial }.compactMap { set in
            let last = set.history.last { $0.path == "gen" }
            let steps = sizes(of: set).count
            guard let last, let generation = last.value?.integer, generation != steps else { return nil }
            return (last.time, "\(view.role(of: set)) has generation \(generation) after \(steps) sizes")
        }
    }
}

extension TimelineComparison {
    /// The rollouts whose steps were compared less than strictly.
    mutating func compareRollouts() {
        for name in otherRollouts {
            let starts = [recorded, simulated].map {
                RolloutInvariants(name, $0, recording, end: end)?.firstSizes(Relaxations.exactSizes) ?? []
            }
            if starts[0] != starts[1] {
                result.differ(
                    at: nil, "Deployment \(name) first sizes", recorded: starts[0].joined(separator: " > "),
                    simulated: starts[1].joined(separator: " > "))
            }
            for (side, view) in [("recorded", recorded), ("simulated", simulated)] {
                guard let invariants = RolloutInvariants(name, view, recording, end: end) else { continue }
                for violation in invariants.violations() where !isAfterEnd(violation.time) {
                    result.differ(
                        at: violation.time, "Deployment \(name)", recorded: side == "recorded" ? violation.text : "a rollout",
                        simulated: side == "simulated" ? violation.text : "a rollout")
                }
            }
        }
    }
}
