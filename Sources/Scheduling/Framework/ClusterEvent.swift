// What may make a pod schedulable that was not: the events that queueing hints are asked about (KEP-4247).

import KubernetesAPI

/// A set of kinds of events.
public struct ClusterEventKinds: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    // Pods that are bound or nominated to a node.
    public static let assignedPodAdd = ClusterEventKinds(rawValue: 1 << 0)
    public static let assignedPodDelete = ClusterEventKinds(rawValue: 1 << 1)
    // Updates of any pod, bound or waiting.
    public static let podLabels = ClusterEventKinds(rawValue: 1 << 2)
    public static let podScaleDown = ClusterEventKinds(rawValue: 1 << 3)
    public static let podGatesEliminated = ClusterEventKinds(rawValue: 1 << 4)
    public static let podTolerations = ClusterEventKinds(rawValue: 1 << 5)
    public static let podOther = ClusterEventKinds(rawValue: 1 << 7)
    // Nodes.
    public static let nodeAdd = ClusterEventKinds(rawValue: 1 << 8)
    public static let nodeDelete = ClusterEventKinds(rawValue: 1 << 9)
    public static let nodeAllocatable = ClusterEventKinds(rawValue: 1 << 10)
    public static let nodeLabels = ClusterEventKinds(rawValue: 1 << 11)
    public static let nodeTaints = ClusterEventKinds(rawValue: 1 << 12)
    public static let nodeConditions = ClusterEventKinds(rawValue: 1 << 13)
    public static let nodeAnnotations = ClusterEventKinds(rawValue: 1 << 14)
    public static let nodeDeclaredFeatures = ClusterEventKinds(rawValue: 1 << 15)
    // Volumes and what is known of storage. Deletions matter for attachments only.
    public static let persistentVolumeClaimAdd = ClusterEventKinds(rawValue: 1 << 16)
    public static let persistentVolumeClaimUpdate = ClusterEventKinds(rawValue: 1 << 17)
    public static let persistentVolumeAdd = ClusterEventKinds(rawValue: 1 << 18)
    public static let persistentVolumeUpdate = ClusterEventKinds(rawValue: 1 << 19)
    public static let storageClassAdd = ClusterEventKinds(rawValue: 1 << 20)
    public static let storageClassUpdate = ClusterEventKinds(rawValue: 1 << 21)
    public static let csiNodeAdd = ClusterEventKinds(rawValue: 1 << 22)
    public static let csiNodeUpdate = ClusterEventKinds(rawValue: 1 << 23)
    public static let csiDriverAdd = ClusterEventKinds(rawValue: 1 << 24)
    public static let csiDriverUpdate = ClusterEventKinds(rawValue: 1 << 25)
    public static let csiStorageCapacityAdd = ClusterEventKinds(rawValue: 1 << 26)
    public static let csiStorageCapacityUpdate = ClusterEventKinds(rawValue: 1 << 27)
    public static let volumeAttachmentDelete = ClusterEventKinds(rawValue: 1 << 28)
    // PodGroups of the scheduler-plugins project.
    public static let podGroupAdd = ClusterEventKinds(rawValue: 1 << 29)
    public static let podGroupUpdate = ClusterEventKinds(rawValue: 1 << 30)
    /// Force-activation: every plugin listens.
    public static let wildcard = ClusterEventKinds(rawValue: 1 << 63)
}

/// One event, with the objects that hints look at.
public struct ClusterEvent: Sendable {
    public enum Subject: Sendable {
        /// The version before (nil: added) and after (nil: deleted).
        case pod(old: Shared<Pod>?, new: Shared<Pod>?)
        case node(old: Shared<Node>?, new: Shared<Node>?)
        /// An object of any other kind.
        case object(old: APIObject?, new: APIObject?)
        case none
    }
    /// Exactly one kind.
    public var kind: ClusterEventKinds
    public var subject: Subject

    public init(_ kind: ClusterEventKinds, _ subject: Subject) {
        self.kind = kind
        self.subject = subject
    }

    public static let wildcard = ClusterEvent(.wildcard, .none)

    /// The node after the event, if it is about a node that still exists.
    public var node: Node? { if case .node(_, let new?) = subject { new.value } else { nil } }
    /// The node before the event.
    public var oldNode: Node? { if case .node(let old?, _) = subject { old.value } else { nil } }
    public var pod: Pod? { if case .pod(_, let new?) = subject { new.value } else { nil } }
    public var oldPod: Pod? { if case .pod(let old?, _) = subject { old.value } else { nil } }

