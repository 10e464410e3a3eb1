// Which kinds exist in which API version, and what became of versions Kubernetes 1.36 no longer serves.
// <https://kubernetes.io/docs/reference/using-api/deprecation-guide/>

/// What to do with an object, by its `apiVersion` and `kind`.
enum ServedKind {
    case modelled(Kind)
    /// Carried along. The scope decides whether a missing namespace means `default`.
    case other(isNamespaced: Bool)
    /// Not served; the text says what to do.
    case refused(String)

    init(apiVersion: String, kind: String) {
        if let removed = ServedKind.removed(kind, apiVersion) {
            self = .refused(ServedKind.noMatch(kind, apiVersion) + ": " + removed)
        } else if let modelled = Kind.allCases.first(where: { $0 != .unstructured && $0.description == kind }),
            ServedKind.isBuiltIn(apiVersion)
        {
            self =
                modelled.apiVersion == apiVersion || modelled.otherAPIVersion == apiVersion
                ? .modelled(modelled)
                : .refused(ServedKind.noMatch(kind, apiVersion) + ": use \(GoText.quoted(modelled.apiVersion))")
        } else if let reason = ServedKind.misspelt(kind, apiVersion) {
            self = .refused(ServedKind.noMatch(kind, apiVersion) + reason)
        } else {
            let isNamespaced = ServedKind.isBuiltIn(apiVersion) && !ServedKind.clusterScoped.contains(kind)
            self = .other(isNamespaced: isNamespaced || PodGroupSpec.describes(kind, apiVersion))
        }
    }

    /// kubectl's words.
    private static func noMatch(_ kind: String, _ apiVersion: String) -> String {
        "no matches for kind \(GoText.quoted(kind)) in version \(GoText.quoted(apiVersion))"
    }

    /// Groups of Kubernetes itself have no dot or end in `.k8s.io`.
    private static func isBuiltIn(_ apiVersion: String) -> Bool {
        let group = apiVersion.prefix { $0 != "/" }
        return !group.contains(".") || group.hasSuffix(".k8s.io")
    }

    /// What is wrong with a kind or version of Kubernetes' own groups that does not exist; nil if it does, or cannot be known.
    private static func misspelt(_ kind: String, _ apiVersion: String) -> String? {
        if let version = servedKinds.first(where: { $0.apiVersion == apiVersion }), version.kinds.contains(kind) { return nil }
        if let served = servedKinds.first(where: { $0.kinds.contains(kind) && group($0.apiVersion) == group(apiVersion) }) {
            // Other versions of large groups come and go; those of the oldest are settled.
            return settledGroups.contains(group(apiVersion)) ? ": use \(GoText.quoted(served.apiVersion))" : nil
        }
        if let elsewhere = servedKinds.first(where: { $0.kinds.contains(kind) }), isBuiltIn(apiVersion) {
            return ": use \(GoText.quoted(elsewhere.apiVersion))"
        }
        return settledGroups.contains(group(apiVersion)) ? "" : nil
    }

    /// The part before the slash; empty for the core group.
    private static func group(_ apiVersion: String) -> String {
        apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
    }

    /// Groups whose kinds are all in the table.
    private static let settledGroups = ["", "apps", "batch", "policy", "autoscaling"]

    fileprivate static let servedKinds: [(apiVersion: String, kinds: [String])] = [
        (
            "v1",
            [
                "Pod", "Node", "Namespace", "Event", "Service", "Endpoints", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolume",
                "PersistentVolumeClaim", "ReplicationController", "ResourceQuota", "LimitRange", "PodTemplate", "Binding",
                "ComponentStatus",
            ]
        ),
        ("apps/v1", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"]),
        ("batch/v1", ["Job", "CronJob"]),
        ("policy/v1", ["PodDisruptionBudget", "Eviction"]),
        ("autoscaling/v2", ["HorizontalPodAutoscaler"]),
        ("autoscaling/v1", ["HorizontalPodAutoscaler", "Scale"]),
        ("networking.k8s.io/v1", ["Ingress", "IngressClass", "NetworkPolicy"]),
        ("discovery.k8s.io/v1", ["EndpointSlice"]),
        ("storage.k8s.io/v1", ["StorageClass", "CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeAttachment"]),
        ("rbac.authorization.k8s.io/v1", ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]),
    ]

    private static func removed(_ kind: String, _ apiVersion: String) -> String? {
        guard let row = removedVersions.first(where: { $0.apiVersion == apiVersion && ($0.kinds.isEmpty || $0.kinds.contains(kind)) })
        else { return nil }
        if kind == "PodSecurityPolicy" {
            return "removed in Kubernetes 1.25; use Pod Security admission"
        }
        return "removed in Kubernetes \(row.removedIn); use \(GoText.quoted(row.replacement(kind)))"
    }

    private struct RemovedVersion {
        let apiVersion: String
        /// Empty: all of them.
        let kinds: [String]
        let removedIn: String
        let successor: String

