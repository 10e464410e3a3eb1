// PersistentVolumes and the claims on them: storage that outlives pods.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>

/// What may be done with a volume, and by how many.
public enum VolumeAccessMode: String, Hashable, Sendable {
    case readWriteOnce = "ReadWriteOnce"
    case readOnlyMany = "ReadOnlyMany"
    case readWriteMany = "ReadWriteMany"
    /// By one pod of the whole cluster.
    case readWriteOncePod = "ReadWriteOncePod"
}

public enum VolumeMode: String, Hashable, Sendable {
    case filesystem = "Filesystem"
    case block = "Block"
}

/// What becomes of a volume whose claim is gone.
public enum VolumeReclaimPolicy: String, Hashable, Sendable {
    case retain = "Retain"
    case delete = "Delete"
    case recycle = "Recycle"
}

/// A piece of storage in the cluster.
public struct PersistentVolume: KubernetesObject {
    public enum Phase: String, Hashable, Sendable {
        case pending = "Pending"
        case available = "Available"
        case bound = "Bound"
        case released = "Released"
        case failed = "Failed"
    }
    public static var kind: Kind { .persistentVolume }
    public var metadata: ObjectMeta
    public var spec: PersistentVolumeSpec
    /// `status.phase`.
    public var phase: Phase

    public init(metadata: ObjectMeta, spec: PersistentVolumeSpec = PersistentVolumeSpec(), phase: Phase = .pending) {
        self.metadata = metadata
        self.spec = spec
        self.phase = phase
    }

    public static func erase(_ object: Shared<PersistentVolume>) -> APIObject { .persistentVolume(object) }
    public static func cast(_ erased: APIObject) -> Shared<PersistentVolume>? {
        if case .persistentVolume(let object) = erased { object } else { nil }
    }
}

public struct PersistentVolumeSpec: Hashable, Sendable {
    /// The claim a volume is bound to or kept for.
    public struct ClaimReference: Hashable, Sendable {
        public var name: NamespacedName
        /// Empty: any claim of the name.
        public var uid: UID

        public init(_ name: NamespacedName, uid: UID = UID("")) {
            self.name = name
            self.uid = uid
        }
    }
    public var capacity: ResourceList
    public var accessModes: [VolumeAccessMode]
    public var claimRef: ClaimReference?
    public var storageClassName: String
    public var volumeMode: VolumeMode
    public var reclaimPolicy: VolumeReclaimPolicy
    public var volumeAttributesClassName: String?
    /// `nodeAffinity.required`: where the volume can be reached; nil: everywhere.
    public var nodeAffinity: NodeSelector?
    public var source: PersistentVolumeSource

    public init() {
        capacity = ResourceList()
        accessModes = []
        storageClassName = ""
        volumeMode = .filesystem
        reclaimPolicy = .retain
        source = .other
    }
}

/// What holds a volume's data, as far as scheduling looks at it.
public enum PersistentVolumeSource: Hashable, Sendable {
    case csi(driver: String, handle: String)
    /// A cloud disk of a plugin that was once part of Kubernetes and is served by a CSI driver since (CSI migration).
    case migrated(InTreeVolumePlugin, id: String)
    /// local, hostPath, nfs, iscsi, ...
    case other
}

/// The volume plugins that CSI drivers took over, and which.
/// <https://kubernetes.io/docs/concepts/storage/volumes/#csi-migration>
public enum InTreeVolumePlugin: String, Hashable, Sendable {
    case awsElasticBlockStore = "kubernetes.io/aws-ebs"
    case gcePersistentDisk = "kubernetes.io/gce-pd"
    case azureDisk = "kubernetes.io/azure-disk"
    case azureFile = "kubernetes.io/azure-file"
    case cinder = "kubernetes.io/cinder"
    case vsphereVolume = "kubernetes.io/vsphere-volume"
    case portworxVolume = "kubernetes.io/portworx-volume"