    /// The object of a type before and after the event, if the event is about one.
    public func object<Object: KubernetesObject>(_: Object.Type) -> (old: Object?, new: Object?) {
        guard case .object(let old, let new) = subject else { return (nil, nil) }
        return (old.flatMap(Object.cast)?.value, new.flatMap(Object.cast)?.value)
    }

    /// The event that an object of one of the kinds plugins read besides pods and nodes was added (no `old`), changed, or
    /// deleted (no `new`); nil if no plugin waits for that.
    static func change(of kind: Kind, from old: APIObject?, to new: APIObject?) -> ClusterEvent? {
        let subject = Subject.object(old: old, new: new)
        guard new != nil else { return kind == .volumeAttachment ? ClusterEvent(.volumeAttachmentDelete, subject) : nil }
        let isNew = old == nil
        let event: ClusterEventKinds
        switch kind {
        case .persistentVolumeClaim: event = isNew ? .persistentVolumeClaimAdd : .persistentVolumeClaimUpdate
        case .persistentVolume: event = isNew ? .persistentVolumeAdd : .persistentVolumeUpdate
        case .storageClass: event = isNew ? .storageClassAdd : .storageClassUpdate
        case .csiNode: event = isNew ? .csiNodeAdd : .csiNodeUpdate
        case .csiDriver: event = isNew ? .csiDriverAdd : .csiDriverUpdate
        case .csiStorageCapacity: event = isNew ? .csiStorageCapacityAdd : .csiStorageCapacityUpdate
        case .unstructured:
            guard case .unstructured(let object)? = new, object.value.podGroup != nil else { return nil }
            event = isNew ? .podGroupAdd : .podGroupUpdate
        default: return nil
        }
        return ClusterEvent(event, subject)
    }

    /// What changed about a node: one event for each aspect, in the order in which the real scheduler raises them.
    static func changes(of node: Shared<Node>, from old: Shared<Node>) -> [ClusterEvent] {
        let (before, after) = (old.value, node.value)
        let subject = Subject.node(old: old, new: node)
        var events: [ClusterEvent] = []
        if before.spec.unschedulable, !after.spec.unschedulable { events.append(ClusterEvent(.nodeTaints, subject)) }
        if before.status.allocatable != after.status.allocatable { events.append(ClusterEvent(.nodeAllocatable, subject)) }
        if before.metadata.labels != after.metadata.labels { events.append(ClusterEvent(.nodeLabels, subject)) }
        if before.spec.taints != after.spec.taints { events.append(ClusterEvent(.nodeTaints, subject)) }
        if !sameStatuses(before.status.conditions, after.status.conditions) {
            events.append(ClusterEvent(.nodeConditions, subject))
        }
        if before.metadata.annotations != after.metadata.annotations { events.append(ClusterEvent(.nodeAnnotations, subject)) }
        if before.status.declaredFeatures != after.status.declaredFeatures {
            events.append(ClusterEvent(.nodeDeclaredFeatures, subject))
        }
        return events
    }

    /// What changed about a pod. A change of nothing that scheduling looks at is one generic event.
    static func changes(of pod: Shared<Pod>, from old: Shared<Pod>) -> [ClusterEvent] {
        let (before, after) = (old.value, pod.value)
        let subject = Subject.pod(old: old, new: pod)
        var events: [ClusterEvent] = []
        if before.metadata.labels != after.metadata.labels { events.append(ClusterEvent(.podLabels, subject)) }
        if before.spec !== after.spec {
            let (oldSpec, newSpec) = (before.spec.value, after.spec.value)
            if ClusterEvent.shrank(newSpec, from: oldSpec) { events.append(ClusterEvent(.podScaleDown, subject)) }
            if !oldSpec.schedulingGates.isEmpty, newSpec.schedulingGates.isEmpty {
                events.append(ClusterEvent(.podGatesEliminated, subject))
            }
            if oldSpec.tolerations.count != newSpec.tolerations.count { events.append(ClusterEvent(.podTolerations, subject)) }
        }
        if events.isEmpty { events.append(ClusterEvent(.podOther, subject)) }
        return events
    }

    private static func shrank(_ spec: PodSpec, from old: PodSpec) -> Bool {
        let requests = spec.effectiveRequests
        for (name, quantity) in old.effectiveRequests where (requests[name] ?? .zero) < quantity { return true }
        return false
    }

    private static func sameStatuses(_ left: [Condition], _ right: [Condition]) -> Bool {
        guard left.count == right.count else { return false }
        for condition in left where right[condition.type]?.status != condition.status { return false }
        return true
    }
}
