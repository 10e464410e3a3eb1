// PodGroup: pods that are of use only together. A custom resource of the scheduler-plugins project, for its plugin Coscheduling.

/// What a PodGroup says (`scheduling.x-k8s.io/v1alpha1`). The object itself is an ``Unstructured`` one.
/// <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/coscheduling>
public struct PodGroupSpec: Hashable, Sendable {
    /// Of pods: the group they belong to, in their own namespace.
    public static let label = "scheduling.x-k8s.io/pod-group"

    /// So many of its pods must have nodes before any of them is bound.
    public var minMember: Int32 = 0
    /// What the cluster must have free for them, the resource `pods` left aside; nil: that is not looked at.
    public var minResources: ResourceList?
    /// How long its pods wait for each other; nil: as long as the scheduler's configuration says.
    public var scheduleTimeoutSeconds: Int32?

    public init() {}

    /// Whether objects of this kind and version are PodGroups.
    static func describes(_ kind: String, _ apiVersion: String) -> Bool {
        kind == "PodGroup" && apiVersion == "scheduling.x-k8s.io/v1alpha1"
    }
}

extension PodGroupSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "minMember": context.read(value, into: &minMember)
        case "minResources": context.read(value, into: &minResources)
        case "scheduleTimeoutSeconds": context.read(value, into: &scheduleTimeoutSeconds)
        default: return false
        }
        return true
    }
}
