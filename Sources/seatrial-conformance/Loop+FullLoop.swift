// full_loop: the whole loop with preemption, attempt by attempt.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling

enum FullLoopTable {
    static func difference(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        guard let steps = input["steps"] else { throw MalformedCase("no steps") }
        var loop = ReplayedLoop(scheduler: try ReplayedScheduler(input), clock: try input.number("startMs"))
        for (number, (step, expected)) in zip(steps.elements, want.elements).enumerated() {
            let operation = try step.text("op")
            let results = try loop.apply(step, operation)
            let recorded = expected["results"]?.elements.map { AttemptText(recorded: $0).text } ?? []
            let place = "step \(number) \(operation)"
            let differences = [
                LoopDifference.between(recorded.joined(separator: "\n"), results.joined(separator: "\n"), at: place),
                LoopDifference.between(expected["t"]?.scalarText ?? "", String(loop.clock), at: place + ": clock"),
                LoopDifference.between(
                    expected["state"].map { QueueStateText(recorded: $0).text } ?? "", QueueStateText(loop.scheduler).text, at: place),
            ]
            if let first = differences.compactMap({ $0 }).first { return first }
        }
        return nil
    }
}

/// One attempt's outcome as a text: recorded and ours alike.
private struct AttemptText {
    var pod = ""
    /// nil: not bound.
    var node: String?
    var reason = ""
    var message = ""
    /// What was patched into the status; nil: nothing, "": the nomination was cleared.
    var nominated: String?
    var victims: [String] = []
    var alsoCleared: [String] = []

    init() {}

    init(recorded: YAMLNode) {
        func list(_ name: String) -> [String] { recorded[name]?.elements.compactMap(\.scalarText) ?? [] }
        pod = recorded["pod"]?.scalarText ?? ""
        node = recorded["node"]?.scalarText
        reason = recorded["reason"]?.scalarText ?? ""
        message = recorded["message"]?.scalarText ?? ""
        nominated = recorded["nominated"].map { $0.isNull ? "" : $0.scalarText ?? "" }
        victims = list("victims")
        alsoCleared = list("alsoCleared")
    }

    var text: String {
        if let node { return "\(pod) on \(node)" }
        var text = "\(pod) \(reason): \(message)"
        if let nominated { text += " nominated \(nominated.isEmpty ? "nowhere" : nominated)" }
        if !victims.isEmpty { text += " victims \(victims.sorted())" }
        if !alsoCleared.isEmpty { text += " cleared \(alsoCleared.sorted())" }
        return text
    }
}

/// The scheduler with an API server that does everything at once, and the clock of the recordings.
private struct ReplayedLoop {
    var scheduler: ReplayedScheduler
    /// Milliseconds.
    private(set) var clock: Int

    private static let maximumAttempts = 40

    init(scheduler: ReplayedScheduler, clock: Int) {
        self.scheduler = scheduler
        self.clock = clock
    }

    private var now: SimulatedTime { .zero + .milliseconds(clock) }

    /// Makes a step; returns the outcomes of attempts.
    mutating func apply(_ step: YAMLNode, _ operation: String) throws -> [String] {
        switch operation {
        case "advance": clock += try step.number("ms")
        case "run":
            var results: [String] = []
            while results.count < ReplayedLoop.maximumAttempts, let result = attempt() { results.append(result.text) }
            return results
        default:
            switch operation {
            case "add": clock += 7
            case "update", "delete": clock += 3
            default: clock += 1
            }
            try scheduler.apply(step, operation, at: now)
        }
        return []
    }

    /// Tries the next pod and lets all of the consequences happen; nil if no pod is ready.
    private mutating func attempt() -> AttemptText? {
        guard scheduler.scheduler.queue.hasNext else { return nil }
        clock += 10
        var effects = Effects<SchedulerTimer>()
        guard scheduler.scheduler.attemptNext(at: now, effects: &effects) else { return nil }
        var result = AttemptText()
        for attempt in scheduler.scheduler.takeAttempts() {
            result.pod = attempt.pod.description
            result.message = attempt.message
        }
        // Objects as they are after the calls, delivered once all is done.
        var updates: [APIObject] = []
        var deletions: [NamespacedName] = []
        func update(_ name: NamespacedName, _ change: (inout Pod) -> Void) {
            guard case .pod(let pod)? = scheduler.lastDelivered("Pod", name.description) else { return }
            updates.append(.pod(pod.with(change)))
        }
        while !effects.calls.isEmpty {
            let calls = effects.calls
            effects.removeAll()
            for call in calls {
                switch call.request {
                case .bind(let name, _, let node, _):
                    result.node = node
                    update(name) { $0.nodeName = node }
                case .patchPod(let name, _, .schedulingFailure(let condition, let nominatedNode)):
                    if let nominatedNode { result.nominated = nominatedNode ?? "" }
                    update(name) {
                        $0.status.conditions.set(condition)
                        if let nominatedNode { $0.status.nominatedNodeName = nominatedNode }
                    }
                case .patchPod(let name, _, .nominatedNode(let node)):
                    result.alsoCleared.append(name.description)
                    update(name) { $0.status.nominatedNodeName = node }
                case .delete(let key, _):
                    result.victims.append(key.name.description)
                    deletions.append(key.name)
                default: break
                }
                if let token = call.token { scheduler.scheduler.observe(answer: .success(nil), token: token, at: now, effects: &effects) }
            }
        }
        clock += 1
        for object in updates { scheduler.deliver(object, at: now) }
        // The same condition again is not patched again.
        if case .pod(let pod)? = scheduler.lastDelivered("Pod", result.pod) {
            result.reason = pod.value.status.conditions[.podScheduled]?.reason ?? ""
        }
        for name in deletions.sorted() {
            clock += 1
            scheduler.deliverDeletion(of: "Pod", name.description, at: now)
        }
        return result
    }
}
