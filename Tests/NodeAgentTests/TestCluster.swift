// An API server and kubelets, with nothing between them but fixed latencies: the smallest world a kubelet can live in.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

func seconds(_ value: Double) -> SimulatedTime { SimulatedTime(seconds: value) }

/// A pod bound to `node`, with one container unless told otherwise.
func pod(_ name: String, node: String? = "n0", _ change: (inout PodSpec) -> Void = { _ in }) -> Pod {
    var spec = PodSpec(containers: [Container(name: "c", image: "app")])
    change(&spec)
    return Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec), nodeName: node)
}

/// The same with an image.
func pod(_ name: String, node: String = "n0", image: String, _ policy: ImagePullPolicy? = nil) -> Pod {
    pod(name, node: node) {
        $0.containers[0].image = image
        $0.containers[0].imagePullPolicy = policy
    }
}

struct TestCluster: Sendable {
    private enum Event: Sendable {
        case request(APICall)
        case delivery
        case timer(KubeletTimer)
    }
    /// One change of a pod as a watcher sees it.
    struct Change: Equatable {
        var time: SimulatedTime
        var pod: Pod?
        /// "ADDED", "MODIFIED", "DELETED".
        var kind: String
    }

    var api = APIServer(seed: 1)
    var agent: NodeAgent
    private(set) var now = SimulatedTime.zero
    private(set) var changes: [Change] = []
    /// A condition of a node that turned.
    struct NodeChange: Equatable {
        var time: SimulatedTime
        var condition: Condition
    }
    private(set) var nodeChanges: [NodeChange] = []
    /// "Reason: message", with "(xN)" for repeated ones.
    private(set) var events: [String] = []
    private var queue = EventQueue<Event>()
    private let requestLatency = SimulatedDuration.milliseconds(2)
    private let watchLatency = SimulatedDuration.milliseconds(10)

