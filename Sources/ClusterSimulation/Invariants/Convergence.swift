// What must hold once the faults are over and the cluster was left alone for a while: all workloads whole as far as there is room,
// every status true, nothing left over.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// Judges a cluster that has come to rest. Each rule is worked out from the stored objects alone.
struct Convergence {
    let objects: ObjectTables
    let now: SimulatedTime
    let agent: NodeAgent
    private let faults: FaultInjector
    /// The API server, to ask what it would answer.
    let api: APIServer
    let quotas: QuotaBook
    let evictions: EvictionBook
    /// The names of the scheduler's profiles.
    let schedulers: [String]
    /// Nodes that a maintenance cordoned and nobody made schedulable since.
    private let outOfService: [String]
    let pods: [Shared<Pod>]
    private var podsOfOwner: [UID: [Shared<Pod>]] = [:]
    private var problem: InvariantViolation?

    init(of cluster: Cluster) {
        objects = cluster.api.objects
        now = cluster.now
        faults = cluster.faults
        api = cluster.api
        schedulers = cluster.scheduler.profiles.map(\.schedulerName)
        evictions = cluster.invariants?.evictions ?? EvictionBook()
        quotas = cluster.invariants?.quotas ?? QuotaBook()
        agent = cluster.nodeAgent
        outOfService = cluster.leftByMaintenance
        pods = objects.all(Pod.self)
        for pod in pods {
            if let owner = pod.value.metadata.controllerUID { podsOfOwner[owner, default: []].append(pod) }
        }
    }

    mutating func firstViolation() -> InvariantViolation? {
        checkLeftovers()
        checkNodes()
        checkPlacement()
        checkSets()
        checkDeployments()
        checkStatefulSets()
        checkDaemonSets()
        checkJobs()
        checkBudgets()
        checkServices()
        checkQuotas()
        return problem
    }

    mutating func report(_ invariant: Invariant, _ detail: String, about object: ObjectKey) {
        if problem == nil { problem = InvariantViolation(time: now, invariant: invariant, detail: detail, object: object) }
    }

    // MARK: Questions

    func pods(of owner: UID) -> [Shared<Pod>] { podsOfOwner[owner] ?? [] }

    /// Whether the machine, its kubelet or its way to the API server is down (or it never was there).
    func isDown(_ node: String) -> Bool { agent.number(of: node).map { !agent.isWatching($0) } ?? true }

    /// Whether nothing is made in a namespace any more.
    private func isEnding(_ namespace: String) -> Bool {
        objects.get(Namespace.self, NamespacedName(namespace: "", name: namespace))?.value.isTerminating ?? true
    }

    func isOver(_ metadata: ObjectMeta) -> Bool { metadata.isTerminating || isEnding(metadata.namespace) }

    /// Compares a counter of a status with what is counted.
    mutating func expect(_ counter: String, _ told: Int32, _ counted: Int, of key: ObjectKey) {
        if Int(told) != counted { report(.statusTrue, "\(key) says \(counter) \(told), and there are \(counted)", about: key) }
    }

    /// A workload that has fewer available pods than it wants needs a reason for each that it lacks.
    ///
    /// - Parameter excused: how many of those it lacks have something in their way.
    mutating func expectWhole(_ key: ObjectKey, wants: Int32, available: Int, excused: Int) {
        let lacking = Int(wants) - available
        guard lacking > 0, excused < lacking else { return }
        let rest = excused == 0 ? "nothing is in the way" : "something is in the way of only \(excused) more"
        report(.workloadsWhole, "\(key) wants \(wants) pods, \(available) are available, and \(rest)", about: key)
    }

    // MARK: Leftovers

    private mutating func checkLeftovers() {
        var living: Set<UID> = []
        for kind in Kind.allCases where kind != .event {
            for object in objects[kind].objects { living.insert(object.readMetadata { $0.uid }) }
        }
        for kind in Kind.allCases where kind != .event {
            for object in objects[kind].objects {
                let metadata = object.metadata
                let owners = metadata.ownerReferences
                // One that is being deleted waits for something else.
                if !owners.isEmpty, !metadata.isTerminating, !owners.contains(where: { living.contains($0.uid) }) {
                    let names = owners.map { "\($0.kind)/\($0.name)" }.joined(separator: ", ")
                    report(.ownersExist, "\(object.key) is there still; its owner \(names) is gone", about: object.key)
                }
                if metadata.isTerminating, !mayStay(object) {
                    report(
                        .deletionsEnd,
                        "\(object.key) should have been gone at \(metadata.deletionTimestamp.map { "\($0)" } ?? ""), finalizers: "
                            + "[\(metadata.finalizers.joined(separator: ", "))]", about: object.key)
                }
            }
        }
    }

