// Whether the things a scenario speaks of exist: nodes, zones, workloads, containers; and whether it asks for too much.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork

struct ScenarioReferences {
    var nodes = KnownNodes()
    /// The pod templates of each workload, and nothing for objects that have none.
    private var templates: [ObjectKey: [PodTemplate]] = [:]
    private var names: [ObjectKey] = []
    private(set) var services: [NamespacedName: Service] = [:]
    /// Services as they are at one time or another, the last as in ``services``.
    private(set) var serviceVersions: [NamespacedName: [Service]] = [:]
    private(set) var ingresses: [Ingress] = []
    /// The Services that somebody writes EndpointSlices for, or Endpoints.
    private(set) var slicedServices: Set<NamespacedName> = []
    /// The labels that pods may have, by namespace; nil: pods of a trace have any.
    private(set) var podLabels: [String: [Labels]]? = [:]
    private let sources: [String]
    /// Pods that are there themselves, of nobody's template.
    private var pods: [Shared<Pod>] = []
    private var podCount = 0
    /// How the kubelet of each node evicts.
    let eviction: (_ node: String) -> EvictionSettings
    let nodesAreKnown: Bool
    let workloadsAreKnown: Bool

    /// - Parameters:
    ///   - nodesAreKnown: whether all nodes could be read; otherwise a missing one is no finding.
    ///   - workloadsAreKnown: the same for workloads.
    init(_ configuration: ClusterConfiguration, nodesAreKnown: Bool = true, workloadsAreKnown: Bool = true) {
        self.nodesAreKnown = nodesAreKnown
        self.workloadsAreKnown = workloadsAreKnown
        let agent = configuration.nodeAgent
        eviction = { agent.evictionByNode[$0] ?? agent.eviction }
        podCount = configuration.trace.count
        if podCount > 0 { podLabels = nil }
        sources = configuration.traffic?.sources.map(\.name) ?? []
        nodes.areReplaced = configuration.faults.contains { fault in
            if case .reclamation(let reclamation) = fault.effect { reclamation.replacement != nil } else { false }
        }
        for node in configuration.nodes { nodes.add(node) }
        for object in configuration.snapshot + configuration.objects { add(object) }
        pods += configuration.trace.compactMap { if case .pod(let pod) = $0.object { pod } else { nil } }
        for entry in configuration.timeline {
            switch entry.action {
            case .addNodes(let added): for node in added { nodes.add(node) }
            case .apply(let objects): for object in objects { add(object) }
            default: break
            }
        }
    }

    private mutating func add(_ object: APIObject) {
        switch object {
        case .node(let node): nodes.add(node.value)
        case .deployment(let object): add(object.value.metadata, .deployment, object.value.spec.template, pods: object.value.spec.replicas)
        case .statefulSet(let object):
            add(object.value.metadata, .statefulSet, object.value.spec.template, pods: object.value.spec.replicas)
        case .replicationController(let object):
            add(object.value.metadata, .replicationController, object.value.template, pods: object.value.replicas)
        case .daemonSet(let object):
            add(object.value.metadata, .daemonSet, object.value.spec.template, pods: Int32(clamping: nodes.count))
        case .replicaSet(let object):
            let isOwned = !object.value.metadata.ownerReferences.isEmpty
            add(object.value.metadata, .replicaSet, object.value.spec.template, pods: isOwned ? 0 : object.value.spec.replicas)
        case .job(let object): add(object.value.metadata, .job, object.value.spec.template, pods: object.value.spec.parallelism ?? 1)
        case .cronJob(let object): add(object.value.metadata, .cronJob, object.value.spec.jobTemplate.spec.template, pods: 0)
        case .service(let object):
            services[object.value.metadata.key] = object.value
            serviceVersions[object.value.metadata.key, default: []].append(object.value)
        case .ingress(let object): ingresses.append(object.value)
        case .endpointSlice(let object): if let service = object.value.service { slicedServices.insert(service) }
        case .endpoints(let object): if object.value.wantsMirrors { slicedServices.insert(object.value.metadata.key) }
        case .horizontalPodAutoscaler(let object): add(object.value.metadata, .horizontalPodAutoscaler, nil, pods: 0)
        case .pod(let pod):
            podLabels?[pod.value.metadata.namespace, default: []].append(pod.value.metadata.labels)
            if pod.value.metadata.ownerReferences.isEmpty { podCount += 1 }
            pods.append(pod)
        default: break
        }
    }

    private mutating func add(_ metadata: ObjectMeta, _ kind: Kind, _ template: PodTemplate?, pods: Int32) {
        let key = ObjectKey(kind, metadata.key)
        if templates[key] == nil { names.append(key) }
        templates[key, default: []] += template.map { [$0] } ?? []
        if let template { podLabels?[metadata.namespace, default: []].append(template.labels) }
        podCount += Int(pods)
    }

