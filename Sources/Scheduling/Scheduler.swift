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
    /// A pod's volumes may be bound, or have not been for too long.
    case checkPreBindings
    /// A pod has waited long enough for a permission, or a note of a plugin stands no longer.
    case checkWaitingPods
}

/// kube-scheduler: takes pods from its queue one by one, finds each a node, assumes it there and has it bound.
///
/// A cycle decides on what the scheduler knows when it begins, and takes simulated time according to the number of nodes
/// looked at. Binding is asynchronous: the next cycle begins while the API server is still being asked.
public struct Scheduler: Sendable {
    package let profiles: [SchedulingProfile]
    private let registry: PluginRegistry
    private let path: SchedulerPath
    private let timing: ControlPlaneTiming
    private let seed: UInt64
    package var cache: SchedulerCache
    package var queue: SchedulingQueue
    private var algorithm: SchedulingAlgorithm
    var series = EventSeries()

    /// The cycle under way.
    private struct Cycle: Sendable {
        enum Outcome: Sendable {
            case node(String, score: Int64)
            case rejected(message: String, PluginSet, PostFilterResult)
            /// Something other than a plugin's refusal.
            case failed(message: String)
        }
        var slot: Int32
        var uid: UID
        var attempt: SchedulingAttempt
        var outcome: Outcome
    }
    /// Nodes to be preferred for pods to come.
    private var placements: [UID: String] = [:]
    private var cycle: Cycle?
    /// Bindings the API server was asked for, by the token of the call.
    private var bindings: [UInt64: ReservedPod] = [:]
    /// Pods that have a node and wait for a permission.
    var waiting = WaitingPods()
    /// Pods that are not bound before something else is done.
    var preBindings = PreBindings()
    /// Events and conditions about failures that are on their way to the API server, by the token of the call.
    var failureEvents: [UInt64: (slot: Int32, uid: UID)] = [:]
    var failureConditions: [UInt64: (slot: Int32, uid: UID)] = [:]
    var preemptions = PreemptionRuns()
    var nextToken: UInt64 = 0
    private var backoffTimers = PendingTimers()
    private var leftoverTimers = PendingTimers()

    @usableFromInline
    var attempts: [SchedulingAttempt] = []
    /// Whether attempts are kept for ``takeAttempts()``.
    public var recordsAttempts = true
    /// Decisions that are taken down whole.
    package var notes = DecisionNotes()

    /// - Parameter maximumTimeUnschedulable: after which a rejected pod is tried again without any event; nil: five minutes.
    /// - Throws: ``SchedulerConfigurationError`` in the words with which the real scheduler refuses to start.
    public init(
        _ configuration: SchedulerConfiguration, registry: PluginRegistry = PluginRegistry(), path: SchedulerPath = .memoised,
        timing: ControlPlaneTiming,
        maximumTimeUnschedulable: SimulatedDuration? = nil, seed: UInt64
    ) throws {
        guard !configuration.hasExtenders else {
            throw SchedulerConfigurationError(
                "extenders: HTTP extenders cannot be called from a simulation; remove them", at: [.field("extenders")])
        }
        var nodes = NodeTable()
        profiles = try SchedulingProfiles.make(configuration, registry: registry, nodes: &nodes)
        cache = SchedulerCache(nodes: nodes, seed: seed)
        queue = SchedulingQueue(
            profiles: profiles,
            backoff: BackoffPolicy(
                initialSeconds: configuration.podInitialBackoffSeconds, maximumSeconds: configuration.podMaxBackoffSeconds),
            maximumTimeUnschedulable: maximumTimeUnschedulable ?? SchedulingQueue.defaultMaximumTimeUnschedulable)
        algorithm = SchedulingAlgorithm(percentageOfNodesToScore: Int(configuration.percentageOfNodesToScore), path: path)
        self.registry = registry
        self.path = path
        self.timing = timing
        self.seed = seed
    }

    /// Another process on the same terms: its calls have other tokens than those of the first.
    init(_ configuration: SchedulerConfiguration, like other: Scheduler) throws {
        try self.init(configuration, registry: other.registry, path: other.path, timing: other.timing, seed: other.seed)
        nextToken = other.nextToken
        recordsAttempts = other.recordsAttempts
        attempts = other.attempts
        notes = other.notes
    }

    /// How many distinct pod specs were seen.
    public var podSpecCount: Int { cache.shapeCount }

    /// Inlinable: asked after every event, and a call would be handed a copy of the whole scheduler.
    @inlinable public var hasNewAttempts: Bool { !attempts.isEmpty }

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

    // MARK: Timers

    package mutating func handle(timer: SchedulerTimer, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>) {
        switch timer {
        // A timer of the process before this one is no end of its cycles.
        case .cycleEnds: if let cycle, cycle.attempt.end <= now { endCycle(at: now, &effects) }
        case .flushBackoff:
            backoffTimers.fired(at: now)
            queue.flushBackoff(at: now)
        case .flushLeftovers:
            leftoverTimers.fired(at: now)
            queue.flushLeftovers(at: now)
        case .checkPreBindings: checkPreBindings(at: now, &effects)
        case .checkWaitingPods: checkWaitingPods(at: now, &effects)
        }
        goOn(at: now, &effects)
    }

