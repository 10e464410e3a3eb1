// metadata: what every object carries.

import DiscreteEvents

/// `ObjectMeta` of the Kubernetes API, without managed fields.
public struct ObjectMeta: Hashable, Sendable {
    public var name: String
    /// With an empty name the API server makes one of this prefix and five random characters.
    public var generateName: String
    public var namespace: String
    public var uid: UID
    /// Raised by every write; the basis of optimistic concurrency. 0 before the object is stored.
    public var resourceVersion: UInt64
    /// Raised when the spec changes.
    public var generation: Int64
    public var creationTimestamp: SimulatedTime
    /// When the object is (or was) due to be gone: the time of the request plus the grace period.
    public var deletionTimestamp: SimulatedTime?
    public var deletionGracePeriodSeconds: Int64?
    public var labels: Labels
    public var annotations: Labels
    public var ownerReferences: [OwnerReference]
    public var finalizers: [String]

    public init(name: String = "", namespace: String = "", labels: Labels = Labels(), annotations: Labels = Labels()) {
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
        generateName = ""
        uid = UID("")
        resourceVersion = 0
        generation = 0
        creationTimestamp = .zero
        ownerReferences = []
        finalizers = []
    }

    public var key: NamespacedName { NamespacedName(namespace: namespace, name: name) }

    /// True once deletion was asked for; the object lives on until its grace period and finalizers are done.
    public var isTerminating: Bool { deletionTimestamp != nil }

    /// The owner that manages this object, if any.
    public var controllerReference: OwnerReference? { controllerIndex.map { ownerReferences[$0] } }

    /// Its place among the references. A reference has five texts: whoever needs one of them reads it in place.
    package var controllerIndex: Int? {
        for index in ownerReferences.indices where ownerReferences[index].controller { return index }
        return nil
    }

    /// The UID of that owner.
    public var controllerUID: UID? { controllerIndex.map { ownerReferences[$0].uid } }

    /// Whether that owner is of this kind.
    package func isControlled(byKind kind: String) -> Bool {
        guard let index = controllerIndex else { return false }
        return ownerReferences[index].kind == kind
    }
}
