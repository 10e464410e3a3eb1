// The scheduler as a component of the cluster: watch events in, bindings and reports out, its own cycles in between.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// When the scheduler wants to be woken.
public enum SchedulerTimer: Hashable, Sendable {
    /// The scheduling cycle under way ends.
    case cycleEnds
    /// A back-off is over.
    case flushBackoff
    /// A pod has been unschedulable for long.
    case flushLeftovers
}

/// kube-scheduler: takes pods from its queue one by one, finds each a node, assumes it there and has it bound.
///
/// A cycle decides on what the scheduler knows when it begins, and takes simulated time according to the number of nodes
/// looked at. Binding is asynchronous: the next cycle begins while the API server is still being asked.
public struct Scheduler: Sendable {
    let profiles: [SchedulingProfile]
    private let timing: ControlPlaneTiming
    private let seed: UInt64
    package var cache: SchedulerCache
    package var queue: SchedulingQueue
    private var algorithm: SchedulingAlgorithm
    private var correlator = EventCorrelator()

    /// The cycle under way.
    private struct Cycle: Sendable {
        enum Outcome: Sendable {
            case node(String, score: Int64)
            case rejected(message: String, PluginSet)
        }
        var slot: Int32
        var uid: UID
        var attempt: SchedulingAttempt
        var outcome: Outcome
    }
    private var cycle: Cycle?
    private struct Binding: Sendable {
        var pod: Shared<Pod>
        var attempt: SchedulingAttempt
    }
    private var bindings: [UInt64: Binding] = [:]
    /// Events about failures that are on their way to the API server, by the token of the call.
    private var failureEvents: [UInt64: (slot: Int32, uid: UID)] = [:]
    private var nextToken: UInt64 = 0
    private var backoffTimers = PendingTimers()
    private var leftoverTimers = PendingTimers()

    private var attempts: [SchedulingAttempt] = []
    /// Whether attempts are kept for ``takeAttempts()``.
    public var recordsAttempts = true

    /// - Throws: ``SchedulerConfigurationError`` in the words with which the real scheduler refuses to start.
    public init(
        _ configuration: SchedulerConfiguration, registry: PluginRegistry = PluginRegistry(), timing: ControlPlaneTiming, seed: UInt64
    ) throws {
        guard !configuration.hasExtenders else {
            throw SchedulerConfigurationError(
                "extenders: HTTP extenders cannot be called from a simulation; remove them", at: [.field("extenders")])
        }
        var nodes = NodeTable()
        profiles = try SchedulingProfiles.make(configuration, registry: registry, nodes: &nodes)
        cache = SchedulerCache(nodes: nodes)
        queue = SchedulingQueue(
            profiles: profiles,
            backoff: BackoffPolicy(
                initialSeconds: configuration.podInitialBackoffSeconds, maximumSeconds: configuration.podMaxBackoffSeconds))
        algorithm = SchedulingAlgorithm(percentageOfNodesToScore: Int(configuration.percentageOfNodesToScore))
        self.timing = timing
        self.seed = seed
    }

    /// Kubernetes' plugins that the profiles do without because they are not built yet.
    public var missingPlugins: [String] {
        var names: [String] = []
        for profile in profiles { for name in profile.missingPlugins where !names.contains(name) { names.append(name) } }
        return names
    }

    public var hasNewAttempts: Bool { !attempts.isEmpty }

    /// The attempts that ended since the last call.
    public mutating func takeAttempts() -> [SchedulingAttempt] {
        defer { attempts.removeAll(keepingCapacity: true) }
        return attempts
    }

    static let noNodesMessage = "no nodes available to schedule pods"

    // MARK: Watch events

    package mutating func handle(_ event: WatchEvent, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>) {
        observe(event, at: now)
        goOn(at: now, &effects)
    }

    /// Takes in an event without beginning a cycle: what the event handlers do to cache and queue, and no more.
    package mutating func observe(_ event: WatchEvent, at now: SimulatedTime) {
        switch event.object {
        case .pod(let pod): handle(pod, event, at: now)
        case .node(let node): handle(node, event, at: now)
        default: break
        }
    }

