// A small cluster for tests: the real API server and controller manager, kubelets that do as they are told, and latencies.

import APIServer
import DiscreteEvents
import KubernetesAPI

@testable import Controllers

struct TestCluster {
    private enum Action {
        case timer(ControllerTimer)
        case arrive(APICall)
        case answer(UInt64, APIResult)
        case deliver
        case kubelet(KubeletStep, NamespacedName, UID)
    }
    private enum KubeletStep { case bind, ready, gone }
    private struct Pending {
        let time: SimulatedTime
        let sequence: Int
        let action: Action
    }

    var server: APIServer
    var manager: ControllerManager
    private(set) var now = SimulatedTime.zero
    private var pending: [Pending] = []
    private var sequence = 0
    private var effects = Effects<ControllerTimer>()

    var latency = SimulatedDuration.milliseconds(1)
    var watchLatency = SimulatedDuration.milliseconds(2)
    /// Nodes pods are bound to in turn; empty: pods stay pending.
    var nodes: [String] = []
    var stoppedNodes: Set<String> = []
    /// How long a pod takes from binding to ready; nil: it never is.
    var readyDelay: (Pod) -> SimulatedDuration? = { _ in .seconds(1) }
    var stopDelay = SimulatedDuration.milliseconds(200)
    private var bound = 0
    private var addresses = 0
    /// All that was written, in order.
    private(set) var history: [WatchEvent] = []
    /// Called after each commit with the cluster as stored.
    var check: ((TestCluster) -> Void)?
    /// Requests per client.
    private(set) var requestCount: [APIClientID: Int] = [:]

    init(configuration: ControllerManagerConfiguration = ControllerManagerConfiguration()) {
        server = APIServer(seed: 1)
        manager = ControllerManager(configuration)
    }

    // MARK: Looking

    var pods: [Pod] { server.objects.all(Pod.self).map(\.value) }
    var replicaSets: [ReplicaSet] { server.objects.all(ReplicaSet.self).map(\.value) }
    func get<Object: KubernetesObject>(_ type: Object.Type, _ name: String) -> Object? {
        server.objects.get(type, NamespacedName(namespace: "default", name: name))?.value
    }
    func all<Object: KubernetesObject>(_ type: Object.Type) -> [Object] { server.objects.all(type).map(\.value) }
    /// What was written of pods, in order: "+name", "-name" for a request to delete, "x name" when gone.
    var podHistory: [String] {
        history.compactMap { event in
            guard case .pod(let pod) = event.object else { return nil }
            let name = pod.value.metadata.name
            switch event.change {
            case .added: return "+" + name
            case .deleted: return "x" + name
            case .modified:
                guard pod.value.metadata.isTerminating, case .pod(let old)? = event.previous, !old.isTerminating else { return nil }
                return "-" + name
            }
        }
    }
    func messages(about kind: Kind, _ reason: String) -> [String] {
        events.filter { $0.involvedKind == kind.description && $0.reason == reason }.map(\.message)
    }
    func deployment(_ name: String) -> Deployment? {
        server.objects.get(Deployment.self, NamespacedName(namespace: "default", name: name))?.value
    }
    func node(_ name: String) -> Node? { server.objects.get(Node.self, NamespacedName(namespace: "", name: name))?.value }
    var events: [KubernetesEvent] { history.compactMap { KubernetesEvent.cast($0.object)?.value } }

    /// The first commit of an object of a kind that satisfies a condition.
    func time<Object: KubernetesObject>(_ type: Object.Type, where condition: (Object) -> Bool) -> SimulatedTime? {
        history.first { event in
            event.change != .deleted && (Object.cast(event.object).map { condition($0.value) } ?? false)
        }?.time
    }

    // MARK: Acting

    @discardableResult
    mutating func execute(_ request: APIRequest) -> APIResult {
        let result = server.execute(request, at: now)
        watch()
        return result
    }

    mutating func addNode(_ name: String, zone: String = "a", ready: Bool = true) {
        var node = Node(metadata: ObjectMeta(name: name, labels: [Node.zoneLabel: zone]))
        node.status.conditions = [Condition(.ready, ready ? .true : .false)]
        execute(.create(APIObject(node)))
        nodes.append(name)
    }

    mutating func stop(_ node: String, lastRenewal: SimulatedTime) {
        stoppedNodes.insert(node)
        manager.heartbeatsStopped(node: node, lastRenewal: lastRenewal, at: now, effects: &effects)
        collect()
    }

    /// The kubelet's renewals go on; nothing else changes.
    mutating func resumeHeartbeats(_ node: String) {
        manager.heartbeatsResumed(node: node, at: now, effects: &effects)
        collect()
    }

    mutating func restart(_ node: String) {
        stoppedNodes.remove(node)
        resumeHeartbeats(node)
        execute(.patchNode(node, .conditions([Condition(.ready, .true, reason: "KubeletReady", lastTransitionTime: now)])))
    }

    mutating func run(for duration: SimulatedDuration) { run(until: now + duration) }

    mutating func run(until end: SimulatedTime) {
        while let index = nextIndex(), pending[index].time <= end {
            let next = pending.remove(at: index)
            now = next.time
            perform(next.action)
        }
        now = end
    }

    /// Runs until nothing is left to do (at most a day).
    mutating func runUntilQuiet() {
        let end = now + .hours(24)
        while let index = nextIndex(), pending[index].time <= end {
            let next = pending.remove(at: index)
            now = next.time
            perform(next.action)
        }
    }

    var isQuiet: Bool { pending.isEmpty }

