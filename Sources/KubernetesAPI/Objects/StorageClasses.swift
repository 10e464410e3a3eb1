// What the cluster knows of storage systems: classes of volumes, drivers, what they can still give, and what is attached where.
// <https://kubernetes.io/docs/concepts/storage/storage-classes/>, <https://kubernetes.io/docs/concepts/storage/storage-capacity/>

/// When claims of a class are bound.
public enum VolumeBindingMode: String, Hashable, Sendable {
    case immediate = "Immediate"
    /// When a pod that uses the claim is scheduled.
    case waitForFirstConsumer = "WaitForFirstConsumer"
}

/// How volumes of a kind are made.
public struct StorageClass: KubernetesObject {
    public static var kind: Kind { .storageClass }
    public var metadata: ObjectMeta
    public var provisioner: String
    public var reclaimPolicy: VolumeReclaimPolicy
    public var volumeBindingMode: VolumeBindingMode
    public var allowVolumeExpansion: Bool
    /// Where volumes may be made: terms are ORed; none means anywhere.
    public var allowedTopologies: [TopologySelectorTerm]

    public init(metadata: ObjectMeta, provisioner: String = "", volumeBindingMode: VolumeBindingMode = .immediate) {
        self.metadata = metadata
        self.provisioner = provisioner
        self.volumeBindingMode = volumeBindingMode
        reclaimPolicy = .delete
        allowVolumeExpansion = false
        allowedTopologies = []
    }

    /// The provisioner of classes whose volumes are all made by hand.
    public static let noProvisioner = "kubernetes.io/no-provisioner"

    /// Whether its provisioner makes folders on nodes, which need no attaching: the well-known ones of small clusters do.
    public var makesLocalVolumes: Bool { StorageClass.localProvisioners.contains(provisioner) }

    private static let localProvisioners = [
        "rancher.io/local-path", "k8s.io/minikube-hostpath", "docker.io/hostpath", "microk8s.io/hostpath", noProvisioner,
    ]

    public var isDefault: Bool {
        metadata.annotations[VolumeAnnotation.isDefaultClass] == "true"
            || metadata.annotations[VolumeAnnotation.betaIsDefaultClass] == "true"
    }

    public static func erase(_ object: Shared<StorageClass>) -> APIObject { .storageClass(object) }
    public static func cast(_ erased: APIObject) -> Shared<StorageClass>? {
        if case .storageClass(let object) = erased { object } else { nil }
    }
}

/// Labels a node must have for a volume to be made there; requirements are ANDed. Without any it matches nothing.
public struct TopologySelectorTerm: Hashable, Sendable {
    public struct Requirement: Hashable, Sendable {
        public var key: String
        public var values: [String]
        public init(key: String, values: [String]) {
            self.key = key
            self.values = values
        }
    }
    public var requirements: [Requirement]
    public init(requirements: [Requirement] = []) { self.requirements = requirements }

    public func matches(_ labels: Labels) -> Bool {
        !requirements.isEmpty
            && requirements.allSatisfy { requirement in labels[requirement.key].map(requirement.values.contains) ?? false }
    }
}

/// The CSI drivers that run on a node; named after it.
public struct CSINode: KubernetesObject {
    public struct Driver: Hashable, Sendable {
        public var name: String
        public var nodeID: String
        public var topologyKeys: [String]
        /// `allocatable.count`: how many volumes of the driver the node can have; nil: no limit known.
        public var volumeLimit: Int32?

        public init(name: String, nodeID: String = "", volumeLimit: Int32? = nil) {
            self.name = name
            self.nodeID = nodeID
            self.volumeLimit = volumeLimit
            topologyKeys = []
        }
    }
    public static var kind: Kind { .csiNode }
    public var metadata: ObjectMeta
    public var drivers: [Driver]

    public init(metadata: ObjectMeta, drivers: [Driver] = []) {
        self.metadata = metadata
        self.drivers = drivers
    }

    /// Whether an in-tree plugin's volumes are served by its CSI driver on this node.
    public func serves(_ plugin: InTreeVolumePlugin) -> Bool {
        guard let list = metadata.annotations[VolumeAnnotation.migratedPlugins] else { return false }
        return list.split(separator: ",", omittingEmptySubsequences: false).contains { $0 == plugin.rawValue }
    }

    public static func erase(_ object: Shared<CSINode>) -> APIObject { .csiNode(object) }
    public static func cast(_ erased: APIObject) -> Shared<CSINode>? { if case .csiNode(let object) = erased { object } else { nil } }
}

/// What a CSI driver can do.
public struct CSIDriver: KubernetesObject {
    public static var kind: Kind { .csiDriver }
    public var metadata: ObjectMeta
    public var attachRequired: Bool
    /// Whether the driver publishes what it can still give, so that the scheduler has to look at it.
    public var storageCapacity: Bool

    public init(metadata: ObjectMeta, storageCapacity: Bool = false) {
        self.metadata = metadata
        self.storageCapacity = storageCapacity
        attachRequired = true
    }

    public static func erase(_ object: Shared<CSIDriver>) -> APIObject { .csiDriver(object) }
    public static func cast(_ erased: APIObject) -> Shared<CSIDriver>? {
        if case .csiDriver(let object) = erased { object } else { nil }
    }
}

/// What a driver can still give for a class in a part of the cluster.
public struct CSIStorageCapacity: KubernetesObject {
    public static var kind: Kind { .csiStorageCapacity }
    public var metadata: ObjectMeta
    /// The nodes it holds for; nil: none.
    public var nodeTopology: LabelSelector?
    public var storageClassName: String
    public var capacity: Quantity?
    /// The largest volume that can be made; may be less than the capacity.
    public var maximumVolumeSize: Quantity?

    public init(metadata: ObjectMeta, storageClassName: String = "") {
        self.metadata = metadata
        self.storageClassName = storageClassName
    }

    /// The largest volume that may be hoped for.
    public var largestVolume: Quantity? { maximumVolumeSize ?? capacity }

    public static func erase(_ object: Shared<CSIStorageCapacity>) -> APIObject { .csiStorageCapacity(object) }
    public static func cast(_ erased: APIObject) -> Shared<CSIStorageCapacity>? {
        if case .csiStorageCapacity(let object) = erased { object } else { nil }
    }
}

/// The wish that a volume be attached to a node.
public struct VolumeAttachment: KubernetesObject {
    public static var kind: Kind { .volumeAttachment }
    public var metadata: ObjectMeta
    /// The CSI driver that attaches.
    public var attacher: String
    public var nodeName: String
    public var persistentVolumeName: String?
    /// `status.attached`.
    public var isAttached: Bool
    /// `status.attachError.message`; empty: the last attempt did not fail.
    public var attachError: String

    public init(metadata: ObjectMeta, attacher: String = "", nodeName: String = "", persistentVolumeName: String? = nil) {
        self.metadata = metadata
        self.attacher = attacher
        self.nodeName = nodeName
        self.persistentVolumeName = persistentVolumeName
        isAttached = false
        attachError = ""
    }

    /// This attachment with the status of another version.
    package func withStatus(of other: VolumeAttachment) -> VolumeAttachment {
        var result = self
        result.isAttached = other.isAttached
        result.attachError = other.attachError
        return result
    }

    public static func erase(_ object: Shared<VolumeAttachment>) -> APIObject { .volumeAttachment(object) }
    public static func cast(_ erased: APIObject) -> Shared<VolumeAttachment>? {
        if case .volumeAttachment(let object) = erased { object } else { nil }
    }
}