    private mutating func handle(_ pod: Shared<Pod>, _ event: WatchEvent, at now: SimulatedTime) {
        // Finished pods are filtered out of the scheduler's watch: finishing looks like deletion.
        let new = event.change == .deleted || pod.isTerminal ? nil : pod
        let old = event.previous.flatMap(Pod.cast).flatMap { $0.isTerminal ? nil : $0 }
        let wasAssigned = old?.value.nodeName != nil
        guard let new else {
            if wasAssigned || pod.value.nodeName != nil {
                queue.delete(pod.value.metadata.key)
                cache.removePod(pod.value.metadata.uid)
                queue.handle(ClusterEvent(.assignedPodDelete, .pod(old: old ?? pod, new: nil)), at: now, nodes: cache.nodes)
            } else {
                queue.delete(pod.value.metadata.key)
            }
            return
        }
        if new.value.nodeName != nil {
            if let old, wasAssigned {
                cache.setPod(new)
                for change in ClusterEvent.changes(of: new, from: old) { queue.handle(change, at: now, nodes: cache.nodes) }
            } else {
                queue.delete(new.value.metadata.key)
                cache.setPod(new)
                queue.handle(ClusterEvent(.assignedPodAdd, .pod(old: nil, new: new)), at: now, nodes: cache.nodes)
            }
            return
        }
        guard let profile = profiles.firstIndex(where: { $0.schedulerName == new.value.spec.value.schedulerName }) else { return }
        let info = cache.info(new)
        if let old, queue.slot(of: new.value.metadata.key) != nil {
            queue.update(info, from: old, at: now, nodes: cache.nodes)
        } else {
            queue.add(info, profile: profile, at: now, nodes: cache.nodes)
        }
    }

    private mutating func handle(_ node: Shared<Node>, _ event: WatchEvent, at now: SimulatedTime) {
        let name = node.value.metadata.name
        if event.change == .deleted {
            let last = cache.slot(of: name).flatMap { cache.nodes.objects[$0] } ?? node
            cache.removeNode(name)
            queue.handle(ClusterEvent(.nodeDelete, .node(old: last, new: nil)), at: now, nodes: cache.nodes)
            return
        }
        let old = cache.slot(of: name).flatMap { cache.nodes.objects[$0] }
        if let old {
            let changes = ClusterEvent.changes(of: node, from: old)
            cache.setNode(node)
            for change in changes { queue.handle(change, at: now, nodes: cache.nodes) }
        } else {
            cache.setNode(node)
            queue.handle(ClusterEvent(.nodeAdd, .node(old: nil, new: node)), at: now, nodes: cache.nodes)
        }
    }

    // MARK: Timers

    package mutating func handle(timer: SchedulerTimer, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>) {
        switch timer {
        case .cycleEnds: endCycle(at: now, &effects)
        case .flushBackoff:
            backoffTimers.fired(at: now)
            queue.flushBackoff(at: now)
        case .flushLeftovers:
            leftoverTimers.fired(at: now)
            queue.flushLeftovers(at: now)
        }
        goOn(at: now, &effects)
    }

    /// Begins the next cycle if none is under way, and sets the timers that the queue needs.
    private mutating func goOn(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        while cycle == nil, queue.hasNext { beginCycle(at: now, &effects) }
        if let next = queue.nextBackoffFlush, backoffTimers.set(at: max(next, now)) {
            effects.wake(at: max(next, now), .flushBackoff)
        }
        if let next = queue.nextLeftoverFlush, leftoverTimers.set(at: max(next, now)) {
            effects.wake(at: max(next, now), .flushLeftovers)
        }
    }

    // MARK: Cycles