    /// Begins the next cycle if none is under way, and sets the timers that the queue needs.
    mutating func goOn(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        lookAtPreBindings(at: now, &effects)
        lookAtWaitingPods(at: now, &effects)
        while cycle == nil, queue.hasNext { beginCycle(at: now, &effects) }
        if let next = queue.nextBackoffFlush, backoffTimers.set(at: max(next, now)) {
            effects.wake(at: max(next, now), .flushBackoff)
        }
        if let next = queue.nextLeftoverFlush, leftoverTimers.set(at: max(next, now)) {
            effects.wake(at: max(next, now), .flushLeftovers)
        }
    }

    // MARK: Cycles

    /// Tries the next pod of the queue in no time; false if none is ready. For replaying what happened step by step: in a running
    /// cluster cycles begin by themselves and take time.
    package mutating func attemptNext(at now: SimulatedTime, effects: inout Effects<SchedulerTimer>) -> Bool {
        guard cycle == nil, queue.hasNext else { return false }
        beginCycle(at: now, &effects)
        endCycle(at: now, &effects)
        return true
    }

    /// Places a pod as a recording says, if it fits there: among equal nodes the real scheduler's choice is random. Good for the
    /// pod's next attempt.
    package mutating func prefer(_ node: String, for pod: UID) { placements[pod] = node }

    private mutating func beginCycle(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let slot = queue.pop(at: now), let pod = queue[slot] else { return }
        guard !pod.info.pod.isTerminating else {
            // Nobody needs a node for a pod that is being deleted.
            queue.startBinding(slot)
            return
        }
        cache.refreshOrder()
        let profile = profiles[pod.profile]
        // Draws belong to the pod and its attempt: the same in every fork, whatever other pods drew.
        let (seed, name, number) = (seed, pod.name, pod.attempts)
        func stream(_ purpose: RandomPurpose) -> RandomStream {
            var stream = RandomStream(seed: seed, purpose: purpose, owner: name.description)
            stream.index = UInt64(number) &* 16
            return stream
        }
        var info = pod.info
        if let wanted = placements[pod.uid], info.pod.value.status.nominatedNodeName == nil {
            info.pod = info.pod.with { $0.status.nominatedNodeName = wanted }
        }
        var decision = notes.begin(name)
        let outcome = algorithm.schedule(info, profile, &cache, nominator: queue.nominator, record: &decision) { count in
            var stream = stream(.tieBreak)
            return stream.uniform(below: count)
        }
        var attempt = SchedulingAttempt(
            start: now, end: now, pod: name, number: Int(number), result: .unschedulable, node: "", nodesEvaluated: 0, nodesFeasible: 0,
            score: 0, nominatedNode: "", victims: 0, message: "")
        let result: Cycle.Outcome
        switch outcome {
        case .node(let node, let score, let evaluated, let feasible):
            attempt.nodesEvaluated = evaluated
            attempt.nodesFeasible = feasible
            attempt.score = score
            result = .node(cache.nodes.names[node], score: score)
            decision?.note(choiceOf: cache.nodes.names[node], among: feasible)
        case .noFit(let failure, let evaluated):
            attempt.nodesEvaluated = evaluated
            let message = failure.message(profile, pod.info, cache.snapshot)
            let answer = algorithm.postFilter(
                pod.info, failure, profile, &cache, queue.nominator, waiting: waiting.pods, random: stream(.preemption))
            attempt.nominatedNode = answer.preemption?.node ?? ""
            attempt.victims = answer.preemption?.victims.count ?? 0
            decision?.note(failure, answer, message, profile)
            result = .rejected(
                message: answer.message.isEmpty ? message : message + " " + answer.message, failure.rejectors, answer)
        case .noNodes:
            attempt.result = .error
            decision?.noteNoNodes()
            result = .rejected(message: Scheduler.noNodesMessage, [], PostFilterResult(nomination: .cleared))
        case .broken(let message, let evaluated, let feasible):
            attempt.nodesEvaluated = evaluated
            attempt.nodesFeasible = feasible
            decision?.note(breach: message)
            result = .failed(message: message)
        }
        if let decision { notes.add(decision, about: name, attempt: attempt.number, at: now) }
        attempt.end = now + timing.schedulingCyclePerPod + timing.schedulingCyclePerNode * attempt.nodesEvaluated
        cycle = Cycle(slot: slot, uid: pod.uid, attempt: attempt, outcome: result)
        effects.wake(at: attempt.end, .cycleEnds)
    }

