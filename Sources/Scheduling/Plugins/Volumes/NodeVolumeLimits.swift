// NodeVolumeLimits: a node takes no more volumes of a CSI driver than the driver says it can.
// <https://kubernetes.io/docs/concepts/storage/storage-limits/>

import KubernetesAPI

struct NodeVolumeLimitsPlugin: PreFilterPlugin, FilterPlugin, EventListeningPlugin {
    static let name = "NodeVolumeLimits"
    var name: String { NodeVolumeLimitsPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { pod.shape.volumes.attachables.isEmpty ? .nothing : .cluster }

    /// Reason numbers from here on are missing claims, by the position of the volume.
    private static let firstMissingClaim = 1

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        let position = number - NodeVolumeLimitsPlugin.firstMissingClaim
        let attachables = pod.shape.volumes.attachables
        guard attachables.indices.contains(position), let claim = pod.claim(of: attachables[position]) else {
            return "node(s) exceed max volume count"
        }
        return "looking up PVC \(claim.name): " + PersistentVolumeClaim.notFoundMessage(claim.name.name)
    }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        pod.shape.volumes.attachables.isEmpty ? .skip : .proceed(nil)
    }

    // MARK: Filter

    /// A volume of a CSI driver, told apart from all others.
    private struct AttachedVolume: Hashable, Sendable {
        enum Identity: Hashable, Sendable {
            case handle(String)
            /// A volume yet to be made for a claim.
            case claim(NamespacedName)
        }
        let driver: String
        let identity: Identity
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        let csiNode = cluster.objects.csiNodes[cluster.nodes.names[node]]?.value
        var wanted: [AttachedVolume] = []
        for (position, attachable) in pod.shape.volumes.attachables.enumerated() {
            if let claim = pod.claim(of: attachable), cluster.objects.claims[claim.name] == nil {
                return NodeRefusal(reason: NodeVolumeLimitsPlugin.firstMissingClaim + position, .unschedulableAndUnresolvable)
            }
            guard let volume = NodeVolumeLimitsPlugin.volume(attachable, of: pod, csiNode, cluster.objects), !wanted.contains(volume) else {
                continue
            }
            wanted.append(volume)
        }
        guard !wanted.isEmpty, let csiNode, csiNode.drivers.contains(where: { $0.volumeLimit != nil }) else { return nil }

        let attached = NodeVolumeLimitsPlugin.attached(to: node, csiNode, in: cluster)
        let new = wanted.filter { !attached.contains($0) }
        for (index, volume) in new.enumerated() where !new[..<index].contains(where: { $0.driver == volume.driver }) {
            guard let limit = csiNode.drivers.last(where: { $0.name == volume.driver && $0.volumeLimit != nil })?.volumeLimit else {
                continue
            }
            let count = attached.count { $0.driver == volume.driver } + new.count { $0.driver == volume.driver }
            if count > Int(limit) { return NodeRefusal(.unschedulable) }
        }
        return nil
    }

    /// The distinct volumes of the pods on a node, and those attached to it for whatever reason.
    private static func attached(to node: NodeSlot, _ csiNode: CSINode, in cluster: ClusterSnapshot) -> [AttachedVolume] {
        var known: Set<AttachedVolume> = []
        var list: [AttachedVolume] = []
        for number in cluster.nodes.pods[node] {
            guard let other = cluster.pods[Int(number)]?.info else { continue }
            for attachable in other.shape.volumes.attachables {
                guard let volume = volume(attachable, of: other, csiNode, cluster.objects), known.insert(volume).inserted else { continue }
                list.append(volume)
            }
        }
        for attachment in cluster.objects.attachments[csiNode.metadata.name] {
            guard let name = attachment.value.persistentVolumeName, let volume = cluster.objects.persistentVolumes[name],
                case .csi(let driver, let handle) = volume.value.spec.source
            else { continue }
            let attached = AttachedVolume(driver: driver, identity: .handle(handle))
            if known.insert(attached).inserted { list.append(attached) }
        }
        return list
    }

    /// The volume of a CSI driver that a pod's volume is, or will be, on a node; nil if no driver has to do with it.
    private static func volume(
        _ attachable: PodVolumes.Attachable, of pod: PodInfo, _ csiNode: CSINode?, _ objects: ListedObjects
    ) -> AttachedVolume? {
        if case .inline(let plugin, let id) = attachable { return migrated(plugin, id, csiNode) }
        guard let use = pod.claim(of: attachable), let claim = objects.claims[use.name]?.value,
            !use.isEphemeral || claim.isMade(for: pod.pod.value)
        else { return nil }
        guard !claim.spec.volumeName.isEmpty, let volume = objects.persistentVolumes[claim.spec.volumeName]?.value else {
            return future(claim, csiNode, objects)
        }
        switch volume.spec.source {
        case .csi(let driver, let handle):
            return driver.isEmpty || handle.isEmpty ? nil : AttachedVolume(driver: driver, identity: .handle(handle))
        case .migrated(let plugin, let id): return migrated(plugin, id, csiNode)
        case .other: return nil
        }
    }

    /// What the provisioner of a claim's class will make for it.
    private static func future(_ claim: PersistentVolumeClaim, _ csiNode: CSINode?, _ objects: ListedObjects) -> AttachedVolume? {
        guard let provisioner = objects.storageClasses[claim.className]?.value.provisioner, !provisioner.isEmpty else { return nil }
        let identity = AttachedVolume.Identity.claim(claim.metadata.key)
        guard let plugin = InTreeVolumePlugin(rawValue: provisioner) else {
            return AttachedVolume(driver: provisioner, identity: identity)
        }
        guard csiNode?.serves(plugin) ?? false else { return nil }
        return AttachedVolume(driver: plugin.driver, identity: identity)
    }

    /// A cloud disk under the driver that serves it on the node, if one does.
    private static func migrated(_ plugin: InTreeVolumePlugin, _ id: String, _ csiNode: CSINode?) -> AttachedVolume? {
        guard csiNode?.serves(plugin) ?? false else { return nil }
        // `aws://zone/volume` and plain `volume` are the same.
        let handle = plugin == .awsElasticBlockStore ? id.split(separator: "/").last.map(String.init) ?? id : id
        return handle.isEmpty ? nil : AttachedVolume(driver: plugin.driver, identity: .handle(handle))
    }

    // MARK: Hints

    let events: ClusterEventKinds = [
        .csiNodeAdd, .csiNodeUpdate, .assignedPodDelete, .persistentVolumeClaimAdd, .volumeAttachmentDelete,
    ]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .csiNodeUpdate:
            guard case (let old?, let new?) = event.object(CSINode.self) else { return false }
            return new.drivers.contains { driver in
                let before = old.drivers.last { $0.name == driver.name }?.volumeLimit ?? 0
                return driver.volumeLimit ?? 0 > before
            }
        case .assignedPodDelete:
            guard let deleted = event.oldPod, deleted.nodeName != nil else { return false }
            return !PodVolumes(deleted.spec.value.volumes).attachables.isEmpty
        case .persistentVolumeClaimAdd:
            guard let claim = event.object(PersistentVolumeClaim.self).new else { return false }
            return pod.uses(claim)
        case .volumeAttachmentDelete:
            guard let attachment = event.object(VolumeAttachment.self).old else { return false }
            return pod.shape.volumes.attachables.contains { attachable in
                switch attachable {
                case .claim: true
                case .ephemeral: false
                case .inline(let plugin, _): plugin.driver == attachment.attacher
                }
            }
        default: return true
        }
    }
}