    private func nextIndex() -> Int? {
        pending.indices.min { (pending[$0].time, pending[$0].sequence) < (pending[$1].time, pending[$1].sequence) }
    }

    private mutating func schedule(_ time: SimulatedTime, _ action: Action) {
        sequence += 1
        pending.append(Pending(time: time, sequence: sequence, action: action))
    }

    private mutating func perform(_ action: Action) {
        switch action {
        case .timer(let timer): manager.handle(timer: timer, at: now, effects: &effects)
        case .arrive(let call):
            let result = server.execute(call.request, at: now)
            watch()
            if let token = call.token { schedule(now + latency, .answer(token, result)) }
        case .answer(let token, let result): manager.handle(answer: result, token: token, at: now, effects: &effects)
        case .deliver:
            while let event = server.watchLog.next(for: .controllerManager, committedBy: now - watchLatency) {
                manager.handle(event, at: now, effects: &effects)
            }
        case .kubelet(let step, let name, let uid): kubelet(step, name, uid)
        }
        collect()
    }

    private mutating func collect() {
        for (time, timer) in effects.timers { schedule(time, .timer(timer)) }
        for call in effects.calls {
            requestCount[call.client, default: 0] += 1
            schedule(now + latency, .arrive(call))
        }
        effects.removeAll()
    }

    /// Takes note of what was just committed.
    private mutating func watch() {
        var committed = false
        while let event = server.watchLog.next(for: .recorder, committedBy: now) {
            committed = true
            history.append(event)
            if case .pod(let pod) = event.object { react(event.change, pod.value) }
        }
        for watcher in [Watcher.scheduler, .kubelets] { while server.watchLog.next(for: watcher, committedBy: now) != nil {} }
        if committed {
            schedule(now + watchLatency, .deliver)
            check?(self)
        }
    }

    private mutating func react(_ change: WatchEvent.Change, _ pod: Pod) {
        let (name, uid) = (pod.metadata.key, pod.metadata.uid)
        if change == .added, pod.nodeName == nil, !nodes.isEmpty { schedule(now + .milliseconds(5), .kubelet(.bind, name, uid)) }
        if change == .modified, pod.metadata.isTerminating, let node = pod.nodeName, !stoppedNodes.contains(node) {
            schedule(now + stopDelay, .kubelet(.gone, name, uid))
        }
    }

    private mutating func kubelet(_ step: KubeletStep, _ name: NamespacedName, _ uid: UID) {
        guard let pod = server.objects.get(Pod.self, name)?.value, pod.metadata.uid == uid else { return }
        switch step {
        case .bind:
            let running = nodes.filter { name in
                !stoppedNodes.contains(name) && !(node(name)?.spec.taints.contains { $0.effect == .noSchedule } ?? true)
            }
            // Daemon pods name their node.
            let pinned = pod.spec.value.affinity.pinnedNode
            guard let chosen = pinned ?? (running.isEmpty ? nil : running[(bound + 1) % running.count]) else {
                schedule(now + .seconds(1), .kubelet(.bind, name, uid))
                return
            }
            if pinned == nil { bound += 1 }
            execute(.bind(name, uid: uid, node: chosen))
            if let delay = readyDelay(pod) { schedule(now + delay, .kubelet(.ready, name, uid)) }
        case .ready:
            guard !pod.metadata.isTerminating, let node = pod.nodeName, !stoppedNodes.contains(node) else { return }
            var status = pod.status
            status.phase = .running
            if status.podIP.isEmpty {
                addresses += 1
                status.podIP = "10.0.\(addresses / 250).\(addresses % 250 + 1)"
            }
            status.conditions.set(Condition(.ready, .true, lastTransitionTime: now))
            execute(.patchPod(name, uid: uid, .kubeletStatus(Shared(status))))
        case .gone: execute(.delete(ObjectKey(.pod, name), DeleteOptions(gracePeriodSeconds: 0, uid: uid)))
        }
    }
}

enum Make {
    static func template(image: String = "web:1", app: String = "web") -> PodTemplate {
        PodTemplate(labels: ["app": app], spec: Shared(PodSpec(containers: [Container(name: "c", image: image)])))
    }

    static func deployment(
        _ name: String = "web", replicas: Int32, strategy: DeploymentStrategy? = nil, change: (inout DeploymentSpec) -> Void = { _ in }
    ) -> Deployment {
        var spec = DeploymentSpec(
            replicas: replicas, selector: LabelSelector(matchLabels: ["app": name]), template: template(app: name))
        if let strategy { spec.strategy = strategy }
        change(&spec)
        return Deployment(metadata: ObjectMeta(name: name, namespace: "default"), spec: spec)
    }

    static func replicaSet(_ name: String = "rs", replicas: Int32, minReadySeconds: Int32 = 0) -> ReplicaSet {
        ReplicaSet(
            metadata: ObjectMeta(name: name, namespace: "default", labels: ["app": name]),
            spec: ReplicaSetSpec(
                replicas: replicas, minReadySeconds: minReadySeconds, selector: LabelSelector(matchLabels: ["app": name]),
                template: template(app: name)))
    }

    static func pod(_ name: String, labels: Labels = [:], owners: [OwnerReference] = []) -> Pod {
        var metadata = ObjectMeta(name: name, namespace: "default", labels: labels)
        metadata.ownerReferences = owners
        return Pod(metadata: metadata, spec: Shared(PodSpec(containers: [Container(name: "c")])))
    }
}

/// A small repeatable generator (SplitMix64).
struct TestGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
