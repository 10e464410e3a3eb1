// Node: a machine that runs pods.

import DiscreteEvents

/// <https://kubernetes.io/docs/concepts/architecture/nodes/>
public struct Node: KubernetesObject {
    public static var kind: Kind { .node }
    public var metadata: ObjectMeta
    public var spec: NodeSpec
    public var status: NodeStatus

    public init(metadata: ObjectMeta, spec: NodeSpec = NodeSpec(), status: NodeStatus = NodeStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public var isReady: Bool { status.conditions.isTrue(.ready) }

    /// `topology.kubernetes.io/zone`, or its beta form.
    public var zone: String? { metadata.labels[Node.zoneLabel] ?? metadata.labels[Node.betaZoneLabel] }
    /// `topology.kubernetes.io/region`, or its beta form.
    public var region: String? { metadata.labels[Node.regionLabel] ?? metadata.labels[Node.betaRegionLabel] }

    public static let hostnameLabel = "kubernetes.io/hostname"
    public static let zoneLabel = "topology.kubernetes.io/zone"
    public static let regionLabel = "topology.kubernetes.io/region"
    public static let betaZoneLabel = "failure-domain.beta.kubernetes.io/zone"
    public static let betaRegionLabel = "failure-domain.beta.kubernetes.io/region"
    public static let excludeDisruptionLabel = "node.kubernetes.io/exclude-disruption"

    public static func erase(_ object: Shared<Node>) -> APIObject { .node(object) }
    public static func cast(_ erased: APIObject) -> Shared<Node>? { if case .node(let object) = erased { object } else { nil } }
}

public struct NodeSpec: Hashable, Sendable {
    public var unschedulable: Bool
    public var taints: [Taint]
    public var podCIDR: String
    /// The same as a list: one range per address family, the first of them `podCIDR`.
    public var podCIDRs: [String]
    public var providerID: String

    public init(unschedulable: Bool = false, taints: [Taint] = []) {
        self.unschedulable = unschedulable
        self.taints = taints
        podCIDR = ""
        podCIDRs = []
        providerID = ""
    }
}

extension NodeSpec {
    /// The range of the node's pods; nil if it has none, or one that is not IPv4.
    public var podRange: AddressRange? { podCIDR.isEmpty ? nil : AddressRange(podCIDR) }

    /// Gives the node a range of addresses for its pods.
    public mutating func setPodRange(_ range: AddressRange) {
        podCIDR = range.description
        podCIDRs = [podCIDR]
    }
}

/// `status` of a node. Heartbeat times are not kept: a healthy kubelet's last heartbeat is computed when somebody asks.
public struct NodeStatus: Hashable, Sendable {
    public var capacity: ResourceList
    /// What pods may use; all that scheduling looks at.
    public var allocatable: ResourceList
    public var conditions: [Condition]
    public var images: [ContainerImage]
    public var declaredFeatures: [String]
    /// What the attach-detach controller says is attached, by ``AttachableVolume/uniqueName``.
    public var volumesAttached: [String]
    /// What the kubelet says must not be detached; sorted.
    public var volumesInUse: [String]

    public init(capacity: ResourceList = ResourceList(), allocatable: ResourceList = ResourceList()) {
        self.capacity = capacity
        self.allocatable = allocatable
        conditions = []
        images = []
        declaredFeatures = []
        volumesAttached = []
        volumesInUse = []
    }
}

public struct ContainerImage: Hashable, Sendable {
    public var names: [String]
    public var sizeBytes: Int64

    public init(names: [String], sizeBytes: Int64) {
        self.names = names
        self.sizeBytes = sizeBytes
    }
}
