// What names an object: its kind, its namespace and name, its UID, and who owns it.

import DiscreteEvents

/// The unique identifier of one incarnation of an object: a recreated object of the same name has another UID.
///
/// Kept as the number a UUID is (nearly all are): sixteen bytes that are compared, hashed and copied without looking at memory
/// elsewhere. Every component looks things up by UID.
public struct UID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private enum Form: Hashable, Sendable {
        /// A UUID in its usual form (lower case, five groups): its upper and its lower 64 bits.
        case uuid(UInt64, UInt64)
        case other(String)
    }
    private let form: Form

    public init(_ text: String) {
        form = UID.bits(of: text).map { .uuid($0.upper, $0.lower) } ?? .other(text)
    }

    /// The UID of the `number`th object that a simulated API server created, in the usual form of a UUID.
    public init(serial number: UInt64) {
        form = .uuid(UID.serialUpper, 0x8000 << 48 | number & 0xFFFF_FFFF_FFFF)
    }

    /// The number of the object, if the UID is of the form that simulated API servers give.
    @usableFromInline
    package var serial: Int? {
        guard case .uuid(UID.serialUpper, let lower) = form, lower >> 48 == 0x8000 else { return nil }
        return Int(truncatingIfNeeded: lower & 0xFFFF_FFFF_FFFF)
    }

    private static let serialUpper: UInt64 = 0x5ea7_2141_0000_4000

    public var text: String {
        switch form {
        case .uuid(let upper, let lower):
            String(unsafeUninitializedCapacity: UID.length) { bytes in
                var nibble = 0
                for position in 0..<UID.length {
                    if UID.isDash(position) {
                        bytes[position] = UInt8(ascii: "-")
                    } else {
                        let word = nibble < 16 ? upper : lower
                        let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (nibble & 15)) & 15)
                        bytes[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                        nibble += 1
                    }
                }
                return UID.length
            }
        case .other(let text): text
        }
    }

    /// A 64-bit digest, the same on every run.
    package var digest: UInt64 {
        switch form {
        case .uuid(let upper, let lower): (upper ^ 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9 ^ lower
        case .other(let text): stableHash(text)
        }
    }

    /// The order of the texts; for two UUIDs that is the order of the numbers.
    public static func < (left: UID, right: UID) -> Bool {
        if case .uuid(let upper, let lower) = left.form, case .uuid(let otherUpper, let otherLower) = right.form {
            return (upper, lower) < (otherUpper, otherLower)
        }
        return left.text < right.text
    }

    public var description: String { text }

    private static let length = 36
    private static func isDash(_ position: Int) -> Bool { position == 8 || position == 13 || position == 18 || position == 23 }

    /// The number of a text in the usual form; nil for any other text.
    private static func bits(of text: String) -> (upper: UInt64, lower: UInt64)? {
        guard text.utf8.count == length else { return nil }
        var upper: UInt64 = 0
        var lower: UInt64 = 0
        var nibble = 0
        for (position, byte) in text.utf8.enumerated() {
            if isDash(position) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if nibble < 16 { upper = upper << 4 | UInt64(digit) } else { lower = lower << 4 | UInt64(digit) }
            nibble += 1
        }
        return (upper, lower)
    }
}

/// Namespace and name. Cluster-scoped objects have an empty namespace.
public struct NamespacedName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Names are the keys of nearly every table; theirs are ASCII, and a digest of whole words is quicker than Swift's of both texts.
    public func hash(into hasher: inout Hasher) {
        var digest = TextDigest()
        digest.add(namespace)
        digest.add(name)
        if digest.isASCII {
            hasher.combine(digest.value)
        } else {
            hasher.combine(namespace)
            hasher.combine(name)
        }
    }

    public static func < (left: NamespacedName, right: NamespacedName) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }

    /// `namespace/name`, or the bare name for cluster-scoped objects.
    public var description: String { namespace.isEmpty ? name : namespace + "/" + name }
}

