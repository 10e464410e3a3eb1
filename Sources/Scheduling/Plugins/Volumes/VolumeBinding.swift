// VolumeBinding: a pod goes only where its claims' volumes can be reached, found or made; its unbound claims are bound before it is.
// <https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode>
// (In Kubernetes the plugin also scores nodes by storage capacity, behind a feature gate that is off by default.)

import APIServer
import DiscreteEvents
import KubernetesAPI

struct VolumeBindingPlugin: PreFilterPlugin, FilterPlugin, ReservePlugin, PreBindPlugin, EventListeningPlugin {
    static let name = "VolumeBinding"
    var name: String { VolumeBindingPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { pod.shape.volumes.hasClaims ? .cluster : .nothing }

    private let arguments: VolumeBindingArguments

    init(_ arguments: VolumeBindingArguments = VolumeBindingArguments()) { self.arguments = arguments }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String { VolumeConflict(rawValue: number)?.text ?? "" }

    // MARK: Filter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        guard pod.shape.volumes.hasClaims else { return .skip }
        if let problem = VolumeBindingPlugin.problem(with: pod, cluster.objects) {
            return .reject(.unschedulableAndUnresolvable, reasons: [problem])
        }
        guard let claims = PodClaims(pod, cluster.objects), !claims.hasUnboundImmediate else {
            return .reject(.unschedulableAndUnresolvable, reasons: ["pod has unbound immediate PersistentVolumeClaims"])
        }
        return .proceed(claims)
    }

    /// What is wrong with the first claim that is not as it should be; nil if all are there and in use.
    private static func problem(with pod: PodInfo, _ objects: ListedObjects) -> String? {
        for use in pod.claims {
            let name = use.name.name
            guard let claim = objects.claims[use.name]?.value else {
                return use.isEphemeral
                    ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"\(name)\""
                    : PersistentVolumeClaim.notFoundMessage(name)
            }
            if claim.phase == .lost {
                return "persistentvolumeclaim \"\(name)\" bound to non-existent persistentvolume \"\(claim.spec.volumeName)\""
            }
            if claim.metadata.isTerminating { return "persistentvolumeclaim \"\(name)\" is being deleted" }
            if use.isEphemeral, !claim.isMade(for: pod.pod.value) { return claim.foreignToMessage(pod.pod.value) }
        }
        return nil
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard let claims = state as? PodClaims, let object = cluster.nodes.objects[node]?.value,
            case .conflicts(let conflicts) = claims.volumes(on: object, cluster.objects)
        else { return nil }
        return NodeRefusal(reasons: conflicts.reduce(0) { $0 | NodeVerdict.bit($1.rawValue) }, .unschedulableAndUnresolvable)
    }

    // MARK: Reserve and PreBind

    /// From now on the volumes chosen for the pod's claims are taken, and volumes to be made have a node.
    func reserve(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> ReserveOutcome {
        guard pod.shape.volumes.hasClaims, let object = cluster.nodes.objects[node]?.value else { return .proceed() }
        guard let claims = PodClaims(pod, cluster.objects) else { return .error("a PersistentVolumeClaim of the pod is gone") }
        switch claims.volumes(on: object, cluster.objects) {
        case .conflicts: return .error("the volumes found for the pod are gone")
        case .chosen(let bindings, let provisions):
            return .proceed(
                assuming: bindings.map { APIObject($0.boundVolume) }
                    + provisions.map { APIObject($0.selecting(node: object.metadata.name)) })
        }
    }

    /// How often the real plugin looks whether the volumes are bound.
    private static let checkInterval = SimulatedDuration.seconds(1)

    func preBind(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> PreBindWork? {
        if pod.claims.isEmpty { return nil }
        var requests: [APIRequest] = []
        for use in pod.claims {
            guard let claim = cluster.objects.claims[use.name], !claim.value.isFullyBound else { continue }
            if let volume = cluster.objects.volumeAssumed(for: claim.value) {
                requests.append(StaticVolumeBinding(volume: volume, claim: claim).request)
            } else if let selecting = cluster.objects.latestClaim(use.name), selecting != claim {
                requests.append(.update(.persistentVolumeClaim(selecting)))
            }
        }
        if requests.isEmpty, progress(pod, on: node, in: cluster) == .done { return nil }
        return PreBindWork(
            requests: requests, checkInterval: VolumeBindingPlugin.checkInterval, timeout: .seconds(Int(arguments.bindTimeoutSeconds)))
    }

    func progress(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> PreBindProgress {
        guard let object = cluster.nodes.objects[node]?.value else {
            return .failed("binding volumes: node \"\(cluster.nodes.names[node])\" not found")
        }
        for use in pod.claims {
            guard let claim = cluster.objects.claims[use.name]?.value else {
                return .failed("binding volumes: " + PersistentVolumeClaim.notFoundMessage(use.name.name))
            }
            guard claim.isFullyBound else {
                if cluster.objects.isClaimAssumed(use.name) || cluster.objects.volumeAssumed(for: claim) != nil { return .pending }
                if cluster.objects.volumesByClass[claim.className].contains(where: { $0.value.isKept(for: claim) }) { return .pending }
                if claim.metadata.annotations[VolumeAnnotation.selectedNode] == object.metadata.name { return .pending }
                return .failed("binding volumes: provisioning failed for PVC \"\(claim.metadata.name)\"")
            }
            guard let volume = cluster.objects.persistentVolumes[claim.spec.volumeName]?.value else { return .pending }
            guard volume.isReachable(from: object) else {
                return .failed(
                    "binding volumes: pv \"\(volume.metadata.name)\" node affinity doesn't match node \"\(object.metadata.name)\": "
                        + "no matching NodeSelectorTerms")
            }
        }
        return .done
    }

    // MARK: Hints

    let events: ClusterEventKinds = [
        .storageClassAdd, .storageClassUpdate, .persistentVolumeClaimAdd, .persistentVolumeClaimUpdate, .persistentVolumeAdd,
        .persistentVolumeUpdate, .nodeAdd, .nodeLabels, .nodeTaints, .csiNodeAdd, .csiNodeUpdate, .csiDriverUpdate, .csiStorageCapacityAdd,
        .csiStorageCapacityUpdate,
    ]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .persistentVolumeClaimAdd, .persistentVolumeClaimUpdate:
            guard let claim = event.object(PersistentVolumeClaim.self).new else { return false }
            return pod.uses(claim)
        case .storageClassUpdate:
            guard case (let old?, let new?) = event.object(StorageClass.self) else { return false }
            return old.allowedTopologies != new.allowedTopologies
        case .csiNodeUpdate:
            guard case (let old?, let new?) = event.object(CSINode.self) else { return false }
            let annotation = VolumeAnnotation.migratedPlugins
            return old.metadata.annotations[annotation] != new.metadata.annotations[annotation]
        case .csiDriverUpdate:
            guard case (let old?, let new?) = event.object(CSIDriver.self) else { return false }
            return pod.shape.volumes.inlineDrivers.contains(new.metadata.name) && old.storageCapacity && !new.storageCapacity
        case .csiStorageCapacityUpdate:
            guard case (let old?, let new?) = event.object(CSIStorageCapacity.self), let limit = new.largestVolume else { return false }
            return old.largestVolume.map { $0 < limit } ?? true
        default: return true
        }
    }
}
