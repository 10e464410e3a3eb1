// Small clusters and workloads for tests, and ways to look at what became of them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

@testable import ClusterSimulation

/// Seconds since the start.
func at(_ seconds: Double) -> SimulatedTime { SimulatedTime(seconds: seconds) }

func name(_ name: String) -> NamespacedName { NamespacedName(namespace: "shop", name: name) }

func machine(_ name: String, zone: String = "a", cpu: Int64 = 4000, pods: Int64 = 110) -> Node {
    let room: ResourceList = [.cpu: Quantity(milli: cpu), .memory: Quantity(bytes: 8 << 30), .pods: Quantity(pods)]
    return Node(
        metadata: ObjectMeta(name: name, labels: [Node.hostnameLabel: name, Node.zoneLabel: zone]),
        status: NodeStatus(capacity: room, allocatable: room))
}

/// `perZone` nodes `ZONE-NUMBER` in each zone.
func machines(_ perZone: Int, zones: [String] = ["a", "b", "c"]) -> [Node] {
    (0..<perZone).flatMap { number in zones.map { machine("\($0)-\(number)", zone: $0) } }
}

func podSpec(cpu: Int64 = 500, image: String = "web:1", _ change: (inout PodSpec) -> Void = { _ in }) -> Shared<PodSpec> {
    let requests: ResourceList = [.cpu: Quantity(milli: cpu), .memory: Quantity(bytes: 256 << 20)]
    var spec = PodSpec(containers: [Container(name: "main", image: image, resources: ResourceRequirements(requests: requests))])
    change(&spec)
    return Shared(spec)
}

func deployment(
    _ name: String, replicas: Int32, cpu: Int64 = 500, image: String = "web:1", _ change: (inout PodSpec) -> Void = { _ in }
) -> APIObject {
    let labels: Labels = ["app": name]
    let template = PodTemplate(labels: labels, spec: podSpec(cpu: cpu, image: image, change))
    return APIObject(
        Deployment(
            metadata: ObjectMeta(name: name, namespace: "shop"),
            spec: DeploymentSpec(replicas: replicas, selector: LabelSelector(matchLabels: labels), template: template)))
}

func barePod(_ name: String, cpu: Int64 = 500, _ change: (inout PodSpec) -> Void = { _ in }) -> APIObject {
    APIObject(Pod(metadata: ObjectMeta(name: name, namespace: "shop", labels: ["app": name]), spec: podSpec(cpu: cpu, change)))
}

/// Tolerations of the two taints of lost nodes, for so many seconds or (nil) for good.
func tolerating(_ seconds: Int64?) -> [Toleration] {
    [Taint.notReady, Taint.unreachable].map {
        Toleration(key: $0, operator: .exists, effect: .noExecute, tolerationSeconds: seconds)
    }
}

/// A cluster of three zones with a Deployment `web` of so many replicas.
func shop(
    seed: UInt64 = 1, nodesPerZone: Int = 2, replicas: Int32 = 6, _ change: (inout ClusterConfiguration) -> Void = { _ in }
) throws -> Cluster {
    var configuration = ClusterConfiguration(seed: seed)
    configuration.nodes = machines(nodesPerZone)
    configuration.objects = [deployment("web", replicas: replicas)]
    configuration.recording.watchLog = true
    change(&configuration)
    return try Cluster(configuration)
}

extension Cluster {
    var pods: [Pod] { api.objects.all(Pod.self).map(\.value) }
    func pods(of app: String) -> [Pod] { pods.filter { $0.metadata.labels["app"] == app } }
    func pods(onNode node: String) -> [Pod] { pods.filter { $0.nodeName == node } }
    var replicaSets: [ReplicaSet] { api.objects.all(ReplicaSet.self).map(\.value) }
    func deployment(_ app: String) -> Deployment? { api.objects.get(Deployment.self, name(app))?.value }
    func node(_ node: String) -> Node? { api.objects.get(Node.self, NamespacedName(namespace: "", name: node))?.value }
    func taints(_ name: String) -> [String] {
        (node(name)?.spec.taints ?? []).map { "\($0.key.split(separator: "/").last ?? ""):\($0.effect.rawValue)" }.sorted()
    }
    func isReady(_ name: String) -> Bool { node(name)?.isReady ?? false }

    /// What an operator asks of the API server in the middle of a run.
    mutating func ask(_ request: APIRequest) { send(APICall(.clusterOperator, request)) }

    /// The first watch event of an object of a kind that satisfies a condition.
    func time<Object: KubernetesObject>(_: Object.Type, where condition: (Object) -> Bool) -> SimulatedTime? {
        record.watchLog.first { event in
            event.change != .deleted && (Object.cast(event.object).map { condition($0.value) } ?? false)
        }?.time
    }

    /// Runs to a time and on until nothing is due for 100 ms: no request and no watch event is under way then.
    mutating func settle(at time: SimulatedTime) {
        run(until: time)
        while let next = nextEventTime, next < now + .milliseconds(100), now < time + .seconds(5) { run(until: next) }
    }
}

extension RunRecord {
    /// Everything in a record, as lines that can be compared.
    var lines: [String] {
        var lines = samples.map { "\($0)" } + pods.map { "\($0)" } + nodes.map { "\($0)" } + attempts.map { "\($0)" }
        lines += recoveries.map { "\($0)" } + availability.map { "\($0)" } + operations.map { "\($0)" }
        lines += events.map { "\($0.time) \($0.event.value)" }
        lines += watchLog.map { "\($0.time) \($0.change) \($0.object.key) \($0.object.metadata)" }
        lines.append("\(handledEvents)")
        return lines
    }

    /// Whether two runs watched the same, object by object.
    func watchedTheSame(as other: RunRecord) -> Bool {
        watchLog.elementsEqual(other.watchLog) { $0.time == $1.time && $0.change == $1.change && $0.object == $1.object }
    }
}
