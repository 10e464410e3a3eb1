// Volumes that must be attached to a machine before it can mount them: which they are, and what everybody calls them.
// <https://kubernetes-csi.github.io/docs/skip-attach.html>

/// A PersistentVolume as the attach-detach controller and the kubelets know it.
public struct AttachableVolume: Hashable, Sendable {
    /// The name of the PersistentVolume.
    public var volume: String
    public var driver: String
    public var handle: String
    /// Whether several nodes may have it at a time, by its access modes.
    public var allowsSeveralNodes: Bool

    /// The name in `status.volumesAttached` and `status.volumesInUse` of nodes.
    public var uniqueName: String { AttachableVolume.pluginPrefix + driver + "^" + handle }

    private static let pluginPrefix = "kubernetes.io/csi/"

    /// What a unique name tells of its volume; nil if it is not of this form. Which PersistentVolume it is, and who may share it,
    /// is not known from that.
    public init?(uniqueName: String) {
        guard uniqueName.hasPrefix(AttachableVolume.pluginPrefix) else { return nil }
        let rest = uniqueName.dropFirst(AttachableVolume.pluginPrefix.count)
        guard let mark = rest.firstIndex(of: "^") else { return nil }
        volume = ""
        driver = String(rest[..<mark])
        handle = String(rest[rest.index(after: mark)...])
        allowsSeveralNodes = false
    }

    init(volume: String, driver: String, handle: String, allowsSeveralNodes: Bool) {
        self.volume = volume
        self.driver = driver
        self.handle = handle
        self.allowsSeveralNodes = allowsSeveralNodes
    }
}

extension PersistentVolume {
    /// nil: it is mounted without being attached, as local disks and network file systems are.
    /// - Parameter isAttachable: what the CSIDriver of a name says; true for drivers that say nothing.
    public func attachable(by isAttachable: (_ driver: String) -> Bool) -> AttachableVolume? {
        let (driver, handle): (String, String)
        switch spec.source {
        case .csi(let name, let id): (driver, handle) = (name, id)
        case .migrated(let plugin, let id) where plugin.attaches: (driver, handle) = (plugin.driver, id)
        case .migrated, .other: return nil
        }
        guard isAttachable(driver) else { return nil }
        let modes = spec.accessModes
        // One without a word about it may be shared as far as Kubernetes knows.
        let isShared = modes.isEmpty || modes.contains(.readWriteMany) || modes.contains(.readOnlyMany)
        return AttachableVolume(volume: metadata.name, driver: driver, handle: handle, allowsSeveralNodes: isShared)
    }
}

extension InTreeVolumePlugin {
    /// File shares are mounted over the network.
    fileprivate var attaches: Bool { self != .azureFile && self != .portworxVolume }
}

extension Pod {
    /// The claim of one of its volumes; nil: the volume has none.
    public func claimName(of volume: Volume) -> String? {
        switch volume.source {
        case .persistentVolumeClaim(let name, _): name
        case .ephemeral: metadata.name + "-" + volume.name
        default: nil
        }
    }
}

extension PersistentVolumeClaim {
    /// The volume a pod with the claim gets; nil while it is not bound.
    public var boundVolume: String? { phase == .bound && !spec.volumeName.isEmpty ? spec.volumeName : nil }
}

extension VolumeAttachment {
    /// The name that everybody works out for the attachment of a volume to a node.
    public static func name(of volume: AttachableVolume, node: String) -> String {
        "csi-" + Digest.hexSHA256(volume.handle + volume.driver + node)
    }
}