    private mutating func beginCycle(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let slot = queue.pop(at: now), let pod = queue[slot] else { return }
        guard !pod.info.pod.isTerminating else {
            // Nobody needs a node for a pod that is being deleted.
            queue.startBinding(slot)
            return
        }
        cache.refreshOrder()
        let profile = profiles[pod.profile]
        let (seed, name, number) = (seed, pod.name, pod.attempts)
        let outcome = algorithm.schedule(pod.info, profile, cache) { count in
            // The draw belongs to the pod and its attempt: the same in every fork, whatever other pods drew.
            var stream = RandomStream(seed: seed, purpose: .tieBreak, owner: name.description)
            stream.index = UInt64(number) &* 16
            return stream.uniform(below: count)
        }
        var attempt = SchedulingAttempt(
            start: now, end: now, pod: name, number: Int(number), result: .unschedulable, node: "", nodesEvaluated: 0, nodesFeasible: 0,
            score: 0, message: "")
        let result: Cycle.Outcome
        switch outcome {
        case .node(let node, let score, let evaluated, let feasible):
            attempt.nodesEvaluated = evaluated
            attempt.nodesFeasible = feasible
            attempt.score = score
            result = .node(cache.nodes.names[node], score: score)
        case .noFit(let failure, let evaluated):
            attempt.nodesEvaluated = evaluated
            var message = failure.message(profile, pod.info, cache.nodes)
            let additions = postFilter(pod.info, failure, profile)
            if !additions.isEmpty { message += " " + additions }
            result = .rejected(message: message, failure.rejectors)
        case .noNodes:
            attempt.result = .error
            result = .rejected(message: Scheduler.noNodesMessage, [])
        }
        attempt.end = now + timing.schedulingCyclePerPod + timing.schedulingCyclePerNode * attempt.nodesEvaluated
        cycle = Cycle(slot: slot, uid: pod.uid, attempt: attempt, outcome: result)
        effects.wake(at: attempt.end, .cycleEnds)
    }

    /// What the PostFilter plugins add to the message.
    private func postFilter(_ pod: PodInfo, _ failure: FilterFailure, _ profile: SchedulingProfile) -> String {
        var texts: [String] = []
        for entry in profile.postFilter {
            if case .reject(let message) = entry.plugin.postFilter(pod, failure: failure, nodes: cache.nodes), !message.isEmpty {
                texts.append(message)
            }
        }
        return texts.joined(separator: ", ")
    }

    private mutating func endCycle(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let ended = cycle else { return }
        cycle = nil
        // Deleted, bound by someone else or replaced during the cycle: nothing to do.
        guard let pod = queue[ended.slot], pod.uid == ended.uid, pod.pool == .inFlight else { return }
        switch ended.outcome {
        case .node(let node, _): assumeAndBind(pod, ended, on: node, at: now, &effects)
        case .rejected(let message, let rejectors):
            var attempt = ended.attempt
            attempt.message = message
            fail(ended.slot, pod, attempt, rejectors, isUnschedulable: true, at: now, &effects)
        }
    }

    private mutating func assumeAndBind(
        _ pod: QueuedPod, _ ended: Cycle, on node: String, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        let profile = profiles[pod.profile]
        var attempt = ended.attempt
        guard let slot = cache.assume(pod.info, onNodeNamed: node) else {
            // Already counted somewhere: the watch was faster.
            queue.startBinding(ended.slot)
            return
        }
        if let refusal = refusal(pod.info, slot, profile) {
            cache.forget(pod.uid)
            attempt.message = refusal.message
            fail(ended.slot, pod, attempt, refusal.rejectors, isUnschedulable: !refusal.rejectors.isEmpty, at: now, &effects)
            return
        }
        attempt.node = node
        queue.startBinding(ended.slot)
        for entry in profile.bind {
            guard let request = entry.plugin.request(binding: pod.info.pod.value, to: node) else { continue }
            nextToken += 1
            attempt.result = .scheduled
            bindings[nextToken] = Binding(pod: pod.info.pod, attempt: attempt)
            effects.call(.scheduler, request, token: nextToken)
            if recordsAttempts { attempts.append(attempt) }
            return
        }
    }

    /// The first refusal of the plugins that are asked after a node was chosen; what was reserved is given back.
    private func refusal(
        _ pod: PodInfo, _ node: NodeSlot, _ profile: SchedulingProfile
    ) -> (message: String, rejectors: PluginSet)? {
        func refuse(_ plugin: Int, _ reason: String) -> (message: String, rejectors: PluginSet) {
            for entry in profile.reserve.reversed() { entry.plugin.unreserve(pod, on: node, nodes: cache.nodes) }
            return (reason, PluginSet(plugin: plugin))
        }
        for entry in profile.reserve {
            if let reason = entry.plugin.reserve(pod, on: node, nodes: cache.nodes) { return refuse(entry.number, reason) }
        }
        for entry in profile.permit {
            if let reason = entry.plugin.permit(pod, on: node, nodes: cache.nodes) { return refuse(entry.number, reason) }
        }
        for entry in profile.preBind {
            if let reason = entry.plugin.preBind(pod, on: node, nodes: cache.nodes) { return refuse(entry.number, reason) }
        }
        return nil
    }