    mutating func check(_ action: OperatorAction, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        switch action {
        case .cordon(let nodes): check(nodes, node["cordon"] ?? node, &decoder)
        case .uncordon(let nodes): check(nodes, node["uncordon"] ?? node, &decoder)
        case .drain(let nodes, _): check(nodes, node["drain"] ?? node, &decoder)
        case .maintain(let plan): check(plan.nodes, node["maintain"] ?? node, &decoder)
        case .setNodeLoad(let nodes, let load):
            let place = node["setNodeLoad"] ?? node
            check(nodes, place, &decoder)
            checkDisk(load, on: nodes, place, &decoder)
        case .taint(let nodes, _): check(nodes, node["taint"] ?? node, &decoder)
        case .untaint(let nodes, _): check(nodes, node["untaint"] ?? node, &decoder)
        case .scale(let key, _): check(key, in: node["scale"] ?? node, &decoder)
        case .rolloutUndo(let key, _): check(key, in: node["rolloutUndo"] ?? node, &decoder)
        case .rolloutRestart(let key): check(key, in: node["rolloutRestart"] ?? node, &decoder)
        case .rolloutPause(let name, let paused):
            check(ObjectKey(.deployment, name), node[paused ? "rolloutPause" : "rolloutResume"] ?? node, &decoder)
        case .setImage(let key, let container, _):
            let place = node["setImage"] ?? node
            check(key, in: place, &decoder)
            let specs = (templates[key] ?? []).map(\.spec.value)
            if !specs.isEmpty, !specs.contains(where: { ($0.containers + $0.initContainers).contains { $0.name == container } }) {
                let known = specs[0].containers.map(\.name).joined(separator: ", ")
                decoder.context.error(place["container"] ?? node, "\(key.name) has no container \"\(container)\"; it has \(known)")
            }
        case .apply, .delete, .addNodes, .setLoad: break
        }
    }

    /// A service that is not there would be waited for in vain, and what a container uses that is not there is used by nobody.
    func check(_ rule: BehaviourRule, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        guard workloadsAreKnown else { return }
        if let service = rule.behaviour.waitsFor, services[service] == nil {
            decoder.context.error(node["waitsFor"] ?? node, "there is no Service \(service) in objects, snapshot or timeline")
        }
        checkInodes(rule, node, &decoder)
        if rule.behaviour.emptyDirs.isEmpty, !rule.behaviour.usage.contains(where: { $0.container != nil }) { return }
        let specs = specs(of: rule)
        if specs.isEmpty { return }
        let containers = specs.flatMap { ($0.containers + $0.initContainers).map(\.name) }
        check("container", in: node["usage"], isOneOf: containers, "container", &decoder)
        let volumes = specs.flatMap(\.volumes).filter { if case .emptyDir = $0.source { true } else { false } }.map(\.name)
        check("volume", in: node["emptyDirs"], isOneOf: volumes, "emptyDir volume", &decoder)
    }

    /// Checks what each entry of a list, or the only one, names in a field.
    private func check(
        _ field: String, in place: YAMLNode?, isOneOf names: [String], _ what: String, _ decoder: inout ScenarioDecoder
    ) {
        guard let place else { return }
        var known: [String] = []
        for name in names where !known.contains(name) { known.append(name) }
        for entry in place.kind == .sequence ? Array(place.elements) : [place] {
            guard let node = entry[field], let name = node.scalarText, !known.contains(name) else { continue }
            decoder.context.error(
                node,
                "these pods have no \(what) \"\(name)\"; they have " + (known.isEmpty ? "none" : known.joined(separator: ", ")))
        }
    }

    /// The specs of all pods that an entry of `workloads` is about, whatever their images will be.
    private func specs(of rule: BehaviourRule) -> [PodSpec] {
        func isMeant(_ namespace: String, _ labels: Labels) -> Bool {
            (rule.namespace == nil || rule.namespace == namespace) && rule.selector.matches(labels)
        }
        let planned = names.flatMap { key in (templates[key] ?? []).filter { isMeant(key.name.namespace, $0.labels) }.map(\.spec.value) }
        let present = pods.filter { isMeant($0.value.metadata.namespace, $0.value.metadata.labels) }.map(\.value.spec.value)
        return planned + present
    }

    mutating func check(_ expectation: Expectation, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        switch expectation.subject {
        case .available(let key), .replicas(let key): check(key, in: node, &decoder)
        // Jobs of CronJobs get their names in the run.
        case .condition(let key, _, _, _) where key.kind != .job: check(key, in: node, &decoder)
        case .requests(_, let source?) where !sources.contains(source):
            let known = sources.isEmpty ? "the scenario has no traffic" : "there are " + sources.joined(separator: ", ")
            decoder.context.error(node["source"] ?? node, "there is no source \"\(source)\"; \(known)")
        case .requests where sources.isEmpty: decoder.context.error(node["requests"] ?? node, "the scenario has no traffic")
        case .jobs(_, let owner?): check(ObjectKey(.cronJob, owner), node["cronJob"] ?? node, &decoder)
        default: break
        }
    }

    /// Checks an object that `node` names in the field of its kind.
    private func check(_ key: ObjectKey, in node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        check(key, node[ScenarioFormat.fieldName(of: key.kind)] ?? node, &decoder)
    }

    private func check(_ key: ObjectKey, _ node: YAMLNode, _ decoder: inout ScenarioDecoder) {
        if templates[key] != nil || !workloadsAreKnown { return }
        let others = names.filter { $0.kind == key.kind }
        let known = others.isEmpty ? "there are none" : "there are " + others.map(\.name.description).joined(separator: ", ")
        decoder.context.error(node, "there is no \(key.kind) \(key.name) in objects, snapshot or timeline; \(known)")
    }

    func checkSizes(_ spec: YAMLNode, _ decoder: inout ScenarioDecoder) {
        if podCount > ScenarioFormat.maximumPods {
            let limit = ScenarioFormat.maximumPods
            decoder.context.error(
                spec["cluster"] ?? spec, "its workloads ask for \(podCount) pods; the most a scenario may have is \(limit)")
        }
    }
}
