// queue_trace and queue_hint: scripts against the scheduling queue, its state after every step.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling

enum QueueTable {
    static func difference(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        guard let steps = input["steps"] else { throw MalformedCase("no steps") }
        var scheduler = try ReplayedScheduler(input)
        var state = QueueStateText()
        for (number, (step, expected)) in zip(steps.elements, want.elements).enumerated() {
            let operation = try step.text("op")
            let place = "step \(number) \(operation)"
            let now = SimulatedTime.zero + .milliseconds(try step.number("t"))
            if operation == "pop" {
                let difference = LoopDifference.between(popText(expected), scheduler.pop(at: now), at: place)
                if let difference { return difference }
            } else {
                try scheduler.apply(step, operation, at: now)
            }
            if let recorded = expected["state"] { state = QueueStateText(recorded: recorded) }
            if let difference = LoopDifference.between(state.text, QueueStateText(scheduler).text, at: place) { return difference }
        }
        return nil
    }

    private static func popText(_ expected: YAMLNode) -> String {
        guard let name = expected["pop"], !name.isNull else { return "nothing" }
        let counts = ["attempts", "unschedulableCount", "consecutiveErrors"].map { expected[$0]?.scalarText ?? "" }
        return "\(name.scalarText ?? "") \(counts.joined(separator: " "))"
    }
}

/// Objects as recordings write them: partial, without the API server's defaults.
enum ReplayedObjects {
    static func object(_ node: YAMLNode) throws -> APIObject {
        var loader = ManifestLoader(options: .stored)
        let loaded = loader.load(documents: [node])
        guard let object = loaded.objects.first?.object else {
            throw MalformedCase(loaded.diagnostics.first?.description ?? "no object at line \(node.line)")
        }
        return object
    }
}

/// The scheduler as the scripts of a recording drive it: event handlers and queue, without time of its own.
struct ReplayedScheduler {
    var scheduler: Scheduler
    let profile: SchedulingProfile
    /// The last version of each object delivered, by kind and name.
    private(set) var delivered: [String: APIObject] = [:]
    /// Pods in their attempts by name.
    private var popped: [String: Int32] = [:]

    /// A scheduler with the configuration of a case, to which its objects have been delivered.
    init(_ input: YAMLNode) throws {
        var configuration = SchedulerConfiguration()
        guard let given = input["config"] else { throw MalformedCase("no config") }
        configuration.podInitialBackoffSeconds = Int64(try given.number("podInitialBackoffSeconds"))
        configuration.podMaxBackoffSeconds = Int64(try given.number("podMaxBackoffSeconds"))
        scheduler = try Scheduler(
            configuration, timing: ControlPlaneTiming(),
            maximumTimeUnschedulable: .seconds(try given.number("podMaxInUnschedulablePodsSeconds")), seed: 1)
        profile = scheduler.profiles[0]
        for node in input["objects"]?.elements ?? given.elements { deliver(try ReplayedObjects.object(node), at: .zero) }
    }

    private func key(_ kind: String, _ name: String) -> String { kind + " " + name }

    func lastDelivered(_ kind: String, _ name: String) -> APIObject? { delivered[key(kind, name)] }

    mutating func deliver(_ object: APIObject, at now: SimulatedTime) {
        let key = key(object.kindName, object.key.name.description)
        let old = delivered.updateValue(object, forKey: key)
        scheduler.observe(WatchEvent(old == nil ? .added : .modified, object, previous: old, time: now), at: now)
    }

    mutating func deliverDeletion(of kind: String, _ name: String, at now: SimulatedTime) {
        guard let old = delivered.removeValue(forKey: key(kind, name)) else { return }
        scheduler.observe(WatchEvent(.deleted, old, previous: old, time: now), at: now)
    }

    /// Takes out the next pod; says which, and how often it was tried.
    mutating func pop(at now: SimulatedTime) -> String {
        guard let slot = scheduler.queue.pop(at: now), let pod = scheduler.queue[slot] else { return "nothing" }
        popped[pod.name.description] = slot
        return "\(pod.name) \(pod.attempts) \(pod.unschedulableCount) \(pod.consecutiveErrors)"
    }

