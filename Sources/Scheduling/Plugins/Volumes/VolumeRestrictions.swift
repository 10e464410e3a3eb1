// VolumeRestrictions: disks that pods cannot share, and claims that only one pod of the cluster may use.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes>

import KubernetesAPI

struct VolumeRestrictionsPlugin: PreFilterExtensions, FilterPlugin, EventListeningPlugin {
    static let name = "VolumeRestrictions"
    var name: String { VolumeRestrictionsPlugin.name }

    func scope(for pod: PodInfo) -> AnswerScope {
        pod.shape.volumes.claimNames.isEmpty && pod.shape.volumes.disks.isEmpty ? .nothing : .cluster
    }

    private enum Reason {
        static let disk = 0
        static let claimInUse = 1
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        number == Reason.disk
            ? "node(s) had no available disk"
            : "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
    }

    // MARK: Filter

    /// The pod's claims that allow one pod only, and how often pods use them.
    private struct ExclusiveClaims: Sendable {
        let names: [String]
        var uses: Int

        /// The real plugin compares names only: a claim of another namespace counts if it has the same name.
        func uses(of pod: PodInfo) -> Int { pod.shape.volumes.claimNames.count { names.contains($0) } }
    }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        let namespace = pod.pod.value.metadata.namespace
        var exclusive: [String] = []
        var uses = 0
        for name in pod.shape.volumes.claimNames {
            let key = NamespacedName(namespace: namespace, name: name)
            guard let claim = cluster.objects.claims[key] else {
                return .reject(.unschedulableAndUnresolvable, reasons: [PersistentVolumeClaim.notFoundMessage(name)])
            }
            guard claim.value.spec.accessModes.contains(.readWriteOncePod), !exclusive.contains(name) else { continue }
            exclusive.append(name)
            if cluster.claimUses.isUsed(key) { uses += 1 }
        }
        if pod.shape.volumes.disks.isEmpty, uses == 0 { return .skip }
        return .proceed(ExclusiveClaims(names: exclusive, uses: uses))
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        let disks = pod.shape.volumes.disks
        if !disks.isEmpty {
            for number in cluster.nodes.pods[node] {
                guard let other = cluster.pods[Int(number)]?.info.shape.volumes.disks else { continue }
                if VolumeRestrictionsPlugin.conflict(disks, other) { return NodeRefusal(reason: Reason.disk, .unschedulable) }
            }
        }
        if let exclusive = state as? ExclusiveClaims, exclusive.uses > 0 {
            return NodeRefusal(reason: Reason.claimInUse, .unschedulable)
        }
        return nil
    }

    func add(_ other: PodInfo, on node: NodeSlot, to state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        change(&state, by: other, sign: 1)
    }

    func remove(_ other: PodInfo, on node: NodeSlot, from state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot) {
        change(&state, by: other, sign: -1)
    }

    private func change(_ state: inout PluginState?, by other: PodInfo, sign: Int) {
        guard var exclusive = state as? ExclusiveClaims else { return }
        exclusive.uses += sign * exclusive.uses(of: other)
        state = exclusive
    }

    /// Whether a disk of one list and one of the other are the same and cannot be shared.
    private static func conflict(_ wanted: [Volume.Source], _ used: [Volume.Source]) -> Bool {
        for disk in used where wanted.contains(where: { conflict($0, disk) }) { return true }
        return false
    }

    private static func conflict(_ left: Volume.Source, _ right: Volume.Source) -> Bool {
        switch (left, right) {
        case (.gcePersistentDisk(let name, let readOnly), .gcePersistentDisk(let otherName, let otherReadOnly)):
            name == otherName && !(readOnly && otherReadOnly)
        case (.awsElasticBlockStore(let id), .awsElasticBlockStore(let otherID)): id == otherID
        case (.iscsi(let iqn, let readOnly), .iscsi(let otherIQN, let otherReadOnly)): iqn == otherIQN && !(readOnly && otherReadOnly)
        case (
            .rbd(let monitors, let pool, let image, let readOnly), .rbd(let otherMonitors, let otherPool, let otherImage, let otherReadOnly)
        ):
            pool == otherPool && image == otherImage && !(readOnly && otherReadOnly) && monitors.contains(where: otherMonitors.contains)
        default: false
        }
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.assignedPodDelete, .nodeAdd, .nodeTaints, .persistentVolumeClaimAdd]

    /// Any new node or change of taints; a claim of the pod that came to be; the end of a pod of the same namespace that had a disk or
    /// a claim this one wants (whatever the claim's access mode).
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .persistentVolumeClaimAdd:
            guard let claim = event.object(PersistentVolumeClaim.self).new else { return false }
            return pod.uses(claim, ephemeral: false)
        case .assignedPodDelete:
            guard let deleted = event.oldPod, deleted.metadata.namespace == pod.pod.value.metadata.namespace else { return false }
            let volumes = PodVolumes(deleted.spec.value.volumes)
            return VolumeRestrictionsPlugin.conflict(pod.shape.volumes.disks, volumes.disks)
                || volumes.claimNames.contains(where: pod.shape.volumes.claimNames.contains)
        default: return true
        }
    }
}