    // MARK: Answers

    /// The API server answered a call that carried a token: a binding.
    package mutating func handle(
        answer: APIResult, token: UInt64, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>
    ) {
        guard let binding = bindings.removeValue(forKey: token) else {
            if let event = failureEvents.removeValue(forKey: token) { queue.eventArrived(about: event.uid, in: event.slot) }
            return
        }
        let pod = binding.pod.value
        switch answer {
        case .success:
            record(
                "Scheduled", "Successfully assigned \(pod.metadata.key) to \(binding.attempt.node)", .normal, about: pod, at: now,
                &effects)
        case .failure(let error):
            if cache.forget(pod.metadata.uid) {
                queue.handle(
                    ClusterEvent(.assignedPodDelete, .pod(old: binding.pod, new: nil)), at: now, nodes: cache.nodes)
            }
            if let slot = queue.slot(of: pod.metadata.key), let queued = queue[slot], queued.uid == pod.metadata.uid,
                queued.pool == .binding
            {
                var attempt = binding.attempt
                attempt.end = now
                attempt.message = "binding rejected: running Bind plugin \"DefaultBinder\": \(error)"
                fail(slot, queued, attempt, [], isUnschedulable: false, at: now, &effects)
            }
        }
        goOn(at: now, &effects)
    }

    // MARK: Reports

    /// Puts the pod back into the queue and reports why.
    private mutating func fail(
        _ slot: Int32, _ pod: QueuedPod, _ attempt: SchedulingAttempt, _ rejectors: PluginSet, isUnschedulable: Bool,
        at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        queue.fail(slot, rejectors: rejectors, at: now, nodes: cache.nodes)
        if recordsAttempts {
            var attempt = attempt
            attempt.result = rejectors.isEmpty ? .error : .unschedulable
            attempts.append(attempt)
        }
        let object = pod.info.pod.value
        // At most one event and one patch of each pod wait for the client's rate limit: thousands of pods that fail again and again
        // would otherwise queue more than the limit ever lets out.
        var isEventUnderWay = pod.isEventUnderWay
        if !isEventUnderWay {
            isEventUnderWay = record(
                "FailedScheduling", Scheduler.note(attempt.message), .warning, about: object, at: now, token: nextToken + 1, &effects)
            if isEventUnderWay {
                nextToken += 1
                failureEvents[nextToken] = (slot, pod.uid)
            }
        }
        let condition = Condition(
            .podScheduled, .false, reason: isUnschedulable ? "Unschedulable" : "SchedulerError", message: attempt.message,
            lastTransitionTime: now.truncatedToSeconds)
        var conditions = object.status.conditions
        if let requested = pod.requestedCondition { conditions.set(requested) }
        let isNews = conditions.set(condition)
        queue.noteReport(slot, condition: isNews ? condition : pod.requestedCondition, isEventUnderWay: isEventUnderWay)
        if isNews {
            effects.call(
                .scheduler,
                .patchPod(object.metadata.key, uid: object.metadata.uid, .schedulingFailure(condition, nominatedNode: nil)))
        }
    }

    /// Sends an event unless it is dropped as spam; returns whether it was sent.
    @discardableResult
    private mutating func record(
        _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity, about pod: Pod, at now: SimulatedTime,
        token: UInt64? = nil, _ effects: inout Effects<SchedulerTimer>
    ) -> Bool {
        let event = KubernetesEvent(
            about: "Pod", pod.metadata.key, uid: pod.metadata.uid, reason: reason, message: message, severity: severity,
            source: pod.spec.value.schedulerName)
        guard let correlated = correlator.correlate(event, at: now) else { return false }
        effects.call(.scheduler, .record(Shared(correlated)), token: token)
        return true
    }
}

extension RandomPurpose {
    static let tieBreak = RandomPurpose("scheduler tie-break")
}