    init(
        nodes: Int = 1, allocatable: ResourceList = ["cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "pods": Quantity(110)],
        configuration: NodeAgentConfiguration = .prompt, behaviours: [BehaviourRule] = [],
        _ behaviour: WorkloadBehaviour = WorkloadBehaviour()
    ) throws {
        agent = NodeAgent(configuration, behaviours: behaviours, defaultBehaviour: behaviour, seed: 7)
        for index in 0..<nodes {
            var node = Node(
                metadata: ObjectMeta(name: "n\(index)"), status: NodeStatus(capacity: allocatable, allocatable: allocatable))
            node.status.conditions = NodeAgent.conditions(ready: true, at: .zero)
            try api.restore(APIObject(node), at: .zero)
            agent.adopt(node)
        }
    }

    mutating func run(until time: SimulatedTime) {
        while let next = queue.nextTime, next <= time {
            guard let (at, event) = queue.popFirst() else { break }
            now = at
            var effects = Effects<KubeletTimer>()
            switch event {
            case .request(let call):
                if case .record(let event) = call.request {
                    events.append("\(event.reason): \(event.message)" + (event.count > 1 ? " (x\(event.count))" : ""))
                }
                _ = api.execute(call.request, at: now)
                observe()
            case .delivery:
                while let event = api.watchLog.next(for: .kubelets, committedBy: now - watchLatency) {
                    agent.handle(event, at: now, effects: &effects)
                }
            case .timer(let timer): agent.handle(timer: timer, at: now, effects: &effects)
            }
            carryOut(effects)
        }
        now = max(now, time)
    }

    private mutating func observe() {
        var any = false
        while let event = api.watchLog.next(for: .recorder, committedBy: now) {
            any = true
            if case .node(let node) = event.object, case .node(let previous)? = event.previous {
                for condition in node.value.status.conditions
                where previous.value.status.conditions[condition.type]?.status != condition.status {
                    nodeChanges.append(NodeChange(time: now, condition: condition))
                }
            }
            guard case .pod(let pod) = event.object else { continue }
            changes.append(Change(time: now, pod: pod.value, kind: event.change.rawValue))
        }
        if any { queue.schedule(.delivery, at: now + watchLatency) }
    }

    private mutating func carryOut(_ effects: Effects<KubeletTimer>) {
        for call in effects.calls { queue.schedule(.request(call), at: now + requestLatency) }
        for (at, timer) in effects.timers { queue.schedule(.timer(timer), at: at) }
    }

    /// Somebody else's request, carried out at once.
    @discardableResult
    mutating func execute(_ request: APIRequest) -> APIResult {
        defer { observe() }
        return api.execute(request, at: now)
    }

    mutating func create(_ pod: Pod) { execute(.create(APIObject(pod))) }

    mutating func delete(_ name: String, grace: Int64? = nil) {
        execute(.delete(ObjectKey(.pod, namespace: "default", name), DeleteOptions(gracePeriodSeconds: grace)))
    }

    /// A pod that was there before, with the kubelet already running it.
    mutating func adopt(_ pod: Pod) throws {
        try api.restore(APIObject(pod), at: now)
        var effects = Effects<KubeletTimer>()
        agent.adopt(try #require(api.objects.get(Pod.self, pod.metadata.key)), at: now, effects: &effects)
        carryOut(effects)
        observe()
    }

    mutating func fail(_ node: Int = 0, kubeletOnly: Bool) {
        var effects = Effects<KubeletTimer>()
        _ = agent.fail(node, kubeletOnly: kubeletOnly, at: now, effects: &effects)
        carryOut(effects)
    }

    mutating func comeBack(_ node: Int = 0) {
        var effects = Effects<KubeletTimer>()
        let pods = api.objects.all(Pod.self).filter { $0.value.nodeName == "n\(node)" }
        agent.comeBack(node, pods: pods, at: now, effects: &effects)
        carryOut(effects)
    }

    /// The machine is told to shut down. Returns until when its kubelet wants to go on.
    mutating func shutDown(_ node: Int = 0) -> SimulatedTime {
        var effects = Effects<KubeletTimer>()
        let deadline = agent.shutDown(node, at: now, effects: &effects)
        carryOut(effects)
        return deadline
    }

    /// The image registry stops or begins to answer.
    mutating func registry(isDown: Bool) {
        var effects = Effects<KubeletTimer>()
        if isDown { agent.registryFails(at: now, effects: &effects) } else { agent.registryReturns() }
        carryOut(effects)
    }

    /// Whether nothing will happen any more.
    var isIdle: Bool { queue.nextTime == nil }
    /// Something outside of pods fills so much of the first node's disk.
    mutating func fillDisk(bytes: Int64 = 0, inodes: Int64 = 0) {
        var load = OutsideLoad()
        load.disk = bytes
        load.inodes = inodes
        var effects = Effects<KubeletTimer>()
        agent.setOutsideLoad(load, on: 0, at: now, effects: &effects)
        carryOut(effects)
    }

    /// When the first node's kubelet looks for pressure, and when it reports its status: then and every ten seconds.
    var firstPass: SimulatedTime? { agent.phases(of: 0).pass }
    var firstReport: SimulatedTime? { agent.phases(of: 0).report }

    var nextEventTime: SimulatedTime? { queue.nextTime }

    func shared(_ name: String) -> Shared<Pod>? { api.objects.get(Pod.self, NamespacedName(namespace: "default", name: name)) }

    /// The pod as the API server holds it; nil when it is gone.
    subscript(name: String) -> Pod? { api.objects.get(Pod.self, NamespacedName(namespace: "default", name: name))?.value }

    /// Seconds, phase, states of the containers and readiness of all versions of a pod, in one line each:
    /// `1.01 Running c=running ready`; what did not change is left out.
    func story(of name: String) -> [String] {
        var lines: [String] = []
        var last = ""
        for change in changes {
            guard let pod = change.pod, pod.metadata.name == name else { continue }
            let statuses = pod.status.initContainerStatuses + pod.status.containerStatuses
            var parts = [pod.status.phase.rawValue]
            parts += statuses.map { "\($0.name)=\($0.state.text)" + ($0.restartCount > 0 ? "/\($0.restartCount)" : "") }
            if pod.isReady { parts.append("ready") }
            if pod.metadata.isTerminating { parts.append("terminating") }
            if change.kind == "DELETED" { parts = ["gone"] }
            let line = parts.joined(separator: " ")
            if line != last { lines.append("\(change.time.roundedText) \(line)") }
            last = line
        }
        return lines
    }
}

extension ContainerState {
    var text: String {
        switch self {
        case .waiting(let reason): reason
        case .running: "running"
        case .terminated(let run): "\(run.reason):\(run.exitCode)"
        }
    }
}

extension SimulatedTime {
    /// Seconds, to a tenth: latencies of the test's world do not show.
    var roundedText: String {
        let tenths = (nanoseconds + 1_000_000) / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension NodeAgentConfiguration {
    /// Kubelets that lose no time: what happens when is the containers' doing alone.
    static var prompt: NodeAgentConfiguration {
        var configuration = NodeAgentConfiguration()
        configuration.podSyncDelay = .zero
        configuration.removalDelay = .zero
        configuration.syncJitter = 0
        return configuration
    }
}