    /// Whether there is a reason for an object that is being deleted to be there still.
    private func mayStay(_ object: APIObject) -> Bool {
        switch object {
        case .pod(let pod):
            if let node = pod.value.nodeName, isDown(node) { return true }
            // It may have been asked to go just now.
            if let time = pod.value.metadata.deletionTimestamp, time + .seconds(60) > now { return true }
            return !pod.value.metadata.finalizers.allSatisfy(Convergence.isOfControllers)
        case .namespace(let namespace):
            return pods.contains { $0.value.metadata.namespace == namespace.value.metadata.name && mayStay(.pod($0)) }
        case .persistentVolumeClaim(let claim):
            let key = claim.value.metadata.key
            return pods.contains { pod in
                pod.value.metadata.namespace == key.namespace && pod.value.nodeName != nil
                    && pod.value.spec.value.volumes.contains { pod.value.claimName(of: $0) == key.name }
            } || !claim.value.metadata.finalizers.allSatisfy(Convergence.isOfControllers)
        case .persistentVolume(let volume):
            // A claim is bound to it, or a node has it attached.
            let metadata = volume.value.metadata
            let claim = volume.value.spec.claimRef.flatMap { objects.get(PersistentVolumeClaim.self, $0.name)?.value }
            return claim.map { $0.metadata.uid == volume.value.spec.claimRef?.uid } ?? false
                || objects.all(VolumeAttachment.self).contains { $0.value.persistentVolumeName == metadata.name }
                || !metadata.finalizers.allSatisfy(Convergence.isOfControllers)
        default:
            let metadata = object.metadata
            if !metadata.finalizers.allSatisfy(Convergence.isOfControllers) { return true }
            return podsOfOwner[metadata.uid]?.contains { mayStay(.pod($0)) } ?? isEnding(metadata.namespace)
        }
    }

    /// Finalizers that a controller of the cluster takes away; others wait for somebody else.
    private static func isOfControllers(_ finalizer: String) -> Bool {
        if finalizer.hasPrefix("external-attacher/") { return true }
        return [
            Finalizers.foregroundDeletion, Finalizers.orphan, Finalizers.claimProtection, Finalizers.volumeProtection,
            JobLabels.trackingFinalizer,
        ].contains(finalizer)
    }

    // MARK: Nodes and placement

    private mutating func checkNodes() {
        let nodes = objects.all(Node.self)
        for node in nodes {
            let name = node.value.metadata.name
            guard let number = agent.number(of: name) else { continue }
            let key = ObjectKey(.node, node.value.metadata.key)
            guard agent.isWatching(number) else {
                if faults[node: number].isHeard {
                    report(.nodesRecover, "nothing holds node \(name) down, and its kubelet does not run", about: key)
                }
                continue
            }
            if !node.value.isReady { report(.nodesRecover, "node \(name) runs and is not Ready", about: key) }
            let lost = node.value.spec.taints.first { [Taint.notReady, Taint.unreachable].contains($0.key) }
            if let lost { report(.nodesRecover, "node \(name) runs and has the taint \(lost.key):\(lost.effect.rawValue)", about: key) }
            if outOfService.contains(name) {
                report(.nodesRecover, "node \(name) was cordoned for maintenance, which is over, and is so still", about: key)
            }
        }
        for pod in pods {
            guard let name = pod.value.nodeName, objects[ObjectKey(.node, name)] == nil else { continue }
            let key = ObjectKey(.pod, pod.value.metadata.key)
            report(.deletionsEnd, "\(key) is bound to \(name), which has no node object", about: key)
        }
    }

    private mutating func checkPlacement() {
        let waiting = pods.filter { $0.value.nodeName == nil && $0.isActive && $0.value.spec.value.schedulingGates.isEmpty }
        guard !waiting.isEmpty else { return }
        var taken: [String: ResourceList] = [:]
        for pod in pods where !pod.isTerminal {
            guard let node = pod.value.nodeName else { continue }
            taken[node] = (taken[node] ?? ResourceList()) + pod.value.spec.value.effectiveRequests + [.pods: Quantity(1)]
        }
        for pod in waiting {
            let key = ObjectKey(.pod, pod.value.metadata.key)
            let spec = pod.value.spec.value
            guard spec.schedulerName == PodSpec.defaultScheduler else { continue }
            if pod.value.status.conditions[.podScheduled]?.status != .false {
                report(.podsPlaced, "\(key) waits for a node, and the scheduler says nothing of it", about: key)
            }
            guard spec.asksForRoomOnly else { continue }
            let requests = spec.effectiveRequests + [.pods: Quantity(1)]
            let fits = objects.all(Node.self).first { node in
                guard node.value.isReady, !node.value.spec.unschedulable,
                    node.value.spec.taints.allSatisfy({ taint in
                        taint.effect == .preferNoSchedule || spec.tolerations.contains { $0.tolerates(taint) }
                    })
                else { return false }
                let sum = (taken[node.value.metadata.name] ?? ResourceList()) + requests
                return requests.allSatisfy { name, _ in (sum[name] ?? .zero) <= (node.value.status.allocatable[name] ?? .zero) }
            }
            if let fits {
                report(.podsPlaced, "\(key) has waited for a node, and \(fits.value.metadata.name) has room for it", about: key)
            }
        }
    }
}

extension PodSpec {
    /// Whether room and tolerations alone decide where the pod can run.
    fileprivate var asksForRoomOnly: Bool {
        affinity == Affinity() && nodeSelector == Labels() && topologySpreadConstraints.isEmpty && volumes.isEmpty && !hostNetwork
            && resourceClaims.isEmpty && containers.allSatisfy { $0.ports.allSatisfy { $0.hostPort == 0 } }
    }
}
