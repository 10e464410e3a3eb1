// The loop every controller runs: take a key, decide, carry out the plan, give the key back. Written once.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The deciding half of a controller.
protocol Reconciler: Sendable {
    associatedtype Key: Hashable & Sendable
    /// What is remembered from a plan's making to its end; `Never` where nothing is.
    associatedtype Conclusion: Sendable

    /// A write reached the cache (which holds it already; `previous` is what it held before): adds the keys whose sync might
    /// decide otherwise now, at once or at a later time.
    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Key>, at now: SimulatedTime)

    /// Decides what is to be done about a key.
    mutating func reconcile(_ key: Key, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion>

    /// A request of a plan was carried out; `object` is what it left in the store, nil for nothing.
    mutating func succeeded(_ key: Key, _ request: APIRequest, _ object: APIObject?, _ view: SharedInformers)

    /// Called when a plan has ended, well or not. A plan returned here is carried out before the key is given back.
    mutating func conclude(
        _ key: Key, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>?
}

extension Reconciler {
    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Key>, at now: SimulatedTime
    ) {}

    mutating func succeeded(_ key: Key, _ request: APIRequest, _ object: APIObject?, _ view: SharedInformers) {}

    mutating func conclude(
        _ key: Key, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? { nil }
}

/// A work queue, its workers, and the plans they are carrying out.
struct ControllerLoop<Decider: Reconciler>: Sendable {
    private struct Running: Sendable {
        let key: Decider.Key
        var plan: Plan<Decider.Conclusion>
        var step = 0
        var unanswered = 0
        /// The step's requests that were sent again after a conflict.
        var retried: [Int] = []
        var written: [(key: ObjectKey, version: UInt64)] = []
        var outcome = PlanOutcome()
    }

    let name: LoopName
    private let controller: ControllerName
    private let workers: Int
    /// Failures after which a key is dropped until its next event; nil: never.
    private let maximumRetries: Int?

    var decider: Decider
    var queue: WorkQueue<Decider.Key>
    private var running: [Running?] = []
    private var freeSlots: [Int] = []
    private var busy = 0
    /// The earliest wake-up asked for and not yet come.
    private var armed: SimulatedTime?

    init(
        _ name: LoopName, of controller: ControllerName, _ decider: Decider, workers: Int, maximumRetries: Int? = nil,
        limits: RetryLimits
    ) {
        self.name = name
        self.controller = controller
        self.decider = decider
        self.workers = workers
        self.maximumRetries = maximumRetries
        queue = WorkQueue(limits: limits)
    }

    /// Whether a worker could start on a key right now.
    var canWork: Bool { busy < workers && queue.hasWork }
    /// Whether nothing is queued and nobody works.
    var isIdle: Bool { busy == 0 && !queue.hasWork }

    // MARK: Watching

    /// Lets the decider see a write, and asks to be woken for what it put off.
    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>
    ) {
        decider.observe(event, previous: previous, view, &queue, at: now)
        arm(at: now, &effects)
    }

    // MARK: Working

    /// Lets free workers take keys until none is left (or none is free).
    mutating func run(
        _ view: SharedInformers, _ recorder: inout EventRecorder, at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>
    ) {
        queue.addDue(at: now)
        while busy < workers, let key = queue.take() {
            busy += 1
            var plan = decider.reconcile(key, view, at: now)
            // Most syncs decide nothing: no slot for those.
            if plan.steps.isEmpty {
                var outcome = PlanOutcome()
                outcome.error = plan.failure
                for event in plan.events { recorder.record(event, at: now, &effects) }
                guard let next = decider.conclude(key, plan.conclusion, outcome, view, at: now) else {
                    giveBack(key, plan, plan.failure, at: now)
                    continue
                }
                plan = next
            }
            begin(Running(key: key, plan: plan), view, &recorder, at: now, &effects)
        }
        arm(at: now, &effects)
    }

    /// An answer to a request of one of the plans.
    mutating func handle(
        _ answer: APIResult, _ token: CallToken, _ view: SharedInformers, _ recorder: inout EventRecorder, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        guard token.slot < running.count, var work = running[token.slot], work.step < work.plan.steps.count,
            token.index < work.plan.steps[work.step].count
        else { return }
        // One owner while it changes: the arrays in it are not copied.
        running[token.slot] = nil
        let call = work.plan.steps[work.step][token.index]
        switch answer {
        case .success(let object):
            succeed(call, object, &work, &recorder, at: now, &effects)
            decider.succeeded(work.key, call.request, object, view)
        case .failure(let error) where error.isNotFound && call.forgives.contains(.notFound): break
        case .failure(let error) where error.isNamespaceTerminating && call.forgives.contains(.namespaceTerminating): break
        case .failure(.alreadyExists) where call.forgives.contains(.alreadyExists): break
        case .failure(let error) where error.isConflict && call.forgives.contains(.conflict):
            work.outcome.hadConflict = true
            if let event = call.onSuccess?.value { recorder.record(event, at: now, &effects) }
        case .failure(let error) where error.isConflict && call.overwritesOnConflict && !work.retried.contains(token.index):
            work.retried.append(token.index)
            running[token.slot] = work
            effects.call(controller.client, call.request.withVersion(0), token: token.rawValue, reads: call.reads)
            return
        case .failure(let error):
            work.outcome.error = work.outcome.error ?? error
            work.outcome.notDone.append(call.request)
            if var event = call.onFailure?.value, !(call.isSilentIfExisting && error.isAlreadyExists) {
                event.message += error.description
                recorder.record(event, at: now, &effects)
            }
        }
        work.unanswered -= 1
        if work.unanswered > 0 {
            running[token.slot] = work
            return
        }
        work.step += 1
        if work.outcome.error != nil {
            for step in work.plan.steps[work.step...] { work.outcome.notDone += step.map(\.request) }
            work.step = work.plan.steps.count
        }
        proceed(work, in: token.slot, view, &recorder, at: now, &effects)
        arm(at: now, &effects)
    }

    private func succeed(
        _ call: PlannedCall, _ object: APIObject?, _ work: inout Running, _ recorder: inout EventRecorder, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        if let object {
            let version = object.metadata.resourceVersion
            work.outcome.writtenVersion = max(work.outcome.writtenVersion, version)
            if call.keepsResult { work.outcome.results.append(object) }
            if call.request.isUpdate {
                let key = object.key
                work.written.removeAll { $0.key == key }
                work.written.append((key, version))
            }
        }
        if var event = call.onSuccess?.value {
            if call.namesResult, let object { event.message += object.metadata.name }
            recorder.record(event, at: now, &effects)
        }
    }

    private mutating func begin(
        _ work: Running, _ view: SharedInformers, _ recorder: inout EventRecorder, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = running.count
            running.append(nil)
        }
        for event in work.plan.events { recorder.record(event, at: now, &effects) }
        proceed(work, in: slot, view, &recorder, at: now, &effects)
    }

    /// Sends the next step, or ends the plan.
    private mutating func proceed(
        _ work: Running, in slot: Int, _ view: SharedInformers, _ recorder: inout EventRecorder, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        var work = work
        while work.step < work.plan.steps.count, work.plan.steps[work.step].isEmpty { work.step += 1 }
        if work.step < work.plan.steps.count {
            let step = work.plan.steps[work.step]
            work.unanswered = step.count
            work.retried.removeAll()
            for (index, call) in step.enumerated() {
                effects.call(
                    controller.client, request(of: call, work), token: CallToken(name, slot: slot, index: index).rawValue,
                    reads: call.reads)
            }
            running[slot] = work
            return
        }
        running[slot] = nil
        let error = work.outcome.error ?? work.plan.failure
        work.outcome.error = error
        if let next = decider.conclude(work.key, work.plan.conclusion, work.outcome, view, at: now) {
            for event in next.events { recorder.record(event, at: now, &effects) }
            proceed(Running(key: work.key, plan: next), in: slot, view, &recorder, at: now, &effects)
            return
        }
        freeSlots.append(slot)
        giveBack(work.key, work.plan, error, at: now)
    }

    private func request(of call: PlannedCall, _ work: Running) -> APIRequest {
        guard call.followsOwnWrites else { return call.request }
        switch call.request {
        case .update(let object), .updateStatus(let object):
            let key = object.key
            guard let own = work.written.first(where: { $0.key == key }) else { return call.request }
            return call.request.withVersion(own.version)
        default: return call.request
        }
    }

    private mutating func giveBack(_ key: Decider.Key, _ plan: Plan<Decider.Conclusion>, _ error: APIError?, at now: SimulatedTime) {
        busy -= 1
        if error != nil || plan.retriesAnyway {
            if let maximumRetries, queue.retries(of: key) >= maximumRetries {
                queue.forget(key)
            } else {
                queue.retry(key, at: now)
            }
            if plan.looksAgainAnyway, let again = plan.again { queue.add(key, at: again) }
        } else {
            queue.forget(key)
            if let again = plan.again { queue.add(key, at: again) }
        }
        queue.done(key)
    }

    // MARK: Waking

    /// Asks to be woken for the next delayed key.
    mutating func arm(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        if let armed, armed <= now { self.armed = nil }
        guard let due = queue.nextDue else { return }
        if let armed, armed <= due { return }
        armed = due
        effects.wake(at: max(due, now), .delayed)
    }
}

extension APIRequest {
    var isUpdate: Bool {
        switch self {
        case .update, .updateStatus: true
        default: false
        }
    }

    /// An update made against another version of the object; 0 overwrites whatever is stored.
    func withVersion(_ version: UInt64) -> APIRequest {
        switch self {
        case .update(let object): .update(object.withMetadata { $0.resourceVersion = version })
        case .updateStatus(let object): .updateStatus(object.withMetadata { $0.resourceVersion = version })
        default: self
        }
    }
}