/// The kinds the simulator reads. Any other kind is carried along as `unstructured`.
public enum Kind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case pod, node, namespace, replicaSet, deployment, priorityClass, event
    case persistentVolume, persistentVolumeClaim, storageClass, csiNode, csiDriver, csiStorageCapacity, volumeAttachment
    case service, statefulSet, replicationController, podDisruptionBudget
    case job, cronJob, daemonSet, controllerRevision, endpointSlice, horizontalPodAutoscaler, resourceQuota, limitRange, serviceAccount
    case configMap, secret
    case ingress, networkPolicy
    case endpoints
    case unstructured

    /// The `kind:` as manifests spell it.
    public var description: String {
        switch self {
        case .pod: "Pod"
        case .node: "Node"
        case .namespace: "Namespace"
        case .replicaSet: "ReplicaSet"
        case .deployment: "Deployment"
        case .priorityClass: "PriorityClass"
        case .event: "Event"
        case .persistentVolume: "PersistentVolume"
        case .persistentVolumeClaim: "PersistentVolumeClaim"
        case .storageClass: "StorageClass"
        case .csiNode: "CSINode"
        case .csiDriver: "CSIDriver"
        case .csiStorageCapacity: "CSIStorageCapacity"
        case .volumeAttachment: "VolumeAttachment"
        case .service: "Service"
        case .statefulSet: "StatefulSet"
        case .replicationController: "ReplicationController"
        case .podDisruptionBudget: "PodDisruptionBudget"
        case .job: "Job"
        case .cronJob: "CronJob"
        case .daemonSet: "DaemonSet"
        case .controllerRevision: "ControllerRevision"
        case .endpointSlice: "EndpointSlice"
        case .horizontalPodAutoscaler: "HorizontalPodAutoscaler"
        case .resourceQuota: "ResourceQuota"
        case .limitRange: "LimitRange"
        case .serviceAccount: "ServiceAccount"
        case .configMap: "ConfigMap"
        case .secret: "Secret"
        case .ingress: "Ingress"
        case .networkPolicy: "NetworkPolicy"
        case .endpoints: "Endpoints"
        case .unstructured: "Unstructured"
        }
    }

    /// The group and version this simulator serves the kind in (those of Kubernetes 1.36).
    public var apiVersion: String {
        switch self {
        case .pod, .node, .namespace, .event, .persistentVolume, .persistentVolumeClaim, .service, .replicationController,
            .resourceQuota, .limitRange, .serviceAccount, .configMap, .secret, .endpoints:
            "v1"
        case .replicaSet, .deployment, .statefulSet, .daemonSet, .controllerRevision: "apps/v1"
        case .job, .cronJob: "batch/v1"
        case .endpointSlice: "discovery.k8s.io/v1"
        case .ingress, .networkPolicy: "networking.k8s.io/v1"
        case .horizontalPodAutoscaler: "autoscaling/v2"
        case .podDisruptionBudget: "policy/v1"
        case .storageClass, .csiNode, .csiDriver, .csiStorageCapacity, .volumeAttachment: "storage.k8s.io/v1"
        case .priorityClass: "scheduling.k8s.io/v1"
        case .unstructured: ""
        }
    }

    /// The plural, lower-case resource name that error messages of the API server use.
    public var resource: String {
        switch self {
        case .pod: "pods"
        case .node: "nodes"
        case .namespace: "namespaces"
        case .replicaSet: "replicasets.apps"
        case .deployment: "deployments.apps"
        case .priorityClass: "priorityclasses.scheduling.k8s.io"
        case .event: "events"
        case .persistentVolume: "persistentvolumes"
        case .persistentVolumeClaim: "persistentvolumeclaims"
        case .storageClass: "storageclasses.storage.k8s.io"
        case .csiNode: "csinodes.storage.k8s.io"
        case .csiDriver: "csidrivers.storage.k8s.io"
        case .csiStorageCapacity: "csistoragecapacities.storage.k8s.io"
        case .volumeAttachment: "volumeattachments.storage.k8s.io"
        case .service: "services"
        case .statefulSet: "statefulsets.apps"
        case .replicationController: "replicationcontrollers"
        case .podDisruptionBudget: "poddisruptionbudgets.policy"
        case .job: "jobs.batch"
        case .cronJob: "cronjobs.batch"
        case .daemonSet: "daemonsets.apps"
        case .controllerRevision: "controllerrevisions.apps"
        case .endpointSlice: "endpointslices.discovery.k8s.io"
        case .horizontalPodAutoscaler: "horizontalpodautoscalers.autoscaling"
        case .resourceQuota: "resourcequotas"
        case .limitRange: "limitranges"
        case .serviceAccount: "serviceaccounts"
        case .configMap: "configmaps"
        case .secret: "secrets"
        case .ingress: "ingresses.networking.k8s.io"
        case .networkPolicy: "networkpolicies.networking.k8s.io"
        case .endpoints: "endpoints"
        case .unstructured: "objects"
        }
    }

    /// Whether some component acts for objects of the kind, or decides by them.
    public var hasBehaviour: Bool { self != .unstructured }

    public var isNamespaced: Bool {
        switch self {
        case .node, .namespace, .priorityClass, .persistentVolume, .storageClass, .csiNode, .csiDriver, .volumeAttachment: false
        case .pod, .replicaSet, .deployment, .event, .persistentVolumeClaim, .csiStorageCapacity, .service, .statefulSet,
            .replicationController, .podDisruptionBudget, .job, .cronJob, .daemonSet, .controllerRevision, .endpointSlice,
            .horizontalPodAutoscaler, .resourceQuota, .limitRange, .serviceAccount, .configMap, .secret, .ingress, .networkPolicy,
            .endpoints, .unstructured:
            true
        }
    }
}

/// Kind, namespace and name: the address of an object in the API server.
public struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    public var kind: Kind
    public var name: NamespacedName

    public init(_ kind: Kind, _ name: NamespacedName) {
        self.kind = kind
        self.name = name
    }

    public init(_ kind: Kind, namespace: String = "", _ name: String) {
        self.init(kind, NamespacedName(namespace: namespace, name: name))
    }

    public var description: String { "\(kind) \(name)" }

    /// The name alone, also of an object whose kind is part of the name it is stored under.
    public var plainName: String {
        guard kind == .unstructured, let slash = name.name.firstIndex(of: "/") else { return name.name }
        return String(name.name[name.name.index(after: slash)...])
    }

    /// The resource the API server's messages name; of kinds without behaviour here without their group.
    public var resource: String {
        guard kind == .unstructured, let slash = name.name.firstIndex(of: "/") else { return kind.resource }
        return Unstructured.plural(String(name.name[..<slash]))
    }
}

/// An entry of `metadata.ownerReferences`: the garbage collector deletes an object whose owners are all gone.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/>
public struct OwnerReference: Hashable, Sendable {
    public var apiVersion: String
    /// The kind as text, since owners may be of kinds the simulator does not act for.
    public var kind: String
    public var name: String
    public var uid: UID
    /// True for the one owner that manages the object.
    public var controller: Bool
    /// True if a foreground deletion of the owner waits for this object.
    public var blockOwnerDeletion: Bool

    public init(apiVersion: String, kind: String, name: String, uid: UID, controller: Bool = false, blockOwnerDeletion: Bool = false) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }
}