    private mutating func endCycle(at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        guard let ended = cycle else { return }
        cycle = nil
        guard let pod = queue[ended.slot], pod.uid == ended.uid, pod.pool == .inFlight else { return }
        // Deleted, bound by someone else or replaced during the cycle: nothing to do.
        guard !pod.isGone else { return queue.startBinding(ended.slot) }
        switch ended.outcome {
        case .node(let node, _): assumeAndBind(pod, ended, on: node, at: now, &effects)
        case .rejected(let message, let rejectors, let answer):
            var attempt = ended.attempt
            attempt.message = message
            carryOut(answer.wishes, of: profiles[pod.profile], at: now, &effects)
            if let preemption = answer.preemption {
                carryOut(preemptWaiting(preemption, in: pod.profile, at: now, &effects), for: pod.info, at: now, &effects)
            }
            fail(ended.slot, pod, attempt, rejectors, answer.nomination, isUnschedulable: true, at: now, &effects)
        case .failed(let message):
            var attempt = ended.attempt
            attempt.message = message
            fail(ended.slot, pod, attempt, [], .cleared, isUnschedulable: false, at: now, &effects)
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
        attempt.node = node
        placements.removeValue(forKey: pod.uid)
        switch cache.reserve(pod.info, on: slot, profile, waiting: waiting.pods) {
        case .refused(let message, let rejectors, let veto, let wishes):
            cache.forget(pod.uid)
            attempt.message = message
            attempt.vetoedBy = veto
            fail(ended.slot, pod, attempt, rejectors, .cleared, isUnschedulable: !rejectors.isEmpty, at: now, &effects)
            carryOut(wishes, of: profile, at: now, &effects)
        case .reserved(let assumed, let annotations, let waits, let wishes):
            let reserved = ReservedPod(
                slot: ended.slot, profile: pod.profile, pod: pod.info, attempt: attempt, assumed: assumed, annotations: annotations)
            carryOut(wishes, of: profile, at: now, &effects)
            if waits.isEmpty {
                queue.startBinding(ended.slot)
                prepareBinding(reserved, at: now, &effects)
            } else {
                wait(reserved, for: waits, at: now, &effects)
            }
        }
    }

    /// Asks the API server to bind a pod.
    mutating func bind(_ reserved: ReservedPod, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>) {
        var attempt = reserved.attempt
        for entry in profiles[reserved.profile].bind {
            guard let request = entry.plugin.request(binding: reserved.pod.pod.value, to: attempt.node, annotations: reserved.annotations)
            else { continue }
            let token = newToken()
            attempt.result = .scheduled
            bindings[token] = reserved
            effects.call(.scheduler, request, token: token)
            if recordsAttempts { attempts.append(attempt) }
            return
        }
    }

    // MARK: Answers

    /// A number that tells a call of this scheduler from all its others.
    mutating func newToken() -> UInt64 {
        nextToken += 1
        return nextToken
    }

    /// The API server answered a call that carried a token: a binding, a step of a preemption, an event.
    package mutating func handle(
        answer: APIResult, token: UInt64, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>
    ) {
        observe(answer: answer, token: token, at: now, effects: &effects)
        goOn(at: now, &effects)
    }

    /// Takes in an answer without beginning a cycle.
    package mutating func observe(
        answer: APIResult, token: UInt64, at now: SimulatedTime, effects: inout Effects<SchedulerTimer>
    ) {
        if let reserved = bindings.removeValue(forKey: token) {
            switch answer {
            case .success:
                record(
                    "Scheduled", "Successfully assigned \(reserved.name) to \(reserved.attempt.node)", .normal,
                    about: reserved.pod.pod.value, at: now, &effects)
            case .failure(let error):
                bindingFailed(
                    reserved, "binding rejected: running Bind plugin \"DefaultBinder\": \(error)", veto: "DefaultBinder (Bind)", at: now,
                    &effects)
            }
        } else if let event = failureEvents.removeValue(forKey: token) {
            queue.eventArrived(about: event.uid, in: event.slot)
        } else if let condition = failureConditions.removeValue(forKey: token) {
            if case .failure = answer { queue.conditionRefused(of: condition.uid, in: condition.slot) }
        } else if !continuePreemption(answer, token: token, at: now, &effects) {
            _ = preBindAnswered(answer, token: token, at: now, &effects)
        }
    }

    /// A pod could not be bound after all: its node is free again, and it is tried again after a while.
    ///
    /// - Parameter veto: as in ``SchedulingAttempt/vetoedBy``.
    mutating func bindingFailed(
        _ reserved: ReservedPod, _ message: String, veto: String, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        release(reserved, at: now)
        defer { unreserve(reserved, at: now, &effects) }
        guard let slot = queue.slot(of: reserved.name), let queued = queue[slot], queued.uid == reserved.uid, queued.pool == .binding
        else { return }
        var attempt = reserved.attempt
        attempt.end = now
        attempt.message = message
        attempt.vetoedBy = veto
        fail(slot, queued, attempt, [], .cleared, isUnschedulable: false, at: now, &effects)
    }

    /// Takes back what was assumed for a pod.
    mutating func release(_ reserved: ReservedPod, at now: SimulatedTime) {
        cache.forget(reserved.assumed)
        guard cache.forget(reserved.uid) else { return }
        queue.handle(ClusterEvent(.assignedPodDelete, .pod(old: reserved.pod.pod, new: nil)), at: now, in: cache.snapshot)
    }
}

extension RandomPurpose {
    static let tieBreak = RandomPurpose("scheduler tie-break")
}
