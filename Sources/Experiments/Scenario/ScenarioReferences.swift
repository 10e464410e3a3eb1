// Whether the things a scenario speaks of exist: nodes, zones, Deployments, containers; and whether it asks for too much.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

struct ScenarioReferences {
    private var nodes: Set<String> = []
    private var zones: Set<String> = []
    private var zoneNames: [String] = []
    private var deployments: [NamespacedName: [Deployment]] = [:]
    private var deploymentNames: [NamespacedName] = []
    private var podCount = 0
    private let nodesAreKnown: Bool
    private let workloadsAreKnown: Bool

    /// - Parameters:
    ///   - nodesAreKnown: whether all nodes could be read; otherwise a missing one is no finding.
    ///   - workloadsAreKnown: the same for Deployments.
    init(_ configuration: ClusterConfiguration, nodesAreKnown: Bool = true, workloadsAreKnown: Bool = true) {
        self.nodesAreKnown = nodesAreKnown
        self.workloadsAreKnown = workloadsAreKnown
        podCount = configuration.trace.count
        for node in configuration.nodes { add(node) }
        for object in configuration.snapshot + configuration.objects { add(object) }
        for entry in configuration.timeline {
            switch entry.action {
            case .addNodes(let added): for node in added { add(node) }
            case .apply(let objects): for object in objects { add(object) }
            default: break
            }
        }
    }

    private mutating func add(_ node: Node) {
        nodes.insert(node.metadata.name)
        if let zone = node.zone, zones.insert(zone).inserted { zoneNames.append(zone) }
    }

    private mutating func add(_ object: APIObject) {
        switch object {
        case .node(let node): add(node.value)
        case .deployment(let deployment):
            let key = deployment.value.metadata.key
            if deployments[key] == nil { deploymentNames.append(key) }
            deployments[key, default: []].append(deployment.value)
            podCount += Int(deployment.value.spec.replicas)
        case .replicaSet(let set):
            if set.value.metadata.ownerReferences.isEmpty { podCount += Int(set.value.spec.replicas) }
        case .pod(let pod):
            if pod.value.metadata.ownerReferences.isEmpty { podCount += 1 }
        default: break
        }
    }

    mutating func check(_ selection: NodeSelection, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard nodesAreKnown else { return }
        switch selection {
        case .node(let name) where !nodes.contains(name):
            decoder.context.error(node["node"] ?? node, "there is no node \"\(name)\"")
        case .zone(let name) where !zones.contains(name):
            let known = zoneNames.isEmpty ? "the nodes have no zones" : "zones are " + zoneNames.joined(separator: ", ")
            decoder.context.error(node["zone"] ?? node, "there is no zone \"\(name)\"; \(known)")
        default: break
        }
    }

    mutating func check(_ action: OperatorAction, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        switch action {
        case .cordon(let nodes): check(nodes, node["cordon"] ?? node, &decoder)
        case .uncordon(let nodes): check(nodes, node["uncordon"] ?? node, &decoder)
        case .drain(let nodes, _): check(nodes, node["drain"] ?? node, &decoder)
        case .scale(let key, _): check(key.name, node["scale"]?["deployment"] ?? node, &decoder)
        case .rolloutUndo(let name, _): check(name, node["rolloutUndo"]?["deployment"] ?? node, &decoder)
        case .rolloutPause(let name, let paused): check(name, node[paused ? "rolloutPause" : "rolloutResume"] ?? node, &decoder)
        case .setImage(let name, let container, _):
            let place = node["setImage"] ?? node
            check(name, place["deployment"] ?? node, &decoder)
            let specs = (deployments[name] ?? []).map(\.spec.template.spec.value)
            if !specs.isEmpty, !specs.contains(where: { ($0.containers + $0.initContainers).contains { $0.name == container } }) {
                let known = specs[0].containers.map(\.name).joined(separator: ", ")
                decoder.context.error(place["container"] ?? node, "\(name) has no container \"\(container)\"; it has \(known)")
            }
        case .apply, .delete, .addNodes, .setLoad: break
        }
    }

    mutating func check(_ expectation: Expectation, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        if case .available(let name) = expectation.subject { check(name, node["deployment"] ?? node, &decoder) }
    }

    private func check(_ name: NamespacedName, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        if deployments[name] != nil || !workloadsAreKnown { return }
        let known = deploymentNames.isEmpty ? "there are none" : "there are " + deploymentNames.map(\.description).joined(separator: ", ")
        decoder.context.error(node, "there is no Deployment \(name) in objects, snapshot or timeline; \(known)")
    }

    func checkSizes(_ spec: YAMLNode, _ decoder: inout ScenarioDecoder) {
        if podCount > ScenarioFormat.maximumPods {
            let limit = ScenarioFormat.maximumPods
            decoder.context.error(
                spec["cluster"] ?? spec, "its workloads ask for \(podCount) pods; the most a scenario may have is \(limit)")
        }
    }
}