        func replacement(_ kind: String) -> String {
            guard apiVersion == "extensions/v1beta1" else { return successor }
            return kind == "Ingress" || kind == "NetworkPolicy" ? "networking.k8s.io/v1" : successor
        }

        init(_ apiVersion: String, _ removedIn: String, _ successor: String, _ kinds: [String] = []) {
            self.apiVersion = apiVersion
            self.kinds = kinds
            self.removedIn = removedIn
            self.successor = successor
        }
    }

    private static let removedVersions: [RemovedVersion] = [
        RemovedVersion("extensions/v1beta1", "1.22", "networking.k8s.io/v1", ["Ingress"]),
        RemovedVersion("extensions/v1beta1", "1.16", "apps/v1"),
        RemovedVersion("apps/v1beta1", "1.16", "apps/v1"),
        RemovedVersion("apps/v1beta2", "1.16", "apps/v1"),
        RemovedVersion("batch/v2alpha1", "1.21", "batch/v1"),
        RemovedVersion("batch/v1beta1", "1.25", "batch/v1"),
        RemovedVersion("policy/v1beta1", "1.25", "policy/v1"),
        RemovedVersion("autoscaling/v2beta1", "1.25", "autoscaling/v2"),
        RemovedVersion("autoscaling/v2beta2", "1.26", "autoscaling/v2"),
        RemovedVersion("networking.k8s.io/v1beta1", "1.22", "networking.k8s.io/v1", ["Ingress", "IngressClass"]),
        RemovedVersion("scheduling.k8s.io/v1alpha1", "1.17", "scheduling.k8s.io/v1", ["PriorityClass"]),
        RemovedVersion("scheduling.k8s.io/v1beta1", "1.22", "scheduling.k8s.io/v1"),
        RemovedVersion("discovery.k8s.io/v1beta1", "1.25", "discovery.k8s.io/v1"),
        RemovedVersion("events.k8s.io/v1beta1", "1.25", "events.k8s.io/v1"),
        RemovedVersion("coordination.k8s.io/v1beta1", "1.22", "coordination.k8s.io/v1", ["Lease"]),
        RemovedVersion("node.k8s.io/v1beta1", "1.25", "node.k8s.io/v1"),
        RemovedVersion(
            "storage.k8s.io/v1beta1", "1.22", "storage.k8s.io/v1",
            ["StorageClass", "VolumeAttachment", "CSIDriver", "CSINode", "CSIStorageCapacity"]),
        RemovedVersion("rbac.authorization.k8s.io/v1alpha1", "1.20", "rbac.authorization.k8s.io/v1"),
        RemovedVersion("rbac.authorization.k8s.io/v1beta1", "1.22", "rbac.authorization.k8s.io/v1"),
        RemovedVersion(
            "admissionregistration.k8s.io/v1beta1", "1.22", "admissionregistration.k8s.io/v1",
            ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
        RemovedVersion("apiextensions.k8s.io/v1beta1", "1.22", "apiextensions.k8s.io/v1"),
        RemovedVersion("apiregistration.k8s.io/v1beta1", "1.22", "apiregistration.k8s.io/v1"),
        RemovedVersion("certificates.k8s.io/v1beta1", "1.22", "certificates.k8s.io/v1", ["CertificateSigningRequest"]),
        RemovedVersion("flowcontrol.apiserver.k8s.io/v1beta1", "1.26", "flowcontrol.apiserver.k8s.io/v1"),
        RemovedVersion("flowcontrol.apiserver.k8s.io/v1beta2", "1.29", "flowcontrol.apiserver.k8s.io/v1"),
        RemovedVersion("flowcontrol.apiserver.k8s.io/v1beta3", "1.32", "flowcontrol.apiserver.k8s.io/v1"),
    ]

    /// Kinds of Kubernetes that live outside namespaces, but for those that are modelled.
    private static let clusterScoped: Set<String> = [
        "VolumeAttributesClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService", "IngressClass",
        "RuntimeClass", "FlowSchema",
        "PriorityLevelConfiguration", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "CertificateSigningRequest",
        "ClusterTrustBundle", "DeviceClass", "ResourceSlice", "DeviceTaintRule", "IPAddress", "ServiceCIDR", "ComponentStatus",
        "StorageVersion", "StorageVersionMigration",
    ]
}

extension Kind {
    /// A second group or version that serves the kind with nearly the same fields.
    fileprivate var otherAPIVersion: String? {
        switch self {
        case .event: "events.k8s.io/v1"
        case .horizontalPodAutoscaler: "autoscaling/v1"
        default: nil
        }
    }
}

extension Kind {
    /// Whether Kubernetes 1.36 serves the kind in this group and version.
    package func isServed(in apiVersion: String) -> Bool { self.apiVersion == apiVersion || otherAPIVersion == apiVersion }
}

/// The kinds of Kubernetes itself, modelled or not.
package enum BuiltInKinds {
    package static func isServed(_ kind: String, in apiVersion: String) -> Bool {
        ServedKind.servedKinds.contains { $0.apiVersion == apiVersion && $0.kinds.contains(kind) }
    }
}