    /// The driver that serves the plugin's volumes.
    public var driver: String {
        switch self {
        case .awsElasticBlockStore: "ebs.csi.aws.com"
        case .gcePersistentDisk: "pd.csi.storage.gke.io"
        case .azureDisk: "disk.csi.azure.com"
        case .azureFile: "file.csi.azure.com"
        case .cinder: "cinder.csi.openstack.org"
        case .vsphereVolume: "csi.vsphere.vmware.com"
        case .portworxVolume: "pxd.portworx.com"
        }
    }
}

/// A request for storage by a user.
public struct PersistentVolumeClaim: KubernetesObject {
    public enum Phase: String, Hashable, Sendable {
        case pending = "Pending"
        case bound = "Bound"
        /// Its volume is gone.
        case lost = "Lost"
    }
    public static var kind: Kind { .persistentVolumeClaim }
    public var metadata: ObjectMeta
    public var spec: PersistentVolumeClaimSpec
    /// `status.phase`.
    public var phase: Phase

    public init(metadata: ObjectMeta, spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec(), phase: Phase = .pending) {
        self.metadata = metadata
        self.spec = spec
        self.phase = phase
    }

    /// The class asked for; empty: none. The annotation of old takes precedence.
    public var className: String { metadata.annotations[VolumeAnnotation.betaStorageClass] ?? spec.storageClassName ?? "" }

    /// The storage asked for, in bytes.
    public var requestedStorage: Quantity { spec.requests[.storage] ?? .zero }

    /// Whether claim and volume are bound for good: named, and the volume's side confirmed.
    public var isFullyBound: Bool { !spec.volumeName.isEmpty && metadata.annotations.has(VolumeAnnotation.bindCompleted) }

    public static func erase(_ object: Shared<PersistentVolumeClaim>) -> APIObject { .persistentVolumeClaim(object) }
    public static func cast(_ erased: APIObject) -> Shared<PersistentVolumeClaim>? {
        if case .persistentVolumeClaim(let object) = erased { object } else { nil }
    }
}

public struct PersistentVolumeClaimSpec: Hashable, Sendable {
    public var accessModes: [VolumeAccessMode]
    /// `resources.requests`.
    public var requests: ResourceList
    /// Which volumes will do; nil: any.
    public var selector: LabelSelector?
    /// nil: the cluster's default class; empty: none.
    public var storageClassName: String?
    /// Empty until bound.
    public var volumeName: String
    public var volumeMode: VolumeMode
    public var volumeAttributesClassName: String?
    /// Whether the volume is to be filled from elsewhere.
    public var hasDataSource: Bool

    public init() {
        accessModes = []
        requests = ResourceList()
        volumeName = ""
        volumeMode = .filesystem
        hasDataSource = false
    }
}

/// Annotations by which the parts that bind volumes talk to each other.
public enum VolumeAnnotation {
    /// On a claim: its binding is complete.
    public static let bindCompleted = "pv.kubernetes.io/bind-completed"
    /// On a claim or a volume: a controller chose the partner, not a user.
    public static let boundByController = "pv.kubernetes.io/bound-by-controller"
    /// On a claim: the node the scheduler chose for its first pod.
    public static let selectedNode = "volume.kubernetes.io/selected-node"
    /// On a claim: who is asked to make its volume.
    public static let storageProvisioner = "volume.kubernetes.io/storage-provisioner"
    /// The same, in the days of old; written still.
    public static let betaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner"
    /// On a volume: who made it.
    public static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    /// On a claim: its class, in the days before the field.
    public static let betaStorageClass = "volume.beta.kubernetes.io/storage-class"
    /// On a CSINode: the in-tree plugins whose volumes go to CSI drivers on this node, separated by commas.
    public static let migratedPlugins = "storage.alpha.kubernetes.io/migrated-plugins"
    /// On a StorageClass: claims that name no class get this one.
    public static let isDefaultClass = "storageclass.kubernetes.io/is-default-class"
    /// The same, in the days of old.
    public static let betaIsDefaultClass = "storageclass.beta.kubernetes.io/is-default-class"
}
