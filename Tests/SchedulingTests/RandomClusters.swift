// Random clusters and pods, the same for the same seed: what the property tests run on.

import DiscreteEvents
import KubernetesAPI

@testable import Scheduling

struct RandomCluster {
    var random: RandomStream
    private(set) var nodes: [Node] = []
    private(set) var bound: [Pod] = []

    static let zones = ["a", "b", "c"]
    static let disks = ["ssd", "hdd", "nvme"]
    static let gpu: ResourceName = "nvidia.com/gpu"
    static let images = ["reg.io/web:3", "reg.io/db:2", "reg.io/big"]

    init(seed: UInt64, nodes count: Int, pods: Int) {
        random = RandomStream(seed: seed, purpose: RandomPurpose("scheduling-tests"), owner: 0)
        for number in 0..<count { nodes.append(node(number)) }
        for number in 0..<pods {
            var pod = pod(named: "bound-\(number)")
            pod.nodeName = nodes[below(count)].metadata.name
            bound.append(pod)
        }
    }

    mutating func below(_ bound: Int) -> Int { random.uniform(below: bound) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

    private mutating func node(_ number: Int) -> Node {
        let name = "node-" + String(1000 + number).dropFirst()
        var node = Node(metadata: ObjectMeta(name: name))
        node.metadata.labels["kubernetes.io/hostname"] = name
        if chance(90) { node.metadata.labels[Node.zoneLabel] = pick(RandomCluster.zones) }
        if chance(70) { node.metadata.labels["disk"] = pick(RandomCluster.disks) }
        if chance(90) { node.metadata.labels["rack"] = "rack-\(number / 2)" }
        if chance(60) { node.metadata.labels["generation"] = String(below(9)) }
        node.status.allocatable[.cpu] = Quantity(milli: Int64(1000 + 500 * below(30)))
        node.status.allocatable[.memory] = Quantity(bytes: Int64(1 + below(32)) << 30)
        node.status.allocatable[.pods] = Quantity(Int64(3 + below(20)))
        if chance(30) { node.status.allocatable[RandomCluster.gpu] = Quantity(Int64(1 + below(8))) }
        if chance(10) { node.spec.unschedulable = true }
        if chance(20) { node.spec.taints.append(Taint(key: "dedicated", value: pick(["x", "y"]), effect: .noSchedule)) }
        if chance(20) { node.spec.taints.append(Taint(key: "flaky", effect: .preferNoSchedule)) }
        for image in RandomCluster.images where chance(40) {
            let tagged = image.hasSuffix("big") ? image + ":latest" : image
            node.status.images.append(ContainerImage(names: [tagged], sizeBytes: Int64(1 + below(900)) << 20))
        }
        return node
    }

    mutating func pod(named name: String, namespace: String = "default") -> Pod {
        var spec = PodSpec()
        for number in 0...below(2) {
            var container = Container(name: "c\(number)", image: pick(RandomCluster.images))
            if chance(70) { container.resources.requests[.cpu] = Quantity(milli: Int64(50 * (1 + below(20)))) }
            if chance(70) { container.resources.requests[.memory] = Quantity(bytes: Int64(64 * (1 + below(30))) << 20) }
            if chance(10) { container.resources.requests[RandomCluster.gpu] = Quantity(Int64(1 + below(2))) }
            if chance(15) {
                let port = Int32(8000 + below(3))
                container.ports.append(
                    ContainerPort(containerPort: port, hostPort: port, hostIP: pick(["", "10.0.0.1", "10.0.0.2"])))
            }
            spec.containers.append(container)
        }
        if chance(20) {
            var initial = Container(name: "init", image: pick(RandomCluster.images))
            initial.resources.requests[.cpu] = Quantity(milli: Int64(100 * (1 + below(30))))
            if chance(50) { initial.restartPolicy = .always }
            spec.initContainers.append(initial)
        }
        if chance(10) { spec.overhead[.cpu] = Quantity(milli: 120) }
        if chance(10) { spec.resources = ResourceRequirements(requests: [.cpu: Quantity(milli: Int64(500 * (1 + below(4))))]) }
        if chance(40) { spec.tolerations.append(Toleration(key: "dedicated", value: pick(["x", "y"]), effect: .noSchedule)) }
        if chance(20) { spec.tolerations.append(Toleration(key: "flaky", operator: .exists)) }
        if chance(5) { spec.tolerations.append(Toleration(operator: .exists)) }
        if chance(20) { spec.nodeSelector["disk"] = pick(RandomCluster.disks) }
        if chance(25) { spec.affinity.requiredNodeTerms = NodeSelector(terms: (0...below(2)).map { _ in term() }) }
        if chance(25) {
            for _ in 0...below(2) {
                spec.affinity.preferredNodeTerms.append(PreferredSchedulingTerm(weight: Int32(below(100)), preference: term()))
            }
        }
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: namespace), spec: Shared(spec))
        pod.metadata.uid = UID("uid-" + namespace + "-" + name)
        return pod
    }

    private mutating func term() -> NodeSelectorTerm {
        var term = NodeSelectorTerm()
        for _ in 0..<(chance(10) ? 0 : 1 + below(2)) {
            switch below(7) {
            case 0: term.matchExpressions.append(.init(key: "disk", operator: .in, values: [pick(RandomCluster.disks), "tape"]))
            case 1: term.matchExpressions.append(.init(key: "disk", operator: .notIn, values: [pick(RandomCluster.disks)]))
            case 2: term.matchExpressions.append(.init(key: "generation", operator: .greaterThan, values: [String(below(9))]))
            case 3: term.matchExpressions.append(.init(key: "generation", operator: .lessThan, values: [String(below(9))]))
            case 4: term.matchExpressions.append(.init(key: Node.zoneLabel, operator: .exists))
            case 5: term.matchExpressions.append(.init(key: "disk", operator: .doesNotExist))
            default:
                let name = nodes.isEmpty ? "node-000" : pick(nodes).metadata.name
                term.matchFields.append(.init(key: "metadata.name", operator: pick([.in, .notIn]), values: [name]))
            }
        }
        return term
    }
}
