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
    /// An annotation: since when the change that a write brings was due.
    public static let triggerTime = "endpoints.kubernetes.io/last-change-trigger-time"
}

extension EndpointSlice {
    /// The Service whose endpoints these are; nil: none's.
    public var service: NamespacedName? {
        metadata.labels[SliceLabels.service].map { NamespacedName(namespace: metadata.namespace, name: $0) }
    }

    /// Whether the EndpointSlice controller writes it.
    public var isManaged: Bool { metadata.labels[SliceLabels.managedBy] == SliceLabels.controller }
}
