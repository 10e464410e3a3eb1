// The volumes of a pod that say where it can run, sorted out once for all pods of a spec.

import KubernetesAPI

/// What the volumes of a pod spec mean for scheduling. Most pods have none that matter.
public struct PodVolumes: Hashable, Sendable {
    /// A volume that is, or may be, attached to the node.
    enum Attachable: Hashable, Sendable {
        /// A claim in the pod's namespace.
        case claim(String)
        /// The claim made for the pod alone, by the volume's name.
        case ephemeral(volume: String)
        /// A cloud disk named in the spec itself.
        case inline(InTreeVolumePlugin, id: String)
    }
    /// In the order of the spec.
    let attachables: [Attachable]
    /// Names of the claims, as often as volumes name them.
    let claimNames: [String]
    /// Disks that pods cannot always share.
    let disks: [Volume.Source]
    /// Drivers that make volumes for the pod alone.
    let inlineDrivers: [String]

    init(_ volumes: [Volume]) {
        var attachables: [Attachable] = []
        var disks: [Volume.Source] = []
        var drivers: [String] = []
        for volume in volumes {
            switch volume.source {
            case .persistentVolumeClaim(let name, _): attachables.append(.claim(name))
            case .ephemeral: attachables.append(.ephemeral(volume: volume.name))
            case .gcePersistentDisk(let name, _):
                attachables.append(.inline(.gcePersistentDisk, id: name))
                disks.append(volume.source)
            case .awsElasticBlockStore(let id):
                attachables.append(.inline(.awsElasticBlockStore, id: id))
                disks.append(volume.source)
            case .iscsi, .rbd: disks.append(volume.source)
            case .migrated(let plugin, let id): attachables.append(.inline(plugin, id: id))
            case .csi(let driver): drivers.append(driver)
            case .image, .configuration, .emptyDir, .other: break
            }
        }
        self.attachables = attachables
        self.disks = disks
        inlineDrivers = drivers
        claimNames = attachables.compactMap { if case .claim(let name) = $0 { name } else { nil } }
    }

    /// Whether the pod waits for, or uses, any PersistentVolumeClaim.
    var hasClaims: Bool {
        for attachable in attachables {
            switch attachable {
            case .claim, .ephemeral: return true
            case .inline: continue
            }
        }
        return false
    }
}

/// A claim a pod uses.
struct ClaimUse: Hashable, Sendable {
    let name: NamespacedName
    /// Made for this pod alone, which must own it.
    let isEphemeral: Bool
}

extension PodInfo {
    /// The claim a volume stands for; nil for disks named in the spec.
    func claim(of volume: PodVolumes.Attachable) -> ClaimUse? {
        let metadata = pod.value.metadata
        switch volume {
        case .claim(let name): return ClaimUse(name: NamespacedName(namespace: metadata.namespace, name: name), isEphemeral: false)
        case .ephemeral(let volume):
            // <https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming>
            let name = metadata.name + "-" + volume
            return ClaimUse(name: NamespacedName(namespace: metadata.namespace, name: name), isEphemeral: true)
        case .inline: return nil
        }
    }

    /// The claims of the pod in the order of its volumes.
    var claims: [ClaimUse] { shape.volumes.attachables.compactMap(claim) }

    /// Whether an event is about a claim of this pod.
    func uses(_ claim: PersistentVolumeClaim, ephemeral: Bool = true) -> Bool {
        guard claim.metadata.namespace == pod.value.metadata.namespace else { return false }
        return claims.contains { $0.name.name == claim.metadata.name && (ephemeral || !$0.isEphemeral) }
    }
}

extension PersistentVolumeClaim {
    /// Whether the claim was made for an ephemeral volume of the pod.
    func isMade(for pod: Pod) -> Bool { metadata.controllerUID == pod.metadata.uid }

    /// Kubernetes' words for a claim that has the name of a pod's ephemeral volume but is somebody else's.
    func foreignToMessage(_ pod: Pod) -> String {
        "PVC \(metadata.key) was not created for pod \(pod.metadata.key) (pod is not owner)"
    }

    /// Kubernetes' words for a claim that is not there.
    static func notFoundMessage(_ name: String) -> String { "persistentvolumeclaim \"\(name)\" not found" }
}
