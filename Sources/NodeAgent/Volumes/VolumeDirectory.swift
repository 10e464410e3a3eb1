// Which volume a claim stands for, and where it is attached: what kubelets ask the API server for.

import KubernetesAPI

/// One for all kubelets, each of which asks only for its own pods' claims and its own node.
struct VolumeDirectory: Sendable {
    /// The volumes of claims that are bound for good.
    private var claims: [NamespacedName: String] = [:]
    private var volumes: [String: Shared<PersistentVolume>] = [:]
    /// What CSIDrivers say; true for those that say nothing.
    private var attachRequired: [String: Bool] = [:]
    /// By node, what the attach-detach controller says.
    private var attached: [String: [String]] = [:]
    private struct Place: Hashable, Sendable {
        let node: String
        let volume: String
    }
    /// Where VolumeAttachments say that a volume is attached: what a CSI plugin looks at before it mounts. A node's status may still tell of one
    /// that is gone.
    private var attachments: Set<Place> = []

    mutating func set(_ claim: PersistentVolumeClaim, isGone: Bool) {
        claims[claim.metadata.key] = isGone || !claim.isFullyBound ? nil : claim.spec.volumeName
    }

    mutating func set(_ volume: Shared<PersistentVolume>, isGone: Bool) { volumes[volume.value.metadata.name] = isGone ? nil : volume }

    mutating func set(_ driver: CSIDriver, isGone: Bool) { attachRequired[driver.metadata.name] = isGone ? nil : driver.attachRequired }

    mutating func set(_ attachment: VolumeAttachment, isGone: Bool) {
        let place = Place(node: attachment.nodeName, volume: attachment.persistentVolumeName ?? "")
        let holds = !isGone && attachment.isAttached && !attachment.metadata.isTerminating
        if holds { attachments.insert(place) } else { attachments.remove(place) }
    }

    /// Whether a VolumeAttachment says so.
    func hasAttachment(of volume: PersistentVolume, to node: String) -> Bool {
        attachments.contains(Place(node: node, volume: volume.metadata.name))
    }

    /// Returns whether the node's volumes are others now.
    mutating func setAttached(_ names: [String], to node: String) -> Bool {
        if attached[node] ?? [] == names { return false }
        attached[node] = names.isEmpty ? nil : names
        return true
    }

    func isAttached(_ volume: String, to node: String) -> Bool { attached[node]?.contains(volume) ?? false }

    /// The volume of a claim; nil: it is not bound, or its volume is gone.
    func volume(of claim: NamespacedName) -> PersistentVolume? { claims[claim].flatMap { volumes[$0] }?.value }

    /// Whether it holds of an object what is stored of it (nil: nothing is); true of kinds that are none of its business.
    func agrees(with stored: APIObject?, _ key: ObjectKey) -> Bool {
        let name = key.name.name
        switch key.kind {
        case .persistentVolumeClaim:
            let claim = stored.flatMap(PersistentVolumeClaim.cast)?.value
            return claims[key.name] == claim.flatMap { $0.isFullyBound ? $0.spec.volumeName : nil }
        case .persistentVolume: return volumes[name] == stored.flatMap(PersistentVolume.cast)
        case .csiDriver: return attachRequired[name] == stored.flatMap(CSIDriver.cast)?.value.attachRequired
        case .node: return attached[name] ?? [] == stored.flatMap(Node.cast)?.value.status.volumesAttached ?? []
        default: return true
        }
    }

    /// The volume as one to be attached; nil: it needs no attaching.
    func attachable(_ volume: PersistentVolume) -> AttachableVolume? { volume.attachable { attachRequired[$0] ?? true } }
}
