// The scheduler as a component: what it asks of the API server, and when.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

/// Runs a scheduler against an API server that grants every binding after four milliseconds, and shows the result after eight.
private struct Harness {
    var scheduler: Scheduler
    private var queue: [(at: SimulatedTime, sequence: Int, action: Action)] = []
    private var sequence = 0
    private(set) var now = SimulatedTime.zero
    private(set) var bindings: [String: String] = [:]
    private(set) var events: [(reason: String, message: String)] = []
    private(set) var conditions: [Condition] = []
    private(set) var attempts: [SchedulingAttempt] = []
    /// Requests other than bindings are kept back for so long, as by a rate limit.
    var reportDelay = SimulatedDuration.zero
    private(set) var reportsUnderWay = 0
    var pendingTimers: Int { queue.count { if case .timer = $0.action { true } else { false } } }
    private var pods: [NamespacedName: Shared<Pod>] = [:]
    var refusesBindings = false
    /// How many conditions are not written, for the server is in trouble.
    var lostConditions = 0

    private enum Action {
        case timer(SchedulerTimer)
        case answer(UInt64, APIResult)
        case watch(WatchEvent)
        case report(APICall)
    }

    init(
        _ configuration: SchedulerConfiguration = SchedulerConfiguration(), registry: PluginRegistry = PluginRegistry(), seed: UInt64 = 1
    ) throws {
        scheduler = try Scheduler(configuration, registry: registry, timing: ControlPlaneTiming(), seed: seed)
    }

    mutating func add(_ node: Node, at time: SimulatedTime) { push(time, .watch(WatchEvent(.added, APIObject(node), time: time))) }

    mutating func add(_ pod: Pod, at time: SimulatedTime) {
        let shared = Shared(pod)
        pods[pod.metadata.key] = shared
        push(time, .watch(WatchEvent(.added, .pod(shared), time: time)))
    }

    private mutating func push(_ time: SimulatedTime, _ action: Action) {
        sequence += 1
        queue.append((time, sequence, action))
        queue.sort { ($0.at, $0.sequence) < ($1.at, $1.sequence) }
    }

    mutating func run(until end: SimulatedTime) {
        while let next = queue.first, next.at <= end {
            queue.removeFirst()
            now = next.at
            var effects = Effects<SchedulerTimer>()
            switch next.action {
            case .timer(let timer): scheduler.handle(timer: timer, at: now, effects: &effects)
            case .answer(let token, let result): scheduler.handle(answer: result, token: token, at: now, effects: &effects)
            case .watch(let event): scheduler.handle(event, at: now, effects: &effects)
            case .report(let call):
                reportsUnderWay -= 1
                carryOut(call)
            }
            attempts += scheduler.takeAttempts()
            for (time, timer) in effects.timers { push(time, .timer(timer)) }
            for call in effects.calls {
                if reportDelay == .zero {
                    carryOut(call)
                } else {
                    reportsUnderWay += 1
                    push(now + reportDelay, .report(call))
                }
            }
        }
    }

    private mutating func carryOut(_ call: APICall) {
        switch call.request {
        case .bind(let name, _, let node, _):
            guard let token = call.token, let pod = pods[name] else { return }
            if refusesBindings {
                refusesBindings = false
                push(now + .milliseconds(4), .answer(token, .failure(.conflict(ObjectKey(.pod, name)))))
                return
            }
            bindings[name.name] = node
            let bound = pod.with { $0.nodeName = node }
            pods[name] = bound
            push(now + .milliseconds(4), .answer(token, .success(.pod(bound))))
            push(now + .milliseconds(8), .watch(WatchEvent(.modified, .pod(bound), previous: .pod(pod), time: now)))
        case .patchPod(let name, _, .schedulingFailure(let condition, _)):
            conditions.append(condition)
            if lostConditions > 0 {
                lostConditions -= 1
                if let token = call.token { push(now + .milliseconds(4), .answer(token, .failure(.timeout))) }
                return
            }
            guard let pod = pods[name] else { return }
            let patched = pod.with { $0.status.conditions.set(condition) }
            pods[name] = patched
            push(now + .milliseconds(8), .watch(WatchEvent(.modified, .pod(patched), previous: .pod(pod), time: now)))
        case .record(let event):
            events.append((event.reason, event.message))
            if let token = call.token { push(now + .milliseconds(4), .answer(token, .success(.event(event)))) }
        default: Issue.record("the scheduler has no business to ask for \(call.request)")
        }
    }
}

