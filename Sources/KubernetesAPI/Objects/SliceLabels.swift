// Labels and annotations of EndpointSlices, and what they say.
// <https://kubernetes.io/docs/reference/labels-annotations-taints/>

public enum SliceLabels {
    /// The Service whose endpoints a slice has.
    public static let service = "kubernetes.io/service-name"
    /// Who writes it.
    public static let managedBy = "endpointslice.kubernetes.io/managed-by"
    public static let headless = "service.kubernetes.io/headless"
    /// The value of `managedBy` on slices of the EndpointSlice controller.
    public static let controller = "endpointslice-controller.k8s.io"
    /// The value of `managedBy` on slices of the EndpointSlice mirroring controller.
    public static let mirroringController = "endpointslicemirroring-controller.k8s.io"
    /// A label of Endpoints that are not to be mirrored: `true`.
    public static let skipMirror = "endpointslice.kubernetes.io/skip-mirror"
    /// An annotation of Endpoints that are the lock of a leader election.
    public static let leaderElection = "control-plane.alpha.kubernetes.io/leader"
    /// An annotation of kubectl's.
    public static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
    /// An annotation: since when the change that a write brings was due.
    public static let triggerTime = "endpoints.kubernetes.io/last-change-trigger-time"
}

extension Endpoints {
    /// Whether they are for proxies to read: not if they say that they are not, nor if they are the lock of an old leader election.
    public var wantsMirrors: Bool {
        metadata.labels[SliceLabels.skipMirror] != "true" && !metadata.annotations.has(SliceLabels.leaderElection)
    }
}

extension EndpointSlice {
    /// The Service whose endpoints these are; nil: none's.
    public var service: NamespacedName? {
        metadata.labels[SliceLabels.service].map { NamespacedName(namespace: metadata.namespace, name: $0) }
    }

    /// Whether the EndpointSlice controller writes it.
    public var isManaged: Bool { metadata.labels[SliceLabels.managedBy] == SliceLabels.controller }

    /// Whether the EndpointSlice mirroring controller writes it.
    public var isMirror: Bool { metadata.labels[SliceLabels.managedBy] == SliceLabels.mirroringController }
}