    mutating func apply(_ step: YAMLNode, _ operation: String, at now: SimulatedTime) throws {
        switch operation {
        case "add", "update":
            guard let node = step["obj"] else { throw MalformedCase("a step without obj") }
            deliver(try ReplayedObjects.object(node), at: now)
        case "delete": deliverDeletion(of: try step.text("kind"), try step.text("name"), at: now)
        case "fail": try fail(step, at: now)
        case "bound": try bind(step, at: now)
        case "flushBackoff": scheduler.queue.flushBackoff(at: now)
        case "flushUnschedulable": scheduler.queue.flushLeftovers(at: now)
        case "activate": scheduler.queue.activate(try podName(step))
        case "preempting":
            let pod = try podName(step)
            guard case .pod(let object)? = lastDelivered("Pod", pod.description) else { throw MalformedCase("no pod \(pod)") }
            scheduler.queue.setPreempting(step["on"]?.scalarText == "true", pod, uid: object.value.metadata.uid)
        default: throw MalformedCase("unknown operation \(operation)")
        }
    }

    private func podName(_ step: YAMLNode) throws -> NamespacedName {
        let parts = try step.text("pod").split(separator: "/")
        guard parts.count == 2 else { throw MalformedCase("pod is no namespace/name") }
        return NamespacedName(namespace: String(parts[0]), name: String(parts[1]))
    }

    private mutating func fail(_ step: YAMLNode, at now: SimulatedTime) throws {
        guard let slot = popped.removeValue(forKey: try step.text("pod")) else { throw MalformedCase("fails without a pop") }
        func set(_ field: String) throws -> PluginSet {
            var result: PluginSet = []
            for name in step[field]?.elements.compactMap(\.scalarText) ?? [] {
                guard let plugin = profile.set(of: name) else { throw MalformedCase("plugin \(name) is not built") }
                result.formUnion(plugin)
            }
            return result
        }
        var nomination = NominationChange.unchanged
        if let node = step["nominate"]?.scalarText { nomination = node.isEmpty ? .cleared : .node(node) }
        scheduler.queue.fail(
            slot, rejectors: try set("plugins"), pending: try set("pending"), nomination: nomination, at: now,
            in: scheduler.cache.snapshot)
    }

    /// The attempt finds a node, and the pod is seen bound.
    private mutating func bind(_ step: YAMLNode, at now: SimulatedTime) throws {
        let name = try step.text("pod")
        let node = try step.text("node")
        guard let slot = popped.removeValue(forKey: name), let pod = scheduler.queue[slot] else {
            throw MalformedCase("bound without a pop")
        }
        _ = scheduler.cache.assume(pod.info, onNodeNamed: node)
        scheduler.queue.startBinding(slot)
        deliver(.pod(pod.info.pod.with { $0.nodeName = node }), at: now)
    }
}

/// The state of the queue as a text: recorded and ours alike.
struct QueueStateText {
    private var parts: [String] = []
    var text: String { parts.joined(separator: " | ") }

    init() {}

    private mutating func add(_ name: String, _ entries: [String]) {
        if !entries.isEmpty { parts.append(name + " " + entries.joined(separator: ", ")) }
    }

    init(recorded state: YAMLNode) {
        func list(_ name: String, _ text: (YAMLNode) -> String) -> [String] { state[name]?.elements.map(text) ?? [] }
        func fields(_ node: YAMLNode) -> String { node.elements.map(\.comparisonText).joined(separator: " ") }
        add("active", list("active", \.comparisonText))
        add("backoff", list("backoff", fields))
        // The order among equal expiries means nothing.
        add("errorBackoff", list("errorBackoff", fields).sorted())
        add("unschedulable", list("unschedulable", fields))
        add("gated", list("gated", fields))
        add("inFlight", list("inFlight", \.comparisonText))
        add("nominated", (state["nominated"]?.entries.map { $0.key + " " + $0.value.comparisonText } ?? []).sorted())
    }

    init(_ replayed: ReplayedScheduler) {
        let queue = replayed.scheduler.queue
        let profile = replayed.profile
        func expiry(_ pod: QueuedPod) -> String { "\(pod.name) \((pod.backoffExpiry?.nanoseconds ?? 0) / 1_000_000)" }
        func plugins(_ pod: QueuedPod) -> String { listText(profile.names(of: pod.rejectors.union(pod.pending))) }
        add("active", queue.activeOrder.map(\.description))
        add("backoff", queue.backoffOrder.map(expiry))
        add("errorBackoff", queue.pods(in: .errorBackoff).map(expiry).sorted())
        let rejected = queue.pods(in: .unschedulable)
        add("unschedulable", rejected.filter { $0.gate == nil }.map { "\($0.name) \(plugins($0))" })
        add(
            "gated",
            rejected.compactMap { pod in pod.gate.map { "\(pod.name) \(profile.name(of: $0)) \(plugins(pod))" } })
        add("inFlight", queue.pods(in: .inFlight).map(\.name.description))
        add(
            "nominated",
            queue.nominator.nodes.map { $0.name + " " + listText($0.pods.map(\.pod.value.metadata.key.description)) }.sorted())
    }
}