@Suite("Scheduler")
struct SchedulerTests {
    private func node(_ name: String, cpu: Int64 = 2) -> Node {
        var node = Node(metadata: ObjectMeta(name: name))
        node.status.allocatable = [.cpu: Quantity(cpu), .memory: Quantity(bytes: 8 << 30), .pods: Quantity(110)]
        return node
    }

    private func pod(_ name: String, cpu: Int64 = 1, scheduler: String = PodSpec.defaultScheduler) -> Pod {
        var spec = PodSpec(containers: [Container(name: "c")])
        spec.containers[0].resources.requests[.cpu] = Quantity(cpu)
        spec.schedulerName = scheduler
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec))
        pod.metadata.uid = UID(name)
        return pod
    }

    private let start = SimulatedTime.zero
    private func time(_ milliseconds: Int) -> SimulatedTime { start + .milliseconds(milliseconds) }

    @Test func podIsBoundAndReported() throws {
        var harness = try Harness()
        harness.add(node("n"), at: start)
        harness.add(pod("p"), at: time(10))
        harness.run(until: time(1000))
        #expect(harness.bindings == ["p": "n"])
        #expect(harness.events.map(\.reason) == ["Scheduled"])
        #expect(harness.events.first?.message == "Successfully assigned default/p to n")
        let attempt = try #require(harness.attempts.first)
        #expect(attempt.start == time(10))
        #expect(attempt.end == time(10) + .microseconds(100) + .nanoseconds(2400))
        #expect(harness.scheduler.cache.podCount == 1)
        #expect(harness.scheduler.queue.count == 0)
    }

    @Test("assumed room is taken before the binding is seen")
    func assumption() throws {
        var harness = try Harness()
        harness.add(node("n", cpu: 2), at: start)
        for number in 0..<3 { harness.add(pod("p\(number)"), at: time(10)) }
        harness.run(until: time(20))
        #expect(harness.bindings.count == 2)
        #expect(harness.attempts.filter { $0.result == .unschedulable }.count == 1)
    }

    @Test func unschedulablePodSaysWhyAndIsWokenByANodeThatFits() throws {
        var harness = try Harness()
        harness.add(node("small", cpu: 1), at: start)
        harness.add(pod("p", cpu: 4), at: time(10))
        harness.add(node("other", cpu: 2), at: time(2000))
        harness.add(node("big", cpu: 8), at: time(60_000))
        harness.run(until: time(59_000))
        #expect(
            harness.attempts.map(\.message) == [
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
                    + "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
            ])
        #expect(harness.conditions.map(\.reason) == ["Unschedulable"])
        #expect(harness.events.map(\.reason) == ["FailedScheduling"])
        harness.run(until: time(61_000))
        #expect(harness.bindings == ["p": "big"])
        #expect(harness.attempts.map(\.number) == [1, 2])
    }

    @Test func refusedBindingGivesRoomBackAndIsTriedAgainAfterBackoff() throws {
        var harness = try Harness()
        harness.refusesBindings = true
        harness.add(node("n", cpu: 1), at: start)
        harness.add(pod("p"), at: time(500))
        harness.run(until: time(900))
        #expect(harness.bindings.isEmpty)
        #expect(harness.scheduler.cache.podCount == 0)
        #expect(harness.attempts.map(\.result) == [.scheduled, .error])
        harness.run(until: time(5000))
        #expect(harness.bindings == ["p": "n"])
        // Failed at 0.5 s: backs off to 1.5 s, floored to 1 s, flushed at 2 s.
        #expect(harness.attempts.last?.start == time(2000))
    }

    @Test(
        "An attempt in which a plugin gives a score that may not stand fails in the real scheduler's words, and is made again after back-off"
    )
    func invalidScore() throws {
        let (configuration, registry) = LabelScore.profile(normalises: false)
        var harness = try Harness(configuration, registry: registry)
        for (name, score) in [("a", "7"), ("b", "-23"), ("c", "101")] {
            var node = node(name)
            node.metadata.labels["score"] = score
            harness.add(node, at: start)
        }
        harness.add(pod("p"), at: time(500))
        harness.run(until: time(900))
        let attempt = try #require(harness.attempts.first)
        #expect(attempt.result == .error && attempt.node.isEmpty && attempt.nodesEvaluated == 3 && attempt.nodesFeasible == 3)
        #expect(attempt.message == LabelScore.refusal(of: -23))
        #expect(harness.conditions.map(\.reason) == ["SchedulerError"] && harness.bindings.isEmpty)
        harness.run(until: time(5000))
        #expect(harness.attempts.count > 1)
    }

    @Test("A condition that the API server did not write is asked for again at the next attempt, and no more once it stands")
    func refusedConditionIsWrittenLater() throws {
        var harness = try Harness()
        harness.lostConditions = 1
        harness.add(node("n", cpu: 1), at: start)
        harness.add(pod("p", cpu: 2), at: time(500))
        harness.run(until: time(200_000))
        #expect(harness.conditions.count == 1)
        // Rejected pods are tried again when they have waited for more than five minutes.
        harness.run(until: time(1_200_000))
        #expect(harness.attempts.count >= 4)
        #expect(harness.conditions.count == 2)
    }

    @Test func emptyClusterIsAnErrorThatOnlyTimeEnds() throws {
        var harness = try Harness()
        harness.add(pod("p"), at: time(100))
        harness.add(node("n"), at: time(200))
        harness.run(until: time(10_000))
        #expect(harness.attempts.first?.message == "no nodes available to schedule pods")
        #expect(harness.attempts.last?.start == time(2000))
        #expect(harness.bindings == ["p": "n"])
    }

    @Test("pods that fail again and again queue neither timers nor reports beyond one of a kind each", arguments: [0, 120])
    func failuresDoNotPileUp(delaySeconds: Int) throws {
        var harness = try Harness()
        harness.reportDelay = .seconds(delaySeconds)
        // Pods that come later back off for less, so that their timers are due before those that are set.
        for number in 0..<40 { harness.add(pod("p\(number)"), at: time(number * 700)) }
        for second in stride(from: 5, through: 600, by: 5) {
            harness.run(until: time(second * 1000))
            // One cycle under way, and the back-off timers: one for each whole second of the longest back-off at most.
            #expect(harness.pendingTimers <= 12)
            #expect(harness.reportsUnderWay <= 80)
        }
        #expect(harness.attempts.count > 40 * 50)
        #expect(harness.conditions.count == 40)
    }

    @Test func podsOfOtherSchedulersAreLeftAlone() throws {
        var harness = try Harness()
        harness.add(node("n"), at: start)
        harness.add(pod("p", scheduler: "somebody-else"), at: start)
        harness.run(until: time(1000))
        #expect(harness.attempts.isEmpty)
    }

    @Test("a draw among equals belongs to the pod, not to those before it")
    func ties() throws {
        func choice(others: Int) throws -> String? {
            var harness = try Harness(seed: 42)
            for number in 0..<16 { harness.add(node("n\(number)", cpu: 64), at: start) }
            // Pods that ask for what no node has change nothing but the number of draws and cycles.
            for number in 0..<others { harness.add(pod("other-\(number)", cpu: 100), at: time(1)) }
            harness.add(pod("p"), at: time(100))
            harness.run(until: time(200))
            return harness.bindings["p"]
        }
        let alone = try choice(others: 0)
        #expect(alone != nil)
        #expect(try choice(others: 5) == alone)
    }

    @Test func copyGoesOnLikeTheOriginal() throws {
        var harness = try Harness()
        for number in 0..<10 { harness.add(node("n\(number)", cpu: 4), at: start) }
        for number in 0..<60 { harness.add(pod("p\(number)"), at: time(number)) }
        harness.run(until: time(30))
        var fork = harness
        harness.run(until: time(20_000))
        fork.run(until: time(20_000))
        #expect(harness.attempts == fork.attempts)
        #expect(harness.bindings == fork.bindings)
        #expect(harness.bindings.count == 40)
    }

    @Test func longMessagesAreCutInEvents() {
        let note = Scheduler.note(String(repeating: "x", count: 2000))
        #expect(note.utf8.count == 1024)
        #expect(note.hasSuffix("x ..."))
    }
}
