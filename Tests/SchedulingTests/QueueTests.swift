// The scheduling queue against its rules.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Scheduling queue")
struct QueueTests {
    private var cache = SchedulerCache()
    private let profile: SchedulingProfile
    private var queue: SchedulingQueue

    init() throws {
        var table = NodeTable()
        profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        cache = SchedulerCache(nodes: table)
        queue = SchedulingQueue(profiles: [profile])
    }

    private func time(_ milliseconds: Int) -> SimulatedTime { SimulatedTime.zero + .milliseconds(milliseconds) }

    private func number(of plugin: String) -> PluginSet {
        PluginSet(plugin: profile.plugins.firstIndex { $0.name == plugin } ?? 0)
    }

    private func pod(_ name: String, priority: Int32 = 0, gates: [String] = []) -> Pod {
        var spec = PodSpec(containers: [Container(name: "c")])
        spec.containers[0].resources.requests[.cpu] = Quantity(1)
        spec.priority = priority
        spec.schedulingGates = gates
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec))
        pod.metadata.uid = UID(name)
        return pod
    }

    private mutating func add(_ pod: Pod, at milliseconds: Int) {
        let info = cache.info(Shared(pod))
        queue.add(info, profile: 0, at: time(milliseconds), in: cache.snapshot)
    }

    private mutating func pop(at milliseconds: Int) -> String? {
        guard let slot = queue.pop(at: time(milliseconds)) else { return nil }
        return queue[slot]?.name.name
    }

    private mutating func fail(_ name: String, by plugins: PluginSet, at milliseconds: Int) {
        guard let slot = queue.slot(of: NamespacedName(namespace: "default", name: name)) else { return }
        queue.fail(slot, rejectors: plugins, at: time(milliseconds), in: cache.snapshot)
    }

    private func pool(of name: String) -> QueuedPod.Pool? {
        queue.slot(of: NamespacedName(namespace: "default", name: name)).flatMap { queue[$0]?.pool }
    }

    private func event(_ kind: ClusterEventKinds, cpu: Int64) -> ClusterEvent {
        var node = Node(metadata: ObjectMeta(name: "n"))
        node.status.allocatable = [.cpu: Quantity(cpu), .memory: Quantity(bytes: 1 << 30), .pods: Quantity(10)]
        return ClusterEvent(kind, .node(old: nil, new: Shared(node)))
    }

    @Test("pods come out by priority, then by arrival, whatever came and went before", arguments: 0..<20 as Range<UInt64>)
    mutating func order(seed: UInt64) {
        var random = RandomStream(seed: seed, purpose: RandomPurpose("queue-test"), owner: 0)
        var model: [(priority: Int32, arrival: Int, name: String)] = []
        for step in 0..<400 {
            switch random.uniform(below: 5) {
            case 0, 1, 2:
                let priority = Int32(random.uniform(below: 4))
                add(pod("p\(step)", priority: priority), at: step)
                model.append((priority, step, "p\(step)"))
            case 3:
                model.sort { ($1.priority, $0.arrival) < ($0.priority, $1.arrival) }
                let expected = model.first?.name
                if !model.isEmpty { model.removeFirst() }
                let popped = pop(at: step)
                #expect(popped == expected)
                if let popped { queue.delete(NamespacedName(namespace: "default", name: popped)) }
            default:
                guard !model.isEmpty else { continue }
                let gone = model.remove(at: random.uniform(below: model.count))
                queue.delete(NamespacedName(namespace: "default", name: gone.name))
            }
        }
        model.sort { ($1.priority, $0.arrival) < ($0.priority, $1.arrival) }
        #expect(queue.activeOrder.map(\.name) == model.map(\.name))
    }

    @Test("back-off doubles up to the maximum", arguments: [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (40, 10)])
    func backoff(failures: Int32, seconds: Int) {
        #expect(BackoffPolicy().duration(failures: failures) == .seconds(seconds))
    }

    @Test mutating func backedOffPodReturnsAWholeSecondAfterItsFlooredExpiry() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        fail("a", by: number(of: "NodeResourcesFit"), at: 2700)
        #expect(pool(of: "a") == .unschedulable)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(2800), in: cache.snapshot)
        #expect(pool(of: "a") == .backoff)
        // Failed at 2.7 s: expires at 3.7 s, floored to 3 s.
        #expect(queue.nextBackoffFlush == time(4000))
        queue.flushBackoff(at: time(3999))
        #expect(pool(of: "a") == .backoff)
        queue.flushBackoff(at: time(4000))
        #expect(pool(of: "a") == .active)
    }

    @Test mutating func onlyEventsThatHelpWakeAPod() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        fail("a", by: number(of: "NodeResourcesFit"), at: 20)
        queue.handle(event(.nodeAdd, cpu: 0), at: time(5000), in: cache.snapshot)
        #expect(pool(of: "a") == .unschedulable)
        queue.handle(event(.nodeLabels, cpu: 4), at: time(5000), in: cache.snapshot)
        #expect(pool(of: "a") == .unschedulable)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(5000), in: cache.snapshot)
        #expect(pool(of: "a") == .active)
    }

    @Test mutating func eventsDuringAnAttemptAreReplayed() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(15), in: cache.snapshot)
        fail("a", by: number(of: "NodeResourcesFit"), at: 20)
        #expect(pool(of: "a") == .backoff)
        // Nothing else is ready: the pod that merely backs off is taken early.
        let early = pop(at: 30)
        #expect(early == "a")
        fail("a", by: number(of: "NodeResourcesFit"), at: 40)
        #expect(pool(of: "a") == .unschedulable)
    }

    @Test mutating func errorsWaitOutTheirBackoff() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        fail("a", by: [], at: 20)
        #expect(pool(of: "a") == .errorBackoff)
        let nothing = pop(at: 30)
        #expect(nothing == nil)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(40), in: cache.snapshot)
        #expect(pool(of: "a") == .errorBackoff)
        queue.flushBackoff(at: time(2000))
        #expect(pool(of: "a") == .active)
    }

    @Test mutating func leftoversAreFlushedAfterMoreThanFiveMinutes() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        fail("a", by: number(of: "NodeResourcesFit"), at: 0)
        #expect(queue.nextLeftoverFlush == time(330_000))
        queue.flushLeftovers(at: time(300_000))
        #expect(pool(of: "a") == .unschedulable)
        queue.flushLeftovers(at: time(300_001))
        #expect(pool(of: "a") == .active)
    }

    @Test mutating func gatedPodWaitsForTheRemovalOfItsLastGate() {
        let gated = pod("a", gates: ["x", "y"])
        add(gated, at: 0)
        #expect(pool(of: "a") == .unschedulable)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(10), in: cache.snapshot)
        queue.activate(gated.metadata.key)
        #expect(pool(of: "a") == .unschedulable)
        let half = pod("a", gates: ["y"])
        let halfInfo = cache.info(Shared(half))
        queue.update(halfInfo, from: Shared(gated), at: time(20), in: cache.snapshot)
        #expect(pool(of: "a") == .unschedulable)
        let free = pod("a")
        let freeInfo = cache.info(Shared(free))
        queue.update(freeInfo, from: Shared(half), at: time(30), in: cache.snapshot)
        #expect(pool(of: "a") == .active)
        #expect(queue[queue.slot(of: free.metadata.key) ?? 0]?.timestamp == time(0))
    }

    @Test("a pod deleted during its attempt does not come back, and its successor is another pod")
    mutating func deletedInFlight() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        let slot = queue.slot(of: pod("a").metadata.key) ?? -1
        queue.delete(pod("a").metadata.key)
        #expect(queue.pods(in: .inFlight).count == 1)
        var successor = pod("a")
        successor.metadata.uid = UID("b")
        add(successor, at: 20)
        let isBack = queue.fail(slot, rejectors: number(of: "NodeResourcesFit"), at: time(30), in: cache.snapshot)
        #expect(!isBack)
        #expect(queue.pods(in: .inFlight).isEmpty)
        #expect(queue.count == 1)
        #expect(pool(of: "a") == .active)
    }

    @Test("activation passes over every back-off, and reaches a pod being tried when it fails")
    mutating func activation() {
        add(pod("a"), at: 0)
        add(pod("b"), at: 1)
        _ = pop(at: 10)
        _ = pop(at: 11)
        fail("a", by: [], at: 20)
        queue.activate(pod("a").metadata.key)
        queue.activate(pod("b").metadata.key)
        #expect(pool(of: "a") == .active)
        fail("b", by: number(of: "NodeResourcesFit"), at: 30)
        #expect(pool(of: "b") == .backoff)
        // Meant for one pod only.
        _ = pop(at: 40)
        _ = pop(at: 41)
        queue.activate(pod("a").metadata.key)
        fail("b", by: number(of: "NodeResourcesFit"), at: 50)
        #expect(pool(of: "b") == .unschedulable)
    }

    @Test("of the events during an attempt one that ignores back-off counts most")
    mutating func pendingPlugins() {
        let both = number(of: "NodeResourcesFit")
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        queue.handle(event(.nodeTaints, cpu: 0), at: time(11), in: cache.snapshot)
        queue.handle(event(.nodeAdd, cpu: 4), at: time(12), in: cache.snapshot)
        guard let slot = queue.slot(of: pod("a").metadata.key) else { return }
        queue.fail(slot, rejectors: number(of: "NodeName"), pending: both, at: time(20), in: cache.snapshot)
        #expect(pool(of: "a") == .active)
    }

    @Test("the flush of leftovers counts as an event for pods being tried")
    mutating func flushDuringAnAttempt() {
        add(pod("a"), at: 0)
        _ = pop(at: 10)
        fail("a", by: number(of: "NodeResourcesFit"), at: 0)
        add(pod("b"), at: 100_000)
        _ = pop(at: 300_000)
        queue.flushLeftovers(at: time(300_001))
        fail("b", by: number(of: "NodeResourcesFit"), at: 300_010)
        #expect(pool(of: "b") == .backoff)
    }

    @Test("a preemptor is gated while its API calls run, and only events its gate listens to move it")
    mutating func preemptorIsGated() {
        var assigned = pod("victim")
        assigned.nodeName = "n"
        let deletion = ClusterEvent(.assignedPodDelete, .pod(old: Shared(assigned), new: nil))
        add(pod("a", priority: 5), at: 0)
        _ = pop(at: 10)
        queue.setPreempting(true, pod("a").metadata.key, uid: UID("a"))
        fail("a", by: number(of: "NodeResourcesFit"), at: 20)
        queue.handle(deletion, at: time(5000), in: cache.snapshot)
        #expect(queue.pods(in: .unschedulable).first?.gate == profile.plugins.firstIndex { $0.name == "DefaultPreemption" })
        queue.setPreempting(false, pod("a").metadata.key, uid: UID("a"))
        queue.handle(event(.nodeAdd, cpu: 4), at: time(6000), in: cache.snapshot)
        #expect(pool(of: "a") == .unschedulable)
        queue.handle(deletion, at: time(7000), in: cache.snapshot)
        #expect(pool(of: "a") == .active)
    }
}
