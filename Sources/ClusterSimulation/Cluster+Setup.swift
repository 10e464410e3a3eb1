// Time zero: what exists before anything happens.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    /// Namespaces every cluster has.
    private static let systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"]

    mutating func populate() throws(ClusterError) {
        let settings = configuration.value
        try restoreNamespaces(for: settings)
        let volumes = AttachedVolumes(settings.snapshot)
        for node in nodesWithRanges(settings) { try start(node, settled: true) }
        // Pods come last: their nodes and owners are known by then, whatever the order of the dump.
        for object in settings.snapshot where object.kind != .namespace && object.kind != .pod {
            guard case .node(let node) = object else {
                try restore(object)
                nodeAgent.adoptVolumes(object)
                continue
            }
            try start(volumes.completed(node.value), settled: false)
            for attachment in volumes.missingAttachments(of: node.value.metadata.name) {
                api.establish(APIObject(attachment), at: now)
                nodeAgent.adoptVolumes(APIObject(attachment))
            }
        }
        for object in settings.snapshot where object.kind == .pod { try restore(object) }
        furnishNamespaces(settings.snapshot)
        assumeConfiguration(settings.snapshot)
        observeCommits()
        recorder.adoptSnapshot(settings.snapshot)
        controllerManager.recall(settings.snapshot)
        for case .endpointSlice(let slice) in settings.snapshot { nodeAgent.adopt(slice) }
        for object in settings.snapshot {
            if case .pod(let pod) = object { nodeAgent.adopt(stored(pod), at: now, effects: &kubeletEffects) }
        }
        beginTraffic()
        beginWatchingLoads()
        for object in settings.objects { operate(.apply([object]), reported: false) }
        scheduleOutsideWorld()
        flush()
    }

    /// The version of a pod that the store holds.
    private func stored(_ pod: Shared<Pod>) -> Shared<Pod> {
        api.objects.get(Pod.self, pod.value.metadata.key) ?? pod
    }

    /// Namespaces of the snapshot, the system's, and those that objects live in: a scenario need not declare them. One that is
    /// applied is left to its manifest, but what is there from the start does not wait for a manifest of the timeline.
    private mutating func restoreNamespaces(for settings: ClusterConfiguration) throws(ClusterError) {
        for object in settings.snapshot { if case .namespace = object { try restore(object) } }
        let later = settings.timeline.flatMap { entry -> [APIObject] in
            if case .apply(let objects) = entry.action { objects } else { [] }
        }
        let present = settings.snapshot + settings.objects + settings.trace.map(\.object)
        try makeNamespaces(of: present, unlessAmong: settings.objects)
        try makeNamespaces(of: later, unlessAmong: settings.objects + later)
    }

    private mutating func makeNamespaces(of objects: [APIObject], unlessAmong applied: [APIObject]) throws(ClusterError) {
        var settled = Set(applied.lazy.filter { $0.kind == .namespace }.map(\.metadata.name))
        for name in Cluster.systemNamespaces + objects.map(\.metadata.namespace)
        where !name.isEmpty && settled.insert(name).inserted && api.objects[ObjectKey(.namespace, name)] == nil {
            let labels = Labels([("kubernetes.io/metadata.name", name)])
            try restore(APIObject(Namespace(metadata: ObjectMeta(name: name, labels: labels))))
        }
    }

    /// What the cluster's controllers made in its namespaces before the run began: the account `default` and the certificate. A
    /// dump that leaves accounts out still tells by its pods which there are.
    private mutating func furnishNamespaces(_ snapshot: [APIObject]) {
        for namespace in api.objects.all(Namespace.self) where !namespace.value.isTerminating {
            let name = namespace.value.metadata.name
            api.establish(Cluster.account(ServiceAccount.defaultName, in: name), at: now)
            api.establish(PublishedCertificate.object(in: name), at: now)
        }
        let documented = Set(snapshot.lazy.filter { $0.kind == .serviceAccount }.map(\.metadata.namespace))
        for object in snapshot {
            let namespace = object.metadata.namespace
            guard !documented.contains(namespace), let name = object.podSpec?.value.serviceAccountName, !name.isEmpty else { continue }
            api.establish(Cluster.account(name, in: namespace), at: now)
        }
    }

    private static func account(_ name: String, in namespace: String) -> APIObject {
        APIObject(ServiceAccount(metadata: ObjectMeta(name: name, namespace: namespace)))
    }

    /// The nodes of the start, each with a range of addresses for its pods if node IPAM gives them, in this order.
    private func nodesWithRanges(_ settings: ClusterConfiguration) -> [Node] {
        let configuration = controllerManager.configuration
        guard configuration.allocateNodeCIDRs else { return settings.nodes }
        let range = configuration.clusterRange(forNodes: settings.nodeCount)
        var ranges = NodeRangeSet(range, prefix: max(configuration.nodeCIDRMaskSize, range.prefix))
        for node in settings.nodes { if let taken = node.spec.podRange { ranges.occupy(taken) } }
        for case .node(let node) in settings.snapshot { if let taken = node.value.spec.podRange { ranges.occupy(taken) } }
        return settings.nodes.map { node in
            guard node.spec.podRange == nil, let range = ranges.allocate() else { return node }
            var node = node
            node.spec.setPodRange(range)
            return node
        }
    }

    private mutating func restore(_ object: APIObject) throws(ClusterError) {
        do {
            try api.restore(object, at: now)
        } catch {
            throw .duplicateObject("\(object.kindName) \(object.metadata.key)")
        }
    }

    /// Puts a node in place. `settled`: it is made Ready; otherwise its conditions are believed, and a node that is not Ready
    /// is a machine that does not run.
    private mutating func start(_ node: Node, settled: Bool) throws(ClusterError) {
        var node = node
        if settled {
            for condition in NodeAgent.conditions(ready: true, at: now) { node.status.conditions.set(condition) }
        }
        guard nodeAgent.number(of: node.metadata.name) == nil else { throw .duplicateNode(node.metadata.name) }
        do {
            try api.restore(.node(Shared(node)), at: now)
        } catch {
            throw .duplicateNode(node.metadata.name)
        }
        let number = nodeAgent.adopt(node)
        if node.status.conditions[.ready]?.status == .unknown {
            _ = nodeAgent.fail(number, kubeletOnly: false, at: now, effects: &kubeletEffects)
            _ = faults[node: number].strike(.crash)
        }
    }

    private mutating func scheduleOutsideWorld() {
        let settings = configuration.value
        if settings.recording.interval != nil { queue.schedule(.sample, at: now) }
        for fault in faults.indices { schedule(fault: fault) }
        for (index, fault) in settings.apiServerFaults.enumerated() { queue.schedule(.apiServerFails(Int32(index)), at: fault.at) }
        for outage in settings.registryOutages {
            queue.schedule(.registryFails, at: outage.at)
            if let down = outage.down { queue.schedule(.registryReturns, at: outage.at + down) }
        }
        for (index, entry) in settings.timeline.enumerated() { queue.schedule(.operatorActs(Int32(index)), at: entry.at) }
        if let first = settings.trace.first { queue.schedule(.traceArrival(0), at: first.createAt) }
    }
}

extension APIObject {
    /// The spec of a pod, or of the pods a workload makes.
    fileprivate var podSpec: Shared<PodSpec>? {
        switch self {
        case .pod(let pod): pod.value.spec
        case .replicaSet(let set): set.value.spec.template.spec
        case .deployment(let deployment): deployment.value.spec.template.spec
        case .statefulSet(let set): set.value.spec.template.spec
        case .daemonSet(let set): set.value.spec.template.spec
        case .job(let job): job.value.spec.template.spec
        case .cronJob(let job): job.value.spec.jobTemplate.spec.template.spec
        default: nil
        }
    }
}
